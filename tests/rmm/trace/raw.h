/* SPDX-License-Identifier: Apache-2.0 */
/* Access to /dev/rsi-raw (rsi_raw.c). These functions end the program if the device fails. */
#ifndef RMM_RAW_H
#define RMM_RAW_H

#include <stdint.h>

#define RAW_GRANULE 4096

/* raw_open - open the device; returns the IPA of the granule that calls can use */
uint64_t raw_open(void);

/* raw_on - make the following calls on CPU @cpu, because each REC has its own token operation */
void raw_on(unsigned int cpu);

/* raw_call - make an SMC with x0 to x10, and replace them by its results */
void raw_call(uint64_t x[11]);

/*
 * raw_smc - raw_call() of function @fid with @x1 to @x4 and zeros, in @x; returns x0 of the results
 */
int64_t raw_smc(uint64_t x[11], uint64_t fid, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4);

/* raw_bytes - returns the present RAW_GRANULE bytes of the granule; valid until the next call */
const uint8_t *raw_bytes(void);

/* raw_abort - returns the ESR of the abort that answered the last call, or 0 if there was none */
uint64_t raw_abort(void);

/* raw_look - load a byte of the granule; returns the ESR of the abort, or 0 if there was none */
uint64_t raw_look(void);

#endif
