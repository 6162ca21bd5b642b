// SPDX-License-Identifier: Apache-2.0
/* trusteed's side of the handshake: auth, attest, and the resulting EAR. */
#include "trusteed_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"
#include "base/io.h"
#include "base/json.h"
#include "ear/ear.h"
#include "jose/jwk.h"
#include "jose/jwt.h"

/* Header and claims are those of section 5 of the protocol facts, in that order. */
static void test_ear(void **state)
{
	static const char header_start[] = "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"jwk\":{\"alg\":"
					   "\"ES256\",\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"";
	struct world *w = *state;
	struct bytes text = BYTES_INIT, header = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct jwt jwt = JWT_INIT;
	struct ear ear = EAR_INIT;
	EVP_PKEY *key;

	world_attest_ok(w, &text);
	assert_int_equal(jwt_decode(text.data, text.len, &jwt, &e), 0);
	assert_int_equal(json_compact(jwt.header, &header, &e), 0);
	assert_memory_equal(header.data, header_start, strlen(header_start));
	key = jwk_public_key(json_object_get(jwt.header, "jwk"), "jwk", &e);
	assert_int_equal(jwt_verify(&jwt, key, &e), 0);
	assert_int_equal(json_integer_value(json_object_get(jwt.payload, "iat")), w->now);
	assert_int_equal(json_integer_value(json_object_get(jwt.payload, "exp")), w->now + 1800);
	assert_int_equal(ear_from_payload(jwt.payload, &ear, &e), 0);
	assert_string_equal(ear.profile, "tag:github.com,2024:confidential-containers/Trustee");
	assert_int_equal(ear.count, 1);
	assert_string_equal(ear.appraisal[0].name, "cpu0");
	assert_int_equal(ear.appraisal[0].status, EAR_WARNING);
	EVP_PKEY_free(key);
	ear_free(&ear);
	jwt_free(&jwt);
	bytes_free(&header);
	bytes_free(&text);
}

/* Asserts that both have the same members, at every level and in the same order. */
static void same_members(const char *where, json_t *got, json_t *want)
{
	void *a = json_object_iter(got), *b = json_object_iter(want);

	for (; a && b; a = json_object_iter_next(got, a), b = json_object_iter_next(want, b)) {
		const char *name = json_object_iter_key(b);

		if (strcmp(json_object_iter_key(a), name) != 0)
			fail_msg("%s: %s, expected %s", where, json_object_iter_key(a), name);
		assert_int_equal(json_typeof(json_object_iter_value(a)),
				 json_typeof(json_object_iter_value(b)));
		same_members(name, json_object_iter_value(a), json_object_iter_value(b));
	}
	if (a || b)
		fail_msg("%s: more or fewer members than expected", where);
}

/* The payload has exactly the members of the sample, plus "iss", which newer Trustees add. */
static void test_ear_members(void **state)
{
	struct world *w = *state;
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct jwt jwt = JWT_INIT;
	json_t *sample;
	char path[512];

	snprintf(path, sizeof(path), "%s/own-vectors/sample-ear.json", getenv("REALMKEY_VECTORS"));
	sample = json_load_file(path, 0, NULL);
	assert_non_null(sample);
	world_attest_ok(w, &text);
	assert_int_equal(jwt_decode(text.data, text.len, &jwt, &e), 0);
	assert_string_equal(json_string_value(json_object_get(jwt.payload, "iss")), "trusteed");
	json_object_del(jwt.payload, "iss");
	same_members("claims", jwt.payload, json_object_get(sample, "claims"));
	json_decref(sample);
	jwt_free(&jwt);
	bytes_free(&text);
}

static json_t *fill_base64(int first, int byte, size_t len)
{
	uint8_t data[64];
	struct bytes text = BYTES_INIT;
	json_t *value;

	memset(data, byte, sizeof(data));
	if (first >= 0)
		data[0] = (uint8_t)first;
	encode_base64(ENCODE_BASE64, data, len, &text);
	value = json_string(bytes_text(&text));
	bytes_free(&text);
	return value;
}

