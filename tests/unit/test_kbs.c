// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"
#include "kbs/kbs.h"
#include "vector.h"

#define ERROR_URL "https://github.com/confidential-containers/kbs/errors/"

/* --- the handshake, byte for byte ------------------------------------------------------------- */

static void key_read(const char *name, struct tee_key *key)
{
	struct bytes pem = BYTES_INIT;
	struct error e = ERROR_INIT;

	vector_read(name, &pem);
	assert_int_equal(tee_key_from_pem(key, pem.data, pem.len, &e), 0);
	bytes_free(&pem);
}

/* Returns the challenge of the vector's nonce. */
static struct kbs_challenge kbs_of(const json_t *vector)
{
	struct kbs_challenge kbs = { .hash = "sha384" };

	snprintf(kbs.nonce, sizeof(kbs.nonce), "%s",
		 json_string_value(json_object_get(vector, "nonce")));
	return kbs;
}

static void expect_challenge(const char *section, const char *canonical, const char *pem)
{
	json_t *vectors = vector_read_json("own-vectors/vectors.json");
	const json_t *vector = json_object_get(vectors, section);
	struct bytes runtime = BYTES_INIT, hex = BYTES_INIT;
	struct tee_key key = TEE_KEY_INIT;
	struct kbs_challenge kbs = kbs_of(json_object_get(vectors, "ec_report_data"));
	struct error e = ERROR_INIT;
	uint8_t challenge[64];

	key_read(pem, &key);
	assert_int_equal(kbs_realm_challenge(&kbs, &key, challenge, &runtime, &e), 0);
	assert_string_equal(bytes_text(&runtime),
			    json_string_value(json_object_get(vector, canonical)));
	encode_hex(challenge, 64, &hex);
	assert_string_equal(bytes_text(&hex),
			    json_string_value(json_object_get(vector, "cca_challenge_64")));
	bytes_free(&runtime);
	bytes_free(&hex);
	tee_key_free(&key);
	json_decref(vectors);
}

static void test_challenge_ec(void **state)
{
	(void)state;
	expect_challenge("ec_report_data", "primary_canonical_json", "own-vectors/tee-p256.pem");
}

static void test_challenge_rsa(void **state)
{
	(void)state;
	expect_challenge("rsa_report_data", "canonical_json", "own-vectors/tee-rsa2048.pem");
}

/* With another hash, a shorter digest is padded and a longer one fills the challenge. */
static void test_challenge_hashes(void **state)
{
	static const struct {
		const char *name;
		size_t size;
	} hashes[] = { { "sha256", 32 }, { "sha384", 48 }, { "sha512", 64 } };
	struct tee_key key = TEE_KEY_INIT;
	struct error e = ERROR_INIT;
	uint8_t challenge[64];

	(void)state;
	key_read("own-vectors/tee-p256.pem", &key);
	for (size_t i = 0; i < 3; i++) {
		struct kbs_challenge kbs = { .nonce = "n", .hash = hashes[i].name };
		struct bytes text = BYTES_INIT;
		uint8_t digest[64] = { 0 };

		assert_int_equal(kbs_realm_challenge(&kbs, &key, challenge, &text, &e), 0);
		assert_int_equal(EVP_Q_digest(NULL, hashes[i].name, NULL, text.data, text.len,
					      digest, NULL),
				 1);
		assert_memory_equal(challenge, digest, 64);
		assert_int_not_equal(challenge[hashes[i].size - 1] | challenge[hashes[i].size - 2],
				     0);
		bytes_free(&text);
	}
	tee_key_free(&key);
}

static void test_attest_body(void **state)
{
	static const uint8_t token[] = { 217, 1, 143, 162 };
	json_t *vectors = vector_read_json("own-vectors/vectors.json");
	const json_t *vector = json_object_get(vectors, "ec_report_data");
	struct tee_key key = TEE_KEY_INIT;
	struct kbs_challenge kbs = kbs_of(vector);
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	key_read("own-vectors/tee-p256.pem", &key);
	assert_int_equal(kbs_attest_body(&kbs, &key, token, sizeof(token), &body, &e), 0);
	assert_string_equal(bytes_text(&body), json_string_value(json_object_get(
						       vector, "initdata_absent_request_body")));
	bytes_free(&body);
	tee_key_free(&key);
	json_decref(vectors);
}

