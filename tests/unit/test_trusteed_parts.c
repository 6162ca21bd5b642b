// SPDX-License-Identifier: Apache-2.0
/* The parts of trusteed below the handlers: requests, vectors, state. */
#include "trusteed_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/encode.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "kbs/policy_text.h"
#include "trusteed/attest/handshake.h"
#include "trusteed/attest/token_text.h"
#include "trusteed/http/answer.h"
#include "trusteed/http/listen.h"
#include "trusteed/http/request.h"
#include "trusteed/store/policy.h"
#include "appraisal/reference.h"

static void test_bearer_header(void **state)
{
	static const struct {
		const char *header, *token;
	} headers[] = {
		{ "Bearer abc", "abc" },
		{ "bearer abc", "abc" },
		{ "BEARER   abc", "abc" },
		{ "Bearer ", "" },
		{ "Bearer", NULL },
		{ "Basic abc", NULL },
		{ "Bearerabc", NULL },
		{ "", NULL },
		{ NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		struct request request = { .authorization = headers[i].header };
		const char *token = request_bearer(&request);

		if (headers[i].token)
			assert_string_equal(token, headers[i].token);
		else
			assert_null(token);
	}
}

static void test_printable(void **state)
{
	char out[12];

	(void)state;
	request_printable("/a b\n\x1b[\x80\xff", out, sizeof(out));
	assert_string_equal(out, "/a?b??[??");
	request_printable("/0123456789abcdef", out, sizeof(out));
	assert_string_equal(out, "/0123456789");
}

/* A note cannot begin another line, and cannot overflow. */
static void test_note(void **state)
{
	struct reply reply = REPLY_INIT;

	(void)state;
	reply_note(&reply, "one\ntrusteed: request GET /forged 200");
	assert_null(strchr(reply.note, '\n'));
	for (int i = 0; i < 1000; i++)
		reply_note(&reply, "more");
	assert_int_equal(strlen(reply.note), sizeof(reply.note) - 1);
	reply_refuse(&reply, REPLY_REQUEST_PATH, "\xff\x01 is invalid");
	assert_string_equal(reply_detail(&reply), "?? is invalid");
	reply_free(&reply);
}

/* The status of each refusal has its words in the answer. */
static void test_reasons(void **state)
{
	const struct answer_form form = { .recent = true };

	(void)state;
	for (int i = 0; i < REPLY_REFUSALS; i++) {
		struct reply reply = REPLY_INIT;
		struct bytes out = BYTES_INIT;

		reply_refuse(&reply, (enum reply_refusal)i, NULL);
		answer_print(&reply, &form, &out);
		if (out.data[strlen("HTTP/1.1 400 ")] == '\r')
			fail_msg("%u has no words", reply.status);
		bytes_free(&out);
		reply_free(&reply);
	}
}

static void test_listen(void **state)
{
	static const struct {
		const char *text;
		bool good, loopback;
	} addresses[] = {
		{ "127.0.0.1:8080", true, true },
		{ "127.9.9.9:0", true, true },
		{ "[::1]:8080", true, true },
		{ "[::ffff:127.0.0.1]:1", true, true },
		{ "0.0.0.0:8080", true, false },
		{ "[::]:8080", true, false },
		{ "10.0.2.2:80", true, false },
		{ "[::ffff:10.0.0.1]:1", true, false },
		{ "localhost:8080", false, false },
		{ "127.0.0.1", false, false },
		{ "127.0.0.1:", false, false },
		{ ":8080", false, false },
		{ "::1:8080", false, false },
		{ "[::1:8080", false, false },
		{ "[]:1", false, false },
		{ "127.0.0.1:http", false, false },
		{ "", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct listen_address address = { 0 };
		struct error e = ERROR_INIT;
		int ret = listen_parse(addresses[i].text, &address, &e);

		if (ret != (addresses[i].good ? 0 : -1))
			fail_msg("%s", addresses[i].text);
		assert_int_equal(e.kind, addresses[i].good ? ERROR_NONE : ERROR_USAGE);
		if (addresses[i].good)
			assert_int_equal(listen_is_loopback(&address), addresses[i].loopback);
	}
}

static json_t *vectors_read(void)
{
	char path[512];
	json_t *root;

	snprintf(path, sizeof(path), "%s/own-vectors/vectors.json", getenv("REALMKEY_VECTORS"));
	root = json_load_file(path, 0, NULL);
	assert_non_null(root);
	return root;
}

/* Computes the published challenges from a body as a client sends it. */
static void test_challenge_vectors(void **state)
{
	static const struct {
		const char *key, *vector, *digest, *additional;
	} cases[] = {
		{ "ec_report_data", "ec_report_data", "primary_sha384", "" },
		{ "ec_report_data", "ec_report_data_with_additional", "sha384",
		  "{\"sampledevice\":{\"svn\":\"1\"}}" },
		{ "rsa_report_data", "rsa_report_data", "sha384", "" },
	};
	json_t *root = vectors_read();
	const char *nonce = json_string_value(
		json_object_get(json_object_get(root, "ec_report_data"), "nonce"));

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *vector = json_object_get(root, cases[i].vector);
		struct handshake_attest attest = {
			.additional = cases[i].additional,
			.tee_pubkey = json_object_get(json_object_get(root, cases[i].key),
						      "tee_pubkey_jwk"),
		};
		struct bytes hex = BYTES_INIT;
		struct error e = ERROR_INIT;
		uint8_t challenge[64];
		json_t *runtime;

		snprintf(attest.nonce, sizeof(attest.nonce), "%s", nonce);
		runtime = handshake_runtime_data(&attest, &e);
		assert_int_equal(handshake_challenge(runtime, challenge, &e), 0);
		encode_hex(challenge, sizeof(challenge), &hex);
		assert_memory_equal(
			hex.data, json_string_value(json_object_get(vector, cases[i].digest)), 96);
		assert_string_equal(bytes_text(&hex) + 96, "00000000000000000000000000000000");
		bytes_free(&hex);
		json_decref(runtime);
	}
	json_decref(root);
}

#define TOKEN_IN(array) \
	"{\"tee-evidence\":{\"a\":\"\\\"}\",\"primary_evidence\":{\"b\":[{}],\"token\":" array "}}}"

/* Only arrays that JSON would read in the same way are taken out of the text. */
static void test_token_text(void **state)
{
	static const char *const path[] = { "tee-evidence", "primary_evidence", "token", NULL };
	static const struct {
		const char *text, *token;
		size_t len;
		const char *rest;
	} taken[] = {
		{ TOKEN_IN("[1]"), "\x01", 1, TOKEN_IN("[]") },
		{ TOKEN_IN("[0,10,255]"), "\x00\x0a\xff", 3, TOKEN_IN("[]") },
		{ TOKEN_IN("\n[ 7 ,\t8\r]"), "\x07\x08", 2, TOKEN_IN("[]") },
		{ TOKEN_IN("[1]") "rest", "\x01", 1, TOKEN_IN("[]") "rest" },
	};
	static const char *const left[] = {
		"",
		"{",
		"[1]",
		"{}",
		"{\"tee-evidence\":[1]}",
		"{\"token\":[1]}",
		"{\"tee-evidence\":{\"token\":[1]}}",
		"{\"x\":{\"tee-evidence\":{\"primary_evidence\":{\"token\":[1]}}}}",
		"{\"tee-evidence\":{\"primary_evidence\":{\"t\\u006fken\":[1]}}}",
		"{\"tee-evidence\":{\"primary_evidence\":{\"token\" [1]}}}",
		"{\"tee-evidence\":{\"primary_evidence\":{\"token\":[1",
		"{\"tee-evidence\":{\"primary_evidence\":{\"token\\",
		"{\"tee-evidence\":{\"primary_evidence\":\"\\",
		TOKEN_IN("[]"),
		TOKEN_IN("[256]"),
		TOKEN_IN("[1000]"),
		TOKEN_IN("[-1]"),
		TOKEN_IN("[01]"),
		TOKEN_IN("[00]"),
		TOKEN_IN("[1.0]"),
		TOKEN_IN("[1e0]"),
		TOKEN_IN("[1 2]"),
		TOKEN_IN("[1,]"),
		TOKEN_IN("[,1]"),
		TOKEN_IN("[1,[2]]"),
		TOKEN_IN("[\"1\"]"),
		TOKEN_IN("\"AQ==\""),
		TOKEN_IN("null"),
	};
	struct bytes token = BYTES_INIT, rest = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		bytes_clear(&token);
		bytes_clear(&rest);
		assert_int_equal(token_text_take(taken[i].text, strlen(taken[i].text), path, &token,
						 &rest, &e),
				 1);
		assert_int_equal(token.len, taken[i].len);
		assert_memory_equal(token.data, taken[i].token, token.len);
		assert_string_equal(bytes_text(&rest), taken[i].rest);
	}
	bytes_set(&token, "kept", 4);
	bytes_set(&rest, "kept", 4);
	for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
		/* A copy without a NUL, so that reading past its end is seen. */
		size_t len = strlen(left[i]);
		char *text = malloc(len + 1);

		assert_non_null(text);
		memcpy(text + 1, left[i], len);
		if (token_text_take(text + 1, len, path, &token, &rest, &e) != 0)
			fail_msg("%s", left[i]);
		assert_string_equal(bytes_text(&token), "kept");
		assert_string_equal(bytes_text(&rest), "kept");
		free(text);
	}
	bytes_free(&token);
	bytes_free(&rest);
}