static json_t *payload_evidence(const struct jwt *jwt)
{
	json_t *cpu0 = json_object_get(json_object_get(jwt->payload, "submods"), "cpu0");

	return json_object_get(cpu0, "ear.veraison.annotated-evidence");
}

/* The annotated evidence has the claims of the token, and the TEE key where a KBS reads it. */
static void test_evidence(void **state)
{
	struct world *w = *state;
	struct bytes text = BYTES_INIT, report = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct jwt jwt = JWT_INIT;
	uint8_t challenge[64];
	json_t *evidence, *cca, *want, *key;

	world_attest_ok(w, &text);
	assert_int_equal(jwt_decode(text.data, text.len, &jwt, &e), 0);
	evidence = payload_evidence(&jwt);
	cca = json_object_get(evidence, "cca");
	want = json_pack("{s:o, s:o}", "cca-platform-implementation-id",
			 fill_base64(-1, CCA_BUILDER_IMPLEMENTATION, 32),
			 "cca-platform-instance-id", fill_base64(1, CCA_BUILDER_INSTANCE, 33));
	assert_true(json_equal(json_object_get(cca, "platform"), want));
	json_decref(want);
	assert_int_equal(kbs_realm_challenge(&w->kbs, &w->tee, challenge, NULL, &e), 0);
	encode_hex(challenge, sizeof(challenge), &report);
	assert_string_equal(json_string_value(json_object_get(evidence, "report_data")),
			    bytes_text(&report));
	want = json_pack(
		"{s:o, s:[o, o, o, o], s:s, s:o, s:o}", "cca-realm-initial-measurement",
		fill_base64(-1, CCA_BUILDER_RIM, 32), "cca-realm-extensible-measurements",
		fill_base64(-1, CCA_BUILDER_REM, 32), fill_base64(-1, CCA_BUILDER_REM + 1, 32),
		fill_base64(-1, CCA_BUILDER_REM + 2, 32), fill_base64(-1, CCA_BUILDER_REM + 3, 32),
		"cca-realm-hash-algo-id", "sha-256", "cca-realm-personalization-value",
		fill_base64(-1, CCA_BUILDER_RPV, 64), "cca-realm-challenge",
		json_incref(json_object_get(json_object_get(cca, "realm"), "cca-realm-challenge")));
	assert_true(json_equal(json_object_get(cca, "realm"), want));
	json_decref(want);
	key = tee_key_jwk(&w->tee, &e);
	want = json_pack("{s:s, s:s, s:o}", "additional-evidence", "", "nonce", w->kbs.nonce,
			 "tee-pubkey", key);
	assert_true(json_equal(json_object_get(evidence, "runtime_data_claims"), want));
	json_decref(want);
	jwt_free(&jwt);
	bytes_free(&report);
	bytes_free(&text);
}

/* The trust vector by the policy of the demonstration, without and with the endorsement. */
static void test_vector(void **state)
{
	static const int want[EAR_CLAIMS] = {
		[EAR_INSTANCE_IDENTITY] = 2,
		[EAR_EXECUTABLES] = 33,
		[EAR_HARDWARE] = 2,
		[EAR_RUNTIME_OPAQUE] = 2,
	};
	struct world *w = *state;

	for (int endorsed = 0; endorsed < 2; endorsed++) {
		struct bytes text = BYTES_INIT;
		struct error e = ERROR_INIT;
		struct jwt jwt = JWT_INIT;
		struct ear ear = EAR_INIT;

		world_attest_ok(w, &text);
		assert_int_equal(jwt_decode(text.data, text.len, &jwt, &e), 0);
		assert_int_equal(ear_from_payload(jwt.payload, &ear, &e), 0);
		assert_true(ear.appraisal[0].has_vector);
		for (int i = 0; i < EAR_CLAIMS; i++)
			assert_int_equal(ear.appraisal[0].vector[i],
					 endorsed && i == EAR_EXECUTABLES ? 3 : want[i]);
		assert_int_equal(ear.appraisal[0].status, endorsed ? EAR_AFFIRMING : EAR_WARNING);
		ear_free(&ear);
		jwt_free(&jwt);
		bytes_free(&text);
		world_endorse(w);
	}
}