/* Each byte of a token is a number in decimal. */
static void test_attest_body_numbers(void **state)
{
	struct kbs_challenge kbs = { .nonce = "n", .hash = "sha384" };
	struct bytes body = BYTES_INIT, expected = BYTES_INIT;
	struct tee_key key = TEE_KEY_INIT;
	struct error e = ERROR_INIT;
	uint8_t token[256];

	(void)state;
	key_read("own-vectors/tee-p256.pem", &key);
	bytes_append_text(&expected, "\"token\":[");
	for (unsigned int i = 0; i < sizeof(token); i++) {
		token[i] = (uint8_t)i;
		bytes_printf(&expected, "%s%u", i ? "," : "", i);
	}
	bytes_append_text(&expected, "]");
	assert_int_equal(kbs_attest_body(&kbs, &key, token, sizeof(token), &body, &e), 0);
	assert_non_null(strstr(bytes_text(&body), bytes_text(&expected)));
	bytes_free(&body);
	bytes_free(&expected);
	tee_key_free(&key);
}

static void test_attest_body_limits(void **state)
{
	static const uint8_t token[65537];
	struct kbs_challenge kbs = { .nonce = "n", .hash = "sha384" };
	struct tee_key key = TEE_KEY_INIT;
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	key_read("own-vectors/tee-p256.pem", &key);
	assert_int_equal(kbs_attest_body(&kbs, &key, token, 65536, &body, &e), 0);
	assert_int_equal(kbs_attest_body(&kbs, &key, token, 65537, &body, &e), -1);
	assert_int_equal(e.kind, ERROR_INPUT);
	assert_string_equal(e.text, "CCA token: 65537 bytes, not 1 to 65536");
	assert_int_equal(kbs_attest_body(&kbs, &key, token, 0, &body, &e), -1);
	bytes_free(&body);
	tee_key_free(&key);
}

static void test_auth_body(void **state)
{
	struct bytes body = BYTES_INIT;

	(void)state;
	kbs_auth_body(&body);
	assert_string_equal(
		bytes_text(&body),
		"{\"version\":\"0.4.0\",\"tee\":\"cca\",\"extra-params\":"
		"{\"supported-hash-algorithms\":[\"sha256\",\"sha384\",\"sha512\",\"sm3\"]}}");
	bytes_free(&body);
}

/* --- the challenge's JSON --------------------------------------------------------------------- */

static int auth(struct kbs_challenge *kbs, const char *body, struct error *e)
{
	return kbs_auth_answer(kbs, 200, body, strlen(body), e);
}

static void test_auth_answers(void **state)
{
	static const struct {
		const char *body, *hash;
	} cases[] = {
		{ "{\"nonce\":\"n\",\"extra-params\":\"\"}", "sha384" },
		{ "{\"nonce\":\"n\",\"extra-params\":{}}", "sha384" },
		{ "{\"nonce\":\"n\",\"extra-params\":null}", "sha384" },
		{ "{\"nonce\":\"n\",\"extra-params\":{\"selected-hash-algorithm\":\"SHA512\"}}",
		  "sha512" },
		{ "{\"nonce\":\"n\",\"extra-params\":{\"selected-hash-algorithm\":\"sha256\"},\"x\":1}",
		  "sha256" },
	};
	struct kbs_challenge kbs;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;

		assert_int_equal(auth(&kbs, cases[i].body, &e), 0);
		assert_string_equal(kbs.hash, cases[i].hash);
		assert_string_equal(kbs.nonce, "n");
	}
}

/* The nonce is text, so nothing in it is normalised as base64. */
static void test_nonce_is_opaque(void **state)
{
	struct error e = ERROR_INIT;
	struct kbs_challenge kbs;

	(void)state;
	assert_int_equal(auth(&kbs,
			      "{\"nonce\":\"not base64! \\\"\\u00e9=\",\"extra-params\":\"\"}", &e),
			 0);
	assert_string_equal(kbs.nonce, "not base64! \"\303\251=");
}

