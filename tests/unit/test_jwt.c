// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"
#include "jose/jwk.h"
#include "jose/jwt.h"
#include "vector.h"

static void assert_error(const struct error *e, enum error_kind kind, const char *text)
{
	assert_string_equal(e->text, text);
	assert_int_equal(e->kind, kind);
}

static void verifies_the_sample_ear_by_its_own_key(void **state)
{
	json_t *sample = vector_read_json("own-vectors/sample-ear.json");
	struct bytes text = BYTES_INIT;
	struct jwt jwt = JWT_INIT;
	struct error e = ERROR_INIT;
	EVP_PKEY *key;

	(void)state;
	vector_read("own-vectors/sample-ear.jwt", &text);
	assert_int_equal(jwt_decode(text.data, text.len, &jwt, &e), 0);
	assert_true(json_equal(jwt.header, json_object_get(sample, "header")));
	assert_true(json_equal(jwt.payload, json_object_get(sample, "claims")));
	key = jwk_public_key(json_object_get(jwt.header, "jwk"), "jwk", &e);
	assert_non_null(key);
	assert_int_equal(jwt_verify(&jwt, key, &e), 0);
	assert_int_equal(jwt_check_times(&jwt, 1765000100, 0, NULL, &e), 0);
	EVP_PKEY_free(key);
	jwt_free(&jwt);
	bytes_free(&text);
	json_decref(sample);
}

static const struct {
	const char *alg, *type, *group;
	size_t size;
} algorithms[] = {
	{ "ES256", "EC", "P-256", 64 },	  { "ES384", "EC", "P-384", 96 },
	{ "EdDSA", "ED25519", NULL, 64 }, { "RS256", "RSA", NULL, 256 },
	{ "RS512", "RSA", NULL, 256 },	  { "PS256", "RSA", NULL, 256 },
	{ "PS384", "RSA", NULL, 256 },
};

static EVP_PKEY *key_make(size_t i)
{
	if (strcmp(algorithms[i].type, "RSA") == 0)
		return EVP_RSA_gen(2048);
	return algorithms[i].group ? EVP_EC_gen(algorithms[i].group) :
				     EVP_PKEY_Q_keygen(NULL, NULL, algorithms[i].type);
}

/* Signs header and payload. */
static void sign(const char *header_text, const char *payload_text, EVP_PKEY *key,
		 struct bytes *out)
{
	json_t *header = json_loads(header_text, 0, NULL);
	json_t *payload = json_loads(payload_text, 0, NULL);
	struct error e = ERROR_INIT;

	bytes_clear(out);
	if (jwt_sign(header, payload, key, out, &e) < 0)
		fail_msg("%s", e.text);
	json_decref(header);
	json_decref(payload);
}

static void verifies_what_it_signs_and_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		EVP_PKEY *key = key_make(i), *other = key_make(i);
		struct bytes text = BYTES_INIT;
		struct jwt jwt = JWT_INIT;
		struct error e = ERROR_INIT;
		char header[64];

		snprintf(header, sizeof(header), "{\"typ\":\"JWT\",\"alg\":\"%s\"}",
			 algorithms[i].alg);
		sign(header, "{\"exp\":5}", key, &text);
		assert_int_equal(jwt_decode(text.data, text.len, &jwt, &e), 0);
		assert_int_equal(jwt.signature.len, algorithms[i].size);
		assert_int_equal(jwt_verify(&jwt, key, &e), 0);
		assert_int_equal(jwt_verify(&jwt, other, &e), -1);
		assert_error(&e, ERROR_ATTESTATION, "JWT: signature verification failure");
		for (size_t k = 0; k < jwt.signature.len; k += 7) {
			jwt.signature.data[k] ^= 0x10;
			assert_int_equal(jwt_verify(&jwt, key, &e), -1);
			assert_error(&e, ERROR_ATTESTATION, "JWT: signature verification failure");
			jwt.signature.data[k] ^= 0x10;
		}
		for (size_t k = 0; k < jwt.signing_input.len; k++) {
			jwt.signing_input.data[k] ^= 1;
			assert_int_equal(jwt_verify(&jwt, key, &e), -1);
			jwt.signing_input.data[k] ^= 1;
		}
		assert_int_equal(jwt_verify(&jwt, key, &e), 0);
		for (int byte = 0; byte <= 0xff; byte += 0x55) {
			memset(jwt.signature.data, byte, jwt.signature.len);
			assert_int_equal(jwt_verify(&jwt, key, &e), -1);
			assert_error(&e, ERROR_ATTESTATION, "JWT: signature verification failure");
		}
		jwt_free(&jwt);
		bytes_free(&text);
		EVP_PKEY_free(key);
		EVP_PKEY_free(other);
	}
}