static const struct {
	enum cca_builder_fault fault;
	const char *cause;
} faults[] = {
	{ CCA_BUILDER_BAD_BINDING, "E_BINDING" }, { CCA_BUILDER_BAD_PLATFORM, "E_SIG_PLATFORM" },
	{ CCA_BUILDER_BAD_REALM, "E_SIG_REALM" }, { CCA_BUILDER_NOT_SECURED, "E_LIFECYCLE" },
	{ CCA_BUILDER_TRAILING, "E_CBOR" },
};

static void expect_cause(const struct reply *reply, const char *cause)
{
	char want[128];

	assert_int_equal(reply->status, 401);
	assert_string_equal(reply_variant(reply), "AttestationError");
	snprintf(want, sizeof(want), "Attestation error: %s", cause);
	if (strncmp(reply_detail(reply), want, strlen(want)) != 0)
		fail_msg("'%s' does not begin with '%s'", reply_detail(reply), want);
	if (!strstr(reply->note, cause))
		fail_msg("'%s' does not contain %s", reply->note, cause);
}

/* Each failure is named in the detail and in the log, and the session stays unattested. */
static void test_causes(void **state)
{
	struct world *w = *state;
	struct reply reply;

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		w->builder.fault = faults[i].fault;
		world_attest(w, NULL, &reply);
		expect_cause(&reply, faults[i].cause);
		reply_free(&reply);
		world_expect(w, "GET", RESOURCE, "", 401, "TokenNotFound");
	}
}

static void attest_with(struct world *w, const struct bytes *body, const char *cause)
{
	struct reply reply;

	world_request(w, "POST", "/kbs/v0/attest", body->data, body->len, &reply);
	expect_cause(&reply, cause);
	reply_free(&reply);
}

/* A token for another nonce, in an otherwise valid body. */
static void test_freshness(void **state)
{
	struct world *w = *state;
	struct bytes token = BYTES_INIT, body = BYTES_INIT;
	struct error e = ERROR_INIT;
	uint8_t challenge[64];

	world_auth(w);
	assert_int_equal(kbs_realm_challenge(&w->kbs, &w->tee, challenge, NULL, &e), 0);
	cca_builder_token(&w->builder, challenge, &token);
	world_auth(w);
	assert_int_equal(kbs_attest_body(&w->kbs, &w->tee, token.data, token.len, &body, &e), 0);
	attest_with(w, &body, "E_FRESHNESS");
	bytes_free(&token);
	bytes_free(&body);
}

/* Evidence for one TEE key must not be accepted with another TEE key. */
static void test_key_substituted(void **state)
{
	struct world *w = *state;
	struct bytes token = BYTES_INIT, body = BYTES_INIT;
	struct tee_key other = TEE_KEY_INIT;
	struct error e = ERROR_INIT;
	uint8_t challenge[64];

	world_auth(w);
	assert_int_equal(kbs_realm_challenge(&w->kbs, &w->tee, challenge, NULL, &e), 0);
	cca_builder_token(&w->builder, challenge, &token);
	assert_int_equal(tee_key_generate(&other, &e), 0);
	assert_int_equal(kbs_attest_body(&w->kbs, &other, token.data, token.len, &body, &e), 0);
	attest_with(w, &body, "E_FRESHNESS");
	tee_key_free(&other);
	bytes_free(&token);
	bytes_free(&body);
}

