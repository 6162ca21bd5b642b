// SPDX-License-Identifier: Apache-2.0
/*
 * What trusteed releases, and to which clients: resources, policies, reference values,
 * administrator.
 */
#include "trusteed_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"
#include "base/io.h"
#include "jose/jwt.h"
#include "kbs/policy_text.h"
#include "trusteed/admin.h"
#include "trusteed/attest/handshake.h"

#define MISSING "/kbs/v0/resource/default/key/2"

static void set_policy(struct world *w, const char *text, unsigned int status)
{
	struct bytes base64 = BYTES_INIT, body = BYTES_INIT;

	encode_base64(ENCODE_BASE64URL, text, strlen(text), &base64);
	bytes_printf(&body, "{\"policy\":\"%s\"}", bytes_text(&base64));
	assert_int_equal(world_admin(w, "POST", "/kbs/v0/resource-policy", bytes_text(&body)),
			 status);
	bytes_free(&base64);
	bytes_free(&body);
}

/*
 * A resource is denied, the realm endorsed, the resource released, by cookie and by EAR as bearer.
 */
static void test_story(void **state)
{
	struct world *w = *state;
	struct bytes ear = BYTES_INIT;

	assert_int_equal(world_admin(w, "POST", RESOURCE, "a secret"), 200);
	world_expect(w, "GET", RESOURCE, "", 401, "TokenNotFound");
	world_expect(w, "GET", MISSING, "", 401, "TokenNotFound");
	world_attest_ok(w, NULL);
	world_expect(w, "GET", RESOURCE, "", 401, "PolicyDeny");
	world_expect(w, "GET", MISSING, "", 401, "PolicyDeny");
	world_endorse(w);
	world_expect(w, "GET", RESOURCE, "", 401, "PolicyDeny"); /* the session's EAR is older */
	world_attest_ok(w, &ear);
	world_get_secret(w, RESOURCE, "a secret");
	world_expect(w, "GET", MISSING, "", 404, "ResourceNotFound");
	w->session[0] = '\0';
	bytes_swap(&w->bearer, &ear);
	world_get_secret(w, RESOURCE, "a secret");
	world_expect(w, "GET", MISSING, "", 404, "ResourceNotFound");
	assert_int_equal(world_admin(w, "POST", RESOURCE, "another"), 200);
	world_get_secret(w, RESOURCE, "another");
	bytes_free(&ear);
}

static void test_bearer(void **state)
{
	struct world *w = *state;
	struct bytes ear = BYTES_INIT;

	set_policy(w, POLICY_TEXT_ALLOW_ALL, 200);
	assert_int_equal(world_admin(w, "POST", RESOURCE, "a secret"), 200);
	world_attest_ok(w, &ear);
	w->session[0] = '\0';
	bytes_swap(&w->bearer, &ear);
	w->now += 1800 + 59;
	world_get_secret(w, RESOURCE, "a secret");
	w->now += 2;
	world_expect(w, "GET", RESOURCE, "", 401, "TokenVerifierError");
	w->now -= 600;
	w->bearer.data[w->bearer.len - 3] ^= 1;
	world_expect(w, "GET", RESOURCE, "", 401, "TokenVerifierError");
	bytes_set(&w->bearer, "x.y", 3);
	world_expect(w, "GET", RESOURCE, "", 401, "TokenVerifierError");
	bytes_free(&ear);
}

/* An EAR that does not expire is for `realmkey verify` only, even if trusteed's own key signed it. */
static void test_bearer_without_exp(void **state)
{
	struct world *w = *state;
	struct bytes ear = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct jwt jwt = JWT_INIT;

	set_policy(w, POLICY_TEXT_ALLOW_ALL, 200);
	assert_int_equal(world_admin(w, "POST", RESOURCE, "a secret"), 200);
	world_attest_ok(w, &ear);
	w->session[0] = '\0';
	assert_int_equal(jwt_decode(ear.data, ear.len, &jwt, &e), 0);
	assert_int_equal(jwt_sign(jwt.header, jwt.payload, w->trustee.ear_keys.signer.pkey,
				  &w->bearer, &e),
			 0);
	world_get_secret(w, RESOURCE, "a secret");
	assert_int_equal(json_object_del(jwt.payload, "exp"), 0);
	bytes_clear(&w->bearer);
	assert_int_equal(jwt_sign(jwt.header, jwt.payload, w->trustee.ear_keys.signer.pkey,
				  &w->bearer, &e),
			 0);
	world_expect(w, "GET", RESOURCE, "", 401, "TokenVerifierError");
	jwt_free(&jwt);
	bytes_free(&ear);
}

