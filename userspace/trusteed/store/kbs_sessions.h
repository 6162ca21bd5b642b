/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kbs_sessions: the sessions of the handshake, each named by a cookie. A session ends 5 minutes
 * after its auth request. Their number is bounded: when there is no room for a new one, the oldest
 * session without an attestation ends, and an attested one only if there is no other.
 */
#ifndef TRUSTEED_KBS_SESSIONS_H
#define TRUSTEED_KBS_SESSIONS_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define KBS_SESSIONS_MAX    1024
#define KBS_SESSION_SECONDS 300
#define KBS_SESSION_ID_SIZE 16

struct kbs_session {
	char id[2 * KBS_SESSION_ID_SIZE + 1]; /* lower-case hex; "" for a free slot */
	char nonce[45];			      /* base64 of 32 random bytes */
	int64_t until;			      /* boot clock, ms */
	int64_t expires;		      /* seconds since 1970, for the cookie only */
	struct bytes token;		      /* the EAR once attested, else empty */
};

struct kbs_sessions {
	struct kbs_session *session; /* KBS_SESSIONS_MAX of them, owned */
};

#define KBS_SESSIONS_INIT { 0 }

int kbs_sessions_init(struct kbs_sessions *sessions, struct error *e);
void kbs_sessions_free(struct kbs_sessions *sessions);

/* A new session with a random id and nonce. @monotonic is in ms of the boot clock, @now in seconds
 * since 1970. Borrowed, valid until the next call; NULL with an ERROR_SYSTEM. */
struct kbs_session *kbs_sessions_new(struct kbs_sessions *sessions, int64_t monotonic, int64_t now,
				     struct error *e);
/* The session @id (may be NULL) if it has not ended, else NULL. Borrowed. */
struct kbs_session *kbs_sessions_find(struct kbs_sessions *sessions, const char *id,
				      int64_t monotonic);

/* Write "kbs-session-id=ID; Expires=IMF-FIXDATE; Max-Age=SECONDS" to @out, of @size bytes. Trustee sends
 * the same without Max-Age, which takes precedence (RFC 6265 section 5.3) and so does not depend on the
 * client's clock. */
void kbs_session_cookie(const struct kbs_session *session, char *out, size_t size);

#endif
