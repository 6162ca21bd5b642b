/* SPDX-License-Identifier: Apache-2.0 */
/* /dev/rsi-raw (rsi_raw.c). These end the program when the device fails. */
#ifndef RMM_RAW_H
#define RMM_RAW_H

#include <stdint.h>

#define RAW_GRANULE	4096

/* raw_open - returns the IPA of the granule that calls may be given */
uint64_t raw_open(void);

/* raw_on - make the calls that follow on CPU @cpu: token operations are a REC's */
void raw_on(unsigned int cpu);

/* raw_call - one SMC with x0 to x10, which get the results */
void raw_call(uint64_t x[11]);

/* raw_smc - function @fid with x1 to x4, all others zero, in @x as raw_call(); returns x0 of the results */
int64_t raw_smc(uint64_t x[11], uint64_t fid, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4);

/* raw_bytes - the RAW_GRANULE bytes of the granule now; valid until the next call */
const uint8_t *raw_bytes(void);

/* raw_abort - the ESR of the abort that answered the last call, which is as it was; 0: there was none */
uint64_t raw_abort(void);

/* raw_look - load a byte of the granule; returns as raw_abort() does */
uint64_t raw_look(void);

#endif
