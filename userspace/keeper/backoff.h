/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backoff: the time to wait before the next try. It is random, up to a bound that doubles with each
 * failure, so that many realms do not return to a KBS at the same time.
 */
#ifndef REALMKEY_BACKOFF_H
#define REALMKEY_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS	 300000
#define BACKOFF_LEAST_MS 100 /* a random 0 must not cause a busy loop */

/* Milliseconds to wait before try number @failures + 1; @random is 32 random bits. The bound is
 * limited before the random factor is applied, so the time stays random after many failures. */
uint32_t backoff_ms(unsigned int failures, uint32_t random);

#endif
