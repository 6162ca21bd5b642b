// SPDX-License-Identifier: Apache-2.0
/* trusteed's sealed handshakes and its table of attested sessions. */
#include "trusteed_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"

#define NOW	 INT64_C(1000000)
#define LIFETIME (KBS_SESSION_SECONDS * INT64_C(1000))

static struct kbs_seal seal_new(void)
{
	struct kbs_seal seal = KBS_SEAL_INIT;
	struct error e = ERROR_INIT;

	bytes_lock_optional(true);
	assert_int_equal(kbs_seal_init(&seal, &e), 0);
	return seal;
}

static struct kbs_handshake seal_begin(const struct kbs_seal *seal, int64_t monotonic)
{
	struct kbs_handshake handshake;
	struct error e = ERROR_INIT;

	assert_int_equal(kbs_seal_begin(seal, monotonic, KBS_0_4_0, KBS_CCA, &handshake, &e), 0);
	return handshake;
}

static int seal_find(const struct kbs_seal *seal, const char *id, int64_t monotonic)
{
	struct kbs_handshake found;
	struct error e = ERROR_INIT;
	int ret = kbs_seal_find(seal, id, monotonic, &found, &e);

	assert_int_equal(e.kind, ERROR_NONE);
	return ret;
}

static void sealed_handshake_is_found_until_its_end(void **state)
{
	struct kbs_seal seal = seal_new();
	struct kbs_handshake begun = seal_begin(&seal, NOW), found;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(kbs_seal_find(&seal, begun.id, NOW, &found, &e), 1);
	assert_string_equal(found.id, begun.id);
	assert_string_equal(found.nonce, begun.nonce);
	assert_int_equal(found.until, NOW + LIFETIME);
	assert_int_equal(begun.until, NOW + LIFETIME);
	assert_int_equal(strlen(begun.nonce), 44);
	assert_int_equal(seal_find(&seal, begun.id, NOW + LIFETIME - 1), 1);
	assert_int_equal(seal_find(&seal, begun.id, NOW + LIFETIME), 0);
	assert_int_equal(seal_find(&seal, begun.id, NOW - 1), 0);
	kbs_seal_free(&seal);
}

/* Each of the 128 bits of the cookie is covered. */
static void altered_cookie_is_unknown(void **state)
{
	static const char *const others[] = { NULL, "", "0", "00000000000000000000000000000000" };
	struct kbs_seal seal = seal_new();
	struct kbs_handshake begun = seal_begin(&seal, NOW);

	(void)state;
	for (size_t i = 0; i < 32; i++)
		for (int bit = 0; bit < 4; bit++) {
			char id[sizeof(begun.id)], digit[2] = { begun.id[i], '\0' };

			memcpy(id, begun.id, sizeof(id));
			id[i] = "0123456789abcdef"[strtoul(digit, NULL, 16) ^ (1U << bit)];
			assert_int_equal(seal_find(&seal, id, NOW), 0);
		}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(seal_find(&seal, others[i], NOW), 0);
	begun.id[0] = 'g';
	assert_int_equal(seal_find(&seal, begun.id, NOW), 0);
	kbs_seal_free(&seal);
}

static void cookie_of_another_key_is_unknown(void **state)
{
	struct kbs_seal seal = seal_new(), other = seal_new();
	struct kbs_handshake begun = seal_begin(&seal, NOW);

	(void)state;
	assert_int_equal(seal_find(&other, begun.id, NOW), 0);
	bytes_set(&other.key, seal.key.data, seal.key.len);
	assert_int_equal(seal_find(&other, begun.id, NOW), 1);
	kbs_seal_free(&seal);
	kbs_seal_free(&other);
}

