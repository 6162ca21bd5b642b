// SPDX-License-Identifier: Apache-2.0
/* trusteed with clients of each version of the KBS API, whose bodies are made here. */
#include "trusteed_world.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"
#include "base/json.h"
#include "jose/jwk.h"
#include "trusteed/attest/handshake.h"

#define SECRET "the secret"
#define NONCE  "PAzBcce4I55T6tRkDfWe/jhzmwXXVhGFLAqtmLVGW50="
#define EC_KEY \
	"\"tee-pubkey\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"A\",\"x\":\"X\",\"y\":\"Y\"}"
#define NEW_DATA "\"runtime-data\":{\"nonce\":\"" NONCE "\"," EC_KEY "}"
#define EVIDENCE(text) \
	"\"tee-evidence\":{\"primary_evidence\":{\"token\":[1]},\"additional_evidence\":" text "}"

/* Semantic Versioning 2.0.0, and what Trustee's comparison makes of it. */
static void versions_are_compared_as_trustee_does(void **state)
{
	static const struct {
		const char *text;
		enum kbs_version version;
	} good[] = {
		{ "0.4.0", KBS_0_4_0 },	    { "0.2.0", KBS_0_2_0 },	   { "0.1.1", KBS_0_1_1 },
		{ "0.4.0+foo", KBS_0_4_0 }, { "0.4.0+007.a-", KBS_0_4_0 }, { "0.1.1+0", KBS_0_1_1 },
	};
	static const char *const others[] = { "0.3.0",	   "0.1.0",	    "0.1.2",   "1.4.0",
					      "0.4.0-rc1", "0.4.0-0+build", "0.4.1",   "0.4.10",
					      "0.40.0",	   "0.4.0---",	    "0.4.0-0a" };
	static const char *const malformed[] = { "",
						 "0.4",
						 "v0.4.0",
						 "0.4.0.0",
						 "00.4.0",
						 "0.04.0",
						 "0.4.00",
						 "0.4.0 ",
						 " 0.4.0",
						 "0.4.0-",
						 "0.4.0+",
						 "0.4.0-01",
						 "0.4.0-a..b",
						 "0.4.0+a+b",
						 "0.4.0-a_",
						 "0..0",
						 "-0.4.0",
						 "0.4.x",
						 "0.4.99999999999999999999" };
	enum kbs_version version;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct error e = ERROR_INIT;

		assert_int_equal(version_read(good[i].text, KBS_0_1_1, &version, &e), 0);
		assert_int_equal(version, good[i].version);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct error e = ERROR_INIT;

		assert_int_equal(version_read(others[i], KBS_0_1_1, &version, &e), -1);
		assert_int_equal(e.kind, ERROR_PROTOCOL);
		assert_non_null(strstr(e.text,
				       "Version Mismatch: expect =0.4.0 or =0.2.0 or =0.1.1 "
				       "while the request is "));
	}
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
		struct error e = ERROR_INIT;

		assert_int_equal(version_read(malformed[i], KBS_0_1_1, &version, &e), -1);
		assert_string_equal(e.text, "failed to parse KBS version");
	}
}

static void older_versions_can_be_refused(void **state)
{
	struct error e = ERROR_INIT;
	enum kbs_version version;

	(void)state;
	assert_int_equal(version_read("0.2.0", KBS_0_4_0, &version, &e), -1);
	assert_string_equal(e.text, "KBS Client Protocol Version Mismatch: expect =0.4.0 while the "
				    "request is 0.2.0");
	assert_int_equal(version_read("0.1.1", VERSION_LEAST, &version, &e), -1);
	assert_int_equal(version_read("0.2.0", VERSION_LEAST, &version, &e), 0);
	for (int i = KBS_0_1_1; i <= KBS_0_4_0; i++) {
		assert_int_equal(version_named(version_name((enum kbs_version)i), &version, &e), 0);
		assert_int_equal(version, i);
	}
	assert_int_equal(version_named("0.4", &version, &e), -1);
	assert_int_equal(e.kind, ERROR_USAGE);
}

