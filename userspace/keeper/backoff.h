/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backoff: how long to wait before the next try: a random time up to a bound that doubles with each
 * failure, so that many realms do not come back to a KBS all at once.
 */
#ifndef REALMKEY_BACKOFF_H
#define REALMKEY_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 300000
#define BACKOFF_LEAST_MS 100	/* a random 0 must not become a busy loop */

/* Milliseconds before try number @failures + 1; @random is any 32 random bits. The jitter is
 * applied after the cap, so it is never lost. */
uint32_t backoff_ms(unsigned int failures, uint32_t random);

#endif