/* A nonce says by itself which key made it. */
static void nonce_of_another_key_is_known(void **state)
{
	struct kbs_seal seal = seal_new(), other = seal_new();
	struct kbs_handshake begun = seal_begin(&seal, NOW);
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(kbs_seal_check(&seal, begun.nonce, &e), 0);
	assert_int_equal(kbs_seal_check(&other, begun.nonce, &e), -1);
	assert_int_equal(e.kind, ERROR_ATTESTATION);
	for (size_t i = 0; i < strlen(begun.nonce); i++) {
		char nonce[sizeof(begun.nonce)];

		memcpy(nonce, begun.nonce, sizeof(nonce));
		nonce[i] = nonce[i] == 'A' ? 'B' : 'A';
		assert_int_equal(kbs_seal_check(&seal, nonce, &e), -1);
	}
	e = (struct error)ERROR_INIT;
	assert_int_equal(kbs_seal_check(&seal, "AAAA", &e), -1);
	assert_int_equal(e.kind, ERROR_INPUT);
	kbs_seal_free(&seal);
	kbs_seal_free(&other);
}

static struct kbs_session *session_add(struct kbs_sessions *sessions,
				       const struct kbs_handshake *handshake, int64_t monotonic)
{
	struct bytes token = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct kbs_session *session;

	bytes_printf(&token, "EARS.%s.EARS", handshake->id);
	session = kbs_sessions_add(sessions, handshake, &token, monotonic, &e);
	assert_non_null(session);
	bytes_free(&token);
	return session;
}

/* What the client said in its auth request holds for the handshake and for its session. */
static void version_and_tee_are_kept(void **state)
{
	static const enum kbs_version versions[] = { KBS_0_1_1, KBS_0_2_0, KBS_0_4_0 };
	static const enum kbs_tee tees[] = { KBS_CCA, KBS_SAMPLE };
	struct kbs_sessions sessions = KBS_SESSIONS_INIT;
	struct kbs_seal seal = seal_new();
	struct kbs_handshake begun, found;
	struct error e = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < 20 * ARRAY_SIZE(versions) * ARRAY_SIZE(tees); i++) {
		enum kbs_version version = versions[i % ARRAY_SIZE(versions)];
		enum kbs_tee tee = tees[i % ARRAY_SIZE(tees)];
		const struct kbs_session *session;

		assert_int_equal(kbs_seal_begin(&seal, NOW, version, tee, &begun, &e), 0);
		assert_int_equal(begun.version, version);
		assert_int_equal(begun.tee, tee);
		assert_int_equal(kbs_seal_find(&seal, begun.id, NOW, &found, &e), 1);
		assert_int_equal(found.version, version);
		assert_int_equal(found.tee, tee);
		session = session_add(&sessions, &found, NOW);
		assert_int_equal(session->version, version);
		assert_int_equal(session->tee, tee);
	}
	kbs_sessions_free(&sessions);
	kbs_seal_free(&seal);
}

static void handshakes_differ(void **state)
{
	struct kbs_seal seal = seal_new();
	struct kbs_handshake a = seal_begin(&seal, NOW), b = seal_begin(&seal, NOW);

	(void)state;
	assert_string_not_equal(a.id, b.id);
	assert_string_not_equal(a.nonce, b.nonce);
	kbs_seal_free(&seal);
}

/* Evidence for a nonce is accepted once: later requests get the same EAR until the session ends,
 * and are refused then and after a restart, which makes a new key. */
static void replayed_evidence_is_not_judged_again(void **state)
{
	struct world *w = *state;
	struct bytes body = BYTES_INIT;
	struct reply first, again;

	world_auth(w);
	world_attest_body(w, &body);
	world_request(w, "POST", "/kbs/v0/attest", body.data, body.len, &first);
	assert_int_equal(first.status, 200);
	w->now += 100;
	world_request(w, "POST", "/kbs/v0/attest", body.data, body.len, &again);
	assert_int_equal(again.status, 200);
	assert_string_equal(bytes_text(&again.body), bytes_text(&first.body));
	assert_int_equal(w->trustee.sessions.count, 1);
	reply_free(&again);
	w->monotonic += LIFETIME;
	world_expect(w, "POST", "/kbs/v0/attest", bytes_text(&body), 401, "AttestationError");
	w->monotonic -= LIFETIME;
	world_reopen(w);
	world_request(w, "POST", "/kbs/v0/attest", body.data, body.len, &again);
	assert_int_equal(again.status, 401);
	assert_string_equal(reply_detail(&again),
			    "Attestation error: the session is unknown or over");
	reply_free(&again);
	reply_free(&first);
	bytes_free(&body);
}

