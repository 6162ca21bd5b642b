/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retry: what the keeper does after a failure. It is one table: for each kind of error, when the
 * secret is requested again, and whether the cause applies to all secrets. Only a failure that no
 * one outside of this realm can end is permanent.
 */
#ifndef REALMKEY_RETRY_H
#define REALMKEY_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define RETRY_NEVER INT64_MAX

/* True if a failure of kind @kind does not depend on the secret that was requested. */
bool retry_is_common(enum error_kind kind);

/* When to try again after failure number @failures (from 1) in succession, the last one @e at @now:
 * milliseconds on the boot clock, or RETRY_NEVER. The time is random within bounds that
 * double with each failure, so that many realms do not return to a KBS together. It is after the time
 * that the KBS asked to wait, of which the longest wait of our own is the limit. @random is 32 random
 * bits. */
int64_t retry_due(const struct error *e, unsigned int failures, int64_t now, uint32_t random);

#endif
