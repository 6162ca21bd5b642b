/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session: what a client has with one KBS: courier, TEE key, handshake and EAR. Both realmkeyd and
 * realmkey use it. The EAR serves as a bearer token until shortly before it expires.
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

#define SESSION_DIGEST_SIZE 32 /* bytes of a SHA-256 */

struct session {
	struct courier courier;
	struct tee_key key;
	struct bytes ear;   /* compact JWT; empty if there is none */
	bool ear_given;	    /* the caller set @ear and @key, and they are never replaced */
	int64_t ear_until;  /* boot clock, ms: after it attest again, unless ear_given */
	struct bytes token; /* the CCA token of the last handshake, for explanations */
	struct rsi *rsi;    /* the realm, owned; NULL if it is not used */
	uint8_t jwe_digest[SESSION_DIGEST_SIZE]; /* SHA-256 of the JWE opened last */
};

#define SESSION_INIT { .courier = COURIER_INIT }

/* One handshake with the realm @s->rsi: auth, token, attest. Makes the TEE key if there is none. If a KBS
 * cannot be reached or is out of order, the next of them is tried, for the time of one request. On
 * failure no EAR is kept. A token whose registers are not those of the realm is refused here,
 * because only the realm can compare them. */
int session_attest(struct session *s, struct error *e);
/* GET the resource @path and append its plain text to @secret, which should be locked. Attests
 * first if there is no usable EAR, and again, at most once, if the KBS no longer accepts one that
 * was used before, or if there are several KBSs and this one cannot be reached or is out of order. A denial is not retried, and the EAR is kept, because it may be accepted for
 * other resources: a caller that retries after an endorsement calls session_attest() first. */
int session_get(struct session *s, const char *path, struct bytes *secret, struct error *e);
/* Stop the courier, wipe and release everything else; @s is then empty. */
void session_close(struct session *s);

#endif