/* Make POST auth of @version, and return the nonce that the world keeps. */
static const char *auth_as(struct world *w, const char *version)
{
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct reply reply;

	w->session[0] = '\0';
	bytes_printf(&body,
		     "{\"version\":\"%s\",\"tee\":\"cca\",\"extra-params\":"
		     "{\"supported-hash-algorithms\":[\"sha256\",\"sha384\",\"sha512\"]}}",
		     version);
	world_request(w, "POST", "/kbs/v0/auth", body.data, body.len, &reply);
	if (kbs_auth_answer(&w->kbs, (int)reply.status, reply.body.data, reply.body.len, &e) < 0)
		fail_msg("%s", e.text);
	reply_free(&reply);
	bytes_free(&body);
	return w->kbs.nonce;
}

/* Append the array of a token for the challenge of 0.1.1 and 0.2.0, which is computed here from the
 * text that such a client hashes. */
static void token_append(struct world *w, const json_t *jwk, const char *nonce, struct bytes *out)
{
	json_t *data = json_pack("{s:s, s:O}", "nonce", nonce, "tee-pubkey", jwk);
	char *text = json_dumps(data, JSON_COMPACT | JSON_SORT_KEYS);
	struct bytes token = BYTES_INIT;
	uint8_t challenge[64] = { 0 };

	assert_int_equal(EVP_Digest(text, strlen(text), challenge, NULL, EVP_sha384(), NULL), 1);
	cca_builder_token(&w->builder, challenge, &token);
	for (size_t i = 0; i < token.len; i++)
		bytes_printf(out, "%c%u", i ? ',' : '[', token.data[i]);
	bytes_append_text(out, "]");
	bytes_free(&token);
	free(text);
	json_decref(data);
}

/* Make the body of POST attest as clients of 0.1.1 and 0.2.0 do. */
static void old_body(struct world *w, const json_t *jwk, const char *nonce, struct bytes *out)
{
	char *key = json_dumps(jwk, JSON_COMPACT);

	bytes_printf(out, "{\"tee-pubkey\":%s,\"tee-evidence\":{\"token\":", key);
	token_append(w, jwk, nonce, out);
	bytes_append_text(out, "}}");
	free(key);
}

/* Attest with @jwk as a client of @version. Returns what the server says about it; "" if all is
 * well. */
static const char *old_attest(struct world *w, const char *version, const json_t *jwk)
{
	struct bytes body = BYTES_INIT;
	const char *detail = "";
	struct reply reply;

	old_body(w, jwk, auth_as(w, version), &body);
	world_request(w, "POST", "/kbs/v0/attest", body.data, body.len, &reply);
	if (reply.status != 200)
		detail = reply_detail(&reply);
	reply_free(&reply);
	bytes_free(&body);
	return detail;
}

static void resource_store(struct world *w)
{
	world_endorse(w);
	assert_int_equal(world_admin(w, "POST", RESOURCE, SECRET), 200);
}

static void a_client_of_0_2_0_gets_a_resource(void **state)
{
	struct world *w = *state;
	struct error e = ERROR_INIT;
	json_t *jwk = tee_key_jwk(&w->tee, &e);

	resource_store(w);
	assert_string_equal(old_attest(w, "0.2.0", jwk), "");
	world_get_secret(w, RESOURCE, SECRET);
	json_decref(jwk);
}

/* Decode the member @name of the JWE @object. */
static void member(const json_t *object, const char *name, struct bytes *out)
{
	const char *text = json_string_value(json_object_get(object, name));
	struct error e = ERROR_INIT;

	bytes_clear(out);
	assert_non_null(text);
	assert_int_equal(decode_base64(ENCODE_BASE64URL, text, strlen(text), name, out, &e), 0);
}

/* Decrypt as clients of 0.1.1 do: the content key by PKCS #1 v1.5, the content without additional
 * data. */