/* The session's EAR has its own expiry, after which the cookie is not accepted. */
static void test_session_ear_expires(void **state)
{
	struct world *w = *state;

	set_policy(w, POLICY_TEXT_ALLOW_ALL, 200);
	assert_int_equal(world_admin(w, "POST", RESOURCE, "a secret"), 200);
	world_attest_ok(w, NULL);
	world_get_secret(w, RESOURCE, "a secret");
	w->now += 1861;
	world_expect(w, "GET", RESOURCE, "", 401, "TokenVerifierError");
}

/* EAR and admin token cannot replace each other. */
static void test_tokens_apart(void **state)
{
	struct world *w = *state;
	struct bytes ear = BYTES_INIT;

	set_policy(w, POLICY_TEXT_ALLOW_ALL, 200);
	assert_int_equal(world_admin(w, "POST", RESOURCE, "a secret"), 200);
	assert_int_equal(world_admin(w, "GET", RESOURCE, ""), 401);
	world_attest_ok(w, &ear);
	bytes_swap(&w->bearer, &ear);
	world_expect(w, "POST", RESOURCE, "mine", 401, "AdminAuthAccess");
	bytes_free(&ear);
}

static void test_admin_refused(void **state)
{
	static const char *const paths[][2] = {
		{ "POST", RESOURCE },
		{ "POST", "/kbs/v0/resource-policy" },
		{ "GET", "/kbs/v0/resource-policy" },
		{ "POST", "/kbs/v0/reference-value" },
		{ "GET", "/kbs/v0/reference-value/x" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		world_expect(w, paths[i][0], paths[i][1], "", 401, "AdminAuthAccess");
	/* The token is valid for ten years. */
	w->now += INT64_C(3651) * 86400;
	assert_int_equal(world_admin(w, "GET", "/kbs/v0/resource-policy", ""), 401);
}

static void test_policies(void **state)
{
	struct world *w = *state;

	assert_int_equal(world_admin(w, "POST", RESOURCE, "a secret"), 200);
	world_attest_ok(w, NULL);
	world_expect(w, "GET", RESOURCE, "", 401, "PolicyDeny");
	set_policy(w, POLICY_TEXT_ALLOW_ALL, 200);
	world_get_secret(w, RESOURCE, "a secret");
	set_policy(w, POLICY_TEXT_DENY_ALL, 200);
	world_endorse(w);
	world_attest_ok(w, NULL);
	world_expect(w, "GET", RESOURCE, "", 401, "PolicyDeny");
	set_policy(w, POLICY_TEXT_AFFIRMING, 200);
	world_get_secret(w, RESOURCE, "a secret");
	/* Without an engine, a policy in Rego changes nothing. */
	w->trustee.pool = NULL;
	set_policy(w, "package policy\ndefault allow = false\n", 401);
	set_policy(w, POLICY_TEXT_DENY_ALL "allow if { true }\n", 401);
	set_policy(w, "", 401);
	world_get_secret(w, RESOURCE, "a secret");
}

static void test_reference_values(void **state)
{
	/* {"a":["1"],"b":7} */
	static const char good[] = "{\"type\":\"sample\",\"payload\":\"eyJhIjpbIjEiXSwiYiI6N30=\"}";
	static const char *const bad[] = {
		"{\"type\":\"swid\",\"payload\":\"e30=\"}",
		"{\"version\":\"0.2.0\",\"type\":\"sample\",\"payload\":\"e30=\"}",
		"{\"type\":\"sample\",\"payload\":\"e30\"}",
		"{\"type\":\"sample\",\"payload\":\"W10=\"}",
		"{\"type\":\"sample\"}",
		"{\"type\":\"sample\",\"payload\":\"eyIiOjF9\"}",
		"",
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(world_admin(w, "POST", "/kbs/v0/reference-value", bad[i]), 401);
	assert_int_equal(world_admin(w, "GET", "/kbs/v0/reference-value/a", ""), 401);
	assert_int_equal(world_admin(w, "POST", "/kbs/v0/reference-value", good), 200);
	world_reopen(w);
	assert_int_equal(world_admin(w, "GET", "/kbs/v0/reference-value/a", ""), 200);
	assert_int_equal(json_integer_value(reference_value(&w->trustee.reference, "b")), 7);
	assert_int_equal(world_admin(w, "GET", "/kbs/v0/reference-value/c", ""), 401);
}

/* Registers the RIM reference value @json. Returns the status, and the detail of a refusal. */
static unsigned int rims_set(struct world *w, const char *json, const char **detail)
{
	struct bytes payload = BYTES_INIT, message = BYTES_INIT;
	struct reply reply = REPLY_INIT;
	struct request request;
	unsigned int status;

	bytes_printf(&payload, "{\"other\":1,\"" REALM_RIM_REFERENCE "\":%s}", json);
	bytes_append_text(&message, "{\"type\":\"sample\",\"payload\":\"");
	encode_base64(ENCODE_BASE64, payload.data, payload.len, &message);
	bytes_append_text(&message, "\"}");
	request = (struct request){ .body = message.data, .len = message.len };
	admin_reference_set(&w->trustee, &request, "", &reply);
	status = reply.status;
	*detail = status == 200 ? "" : reply_detail(&reply);
	reply_free(&reply);
	bytes_free(&payload);
	bytes_free(&message);
	return status;
}

#define HEX32 "778fdbd941f213b0bfba6a1b807ed2b361ff54a23b7501224e58f660c64b2386"
#define B32   "d4/b2UHyE7C/umobgH7Ss2H/VKI7dQEiTlj2YMZLI4Y="
#define MANY  "gggggggggggggggggggggggggggggggggggggggg"

/* A reference value of the RIM that could never match is refused, and nothing of its message is kept. */
static void test_reference_values_that_never_match(void **state)
{
	static const struct {
		const char *json, *detail; /* NULL: accepted */
	} cases[] = {
		{ "[\"" HEX32 "\"]", "[0]: RIM in hexadecimal, but it must be base64: " B32 },
		{ "[\"" B32 "\",\"x\"]", "[1]: RIM: neither base64" },
		{ "[\"d4/b2UHyE7C/umobgH7Ss2H/VKI7dQEiTlj2YMZLI4Y\"]", "with its padding" },
		{ "[\"d4_b2UHyE7C_umobgH7Ss2H_VKI7dQEiTlj2YMZLI4Y=\"]", "neither base64" },
		{ "[\"" B32 "\\n\"]", "on one line" },
		{ "[\"AAAA\"]", "RIM: 3 bytes, but a digest has 32 (SHA-256)" },
		{ "[\"\"]", "RIM: 0 bytes" },
		{ "[7]", "[0]: not a text" },
		{ "7", "not a text, and not a list" },
		{ "{\"a\":\"" B32 "\"}", "not a text, and not a list" },
		{ "\"" HEX32 "\"", "RIM in hexadecimal, but it must be base64: " B32 },
		{ "[\"" B32 "\"]", NULL },
		{ "\"" B32 "\"", NULL },
		{ "[\"" B32 "\",\"" MANY "gggggggggggggggggggggggg\"]", NULL },
		{ "[\"" MANY MANY "gggggg==\"]", NULL },
		{ "[]", NULL },
	};
	struct world *w = *state;
	const char *detail;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *before = json_deep_copy(w->trustee.reference.records);
		unsigned int status = rims_set(w, cases[i].json, &detail);

		if (status != (cases[i].detail ? 401 : 200))
			fail_msg("%s: %u %s", cases[i].json, status, detail);
		if (cases[i].detail && !strstr(detail, cases[i].detail))
			fail_msg("%s: %s", cases[i].json, detail);
		assert_int_equal(json_equal(before, w->trustee.reference.records),
				 cases[i].detail != NULL);
		json_decref(before);
	}
}

/* The log contains the values that a message endorsed, and only those. */
static void test_endorsement_noted(void **state)
{
	/* {"a":["1"],"b":7} and {"b":8} */
	static const char *const bodies[] = {
		"{\"type\":\"sample\",\"payload\":\"eyJhIjpbIjEiXSwiYiI6N30=\"}",
		"{\"type\":\"sample\",\"payload\":\"eyJiIjo4fQ==\"}",
	};
	static const char *const notes[] = {
		"endorsed a (WARNING: no rule reads it) endorsed b (WARNING: no rule reads it)",
		"endorsed b (WARNING: no rule reads it)",
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct request request = { .body = bodies[i], .len = strlen(bodies[i]) };
		struct reply reply = REPLY_INIT;

		admin_reference_set(&w->trustee, &request, "", &reply);
		assert_int_equal(reply.status, 200);
		assert_string_equal(reply.note, notes[i]);
		assert_true(reply.warning);
		reply_free(&reply);
	}
}

/* Keys, tokens, policy, resources and endorsements survive a restart. Sessions do not. */
static void test_restart(void **state)
{
	struct world *w = *state;
	struct bytes ear = BYTES_INIT;

	set_policy(w, POLICY_TEXT_ALLOW_ALL, 200);
	assert_int_equal(world_admin(w, "POST", RESOURCE, "a secret"), 200);
	world_attest_ok(w, &ear);
	world_reopen(w);
	assert_int_equal(w->trustee.policy, POLICY_ALLOW_ALL);
	world_expect(w, "GET", RESOURCE, "", 401, "TokenNotFound");
	bytes_swap(&w->bearer, &ear);
	world_get_secret(w, RESOURCE, "a secret");
	bytes_free(&ear);
}

static void test_resource_paths(void **state)
{
	static const char *const bad[] = {
		"",	  "a",	    "a/b",    "a/b/c/d",  "a//c",	  "a/b/",     "/b/c",
		"a/b/..", "../b/c", "a/.b/c", "a/b/c%20", "kbs:///a/b/c", "a/b/\xff",
	};
	char path[512], variant[] = "InvalidRequestPath";
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(path, sizeof(path), "/kbs/v0/resource/%s", bad[i]);
		world_expect(w, "GET", path, "", 404, variant);
		assert_int_equal(world_admin(w, "POST", path, "x"), 404);
	}
	memset(path, 'a', sizeof(path));
	memcpy(path, "/kbs/v0/resource/a/b/", 21);
	path[21 + 236] = '\0';
	world_expect(w, "GET", path, "", 404, variant);
	path[21 + 235] = '\0';
	assert_int_equal(world_admin(w, "POST", path, "long"), 200);
}

static void test_resource_sizes(void **state)
{
	struct world *w = *state;
	char *text = malloc((1 << 20) + 2);

	assert_non_null(text);
	memset(text, 's', (1 << 20) + 1);
	text[(1 << 20) + 1] = '\0';
	assert_int_equal(world_admin(w, "POST", RESOURCE, text), 413);
	assert_int_equal(world_admin(w, "POST", RESOURCE, text + 1), 200);
	assert_int_equal(world_admin(w, "POST", MISSING, ""), 200);
	set_policy(w, POLICY_TEXT_ALLOW_ALL, 200);
	world_attest_ok(w, NULL);
	world_get_secret(w, RESOURCE, text + 1);
	world_get_secret(w, MISSING, "");
	free(text);
}

static void test_routes(void **state)
{
	static const struct {
		const char *method, *path;
		unsigned int status;
		const char *variant, *allow;
	} wrong[] = {
		{ "GET", "/", 404, "InvalidRequestPath", "" },
		{ "GET", "/kbs/v0", 404, "InvalidRequestPath", "" },
		{ "GET", "/kbs/v0/", 404, "InvalidRequestPath", "" },
		{ "GET", "/kbs/v0/test", 404, "PluginNotFound", "" },
		{ "PUT", "/kbs/v0/attestation-policy", 405, "MethodNotAllowed", "GET, HEAD, POST" },
		{ "GET", "/kbs/v0/auth/", 404, "PluginNotFound", "" },
		{ "GET", "/kbs/v0/auth", 405, "MethodNotAllowed", "POST" },
		{ "PUT", RESOURCE, 405, "MethodNotAllowed", "GET, HEAD, POST, DELETE" },
		{ "get", RESOURCE, 405, "MethodNotAllowed", "GET, HEAD, POST, DELETE" },
		{ "PUT", "/kbs/v0/resource-policy", 405, "MethodNotAllowed", "GET, HEAD, POST" },
		{ "POST", "/healthz", 405, "MethodNotAllowed", "GET, HEAD" },
		{ "HEAD", "/kbs/v0/auth", 405, "MethodNotAllowed", "POST" },
	};
	struct world *w = *state;
	struct reply reply;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		world_request(w, wrong[i].method, wrong[i].path, NULL, 0, &reply);
		assert_int_equal(reply.status, wrong[i].status);
		assert_string_equal(reply_variant(&reply), wrong[i].variant);
		assert_string_equal(reply.allow, wrong[i].allow);
		reply_free(&reply);
	}
	world_request(w, "GET", "/healthz", NULL, 0, &reply);
	assert_int_equal(reply.status, 200);
	assert_int_equal(reply.body.len, 0);
	reply_free(&reply);
}

