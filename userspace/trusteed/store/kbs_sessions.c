// SPDX-License-Identifier: Apache-2.0
#include "kbs_sessions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS_MIN 64

/* The list in which the session @id is. An id begins with random digits, and only handshakes that
 * this server began are added, so the lists are short. */
static struct kbs_session **kbs_sessions_list(struct kbs_session **slot, size_t size,
					      const char *id)
{
	char digits[9];

	snprintf(digits, sizeof(digits), "%.8s", id);
	return &slot[strtoul(digits, NULL, 16) & (size - 1)];
}

/* End the session that was attested first. */
static void kbs_sessions_end_first(struct kbs_sessions *sessions)
{
	struct kbs_session *first = sessions->first, **at;

	at = kbs_sessions_list(sessions->slot, sessions->size, first->id);
	while (*at != first)
		at = &(*at)->next;
	*at = first->next;
	sessions->first = first->later;
	if (!sessions->first)
		sessions->last = NULL;
	sessions->count--;
	token_pack_free(&first->ear);
	free(first);
}

/* Release the sessions that have ended. One whose end comes before that of an earlier session waits
 * for that one, but none is kept for more than KBS_SESSION_SECONDS after its attestation. */
static void kbs_sessions_sweep(struct kbs_sessions *sessions, int64_t monotonic)
{
	while (sessions->first && sessions->first->until <= monotonic)
		kbs_sessions_end_first(sessions);
}

void kbs_sessions_free(struct kbs_sessions *sessions)
{
	while (sessions->first)
		kbs_sessions_end_first(sessions);
	free(sessions->slot);
	sessions->slot = NULL;
	sessions->size = 0;
}

/* Double the number of slots. */
static int kbs_sessions_grow(struct kbs_sessions *sessions, struct error *e)
{
	size_t size = sessions->size ? 2 * sessions->size : SLOTS_MIN;
	struct kbs_session **slot = calloc(size, sizeof(struct kbs_session *));

	if (!slot)
		return error_set_memory(e);
	for (struct kbs_session *session = sessions->first; session; session = session->later) {
		struct kbs_session **list = kbs_sessions_list(slot, size, session->id);

		session->next = *list;
		*list = session;
	}
	free(sessions->slot);
	sessions->slot = slot;
	sessions->size = size;
	return 0;
}

static void kbs_sessions_link(struct kbs_sessions *sessions, struct kbs_session *session)
{
	struct kbs_session **list = kbs_sessions_list(sessions->slot, sessions->size, session->id);

	session->next = *list;
	*list = session;
	if (sessions->last)
		sessions->last->later = session;
	else
		sessions->first = session;
	sessions->last = session;
	sessions->count++;
}

struct kbs_session *kbs_sessions_add(struct kbs_sessions *sessions,
				     const struct kbs_handshake *handshake, const struct bytes *ear,
				     int64_t monotonic, struct error *e)
{
	struct kbs_session *session;

	kbs_sessions_sweep(sessions, monotonic);
	if (sessions->count >= sessions->size && kbs_sessions_grow(sessions, e) < 0)
		return NULL;
	session = calloc(1, sizeof(*session));
	if (!session) {
		error_set_memory(e);
		return NULL;
	}
	memcpy(session->id, handshake->id, sizeof(session->id));
	session->until = handshake->until;
	session->version = handshake->version;
	session->tee = handshake->tee;
	if (token_pack(ear, &session->ear, e) < 0) {
		free(session);
		return NULL;
	}
	if (sessions->count >= sessions->max) {
		if (sessions->floor < sessions->first->until)
			sessions->floor = sessions->first->until;
		kbs_sessions_end_first(sessions);
	}
	kbs_sessions_link(sessions, session);
	return session;
}

struct kbs_session *kbs_sessions_find(struct kbs_sessions *sessions, const char *id,
				      int64_t monotonic)
{
	size_t len = id ? strlen(id) : 0;
	struct kbs_session *session;

	kbs_sessions_sweep(sessions, monotonic);
	if (len != sizeof(session->id) - 1 || sessions->size == 0)
		return NULL;
	session = *kbs_sessions_list(sessions->slot, sessions->size, id);
	while (session && !bytes_equal(session->id, len, id, len))
		session = session->next;
	return session && session->until > monotonic ? session : NULL;
}

void kbs_session_cookie(const char *id, int64_t now, int64_t left, char *out, size_t size)
{
	time_t expires = (time_t)(now + left);
	struct tm tm;
	char date[64];

	gmtime_r(&expires, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	snprintf(out, size, "kbs-session-id=%s; Expires=%s; Max-Age=%lld", id, date,
		 (long long)left);
}