static void test_nonce_limit(void **state)
{
	char body[400];
	struct error e = ERROR_INIT;
	struct kbs_challenge kbs;

	(void)state;
	snprintf(body, sizeof(body), "{\"nonce\":\"%0256d\",\"extra-params\":\"\"}", 0);
	assert_int_equal(auth(&kbs, body, &e), 0);
	snprintf(body, sizeof(body), "{\"nonce\":\"%0257d\",\"extra-params\":\"\"}", 0);
	assert_int_equal(auth(&kbs, body, &e), -1);
	assert_string_equal(e.text, "challenge: nonce: 257 bytes, not 1 to 256");
}

static void test_bad_challenges(void **state)
{
	static const struct {
		const char *body, *words;
	} cases[] = {
		{ "", "challenge" },
		{ "<html>", "challenge" },
		{ "[]", "challenge" },
		{ "{\"extra-params\":\"\"}", "nonce: missing" },
		{ "{\"nonce\":1,\"extra-params\":\"\"}", "nonce: not a" },
		{ "{\"nonce\":\"\",\"extra-params\":\"\"}", "nonce: 0 bytes" },
		{ "{\"nonce\":\"n\"}", "extra-params: missing" },
		{ "{\"nonce\":\"n\",\"extra-params\":{\"selected-hash-algorithm\":\"md5\"}}",
		  "selected-hash-algorithm: unknown: md5" },
		{ "{\"nonce\":\"n\",\"extra-params\":{\"selected-hash-algorithm\":7}}",
		  "selected-hash-algorithm: not a text" },
		{ "{\"nonce\":\"n\",\"nonce\":\"m\",\"extra-params\":\"\"}", "challenge" },
		{ "{\"nonce\":\"a\\u0000b\",\"extra-params\":\"\"}", "challenge" },
	};
	struct kbs_challenge kbs;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;

		assert_int_equal(auth(&kbs, cases[i].body, &e), -1);
		assert_int_equal(e.kind, ERROR_PROTOCOL);
		if (!strstr(e.text, cases[i].words))
			fail_msg("%s: %s", cases[i].body, e.text);
	}
}

/* --- refusals --------------------------------------------------------------------------------- */