/* Makes the compact form of any header, with @signature_len bytes in place of the signature. */
static void compose(const char *header, size_t signature_len, struct bytes *out)
{
	uint8_t signature[256] = { 1, 2, 3 };

	bytes_clear(out);
	encode_base64(ENCODE_BASE64URL, header, strlen(header), out);
	bytes_append_text(out, ".");
	encode_base64(ENCODE_BASE64URL, "{\"exp\":5}", 9, out);
	bytes_append_text(out, ".");
	encode_base64(ENCODE_BASE64URL, signature, signature_len, out);
}

static void accepts_only_the_algorithm_of_the_key(void **state)
{
	static const struct {
		const char *header;
		size_t signature_len;
		const char *cause;
	} cases[] = {
		{ "{\"alg\":\"none\"}", 0, "JWT header: alg: 'none' with a key for ES256" },
		{ "{\"alg\":\"HS256\"}", 32, "JWT header: alg: 'HS256' with a key for ES256" },
		{ "{\"alg\":\"ES384\"}", 96, "JWT header: alg: 'ES384' with a key for ES256" },
		{ "{\"alg\":\"es256\"}", 64, "JWT header: alg: 'es256' with a key for ES256" },
		{ "{\"typ\":\"JWT\"}", 64, "JWT header: alg: missing" },
		{ "{\"alg\":[\"ES256\"]}", 64, "JWT header: alg: not a string" },
		{ "{\"alg\":\"ES256\",\"crit\":[\"b64\"],\"b64\":false}", 64,
		  "JWT header: crit: not supported" },
		{ "{\"alg\":\"ES256\"}", 0, "JWT: signature of 0 bytes, ES256 has 64" },
		{ "{\"alg\":\"ES256\"}", 63, "JWT: signature of 63 bytes, ES256 has 64" },
		{ "{\"alg\":\"ES256\"}", 65, "JWT: signature of 65 bytes, ES256 has 64" },
		{ "{\"alg\":\"ES256\"}", 71, "JWT: signature of 71 bytes, ES256 has 64" },
		{ "{\"alg\":\"ES256\"}", 64, "JWT: signature verification failure" },
	};
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct bytes text = BYTES_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct jwt jwt = JWT_INIT;
		struct error e = ERROR_INIT;

		compose(cases[i].header, cases[i].signature_len, &text);
		assert_int_equal(jwt_decode(text.data, text.len, &jwt, &e), 0);
		assert_int_equal(jwt_verify(&jwt, key, &e), -1);
		assert_error(&e, ERROR_ATTESTATION, cases[i].cause);
		jwt_free(&jwt);
	}
	EVP_PKEY_free(key);
	bytes_free(&text);
}