/* HEAD is answered like GET, by the same checks. */
static void test_head(void **state)
{
	struct world *w = *state;

	assert_int_equal(world_status(w, "HEAD", "/healthz", ""), 200);
	world_expect(w, "HEAD", RESOURCE, "", 401, "TokenNotFound");
	world_expect(w, "HEAD", "/kbs/v0/resource-policy", "", 401, "AdminAuthAccess");
	assert_int_equal(world_admin(w, "HEAD", "/kbs/v0/resource-policy", ""), 200);
}

/* Attests with the public key @jwk, even if it is unusable. */
static void attest_with_key(struct world *w, const char *jwk)
{
	struct handshake_attest attest = { .version = KBS_0_4_0, .additional = "" };
	struct bytes token = BYTES_INIT, body = BYTES_INIT;
	struct error e = ERROR_INIT;
	uint8_t challenge[64];
	json_t *runtime;

	memcpy(attest.nonce, w->kbs.nonce, sizeof(attest.nonce));
	attest.tee_pubkey = json_loads(jwk, 0, NULL);
	runtime = handshake_runtime_data(&attest, &e);
	assert_int_equal(handshake_challenge(runtime, challenge, &e), 0);
	cca_builder_token(&w->builder, challenge, &token);
	bytes_printf(&body,
		     "{\"runtime-data\":{\"nonce\":\"%s\",\"tee-pubkey\":%s},"
		     "\"tee-evidence\":{\"additional_evidence\":\"\","
		     "\"primary_evidence\":{\"token\":[",
		     w->kbs.nonce, jwk);
	for (size_t i = 0; i < token.len; i++)
		bytes_printf(&body, "%s%u", i ? "," : "", token.data[i]);
	bytes_append_text(&body, "]}}}");
	assert_int_equal(world_status(w, "POST", "/kbs/v0/attest", bytes_text(&body)), 200);
	json_decref(runtime);
	json_decref(attest.tee_pubkey);
	bytes_free(&token);
	bytes_free(&body);
}