static void test_resource_answers(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum error_kind kind;
		bool transient;
		const char *words;
	} cases[] = {
		{ 401,
		  "{\"type\":\"" ERROR_URL
		  "TokenNotFound\",\"detail\":\"Attestation Token not found\"}",
		  ERROR_ATTESTATION, true,
		  "(HTTP 401 TokenNotFound: Attestation Token not found)" },
		{ 401, "{\"type\":\"" ERROR_URL "TokenVerifierError\",\"detail\":\"x\"}",
		  ERROR_ATTESTATION, true, "does not accept the EAR" },
		{ 401,
		  "{\"type\":\"" ERROR_URL "PolicyDeny\",\"detail\":\"Access denied by policy\"}",
		  ERROR_POLICY, false,
		  "resource a/b/c: denied by the KBS's resource policy (HTTP 401 PolicyDeny: Access "
		  "denied by policy)" },
		{ 401, "{\"type\":\"" ERROR_URL "PolicyEngine\",\"detail\":\"\"}", ERROR_POLICY,
		  false, "policy failed" },
		{ 401,
		  "{\"type\":\"" ERROR_URL
		  "PluginInternalError\",\"detail\":\"Plugin internal error\"}",
		  ERROR_NOT_FOUND, false, "not found, or the KBS's storage failed" },
		{ 401, "{\"type\":\"" ERROR_URL "JweError\",\"detail\":\"\"}", ERROR_PROTOCOL,
		  false, "TEE key" },
		{ 401, "{\"type\":\"" ERROR_URL "Novelty\",\"detail\":\"of 2027\"}",
		  ERROR_ATTESTATION, false, "HTTP 401 Novelty: of 2027" },
		{ 401, "{\"type\":\"PolicyDeny\"}", ERROR_POLICY, false, "denied" },
		{ 401, "Unauthorized", ERROR_ATTESTATION, false,
		  "refused (HTTP 401: Unauthorized)" },
		{ 401, "{\"type\":7}", ERROR_ATTESTATION, false,
		  "refused (HTTP 401: {\"type\":7})" },
		{ 401, "\xef\xbb\xbf{\"type\":\"PolicyDeny\",\"detail\":\"d\"}", ERROR_POLICY,
		  false, "(HTTP 401 PolicyDeny: d)" },
		{ 401, "{\"type\":\"PolicyDeny\",\"detail\":\"d\xe9ni\"}", ERROR_POLICY, false,
		  "(HTTP 401 PolicyDeny: d?ni)" },
		{ 401, "{\"type\":\"PolicyDeny\",\"x\":\"\\u0000\"}", ERROR_POLICY, false,
		  "(HTTP 401 PolicyDeny: )" },
		{ 401, "", ERROR_ATTESTATION, false, "refused (HTTP 401)" },
		{ 404, "{\"type\":\"" ERROR_URL "PluginNotFound\",\"detail\":\"d\"}",
		  ERROR_NOT_FOUND, false, "no such plugin" },
		{ 404, "{\"type\":\"" ERROR_URL "ResourceNotFound\",\"detail\":\"d\"}",
		  ERROR_NOT_FOUND, false, "not found (HTTP 404 ResourceNotFound: d)" },
		{ 404, "", ERROR_NOT_FOUND, false, "not found (HTTP 404)" },
		{ 403, "", ERROR_POLICY, true, "forbidden" },
		{ 302, "", ERROR_PROTOCOL, false, "redirected" },
		{ 413, "payload reached size limit", ERROR_INPUT, false,
		  "(HTTP 413: payload reached size limit)" },
		{ 429, "", ERROR_NETWORK, true, "too many requests" },
		{ 500, "", ERROR_NETWORK, true, "internal error" },
		{ 599, "", ERROR_NETWORK, true, "internal error" },
		{ 204, "", ERROR_PROTOCOL, false, "unexpected answer (HTTP 204)" },
		{ 0, "", ERROR_PROTOCOL, false, "unexpected" },
		{ -1, "", ERROR_PROTOCOL, false, "unexpected" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;

		assert_int_equal(kbs_resource_answer(cases[i].status, cases[i].body,
						     strlen(cases[i].body), "a/b/c", &e),
				 -1);
		if (e.kind != cases[i].kind || e.transient != cases[i].transient ||
		    !strstr(e.text, cases[i].words))
			fail_msg("%d %s: %d %d %s", cases[i].status, cases[i].body, (int)e.kind,
				 e.transient, e.text);
	}
}

static void test_resource_success(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(kbs_resource_answer(200, "anything", 8, "a/b/c", &e), 0);
}

/* The server's detail is shown, but cannot break the line or fill the screen. */
static void test_details_are_sanitized(void **state)
{
	char body[3000];
	struct error e = ERROR_INIT;

	(void)state;
	snprintf(body, sizeof(body),
		 "{\"type\":\"" ERROR_URL "PolicyDeny\",\"detail\":"
		 "\"a\\n\\u001b[31mred%02000d\"}",
		 0);
	assert_int_equal(kbs_resource_answer(401, body, strlen(body), "a/b/c", &e), -1);
	assert_non_null(strstr(e.text, "a ?[31mred"));
	assert_true(strlen(e.text) < 500);
	/* So also the text of a body that is not JSON, with NUL bytes in it. */
	memset(body, '\0', sizeof(body));
	assert_int_equal(kbs_resource_answer(503, body, sizeof(body), "a/b/c", &e), -1);
	assert_non_null(strstr(e.text, "(HTTP 503: ????"));
	assert_true(strlen(e.text) < 500);
}