/* The nonce of another handshake of the same server is refused. */
static void nonce_of_another_handshake_is_refused(void **state)
{
	struct world *w = *state;
	struct bytes body = BYTES_INIT;
	struct reply reply;

	world_auth(w);
	world_attest_body(w, &body);
	world_auth(w);
	world_request(w, "POST", "/kbs/v0/attest", body.data, body.len, &reply);
	assert_int_equal(reply.status, 401);
	assert_string_equal(reply_detail(&reply),
			    "Attestation error: nonce: not the one of this session");
	reply_free(&reply);
	bytes_free(&body);
}

/* Unattested sessions leave the server as it was, and cannot displace anything. */
static void auth_flood_costs_nothing(void **state)
{
	struct world *w = *state;
	char mine[64], early[64];
	struct bytes body = BYTES_INIT;
	struct reply reply;
	struct trustee before;

	world_attest_ok(w, NULL);
	memcpy(mine, w->session, sizeof(mine));
	world_auth(w);
	world_attest_body(w, &body);
	memcpy(early, w->session, sizeof(early));
	before = w->trustee;
	for (int i = 0; i < 5000; i++)
		world_auth(w);
	assert_memory_equal(&before, &w->trustee, sizeof(before));
	memcpy(w->session, mine, sizeof(mine));
	world_expect(w, "GET", RESOURCE, "", 401, "PolicyDeny");
	memcpy(w->session, early, sizeof(early));
	world_request(w, "POST", "/kbs/v0/attest", body.data, body.len, &reply);
	assert_int_equal(reply.status, 200);
	reply_free(&reply);
	bytes_free(&body);
}

static void session_expect(struct kbs_sessions *sessions, const struct kbs_handshake *handshake,
			   int64_t monotonic)
{
	struct kbs_session *session = kbs_sessions_find(sessions, handshake->id, monotonic);
	struct bytes token = BYTES_INIT;
	struct error e = ERROR_INIT;

	assert_non_null(session);
	assert_string_equal(session->id, handshake->id);
	assert_int_equal(token_unpack(&session->ear, &token, &e), 0);
	assert_int_equal(token.len, 2 * strlen("EARS.") + strlen(handshake->id));
	assert_memory_equal(token.data + strlen("EARS."), handshake->id, strlen(handshake->id));
	bytes_free(&token);
}

/* What is kept of an EAR is less than half as long, and gives back the same text. */
static void token_is_packed(void **state)
{
	static const char *const bad[] = { "",		 "e30",
					   "e30.e30",	 "e30.e30.e30.e30",
					   "e30.e3.e30", "e30.e30.e30 " };
	struct bytes text = BYTES_INIT, token = BYTES_INIT, again = BYTES_INIT;
	struct token_pack pack = { 0 };
	struct error e = ERROR_INIT;

	(void)state;
	for (int i = 0; i < 60; i++)
		bytes_printf(&text, "\"cca-platform-%d\":\"%064d\",", i, i * i);
	bytes_append_text(&token, "e30.");
	encode_base64(ENCODE_BASE64URL, text.data, text.len, &token);
	bytes_append_text(&token, ".AAEC");
	assert_int_equal(token_pack(&token, &pack, &e), 0);
	assert_true(pack.data.len < token.len / 2);
	assert_int_equal(token_unpack(&pack, &again, &e), 0);
	assert_string_equal(bytes_text(&again), bytes_text(&token));
	token_pack_free(&pack);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		bytes_set(&token, bad[i], strlen(bad[i]));
		assert_int_equal(token_pack(&token, &pack, &e), -1);
		assert_int_equal(e.kind, ERROR_INPUT);
	}
	bytes_free(&text);
	bytes_free(&token);
	bytes_free(&again);
}