/*
 * Attestation succeeds with a key to which nothing can be encrypted, but no resource is released.
 */
static void test_useless_keys(void **state)
{
	static const char *const keys[] = {
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\",\"x\":\"\",\"y\":\"\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\",\"x\":\"AQ\",\"y\":\"AQ\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-9\",\"alg\":\"ECDH-ES+A256KW\",\"x\":\"AQ\",\"y\":\"AQ\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"none\",\"x\":\"AQ\",\"y\":\"AQ\"}",
		"{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP-256\",\"n\":\"AQ\",\"e\":\"AQAB\"}",
	};
	struct world *w = *state;

	set_policy(w, POLICY_TEXT_ALLOW_ALL, 200);
	assert_int_equal(world_admin(w, "POST", RESOURCE, "a secret"), 200);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		world_auth(w);
		attest_with_key(w, keys[i]);
		world_expect(w, "GET", RESOURCE, "", 401, "JweError");
	}
}

/* With an RSA key, RSA-OAEP-256 is used. */
static void test_rsa_key(void **state)
{
	struct world *w = *state;
	struct bytes pem = BYTES_INIT;
	struct error e = ERROR_INIT;
	char path[512];

	snprintf(path, sizeof(path), "%s/own-vectors/tee-rsa2048.pem", getenv("REALMKEY_VECTORS"));
	assert_int_equal(io_read_file(path, 8192, &pem, &e), 0);
	tee_key_free(&w->tee);
	assert_int_equal(tee_key_from_pem(&w->tee, pem.data, pem.len, &e), 0);
	set_policy(w, POLICY_TEXT_ALLOW_ALL, 200);
	assert_int_equal(world_admin(w, "POST", RESOURCE, "a secret"), 200);
	world_attest_ok(w, NULL);
	world_get_secret(w, RESOURCE, "a secret");
	bytes_free(&pem);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(story),
		TEST(bearer),
		TEST(bearer_without_exp),
		TEST(session_ear_expires),
		TEST(tokens_apart),
		TEST(admin_refused),
		TEST(policies),
		TEST(reference_values),
		TEST(reference_values_that_never_match),
		TEST(endorsement_noted),
		TEST(restart),
		TEST(resource_paths),
		TEST(resource_sizes),
		TEST(routes),
		TEST(head),
		TEST(useless_keys),
		TEST(rsa_key),
	};

	/* These are about the policies that need no engine; test_trusteed_policy has one. */
	setenv("REALMKEY_POLICY", "/nonexistent", 1);
	return cmocka_run_group_tests_name("trusteed_release", tests, NULL, NULL);
}