static void test_handshake_refusals(void **state)
{
	static const char version[] = "{\"type\":\"" ERROR_URL
				      "AttestationError\",\"detail\":\"RCAR handshake Auth failed: "
				      "KBS Client Protocol Version Mismatch\"}";
	static const char attest[] = "{\"type\":\"" ERROR_URL
				     "AttestationError\",\"detail\":\"E_BINDING\"}";
	struct bytes ear = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct kbs_challenge kbs;

	(void)state;
	assert_int_equal(kbs_auth_answer(&kbs, 401, version, strlen(version), &e), -1);
	assert_int_equal(e.kind, ERROR_ATTESTATION);
	assert_non_null(strstr(e.text,
			       "auth: attestation refused (HTTP 401 AttestationError: RCAR "
			       "handshake Auth failed: KBS Client Protocol Version Mismatch)"));
	assert_int_equal(kbs_attest_answer(401, attest, strlen(attest), &ear, &e), -1);
	assert_int_equal(e.kind, ERROR_ATTESTATION);
	assert_true(e.transient); /* the next token may be accepted */
	assert_non_null(strstr(e.text, "attest: attestation refused (HTTP 401 AttestationError: "
				       "E_BINDING)"));
	assert_null(strstr(e.text, "log")); /* it names its cause */
	assert_int_equal(kbs_auth_answer(&kbs, 404, "", 0, &e), -1);
	assert_int_equal(e.kind, ERROR_PROTOCOL); /* not "no such resource" */
	assert_int_equal(ear.len, 0);
}

/* Trustee does not say why it refuses evidence. */
static void test_attest_without_a_cause(void **state)
{
	static const char body[] =
		"{\"type\":\"" ERROR_URL
		"AttestationError\",\"detail\":\"Attestation error: RCAR handshake Attest failed\"}";
	static const char more[] = "{\"type\":\"" ERROR_URL
				   "AttestationError\",\"detail\":\"RCAR handshake Attest failed: "
				   "E_BINDING\"}";
	struct bytes ear = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(kbs_attest_answer(401, body, strlen(body), &ear, &e), -1);
	assert_int_equal(e.kind, ERROR_ATTESTATION);
	assert_true(e.transient);
	assert_non_null(strstr(e.text, "only in the KBS's log; usually the KBS does not know this "
				       "platform's key (CPAK)"));
	assert_non_null(strstr(e.text, "reference values for the platform"));
	assert_int_equal(kbs_attest_answer(401, more, strlen(more), &ear, &e), -1);
	assert_null(strstr(e.text, "log"));
}

static void test_admin_answers(void **state)
{
	static const char denied[] = "{\"type\":\"" ERROR_URL
				     "AdminAuthInitialization\",\"detail\":\"d\"}";
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(kbs_admin_answer(200, "", 0, "set-resource", &e), 0);
	assert_int_equal(kbs_admin_answer(204, "", 0, "set-resource", &e), 0);
	assert_int_equal(kbs_admin_answer(401, denied, strlen(denied), "set-resource", &e), -1);
	assert_int_equal(e.kind, ERROR_POLICY);
	assert_string_equal(e.text, "set-resource: administrator's token refused (HTTP 401 "
				    "AdminAuthInitialization: d)");
}