/* 20,000 live sessions: each is there until its end, and the memory is released afterwards. */
static void session_lives_until_its_end(void **state)
{
	enum { COUNT = 20000 };
	struct kbs_handshake *all = calloc(COUNT, sizeof(*all));
	struct kbs_sessions sessions = KBS_SESSIONS_INIT;
	struct kbs_seal seal = seal_new();

	(void)state;
	assert_non_null(all);
	for (int i = 0; i < COUNT; i++) {
		all[i] = seal_begin(&seal, NOW + i);
		session_add(&sessions, &all[i], NOW + i + 500 * (i % 3));
	}
	assert_int_equal(sessions.count, COUNT);
	for (int i = 0; i < COUNT; i++)
		session_expect(&sessions, &all[i], NOW + COUNT + 1000);
	for (int i = 0; i < COUNT; i++) {
		session_expect(&sessions, &all[i], all[i].until - 1);
		assert_null(kbs_sessions_find(&sessions, all[i].id, all[i].until));
	}
	assert_int_equal(sessions.count, 0);
	kbs_sessions_free(&sessions);
	kbs_seal_free(&seal);
	free(all);
}

/* At the limit the session that was attested first ends, and its nonce stays used. */
static void session_limit_keeps_nonces_used(void **state)
{
	struct world *w = *state;
	struct bytes first = BYTES_INIT, late = BYTES_INIT;
	char first_id[64], late_id[64];
	struct reply reply;

	w->trustee.sessions.max = 8;
	world_auth(w);
	world_attest_body(w, &first);
	memcpy(first_id, w->session, sizeof(first_id));
	assert_int_equal(world_status(w, "POST", "/kbs/v0/attest", bytes_text(&first)), 200);
	w->monotonic++;
	world_auth(w);
	world_attest_body(w, &late);
	memcpy(late_id, w->session, sizeof(late_id));
	for (int i = 0; i < 8; i++) {
		w->monotonic++;
		world_attest_ok(w, NULL);
	}
	assert_int_equal(w->trustee.sessions.count, 8);
	world_expect(w, "GET", RESOURCE, "", 401, "PolicyDeny");
	memcpy(w->session, first_id, sizeof(first_id));
	world_expect(w, "GET", RESOURCE, "", 401, "TokenNotFound");
	world_request(w, "POST", "/kbs/v0/attest", first.data, first.len, &reply);
	assert_int_equal(reply.status, 401);
	reply_free(&reply);
	/* A handshake that began after it goes on. */
	memcpy(w->session, late_id, sizeof(late_id));
	assert_int_equal(world_status(w, "POST", "/kbs/v0/attest", bytes_text(&late)), 200);
	bytes_free(&first);
	bytes_free(&late);
}

/* Handshakes that interleave beside many attested sessions all succeed. */
static void concurrent_handshakes_do_not_destroy_each_other(void **state)
{
	enum { ATTESTED = 1100, CLIENTS = 8 };
	struct world *w = *state;
	struct bytes body[CLIENTS] = { 0 };
	char id[CLIENTS][64];

	for (int i = 0; i < ATTESTED; i++) {
		struct kbs_handshake handshake = seal_begin(&w->trustee.seal, w->monotonic);

		session_add(&w->trustee.sessions, &handshake, w->monotonic);
	}
	for (int i = 0; i < CLIENTS; i++) {
		world_auth(w);
		world_attest_body(w, &body[i]);
		memcpy(id[i], w->session, sizeof(id[i]));
	}
	for (int i = 0; i < CLIENTS; i++) {
		memcpy(w->session, id[i], sizeof(id[i]));
		assert_int_equal(world_status(w, "POST", "/kbs/v0/attest", bytes_text(&body[i])),
				 200);
		bytes_free(&body[i]);
	}
	assert_int_equal(w->trustee.sessions.count, ATTESTED + CLIENTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealed_handshake_is_found_until_its_end),
		cmocka_unit_test(altered_cookie_is_unknown),
		cmocka_unit_test(cookie_of_another_key_is_unknown),
		cmocka_unit_test(nonce_of_another_key_is_known),
		cmocka_unit_test(version_and_tee_are_kept),
		cmocka_unit_test(handshakes_differ),
		TEST(replayed_evidence_is_not_judged_again),
		TEST(nonce_of_another_handshake_is_refused),
		TEST(auth_flood_costs_nothing),
		cmocka_unit_test(token_is_packed),
		cmocka_unit_test(session_lives_until_its_end),
		TEST(session_limit_keeps_nonces_used),
		TEST(concurrent_handshakes_do_not_destroy_each_other),
	};

	return cmocka_run_group_tests_name("trusteed_sessions", tests, NULL, NULL);
}
