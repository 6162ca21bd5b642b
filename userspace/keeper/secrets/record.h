/* SPDX-License-Identifier: Apache-2.0 */
/* record: a record in the event log of the realm for each secret that the keeper delivers. */
#ifndef REALMKEY_RECORD_H
#define REALMKEY_RECORD_H

#include <stdint.h>

#include "base/error.h"
#include "kbs/session.h"

/*
 * Extend register @index (1 to 4) with the digest of a tagged event (event_log.h):
 *
 *	realmkey deliver {"jwe":"sha-256:HEX","resource":"PATH"}
 *
 * It contains the name of the resource and the SHA-256 of the JWE in which the KBS sent it, and so
 * nothing of the secret. An ERROR_DELIVERY names the register.
 */
int record_delivery(struct rsi *rsi, unsigned int index, const char *resource,
		    const uint8_t jwe_digest[SESSION_DIGEST_SIZE], struct error *e);

#endif
