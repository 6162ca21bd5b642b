// SPDX-License-Identifier: Apache-2.0
#include "kbs_sessions.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/crypto.h"
#include "base/encode.h"

#define NONCE_SIZE 32

int kbs_sessions_init(struct kbs_sessions *sessions, struct error *e)
{
	sessions->session = calloc(KBS_SESSIONS_MAX, sizeof(*sessions->session));
	return sessions->session ? 0 : error_set_memory(e);
}

static void kbs_session_end(struct kbs_session *session)
{
	bytes_free(&session->token);
	*session = (struct kbs_session){ 0 };
}

void kbs_sessions_free(struct kbs_sessions *sessions)
{
	for (size_t i = 0; sessions->session && i < KBS_SESSIONS_MAX; i++)
		kbs_session_end(&sessions->session[i]);
	free(sessions->session);
	sessions->session = NULL;
}

/* Which slot to reuse first: 2 is free, or its session has ended; 1 is not attested; 0 is
 * attested. */
static int kbs_session_rank(const struct kbs_session *session, int64_t monotonic)
{
	if (!session->id[0] || session->until <= monotonic)
		return 2;
	return session->token.len == 0;
}

static struct kbs_session *kbs_sessions_slot(struct kbs_sessions *sessions, int64_t monotonic)
{
	struct kbs_session *slot = &sessions->session[0];
	int best = kbs_session_rank(slot, monotonic);

	for (size_t i = 1; i < KBS_SESSIONS_MAX && best < 2; i++) {
		struct kbs_session *other = &sessions->session[i];
		int rank = kbs_session_rank(other, monotonic);

		if (rank > best || (rank == best && other->until < slot->until)) {
			slot = other;
			best = rank;
		}
	}
	kbs_session_end(slot);
	return slot;
}

static int kbs_session_name(struct kbs_session *session, struct error *e)
{
	uint8_t id[KBS_SESSION_ID_SIZE], nonce[NONCE_SIZE];
	struct bytes hex = BYTES_INIT, base64 = BYTES_INIT;
	int ret = -1;

	crypto_begin();
	if (RAND_bytes(id, sizeof(id)) != 1 || RAND_bytes(nonce, sizeof(nonce)) != 1)
		return crypto_error(e, ERROR_SYSTEM, "cannot get random bytes for a session");
	encode_hex(id, sizeof(id), &hex);
	encode_base64(ENCODE_BASE64, nonce, sizeof(nonce), &base64);
	if (bytes_check(&hex, e) == 0 && bytes_check(&base64, e) == 0) {
		snprintf(session->id, sizeof(session->id), "%s", bytes_text(&hex));
		snprintf(session->nonce, sizeof(session->nonce), "%s", bytes_text(&base64));
		ret = 0;
	}
	bytes_free(&hex);
	bytes_free(&base64);
	return ret;
}

struct kbs_session *kbs_sessions_new(struct kbs_sessions *sessions, int64_t monotonic, int64_t now,
				     struct error *e)
{
	struct kbs_session *session = kbs_sessions_slot(sessions, monotonic);

	if (kbs_session_name(session, e) < 0) {
		kbs_session_end(session);
		return NULL;
	}
	session->until = monotonic + KBS_SESSION_SECONDS * INT64_C(1000);
	session->expires = now + KBS_SESSION_SECONDS;
	return session;
}

struct kbs_session *kbs_sessions_find(struct kbs_sessions *sessions, const char *id,
				      int64_t monotonic)
{
	size_t len = id ? strlen(id) : 0;

	if (len != sizeof(sessions->session->id) - 1)
		return NULL;
	for (size_t i = 0; i < KBS_SESSIONS_MAX; i++) {
		struct kbs_session *session = &sessions->session[i];

		if (!session->id[0] || !bytes_equal(session->id, len, id, len))
			continue;
		if (session->until > monotonic)
			return session;
		kbs_session_end(session);
		break;
	}
	return NULL;
}

void kbs_session_cookie(const struct kbs_session *session, char *out, size_t size)
{
	time_t expires = (time_t)session->expires;
	struct tm tm;
	char date[64];

	gmtime_r(&expires, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	snprintf(out, size, "kbs-session-id=%s; Expires=%s; Max-Age=%d", session->id, date,
		 KBS_SESSION_SECONDS);
}