static void old_open(EVP_PKEY *key, const struct bytes *text, struct bytes *plain)
{
	json_t *jwe = json_loadb((const char *)text->data, text->len, 0, NULL);
	EVP_PKEY_CTX *rsa = EVP_PKEY_CTX_new(key, NULL);
	EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
	struct bytes wrapped = BYTES_INIT, iv = BYTES_INIT, content = BYTES_INIT;
	uint8_t cek[512], out[64];
	size_t len = sizeof(cek);
	int done;

	assert_string_equal(json_string_value(json_object_get(jwe, "protected")),
			    "{\"alg\":\"RSA1_5\",\"enc\":\"A256GCM\"}");
	assert_string_equal(json_string_value(json_object_get(jwe, "tag")), "");
	assert_int_equal(json_object_size(jwe), 5);
	member(jwe, "encrypted_key", &wrapped);
	member(jwe, "iv", &iv);
	member(jwe, "ciphertext", &content);
	assert_int_equal(EVP_PKEY_decrypt_init(rsa), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(rsa, RSA_PKCS1_PADDING), 1);
	assert_int_equal(EVP_PKEY_decrypt(rsa, cek, &len, wrapped.data, wrapped.len), 1);
	assert_int_equal(len, 32);
	assert_int_equal(iv.len, 12);
	assert_true(content.len >= 16 && content.len - 16 <= sizeof(out));
	len = content.len - 16;
	assert_int_equal(EVP_DecryptInit_ex2(gcm, EVP_aes_256_gcm(), cek, iv.data, NULL), 1);
	assert_int_equal(EVP_DecryptUpdate(gcm, out, &done, content.data, (int)len), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, 16, content.data + len),
			 1);
	assert_int_equal(EVP_DecryptFinal_ex(gcm, out + len, &done), 1);
	bytes_set(plain, out, len);
	EVP_CIPHER_CTX_free(gcm);
	EVP_PKEY_CTX_free(rsa);
	json_decref(jwe);
	bytes_free(&wrapped);
	bytes_free(&iv);
	bytes_free(&content);
}

static void a_client_of_0_1_1_gets_a_resource_if_it_is_admitted(void **state)
{
	static const char auth[] = "{\"version\":\"0.1.1\",\"tee\":\"cca\",\"extra-params\":\"\"}";
	EVP_PKEY *key = EVP_RSA_gen(2048);
	struct world *w = *state;
	struct bytes plain = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *jwk = jwk_from_public_key(key, "RSA1_5", &e);
	struct reply reply;

	world_expect(w, "POST", "/kbs/v0/auth", auth, 401, "AttestationError");
	w->least = KBS_0_1_1;
	world_reopen(w);
	resource_store(w);
	assert_string_equal(old_attest(w, "0.1.1", jwk), "");
	world_request(w, "GET", RESOURCE, NULL, 0, &reply);
	assert_int_equal(reply.status, 200);
	old_open(key, &reply.body, &plain);
	assert_string_equal(bytes_text(&plain), SECRET);
	reply_free(&reply);
	bytes_free(&plain);
	/* Such a key is not for later versions, whose clients do not use it. */
	assert_non_null(strstr(old_attest(w, "0.2.0", jwk),
			       "tee-pubkey: alg: RSA1_5 is accepted only from clients of KBS API "
			       "0.1.1"));
	json_decref(jwk);
	EVP_PKEY_free(key);
}

/* The version of the auth request is that of the session. */
static void a_body_of_another_version_is_refused(void **state)
{
	struct world *w = *state;
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *jwk = tee_key_jwk(&w->tee, &e);

	assert_non_null(strstr(old_attest(w, "0.4.0", jwk), "attest: runtime-data: missing"));
	auth_as(w, "0.2.0");
	world_attest_body(w, &body);
	world_expect(w, "POST", "/kbs/v0/attest", bytes_text(&body), 401, "AttestationError");
	json_decref(jwk);
	bytes_free(&body);
}

/* Evidence for one of the hash rules is not accepted for the other. */
static void challenges_of_the_versions_differ(void **state)
{
	struct world *w = *state;
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *jwk = tee_key_jwk(&w->tee, &e);
	const char *nonce = auth_as(w, "0.4.0");
	char *key = json_dumps(jwk, JSON_COMPACT);
	struct reply reply;

	bytes_printf(&body,
		     "{\"runtime-data\":{\"nonce\":\"%s\",\"tee-pubkey\":%s},\"tee-evidence\":{"
		     "\"additional_evidence\":\"\",\"primary_evidence\":{\"token\":",
		     nonce, key);
	token_append(w, jwk, nonce, &body);
	bytes_append_text(&body, "}}}");
	world_request(w, "POST", "/kbs/v0/attest", body.data, body.len, &reply);
	assert_int_equal(reply.status, 401);
	assert_non_null(strstr(reply_detail(&reply), "E_FRESHNESS"));
	reply_free(&reply);
	bytes_free(&body);
	free(key);
	json_decref(jwk);
}

