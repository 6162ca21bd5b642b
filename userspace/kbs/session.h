/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session: one relation with one KBS: courier, TEE key, handshake and EAR put together. The keeper
 * and the CLI both stand on it. The EAR is reused as a bearer until shortly before it expires.
 */
#ifndef REALMKEY_SESSION_H
#define REALMKEY_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "courier.h"
#include "jose/tee_key.h"
#include "rsi/rsi.h"

#define SESSION_DIGEST_SIZE 32

struct session {
	struct courier courier;
	struct tee_key key;
	struct bytes ear;		/* compact JWT; empty when there is none */
	struct bytes token;		/* the CCA token of the last handshake, for explanations */
	int64_t ear_until;		/* CLOCK_BOOTTIME ms after which to attest again; 0: @ear
					 * and @key were given from outside, never to be replaced */
	const char *source;		/* RSI source, NULL for any */
	uint8_t jwe_digest[SESSION_DIGEST_SIZE];	/* SHA-256 of what session_get() opened last */
};

#define SESSION_INIT { .courier = COURIER_INIT }

/* One handshake: auth, token, attest. Makes the TEE key if there is none. Without success no EAR is
 * left. A token whose registers are not those of the realm is refused here: nobody else could tell. */
int session_attest(struct session *s, struct error *e);
/* GET one resource and open it into @secret (locked). Attests first when there is no usable EAR,
 * and once more when the KBS no longer takes a reused one. A denial is never retried; who tries
 * again later, because an endorsement may have come, calls session_attest() first: the EAR that was
 * denied is kept, as it may do for other resources. */
int session_get(struct session *s, const char *path, struct bytes *secret, struct error *e);
void session_close(struct session *s);

/*
 * Explain a denial from what the client holds: append lines naming each claim of the EAR that is
 * not affirming, and the reference value that would cure it (RIM in base64 and the command). Works
 * from @ear (compact JWT) and, when present, the CCA token @token.
 */
int session_explain(const struct bytes *ear, const struct bytes *token, struct bytes *out,
		    struct error *e);

#endif