/* What one algorithm signed is nothing for another one, also of the same key. */
static void an_algorithm_does_not_stand_in_for_another(void **state)
{
	static const char *const claims[] = {
		"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"
	};
	EVP_PKEY *rsa = EVP_RSA_gen(2048), *ec = EVP_EC_gen("P-256");
	struct bytes text = BYTES_INIT;
	struct jwt jwt = JWT_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	sign("{\"alg\":\"PS256\"}", "{}", rsa, &text);
	assert_int_equal(jwt_decode(text.data, text.len, &jwt, &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
		json_object_set_new(jwt.header, "alg", json_string(claims[i]));
		assert_int_equal(jwt_verify(&jwt, rsa, &e),
				 strcmp(claims[i], "PS256") == 0 ? 0 : -1);
		assert_int_equal(jwt_verify(&jwt, ec, &e), -1);
		assert_non_null(strstr(e.text, "with a key for ES256"));
	}
	for (size_t i = 0; i < 3; i++) {
		json_object_set_new(jwt.header, "alg", json_string(algorithms[i].alg));
		assert_int_equal(jwt_verify(&jwt, rsa, &e), -1);
		assert_non_null(strstr(e.text, "with a key for RS256"));
	}
	json_object_set_new(jwt.header, "alg", json_string("HS256"));
	assert_int_equal(jwt_verify(&jwt, rsa, &e), -1);
	assert_error(&e, ERROR_ATTESTATION, "JWT header: alg: 'HS256' with a key for RS256");
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
	jwt_free(&jwt);
	bytes_free(&text);
}

static void keys_of_other_types_neither_sign_nor_verify(void **state)
{
	EVP_PKEY *keys[] = { EVP_RSA_gen(1024), EVP_EC_gen("P-521"), EVP_EC_gen("secp256k1") };
	json_t *header = json_pack("{s:s}", "alg", "ES256"), *payload = json_object();
	struct bytes text = BYTES_INIT, out = BYTES_INIT;
	struct jwt jwt = JWT_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	compose("{\"alg\":\"ES256\"}", 64, &text);
	assert_int_equal(jwt_decode(text.data, text.len, &jwt, &e), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(jwt_verify(&jwt, keys[i], &e), -1);
		assert_error(&e, ERROR_ATTESTATION, "JWT: no algorithm for a key of this type");
		assert_int_equal(jwt_sign(header, payload, keys[i], &out, &e), -1);
		assert_int_equal(out.len, 0);
		EVP_PKEY_free(keys[i]);
	}
	keys[0] = EVP_EC_gen("P-384");
	assert_int_equal(jwt_sign(header, payload, keys[0], &out, &e), -1);
	assert_error(&e, ERROR_INPUT, "JWT header: alg: 'ES256' with a key for ES384");
	EVP_PKEY_free(keys[0]);
	json_decref(header);
	json_decref(payload);
	jwt_free(&jwt);
	bytes_free(&text);
}

static void refuses_other_than_three_segments(void **state)
{
	static const struct {
		const char *text, *cause;
	} cases[] = {
		{ "", "JWT: invalid number of segments" },
		{ "\n", "JWT: invalid number of segments" },
		{ "e30", "JWT: invalid number of segments" },
		{ "e30.e30", "JWT: invalid number of segments" },
		{ "e30.e30.AAAA.AAAA", "JWT: invalid number of segments" },
		{ "e30.e30.AAAA.", "JWT: invalid number of segments" },
		{ "e3.e30.AAAA", "JWT header: not base64 at character 2" },
		{ ".e30.AAAA", "JWT header: not JSON: " },
		{ "W10.e30.AAAA", "JWT header: not an object" },
		{ "e30.W10.AAAA", "JWT payload: not an object" },
		{ "e30.e30=.AAAA", "JWT payload: not base64 at character 4" },
		{ "e30.e30.A", "JWT signature: base64 of an impossible length" },
		{ "e30.e30.AA AA", "JWT signature: base64 of an impossible length" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct jwt jwt = JWT_INIT;
		struct error e = ERROR_INIT;

		assert_int_equal(jwt_decode(cases[i].text, strlen(cases[i].text), &jwt, &e), -1);
		assert_int_equal(e.kind, ERROR_INPUT);
		if (strncmp(e.text, cases[i].cause, strlen(cases[i].cause)) != 0)
			fail_msg("'%s' instead of '%s'", e.text, cases[i].cause);
		assert_null(jwt.header);
		assert_null(jwt.payload);
	}
}

static void size_is_bounded(void **state)
{
	struct bytes text = BYTES_INIT;
	struct jwt jwt = JWT_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(bytes_resize(&text, JWT_MAX + 1, &(struct error)ERROR_INIT), 0);
	memset(text.data, 'A', text.len);
	assert_int_equal(jwt_decode(text.data, text.len, &jwt, &e), -1);
	assert_error(&e, ERROR_INPUT, "JWT: more than 262144 bytes");
	bytes_free(&text);
}

static void judges_times(void **state)
{
	static const struct {
		const char *payload;
		long long now, leeway;
		const char *cause; /* NULL: valid */
	} cases[] = {
		{ "{\"exp\":100}", 99, 0, NULL },
		{ "{\"exp\":100}", 100, 0, "JWT: \"exp\" not satisfied: token is expired" },
		{ "{\"exp\":100}", 159, 60, NULL },
		{ "{\"exp\":100}", 160, 60, "JWT: \"exp\" not satisfied: token is expired" },
		{ "{\"exp\":100.5}", 100, 0, NULL },
		{ "{\"exp\":1e300}", 100, 0, NULL },
		{ "{\"exp\":-1e300}", 100, 0, "JWT: \"exp\" not satisfied: token is expired" },
		{ "{}", 0, 0, "JWT: \"exp\" not satisfied: missing" },
		{ "{\"exp\":\"100\"}", 0, 0, "JWT: \"exp\" not satisfied: not a number" },
		{ "{\"exp\":null}", 0, 0, "JWT: \"exp\" not satisfied: not a number" },
		{ "{\"exp\":100,\"nbf\":50}", 50, 0, NULL },
		{ "{\"exp\":100,\"nbf\":50}", 49, 0,
		  "JWT: \"nbf\" not satisfied: token is not valid yet" },
		{ "{\"exp\":100,\"nbf\":50}", 49, 1, NULL },
		{ "{\"exp\":100,\"iat\":50}", 49, 0,
		  "JWT: \"iat\" not satisfied: token is issued in the future" },
		{ "{\"exp\":100,\"iat\":50}", 49, 5, NULL },
		{ "{\"exp\":100,\"iat\":true}", 49, 5, "JWT: \"iat\" not satisfied: not a number" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct jwt jwt = { .payload = json_loads(cases[i].payload, 0, NULL) };
		struct error e = ERROR_INIT;
		int ret = jwt_check_times(&jwt, cases[i].now, cases[i].leeway, NULL, &e);

		assert_int_equal(ret, cases[i].cause ? -1 : 0);
		if (cases[i].cause)
			assert_error(&e, ERROR_ATTESTATION, cases[i].cause);
		jwt_free(&jwt);
	}
}

/* What only shows an EAR accepts one that does not expire; all else in it is checked. */
static void exp_is_optional_for_callers_that_ask(void **state)
{
	static const struct {
		const char *payload;
		int ret;
		bool expires;
	} cases[] = {
		{ "{\"exp\":100}", 0, true },	{ "{}", 0, false },
		{ "{\"iat\":10}", 0, false },	{ "{\"exp\":5}", -1, true },
		{ "{\"exp\":null}", -1, true }, { "{\"iat\":50}", -1, false },
		{ "{\"nbf\":50}", -1, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct jwt jwt = { .payload = json_loads(cases[i].payload, 0, NULL) };
		struct error e = ERROR_INIT;
		bool expires = true;

		assert_int_equal(jwt_check_times(&jwt, 20, 0, &expires, &e), cases[i].ret);
		assert_int_equal(expires, cases[i].expires);
		jwt_free(&jwt);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifies_the_sample_ear_by_its_own_key),
		cmocka_unit_test(verifies_what_it_signs_and_nothing_else),
		cmocka_unit_test(accepts_only_the_algorithm_of_the_key),
		cmocka_unit_test(an_algorithm_does_not_stand_in_for_another),
		cmocka_unit_test(keys_of_other_types_neither_sign_nor_verify),
		cmocka_unit_test(refuses_other_than_three_segments),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(judges_times),
		cmocka_unit_test(exp_is_optional_for_callers_that_ask),
	};

	return cmocka_run_group_tests_name("jwt", tests, NULL, NULL);
}
