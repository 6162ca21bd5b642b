/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kbs_sessions: the attested sessions, each named by the cookie of its handshake. A session ends 5
 * minutes after its auth request.
 *
 * The table grows with the sessions, up to a limit that is far above honest use. At the limit, a new
 * session takes the place of the one that was attested first, and handshakes that end no later than
 * that one are refused, so that no nonce is accepted twice.
 */
#ifndef TRUSTEED_KBS_SESSIONS_H
#define TRUSTEED_KBS_SESSIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "kbs_seal.h"
#include "token_pack.h"

#define KBS_SESSIONS_MAX 65536 /* the default limit */

struct kbs_session {
	struct kbs_session *next;	      /* with the same hash */
	struct kbs_session *later;	      /* the next one that was attested */
	char id[2 * KBS_SESSION_ID_SIZE + 1]; /* lower-case hex */
	int64_t until;			      /* boot clock, ms */
	enum kbs_version version;
	enum kbs_tee tee;
	struct token_pack ear;
};

struct kbs_sessions {
	struct kbs_session **slot;	  /* a hash table of lists */
	size_t size;			  /* slots: 0 or a power of two */
	struct kbs_session *first, *last; /* in the order of their attestation */
	size_t count, max;		  /* sessions; the limit */
	int64_t floor; /* handshakes that end at this time or before are refused */
};

#define KBS_SESSIONS_INIT { .max = KBS_SESSIONS_MAX }

void kbs_sessions_free(struct kbs_sessions *sessions);

/* Add the attested session of @handshake with a copy of @ear. @monotonic is in ms of the boot clock.
 * Borrowed, valid until the next call; NULL with an ERROR_SYSTEM. */
struct kbs_session *kbs_sessions_add(struct kbs_sessions *sessions,
				     const struct kbs_handshake *handshake, const struct bytes *ear,
				     int64_t monotonic, struct error *e);
/* The session @id (may be NULL) if it has not ended, else NULL. Borrowed. */
struct kbs_session *kbs_sessions_find(struct kbs_sessions *sessions, const char *id,
				      int64_t monotonic);

/* Write "kbs-session-id=ID; Expires=IMF-FIXDATE; Max-Age=SECONDS" to @out, of @size bytes, for a
 * session that ends @left seconds after @now, in seconds since 1970. Trustee sends the same without Max-Age, which
 * takes precedence (RFC 6265 section 5.3), so that the client's clock does not matter. */
void kbs_session_cookie(const char *id, int64_t now, int64_t left, char *out, size_t size);

#endif