static void test_policy_texts(void **state)
{
	static const char *const texts[] = {
		[POLICY_AFFIRMING] = POLICY_TEXT_AFFIRMING,
		[POLICY_ALLOW_ALL] = POLICY_TEXT_ALLOW_ALL,
		[POLICY_DENY_ALL] = POLICY_TEXT_DENY_ALL,
	};
	enum policy policy;

	(void)state;
	for (int i = 0; i < POLICIES; i++) {
		const char *text = texts[i];

		assert_string_equal(policy_text((enum policy)i), text);
		assert_true(policy_known(text, strlen(text), &policy));
		assert_int_equal(policy, i);
		assert_true(policy_known(text, strlen(text) - 1, &policy));
		assert_false(policy_known(text, strlen(text) - 2, &policy));
		assert_non_null(strstr(text, policy_name((enum policy)i)));
	}
}

/* Members that real clients send beside those that are read do no harm. */
static void test_policy_requests(void **state)
{
	static const struct {
		const char *body, *id, *text, *cause;
	} requests[] = {
		{ "{\"policy\":\"cGFja2FnZQ\"}", "", "package", NULL },
		{ "{\"type\":\"rego\",\"policy_id\":\"default_cpu\",\"policy\":\"cGFja2FnZQ\"}",
		  "default_cpu", "package", NULL },
		{ "{\"type\":1,\"policy\":\"\",\"more\":[]}", "", "", NULL },
		{ "{\"policy\":\"cGFja2FnZQ==\"}", "", NULL, "policy request: policy" },
		{ "{\"policy\":1}", "", NULL, "policy request: policy: not a string" },
		{ "{\"policy_id\":\"a\"}", "", NULL, "policy request: policy: missing" },
		{ "{\"policy\":\"\",\"policy_id\":1}", "", NULL, "policy_id: not a string" },
		{ "{\"policy\":\"\",\"policy_id\":\"a/b\"}", "", NULL, "policy_id: 'a/b'" },
		{ "{\"policy\":\"\",\"policy_id\":\"\"}", "", NULL, "policy_id: ''" },
		{ "package policy", "", NULL, "policy request" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		struct policy_request request = POLICY_REQUEST_INIT;
		struct error e = ERROR_INIT;
		int ret = policy_request_parse(requests[i].body, strlen(requests[i].body), &request,
					       &e);

		if (ret != (requests[i].cause ? -1 : 0))
			fail_msg("%s: %s", requests[i].body, e.text);
		if (requests[i].cause) {
			assert_int_equal(e.kind, ERROR_INPUT);
			if (!strstr(e.text, requests[i].cause))
				fail_msg("%s", e.text);
		} else {
			assert_string_equal(request.id, requests[i].id);
			assert_string_equal(bytes_text(&request.text), requests[i].text);
		}
		policy_request_free(&request);
	}
}

static void open_refused(struct world *w, enum error_kind kind, const char *words)
{
	struct trustee_options options = { .state = w->state, .anchors = w->anchors };
	struct trustee other = TRUSTEE_INIT;
	struct error e = ERROR_INIT;

	assert_int_equal(trustee_open(&other, &options, w->now, &e), -1);
	trustee_close(&other);
	if (!strstr(e.text, words))
		fail_msg("'%s' does not contain '%s'", e.text, words);
	assert_int_equal(e.kind, kind);
}

static void state_write(struct world *w, const char *name, const char *text)
{
	struct error e = ERROR_INIT;
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", w->state, name);
	assert_int_equal(io_write_file(path, 0600, text, strlen(text), &e), 0);
}

static mode_t mode_of(struct world *w, const char *name)
{
	char path[192];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", w->state, name);
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

/* The modes do not depend on the umask. */
static void test_state_modes(void **state)
{
	struct world *w = *state;
	mode_t old = umask(0);

	assert_int_equal(world_admin(w, "POST", "/kbs/v0/resource/a/b/c", "x"), 200);
	world_endorse(w);
	umask(old);
	assert_int_equal(mode_of(w, ""), 0700);
	assert_int_equal(mode_of(w, "resources/a/b"), 0700);
	assert_int_equal(mode_of(w, "resources/a/b/c"), 0600);
	assert_int_equal(mode_of(w, "reference-values.json"), 0600);
	assert_int_equal(mode_of(w, "ear-key.pem"), 0600);
	assert_int_equal(mode_of(w, "admin-key.pem"), 0600);
	assert_int_equal(mode_of(w, "admin-token"), 0600);
	assert_int_equal(mode_of(w, "policy"), 0600);
}

static void test_state_refused(void **state)
{
	struct world *w = *state;
	char path[192];

	open_refused(w, ERROR_CONFIG, "another trusteed uses it");
	trustee_close(&w->trustee);
	assert_int_equal(chmod(w->state, 0750), 0);
	open_refused(w, ERROR_CONFIG, "mode 0750");
	assert_int_equal(chmod(w->state, 0700), 0);
	state_write(w, "policy", "none\n");
	open_refused(w, ERROR_CONFIG, "policy: neither");
	state_write(w, "policy", "deny-all\n");
	state_write(w, "reference-values.json", "{");
	open_refused(w, ERROR_CONFIG, "reference-values.json");
	state_write(w, "reference-values.json", "{\"a\":{}}");
	open_refused(w, ERROR_CONFIG, "'a': no value");
	state_write(w, "reference-values.json", "{}");
	state_write(w, "ear-key.pem", "?");
	open_refused(w, ERROR_CONFIG, "ear-key.pem");
	snprintf(path, sizeof(path), "%s/ear-key.pem", w->state);
	assert_int_equal(unlink(path), 0);
	world_anchor(w, "broken.json", "{}");
	open_refused(w, ERROR_INPUT, "broken.json");
	world_anchor(w, "broken.json", "[]");
	world_reopen(w);
	assert_int_equal(w->trustee.policy, POLICY_DENY_ALL);
}

/* Only a P-256 key may sign with ES256. */
static void test_state_key_kind(void **state)
{
	struct world *w = *state;
	struct bytes pem = BYTES_INIT;
	struct error e = ERROR_INIT;
	char path[512];

	snprintf(path, sizeof(path), "%s/own-vectors/tee-rsa2048.pem", getenv("REALMKEY_VECTORS"));
	assert_int_equal(io_read_file(path, 8192, &pem, &e), 0);
	state_write(w, "admin-key.pem", bytes_text(&pem));
	trustee_close(&w->trustee);
	open_refused(w, ERROR_CONFIG, "not a P-256 key");
	bytes_free(&pem);
}

/* An admin token of another key, or an expired one, is replaced. A valid one is kept. */
static void test_admin_token_renewed(void **state)
{
	struct world *w = *state;
	struct bytes first = BYTES_INIT, again = BYTES_INIT;
	struct error e = ERROR_INIT;
	char path[192];

	snprintf(path, sizeof(path), "%s/admin-token", w->state);
	assert_int_equal(io_read_file(path, 4096, &first, &e), 0);
	world_reopen(w);
	assert_int_equal(io_read_file(path, 4096, &again, &e), 0);
	assert_true(bytes_equal(first.data, first.len, again.data, again.len));
	state_write(w, "admin-token", "x.y.z\n");
	world_reopen(w);
	assert_int_equal(world_admin(w, "GET", "/kbs/v0/resource-policy", ""), 200);
	/* A clock that is not set yet: the token of the operator is kept. */
	bytes_clear(&first);
	bytes_clear(&again);
	assert_int_equal(io_read_file(path, 4096, &first, &e), 0);
	w->now -= INT64_C(1700000000);
	world_reopen(w);
	assert_int_equal(io_read_file(path, 4096, &again, &e), 0);
	assert_true(bytes_equal(first.data, first.len, again.data, again.len));
	w->now += INT64_C(1700000000);
	assert_int_equal(world_admin(w, "GET", "/kbs/v0/resource-policy", ""), 200);
	w->now += INT64_C(3651) * 86400;
	assert_int_equal(world_admin(w, "GET", "/kbs/v0/resource-policy", ""), 401);
	world_reopen(w);
	assert_int_equal(world_admin(w, "GET", "/kbs/v0/resource-policy", ""), 200);
	bytes_free(&first);
	bytes_free(&again);
}

/* A year after 29 February is the 28th, as Trustee has it. */
static void test_reference_expiration(void **state)
{
	static const struct {
		int64_t now;
		const char *expiration;
	} cases[] = {
		{ 1835438400, "2029-02-28T12:00:00Z" },
		{ 1835395200 + 86400, "2029-03-01T00:00:00Z" },
		{ 1800000000, "2028-01-15T08:00:00Z" },
	};
	/* {"a":["b"]} */
	static const char message[] = "{\"type\":\"sample\",\"payload\":\"eyJhIjpbImIiXX0=\"}";
	struct error e = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reference none = REFERENCE_INIT, next = REFERENCE_INIT;
		const json_t *record;

		assert_int_equal(reference_load(&none, "", 0, &e), 0);
		assert_int_equal(reference_apply(&none, message, strlen(message), cases[i].now,
						 &next, &e),
				 0);
		record = json_object_get(next.records, "a");
		assert_string_equal(json_string_value(json_object_get(record, "expiration")),
				    cases[i].expiration);
		reference_free(&none);
		reference_free(&next);
	}
}

/* A message whose value has @depth brackets around it. */
static void reference_nested(int depth, struct bytes *message)
{
	struct bytes payload = BYTES_INIT;

	bytes_append_text(&payload, "{\"a\":");
	for (int i = 0; i < depth; i++)
		bytes_append_text(&payload, "[");
	for (int i = 0; i < depth; i++)
		bytes_append_text(&payload, "]");
	bytes_append_text(&payload, "}");
	bytes_append_text(message, "{\"type\":\"sample\",\"payload\":\"");
	encode_base64(ENCODE_BASE64, payload.data, payload.len, message);
	bytes_append_text(message, "\"}");
	bytes_free(&payload);
}

/* What is stored can be read again, or the next start would fail. */
static void test_reference_depth(void **state)
{
	static const struct {
		int depth;
		bool stored;
	} cases[] = { { 1, true }, { 62, true }, { 63, false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reference none = REFERENCE_INIT, next = REFERENCE_INIT,
				 again = REFERENCE_INIT;
		struct bytes message = BYTES_INIT, text = BYTES_INIT;
		struct error e = ERROR_INIT;

		reference_nested(cases[i].depth, &message);
		assert_int_equal(reference_load(&none, "", 0, &e), 0);
		assert_int_equal(reference_apply(&none, message.data, message.len, 0, &next, &e),
				 0);
		assert_int_equal(reference_text(&next, &text, &e), cases[i].stored ? 0 : -1);
		assert_int_equal(e.kind, cases[i].stored ? ERROR_NONE : ERROR_INPUT);
		if (cases[i].stored)
			assert_int_equal(reference_load(&again, text.data, text.len, &e), 0);
		bytes_free(&message);
		bytes_free(&text);
		reference_free(&none);
		reference_free(&next);
		reference_free(&again);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bearer_header),
		cmocka_unit_test(test_printable),
		cmocka_unit_test(test_note),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_challenge_vectors),
		cmocka_unit_test(test_token_text),
		cmocka_unit_test(test_policy_texts),
		cmocka_unit_test(test_policy_requests),
		cmocka_unit_test(test_reference_expiration),
		cmocka_unit_test(test_reference_depth),
		TEST(state_modes),
		TEST(state_refused),
		TEST(state_key_kind),
		TEST(admin_token_renewed),
	};

	return cmocka_run_group_tests_name("trusteed_parts", tests, NULL, NULL);
}