static void test_too_large_token(void **state)
{
	struct world *w = *state;
	struct bytes body = BYTES_INIT;

	world_auth(w);
	bytes_printf(&body,
		     "{\"runtime-data\":{\"nonce\":\"%s\",\"tee-pubkey\":"
		     "{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP-256\",\"n\":\"AQ\",\"e\":"
		     "\"AQAB\"}},\"tee-evidence\":{\"additional_evidence\":\"\","
		     "\"primary_evidence\":{\"token\":[0",
		     w->kbs.nonce);
	for (int i = 0; i < 65536; i++)
		bytes_append_text(&body, ",0");
	bytes_append_text(&body, "]}}}");
	attest_with(w, &body, "E_SIZE");
	bytes_free(&body);
}

/* Does @detail have the table's verdict, such as "E_CLAIM_SIZE: ..." or "E_CBOR or E_TOP_TAG"? A
 * valid token has another challenge than this session, so E_FRESHNESS comes before E_LIFECYCLE. */
static bool verdict_fits(const char *verdict, const char *detail)
{
	char cause[64];

	if (strncmp(verdict, "OK", 2) == 0 || strncmp(verdict, "E_LIFECYCLE", 11) == 0)
		verdict = "E_FRESHNESS";
	assert_int_equal(sscanf(detail, "Attestation error: %63[A-Z_]", cause), 1);
	/* "E_CLAIM: ..." means any of these causes. */
	return strstr(verdict, cause) ||
	       (strncmp(verdict, "E_CLAIM:", 8) == 0 && strncmp(cause, "E_CLAIM_", 8) == 0);
}

static void attest_vector(struct world *w, const char *dir, const char *file, const char *verdict)
{
	struct bytes token = BYTES_INIT, body = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct reply reply;
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	assert_int_equal(io_read_file(path, 65536, &token, &e), 0);
	world_auth(w);
	assert_int_equal(kbs_attest_body(&w->kbs, &w->tee, token.data, token.len, &body, &e), 0);
	world_request(w, "POST", "/kbs/v0/attest", body.data, body.len, &reply);
	assert_int_equal(reply.status, 401);
	if (!verdict_fits(verdict, reply_detail(&reply)))
		fail_msg("%s: %s, expected %s", file, reply_detail(&reply), verdict);
	reply_free(&reply);
	bytes_free(&token);
	bytes_free(&body);
}

/* Each token of the table is refused with the verdict in the table. */
static void test_vectors(void **state)
{
	struct world *w = *state;
	struct bytes table = BYTES_INIT, anchors = BYTES_INIT;
	struct error e = ERROR_INIT;
	char dir[512], path[600], *text, *line;
	int count = 0;

	snprintf(dir, sizeof(dir), "%s/cca-generated", getenv("REALMKEY_VECTORS"));
	snprintf(path, sizeof(path), "%s/ta-p384.json", dir);
	assert_int_equal(io_read_file(path, 65536, &anchors, &e), 0);
	world_anchor(w, "platform.jwk", bytes_text(&anchors));
	snprintf(path, sizeof(path), "%s/EXPECTED.tsv", dir);
	assert_int_equal(io_read_file(path, 65536, &table, &e), 0);
	text = (char *)table.data;
	strsep(&text, "\n");
	while ((line = strsep(&text, "\n"))) {
		const char *file = strsep(&line, "\t"), *anchor;

		strsep(&line, "\t");
		anchor = strsep(&line, "\t");
		strsep(&line, "\t");
		if (!line || strcmp(anchor, "ta-p384") != 0)
			continue;
		attest_vector(w, dir, file, line);
		count++;
	}
	assert_true(count >= 45);
	bytes_free(&table);
	bytes_free(&anchors);
}

/* Replaces @from by @to in a valid body, and expects @cause. */
static void attest_edited(struct world *w, const char *from, const char *to, const char *cause)
{
	struct bytes body = BYTES_INIT, edited = BYTES_INIT;
	char *at;

	world_auth(w);
	world_attest_body(w, &body);
	at = strstr(bytes_text(&body), from);
	if (!at)
		fail_msg("the body does not contain %s", from);
	bytes_append(&edited, body.data, (size_t)(at - bytes_text(&body)));
	bytes_append_text(&edited, to);
	bytes_append_text(&edited, at + strlen(from));
	attest_with(w, &edited, cause);
	bytes_free(&body);
	bytes_free(&edited);
}

