/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kbs_seal: the cookie and the nonce of a handshake, so that the server keeps nothing for it.
 *
 * The cookie is 16 bytes: 7 random ones, of which 4 bits say the version of the protocol and the
 * TEE, the time of the auth request (boot clock, ms, 5 bytes) and 4 bytes of a MAC. The nonce is 16
 * more bytes of the same MAC, HMAC-SHA-512 of all that comes before it in the cookie, with a key
 * that is random at each start, and 16 bytes of the MAC of these. A client therefore cannot make or
 * prolong a handshake, nor change its version or TEE, and a flood of auth requests uses no memory.
 * The nonce, which is in the EAR too, says by itself whether the present key made it.
 *
 * A nonce is good for one successful attestation: kbs_sessions keeps the session, or refuses all
 * handshakes that began as early, until the nonce is too old.
 */
#ifndef TRUSTEED_KBS_SEAL_H
#define TRUSTEED_KBS_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define KBS_SESSION_SECONDS 300
#define KBS_SESSION_ID_SIZE 16
#define KBS_NONCE_SIZE	    45 /* base64 of 32 bytes, and a zero byte */

/* The versions of the KBS API. */
enum kbs_version {
	KBS_0_1_1,
	KBS_0_2_0,
	KBS_0_4_0,
};

/* The primary TEE of a client. */
enum kbs_tee {
	KBS_CCA,
	KBS_SAMPLE, /* evidence that anyone can make, for development */
};

struct kbs_seal {
	struct bytes key; /* locked */
};

#define KBS_SEAL_INIT { .key = BYTES_LOCKED_INIT }

struct kbs_handshake {
	char id[2 * KBS_SESSION_ID_SIZE + 1]; /* lower-case hex */
	char nonce[KBS_NONCE_SIZE];
	int64_t until;		  /* when it ends: boot clock, ms */
	enum kbs_version version; /* what the client said in its auth request */
	enum kbs_tee tee;
};

/* Make a new key. */
int kbs_seal_init(struct kbs_seal *seal, struct error *e);
void kbs_seal_free(struct kbs_seal *seal);

/* Begin a handshake of @version with @tee at @monotonic (boot clock, ms). */
int kbs_seal_begin(const struct kbs_seal *seal, int64_t monotonic, enum kbs_version version,
		   enum kbs_tee tee, struct kbs_handshake *out, struct error *e);
/* Find the handshake that has the cookie @id, which may be NULL. Returns 1; 0 if this key did not
 * make it or it has ended; or -1 with an ERROR_SYSTEM. */
int kbs_seal_find(const struct kbs_seal *seal, const char *id, int64_t monotonic,
		  struct kbs_handshake *out, struct error *e);
/* Check that this key made @nonce, at any time. ERROR_INPUT, ERROR_ATTESTATION. */
int kbs_seal_check(const struct kbs_seal *seal, const char *nonce, struct error *e);

#endif
