/* SPDX-License-Identifier: Apache-2.0 */
/* record: what the keeper delivers, told in the realm's event log. */
#ifndef REALMKEY_RECORD_H
#define REALMKEY_RECORD_H

#include <stdint.h>

#include "base/error.h"
#include "kbs/session.h"

/*
 * Extend register @index (1..4) with the digest of a tagged event (event_log.h)
 * "realmkey deliver {"jwe":"sha-256:HEX","resource":"PATH"}": the resource's name, and SHA-256 of the JWE
 * in which it came. Nothing of the secret is in either. @source as of rsi_open(). An ERROR_DELIVERY names
 * the register.
 */
int record_delivery(const char *source, unsigned int index, const char *resource,
		    const uint8_t jwe_digest[SESSION_DIGEST_SIZE], struct error *e);

#endif