static void test_attest_bodies(void **state)
{
	static const struct {
		const char *from, *to, *cause;
	} edits[] = {
		{ "\"init-data\":null", "\"init-data\":{\"format\":\"toml\",\"body\":\"\"}",
		  "init-data" },
		{ "\"additional_evidence\":\"\"", "\"additional_evidence\":\"{\\\"x\\\":1}\"",
		  "additional_evidence" },
		{ "\"additional_evidence\":\"\"", "\"additional_evidence\":\"{}\"", "E_FRESHNESS" },
		{ "\"additional_evidence\":\"\"", "\"other\":\"\"", "tee-evidence" },
		{ "\"nonce\":\"", "\"nonce\":\"A", "nonce" },
		{ "\"nonce\"", "\"nnce\"", "runtime-data: nonce" },
		{ "\"kty\":\"EC\"", "\"kty\":\"OKP\"", "tee-pubkey: kty" },
		{ "\"crv\"", "\"curve\"", "tee-pubkey: crv" },
		{ "\"tee-pubkey\"", "\"key\"", "runtime-data: tee-pubkey" },
		{ "\"token\":[", "\"token\":[256,", "primary_evidence: token: element 0" },
		{ "\"token\":[", "\"token\":[-1,", "primary_evidence: token: element 0" },
		{ "\"token\":[", "\"token\":[1.5,", "primary_evidence: token: element 0" },
		{ "\"token\":[", "\"tken\":[", "primary_evidence: token" },
		{ "\"primary_evidence\"", "\"evidence\"", "tee-evidence: primary_evidence" },
		{ "}}", "}}}", "attest: not JSON" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(edits); i++)
		attest_edited(w, edits[i].from, edits[i].to, edits[i].cause);
}

/* A member that a KBS does not know is not part of the challenge. */
static void test_unknown_key_member(void **state)
{
	struct world *w = *state;
	struct bytes body = BYTES_INIT, edited = BYTES_INIT;
	struct reply reply;
	const char *at;

	world_auth(w);
	world_attest_body(w, &body);
	at = strstr(bytes_text(&body), "\"kty\":");
	assert_non_null(at);
	bytes_append(&edited, body.data, (size_t)(at - bytes_text(&body)));
	bytes_printf(&edited, "\"kid\":\"me\",%s", at);
	world_request(w, "POST", "/kbs/v0/attest", edited.data, edited.len, &reply);
	assert_int_equal(reply.status, 200);
	reply_free(&reply);
	bytes_free(&body);
	bytes_free(&edited);
}

static void test_sessions(void **state)
{
	struct world *w = *state;
	struct bytes body = BYTES_INIT, first = BYTES_INIT;
	struct reply reply;

	attest_with(w, &body, "no session cookie");
	snprintf(w->session, sizeof(w->session), "00000000000000000000000000000000");
	attest_with(w, &body, "the session is unknown or over");
	world_auth(w);
	world_attest_body(w, &body);
	w->monotonic += 300 * 1000;
	attest_with(w, &body, "the session is unknown or over");
	bytes_clear(&body);
	world_attest_ok(w, &first);
	/* Once attested, the session returns the same EAR for any body. */
	w->now += 10;
	world_request(w, "POST", "/kbs/v0/attest", "?", 1, &reply);
	assert_int_equal(reply.status, 200);
	assert_non_null(strstr(bytes_text(&reply.body), bytes_text(&first)));
	reply_free(&reply);
	/* Attestation does not prolong the session. */
	w->monotonic += 300 * 1000 - 1;
	world_expect(w, "GET", RESOURCE, "", 401, "PolicyDeny");
	w->monotonic += 1;
	world_expect(w, "GET", RESOURCE, "", 401, "TokenNotFound");
	bytes_free(&body);
	bytes_free(&first);
}

static void test_auth(void **state)
{
	static const struct {
		const char *body, *cause;
	} requests[] = {
		{ "{\"version\":\"0.3.0\",\"tee\":\"cca\",\"extra-params\":\"\"}",
		  "RCAR handshake Auth failed: KBS Client Protocol Version Mismatch: expect =0.4.0 "
		  "or =0.2.0 while the request is 0.3.0" },
		{ "{\"version\":\"0.1.1\",\"tee\":\"cca\",\"extra-params\":\"\"}",
		  "RCAR handshake Auth failed: KBS Client Protocol Version Mismatch: expect =0.4.0 "
		  "or =0.2.0 while the request is 0.1.1" },
		{ "{\"version\":\"0.4\",\"tee\":\"cca\",\"extra-params\":\"\"}",
		  "RCAR handshake Auth failed: failed to parse KBS version" },
		{ "{\"version\":\"0.4.0\",\"tee\":\"cca\"}",
		  "RCAR handshake Auth failed: deserialize Request: extra-params: missing" },
		{ "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":\"\"}",
		  "RCAR handshake Auth failed: tee 'snp'" },
		{ "{\"version\":\"0.4.0\",\"tee\":\"sgx2\",\"extra-params\":\"\"}",
		  "RCAR handshake Auth failed: deserialize Request: tee: 'sgx2' is not a TEE" },
		{ "{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":\"\"}",
		  "RCAR handshake Auth failed: tee 'sample': this embedded Trustee verifies only "
		  "cca" },
		{ "{\"tee\":\"cca\",\"extra-params\":\"\"}",
		  "RCAR handshake Auth failed: deserialize Request: version" },
		{ "{\"version\":\"0.4.0\",\"extra-params\":\"\"}",
		  "RCAR handshake Auth failed: deserialize Request: tee" },
		{ "[]", "RCAR handshake Auth failed: deserialize Request" },
		{ "", "RCAR handshake Auth failed: deserialize Request" },
	};
	struct world *w = *state;
	struct reply reply;

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		world_request(w, "POST", "/kbs/v0/auth", requests[i].body, strlen(requests[i].body),
			      &reply);
		expect_cause(&reply, requests[i].cause);
		assert_string_equal(reply.cookie, "");
		reply_free(&reply);
	}
}