/* A policy that the KBS cannot read is bad input, by whichever words of Trustee; it is no denial. */
static void test_malformed_policies(void **state)
{
	static const struct {
		const char *body;
		enum error_kind kind;
		const char *words;
	} cases[] = {
		{ "{\"type\":\"" ERROR_URL
		  "ParsePolicyError\",\"detail\":\"Failed to parse policy: "
		  "line 3, column 7: expecting expression\"}",
		  ERROR_INPUT, "line 3, column 7: expecting expression" },
		/* Trustee of August 2026, POST resource-policy */
		{ "{\"type\":\"" ERROR_URL "PolicyEngineError\",\"detail\":\"Policy engine error: "
		  "Failed to load policy: \\n--> :3:7\\n  |\\n3 | allow if\\n  |       ^\\nerror: "
		  "expecting `{`\"}",
		  ERROR_INPUT,
		  "policy: the KBS cannot read the policy (HTTP 401 PolicyEngineError: Policy "
		  "engine error: Failed to load policy: --> :3:7 | 3 | allow if | ^ error: "
		  "expecting `{`)" },
		{ "{\"type\":\"" ERROR_URL "PolicyEngineError\",\"detail\":\"Policy engine error: "
		  "policy storage error: disk full\"}",
		  ERROR_NETWORK, "cannot store" },
		{ "{\"type\":\"" ERROR_URL "PolicyEngineError\",\"detail\":\"Policy engine error: "
		  "Failed to eval policy: x\"}",
		  ERROR_POLICY, "policy failed" },
		/* Trustee of December 2025 */
		{ "{\"type\":\"" ERROR_URL "PolicyEngine\",\"detail\":\"Policy engine error\"}",
		  ERROR_INPUT, "its log has the cause" },
		/* both, POST attestation-policy */
		{ "{\"type\":\"" ERROR_URL "AttestationError\",\"detail\":\"Attestation error: Set "
		  "Attestation Policy failed\"}",
		  ERROR_INPUT, "its log has the cause" },
		{ "{\"type\":\"" ERROR_URL "AttestationError\"}", ERROR_ATTESTATION, "refused" },
		{ "{\"type\":\"" ERROR_URL "PolicyDeny\",\"detail\":\"\"}", ERROR_POLICY,
		  "denied" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;

		assert_int_equal(kbs_admin_answer(401, cases[i].body, strlen(cases[i].body),
						  "policy", &e),
				 -1);
		if (e.kind != cases[i].kind || !strstr(e.text, cases[i].words))
			fail_msg("%s: %d %s", cases[i].body, (int)e.kind, e.text);
	}
}

/* A KBS that does not have the request. */
static void test_admin_unserved(void **state)
{
	static const char none[] = "{\"type\":\"" ERROR_URL
				   "PluginNotFound\",\"detail\":\"Plugin ear-key not found\"}";
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(kbs_admin_answer(404, none, strlen(none), "EAR key", &e), -1);
	assert_int_equal(e.kind, ERROR_NOT_FOUND);
	assert_non_null(strstr(e.text, "does not have this request"));
	assert_int_equal(kbs_admin_answer(405, "", 0, "a/b/c", &e), -1);
	assert_int_equal(e.kind, ERROR_PROTOCOL);
	assert_non_null(strstr(e.text, "does not serve this request"));
}

/* --- the EAR ---------------------------------------------------------------------------------- */

static void test_attest_answer(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"token\":1}",
		"{\"token\":\"\"}",
		"{\"token\":\"a.b\"}",
		"{\"token\":\"a.b.c.d\"}",
		"{\"token\":\"a.b.c\\r\\nX: y\"}",
		"{\"token\":\"a.b.c=\"}",
		"{\"token\":\"a.b c.d\"}",
	};
	static const char good[] = "{\"token\":\"ab-_.cd.EF09\"}";
	struct bytes ear = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(kbs_attest_answer(200, bad[i], strlen(bad[i]), &ear, &e), -1);
		assert_int_equal(e.kind, ERROR_PROTOCOL);
		assert_int_equal(ear.len, 0);
	}
	assert_int_equal(kbs_attest_answer(200, good, strlen(good), &ear, &e), 0);
	assert_string_equal(bytes_text(&ear), "ab-_.cd.EF09");
	bytes_free(&ear);
}

static void test_attest_answer_too_long(void **state)
{
	struct bytes body = BYTES_INIT, ear = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	bytes_printf(&body, "{\"token\":\"a.b.%0*d\"}", (int)KBS_TOKEN_MAX, 0);
	assert_int_equal(kbs_attest_answer(200, body.data, body.len, &ear, &e), -1);
	assert_non_null(strstr(e.text, "attest: token: 262148 bytes, over 262144"));
	bytes_free(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_auth_body),
		cmocka_unit_test(test_challenge_ec),
		cmocka_unit_test(test_challenge_rsa),
		cmocka_unit_test(test_challenge_hashes),
		cmocka_unit_test(test_attest_body),
		cmocka_unit_test(test_attest_body_numbers),
		cmocka_unit_test(test_attest_body_limits),
		cmocka_unit_test(test_auth_answers),
		cmocka_unit_test(test_nonce_is_opaque),
		cmocka_unit_test(test_nonce_limit),
		cmocka_unit_test(test_bad_challenges),
		cmocka_unit_test(test_resource_answers),
		cmocka_unit_test(test_resource_success),
		cmocka_unit_test(test_details_are_sanitized),
		cmocka_unit_test(test_handshake_refusals),
		cmocka_unit_test(test_attest_without_a_cause),
		cmocka_unit_test(test_admin_answers),
		cmocka_unit_test(test_malformed_policies),
		cmocka_unit_test(test_admin_unserved),
		cmocka_unit_test(test_attest_answer),
		cmocka_unit_test(test_attest_answer_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