static int attest_parse(enum kbs_version version, enum kbs_tee tee, const char *body,
			struct handshake_attest *attest, struct error *e)
{
	const struct kbs_handshake handshake = { .nonce = NONCE, .version = version, .tee = tee };

	*e = (struct error)ERROR_INIT;
	*attest = (struct handshake_attest)HANDSHAKE_ATTEST_INIT;
	return handshake_attest_parse(&handshake, body, strlen(body), attest, e);
}

static void attest_bodies_are_read(void **state)
{
	static const struct {
		enum kbs_version version;
		enum kbs_tee tee;
		const char *body, *init_data, *devices, *evidence;
		size_t token;
	} bodies[] = {
		{ KBS_0_4_0, KBS_CCA, "{\"init-data\":null," NEW_DATA "," EVIDENCE("\"\"") "}",
		  NULL, NULL, "{\"token\":[]}", 1 },
		{ KBS_0_4_0, KBS_CCA,
		  "{\"init-data\":{\"format\":\"toml\",\"body\":\"a = 1\\n\"}," NEW_DATA
		  "," EVIDENCE("\"{}\"") "}",
		  "a = 1\n", NULL, "{\"token\":[]}", 1 },
		{ KBS_0_4_0, KBS_CCA,
		  "{" NEW_DATA
		  "," EVIDENCE("\"{\\\"sampledevice\\\":{\\\"svn\\\":\\\"1\\\"}}\"") "}",
		  NULL, "{\"sampledevice\":{\"svn\":\"1\"}}", "{\"token\":[]}", 1 },
		{ KBS_0_4_0, KBS_SAMPLE,
		  "{" NEW_DATA ",\"tee-evidence\":{\"primary_evidence\":{\"svn\":\"1\"},"
		  "\"additional_evidence\":\"\"}}",
		  NULL, NULL, "{\"svn\":\"1\"}", 0 },
		{ KBS_0_2_0, KBS_CCA, "{" EC_KEY ",\"tee-evidence\":{\"token\":[1,2]}}", NULL, NULL,
		  "{\"token\":[]}", 2 },
		{ KBS_0_2_0, KBS_SAMPLE, "{" EC_KEY ",\"tee-evidence\":{\"svn\":\"1\"}}", NULL,
		  NULL, "{\"svn\":\"1\"}", 0 },
		{ KBS_0_1_1, KBS_CCA,
		  "{\"tee-pubkey\":{\"kty\":\"RSA\",\"alg\":\"RSA1_5\",\"n\":\"N\",\"e\":\"E\"},"
		  "\"tee-evidence\":{\"token\":[1,2,3]}}",
		  NULL, NULL, "{\"token\":[]}", 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct handshake_attest attest;
		struct error e;
		char *evidence, *devices;

		if (attest_parse(bodies[i].version, bodies[i].tee, bodies[i].body, &attest, &e) < 0)
			fail_msg("%s: %s", bodies[i].body, e.text);
		assert_string_equal(attest.nonce, NONCE);
		assert_string_equal(attest.init_data ? attest.init_data : "none",
				    bodies[i].init_data ? bodies[i].init_data : "none");
		assert_int_equal(attest.token.len, bodies[i].token);
		assert_int_equal(!attest.additional, bodies[i].version < KBS_0_4_0);
		evidence = json_dumps(attest.evidence, JSON_COMPACT);
		devices = attest.devices ? json_dumps(attest.devices, JSON_COMPACT) : NULL;
		assert_string_equal(evidence, bodies[i].evidence);
		assert_string_equal(devices ? devices : "none",
				    bodies[i].devices ? bodies[i].devices : "none");
		free(evidence);
		free(devices);
		handshake_attest_free(&attest);
	}
}

static void wrong_attest_bodies_name_the_member(void **state)
{
	static const struct {
		enum kbs_version version;
		const char *body, *cause;
	} bodies[] = {
		{ KBS_0_4_0, "{\"init-data\":\"x\"," NEW_DATA "," EVIDENCE("\"\"") "}",
		  "init-data: not an object" },
		{ KBS_0_4_0, "{\"init-data\":{\"format\":\"json\",\"body\":\"\"}," NEW_DATA "}",
		  "init-data: format: 'json' is not toml" },
		{ KBS_0_4_0, "{\"init-data\":{\"format\":\"toml\"}," NEW_DATA "}",
		  "init-data: body: missing" },
		{ KBS_0_4_0, "{" NEW_DATA "," EVIDENCE("\"{\\\"nvidia\\\":{}}\"") "}",
		  "additional_evidence: this embedded Trustee verifies no evidence of 'nvidia'" },
		{ KBS_0_4_0, "{" NEW_DATA "," EVIDENCE("\"[\"") "}",
		  "additional_evidence: not JSON" },
		{ KBS_0_4_0, "{" NEW_DATA "," EVIDENCE("\"[]\"") "}",
		  "additional_evidence: not an object" },
		{ KBS_0_4_0, "{" NEW_DATA "," EVIDENCE("\"null\"") "}",
		  "additional_evidence: not an object" },
		{ KBS_0_4_0, "{" NEW_DATA "," EVIDENCE("{}") "}",
		  "tee-evidence: additional_evidence: not a string" },
		{ KBS_0_4_0, "{\"runtime-data\":{\"nonce\":\"\"," EC_KEY "}}",
		  "nonce: not the one of this session" },
		{ KBS_0_2_0, "{\"tee-evidence\":{\"token\":[1]}}", "attest: tee-pubkey: missing" },
		{ KBS_0_2_0, "{" EC_KEY "}", "attest: tee-evidence: missing" },
		{ KBS_0_2_0, "{" EC_KEY ",\"tee-evidence\":{\"token\":\"\"}}",
		  "tee-evidence: token: missing, or not an array of byte values" },
		{ KBS_0_1_1, "{" EC_KEY ",\"tee-evidence\":\"{}\"}",
		  "attest: tee-evidence: not an object" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct handshake_attest attest;
		struct error e;

		assert_int_equal(
			attest_parse(bodies[i].version, KBS_CCA, bodies[i].body, &attest, &e), -1);
		if (strncmp(e.text, bodies[i].cause, strlen(bodies[i].cause)) != 0)
			fail_msg("%s instead of %s", e.text, bodies[i].cause);
		handshake_attest_free(&attest);
	}
}

static void device_data_is_hashed_as_in_the_vector(void **state)
{
	char path[512];
	json_t *root, *vector;
	struct handshake_attest attest = { .nonce = NONCE };
	struct bytes hex = BYTES_INIT;
	struct error e = ERROR_INIT;
	uint8_t challenge[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/own-vectors/vectors.json", getenv("REALMKEY_VECTORS"));
	root = json_load_file(path, 0, NULL);
	vector = json_object_get(root, "ec_report_data");
	attest.tee_pubkey = json_object_get(vector, "tee_pubkey_jwk");
	/* The primary data of old versions is that of a device of 0.4.0. */
	for (int i = 0; i < 2; i++) {
		json_t *data = i == 0 ? handshake_device_data(&attest, &e) :
					handshake_runtime_data(&attest, &e);

		assert_int_equal(handshake_challenge(data, challenge, &e), 0);
		bytes_clear(&hex);
		encode_hex(challenge, 48, &hex);
		assert_string_equal(bytes_text(&hex), json_string_value(json_object_get(
							      vector, "additional_device_sha384")));
		json_decref(data);
	}
	bytes_free(&hex);
	json_decref(root);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_compared_as_trustee_does),
		cmocka_unit_test(older_versions_can_be_refused),
		TEST(a_client_of_0_2_0_gets_a_resource),
		TEST(a_client_of_0_1_1_gets_a_resource_if_it_is_admitted),
		TEST(a_body_of_another_version_is_refused),
		TEST(challenges_of_the_versions_differ),
		cmocka_unit_test(attest_bodies_are_read),
		cmocka_unit_test(wrong_attest_bodies_name_the_member),
		cmocka_unit_test(device_data_is_hashed_as_in_the_vector),
	};

	return cmocka_run_group_tests_name("trusteed_versions", tests, NULL, NULL);
}