/* The exact shapes of answer and cookie; 1800000000 is Fri, 15 Jan 2027 08:00:00 GMT. */
static void test_auth_answer(void **state)
{
	static const char body[] = "{\"version\":\"0.4.0\",\"tee\":\"cca\",\"extra-params\":\"\"}";
	struct world *w = *state;
	struct reply reply;
	char nonce[45], id[33];
	int end = 0;

	world_request(w, "POST", "/kbs/v0/auth", body, strlen(body), &reply);
	assert_int_equal(reply.status, 200);
	assert_int_equal(sscanf(bytes_text(&reply.body),
				"{\"nonce\":\"%44[A-Za-z0-9+/=]\",\"extra-params\":\"\"}%n", nonce,
				&end),
			 1);
	assert_int_equal(end, reply.body.len);
	assert_int_equal(strlen(nonce), 44);
	end = 0;
	assert_int_equal(sscanf(reply.cookie,
				"kbs-session-id=%32[0-9a-f]; "
				"Expires=Fri, 15 Jan 2027 08:05:00 GMT; Max-Age=300%n",
				id, &end),
			 1);
	assert_int_equal(end, strlen(reply.cookie));
	assert_int_equal(strlen(id), 32);
	reply_free(&reply);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ear),     TEST(ear_members),   TEST(evidence),	      TEST(vector),
		TEST(causes),  TEST(freshness),	    TEST(key_substituted),    TEST(too_large_token),
		TEST(vectors), TEST(attest_bodies), TEST(unknown_key_member), TEST(sessions),
		TEST(auth),    TEST(auth_answer),
	};

	return cmocka_run_group_tests_name("trusteed_attest", tests, NULL, NULL);
}
