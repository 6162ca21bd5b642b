// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/array.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "jose/ecdsa.h"
#include "jose/jwk.h"
#include "jose/tee_key.h"
#include "vector.h"

static void assert_error(const struct error *e, enum error_kind kind, const char *cause)
{
	assert_int_equal(e->kind, kind);
	if (!strstr(e->text, cause))
		fail_msg("'%s' does not contain '%s'", e->text, cause);
}

/* A KBS hashes the members in this order. */
static void public_keys_match_the_vectors(void **state)
{
	static const struct {
		const char *pem, *vector, *alg, *text;
	} cases[] = {
		{ "own-vectors/tee-p256.pem", "ec_report_data", "ECDH-ES+A256KW",
		  "{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\",\"x\":\"GwJV" },
		{ "own-vectors/tee-rsa2048.pem", "rsa_report_data", "RSA-OAEP-256",
		  "{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP-256\",\"n\":\"ymGQ" },
	};
	json_t *vectors = vector_read_json("own-vectors/vectors.json");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *expected = json_object_get(json_object_get(vectors, cases[i].vector),
						   "tee_pubkey_jwk");
		struct tee_key key = TEE_KEY_INIT;
		struct bytes text = BYTES_INIT;
		struct error e = ERROR_INIT;
		json_t *jwk;

		vector_read_key(cases[i].pem, &key);
		assert_string_equal(key.alg, cases[i].alg);
		jwk = tee_key_jwk(&key, &e);
		assert_non_null(jwk);
		assert_true(json_equal(jwk, expected));
		assert_int_equal(json_compact(jwk, &text, &e), 0);
		assert_memory_equal(text.data, cases[i].text, strlen(cases[i].text));
		json_decref(jwk);
		bytes_free(&text);
		tee_key_free(&key);
	}
	json_decref(vectors);
}

static void a_generated_key_is_written_and_read(void **state)
{
	struct tee_key key = TEE_KEY_INIT, again = TEE_KEY_INIT;
	struct bytes pem = BYTES_LOCKED_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(tee_key_generate(&key, &e), 0);
	assert_string_equal(key.alg, "ECDH-ES+A256KW");
	assert_int_equal(tee_key_to_pem(&key, &pem, &e), 0);
	assert_memory_equal(pem.data, "-----BEGIN PRIVATE KEY-----\n", 28);
	assert_int_equal(tee_key_from_pem(&again, pem.data, pem.len, &e), 0);
	assert_int_equal(EVP_PKEY_eq(key.pkey, again.pkey), 1);
	assert_int_equal(tee_key_generate(&again, &e), 0);
	assert_int_equal(EVP_PKEY_eq(key.pkey, again.pkey), 0);
	bytes_free(&pem);
	tee_key_free(&key);
	assert_null(key.pkey);
	tee_key_free(&again);
}

enum form { FORM_PKCS8, FORM_TRADITIONAL, FORM_ENCRYPTED, FORM_PUBLIC };

static void pem_write(EVP_PKEY *pkey, enum form form, struct bytes *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	assert_non_null(bio);
	switch (form) {
	case FORM_PKCS8:
		PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL);
		break;
	case FORM_TRADITIONAL:
		PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL, 0, NULL, NULL);
		break;
	case FORM_ENCRYPTED:
		PEM_write_bio_PKCS8PrivateKey(bio, pkey, EVP_aes_256_cbc(), "pass", 4, NULL, NULL);
		break;
	case FORM_PUBLIC:
		PEM_write_bio_PUBKEY(bio, pkey);
		break;
	}
	len = BIO_get_mem_data(bio, &text);
	assert_true(len > 0);
	bytes_set(out, text, (size_t)len);
	BIO_free(bio);
}

static void accepts_only_the_documented_forms(void **state)
{
	const struct {
		EVP_PKEY *pkey;
		enum form form;
		const char *cause; /* NULL: accepted */
	} cases[] = {
		{ EVP_EC_gen("P-256"), FORM_PKCS8, NULL },
		{ EVP_EC_gen("P-256"), FORM_TRADITIONAL, NULL },
		{ EVP_EC_gen("P-256"), FORM_ENCRYPTED, "not an unencrypted private key" },
		{ EVP_EC_gen("P-256"), FORM_PUBLIC, "not an unencrypted private key" },
		{ EVP_EC_gen("P-384"), FORM_PKCS8, "neither P-256 nor RSA of 2048 to 4096 bits" },
		{ EVP_RSA_gen(2048), FORM_PKCS8, NULL },
		{ EVP_RSA_gen(2048), FORM_TRADITIONAL, NULL },
		{ EVP_RSA_gen(1024), FORM_PKCS8, "neither P-256 nor RSA of 2048 to 4096 bits" },
		{ EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), FORM_PKCS8, "neither P-256 nor RSA" },
	};
	struct bytes pem = BYTES_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct tee_key key = TEE_KEY_INIT;
		struct error e = ERROR_INIT;
		int ret;

		pem_write(cases[i].pkey, cases[i].form, &pem);
		ret = tee_key_from_pem(&key, pem.data, pem.len, &e);
		assert_int_equal(ret, cases[i].cause ? -1 : 0);
		if (cases[i].cause)
			assert_error(&e, ERROR_INPUT, cases[i].cause);
		else
			assert_int_equal(EVP_PKEY_eq(key.pkey, cases[i].pkey), 1);
		tee_key_free(&key);
		EVP_PKEY_free(cases[i].pkey);
	}
	bytes_free(&pem);
}

static void refuses_bad_pem(void **state)
{
	static const char *const cases[] = {
		"",
		"key",
		"-----BEGIN PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct tee_key key = TEE_KEY_INIT;
		struct error e = ERROR_INIT;

		assert_int_equal(tee_key_from_pem(&key, cases[i], strlen(cases[i]), &e), -1);
		assert_error(&e, ERROR_INPUT, "TEE key: ");
		assert_null(key.pkey);
	}
}

static void public_keys_are_written_and_read_as_jwk(void **state)
{
	static const char *const groups[] = { "P-256", "P-384", "P-521" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		EVP_PKEY *pkey = i < 3 ? EVP_EC_gen(groups[i]) : EVP_RSA_gen(2048), *again;
		struct error e = ERROR_INIT;
		json_t *jwk = jwk_from_public_key(pkey, NULL, &e);

		assert_non_null(jwk);
		assert_null(json_object_get(jwk, "alg"));
		if (i < 3)
			assert_string_equal(json_string_value(json_object_get(jwk, "crv")),
					    groups[i]);
		again = jwk_public_key(jwk, "key", &e);
		assert_non_null(again);
		assert_int_equal(EVP_PKEY_eq(pkey, again), 1);
		json_decref(jwk);
		EVP_PKEY_free(pkey);
		EVP_PKEY_free(again);
	}
}

/* The form in which a key was read does not change its JWK. */
static void a_compressed_key_has_the_same_jwk(void **state)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-384");
	struct error e = ERROR_INIT;
	json_t *plain = jwk_from_public_key(pkey, NULL, &e), *compressed;

	(void)state;
	assert_int_equal(EVP_PKEY_set_utf8_string_param(
				 pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"),
			 1);
	compressed = jwk_from_public_key(pkey, NULL, &e);
	assert_non_null(compressed);
	assert_int_equal(json_equal(plain, compressed), 1);
	json_decref(plain);
	json_decref(compressed);
	EVP_PKEY_free(pkey);
}

/* Returns a P-256 key whose x begins with a zero byte, and its JWK. */
static EVP_PKEY *key_with_short_x(json_t **jwk)
{
	struct error e = ERROR_INIT;

	for (int i = 0; i < 100000; i++) {
		EVP_PKEY *pkey = EVP_EC_gen("P-256");
		const char *x;

		*jwk = jwk_from_public_key(pkey, NULL, &e);
		assert_non_null(*jwk);
		x = json_string_value(json_object_get(*jwk, "x"));
		assert_int_equal(strlen(x), 43); /* always 32 bytes */
		if (x[0] == 'A' && strchr("ABCD", x[1]))
			return pkey;
		json_decref(*jwk);
		EVP_PKEY_free(pkey);
	}
	fail();
	return NULL;
}

/* Some releases of Trustee remove leading zeros. */
static void short_coordinates_are_padded_on_the_left(void **state)
{
	struct bytes x = BYTES_INIT, text = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *jwk;
	EVP_PKEY *pkey = key_with_short_x(&jwk), *again;
	const char *full = json_string_value(json_object_get(jwk, "x"));

	(void)state;
	assert_int_equal(decode_base64(ENCODE_BASE64URL, full, 43, "x", &x, &e), 0);
	assert_int_equal(x.data[0], 0);
	encode_base64(ENCODE_BASE64URL, x.data + 1, 31, &text);
	json_object_set_new(jwk, "x", json_string(bytes_text(&text)));
	again = jwk_public_key(jwk, "key", &e);
	assert_non_null(again);
	assert_int_equal(EVP_PKEY_eq(pkey, again), 1);
	EVP_PKEY_free(again);
	EVP_PKEY_free(pkey);
	json_decref(jwk);
	bytes_free(&x);
	bytes_free(&text);
}

#define X		  "nizKg-hoitmkk1RnTwKVFPfP3ijqN2VcgMQ8L4MUV14"
#define Y		  "JpfmDC6oP_gjxy3FW8fOsynn-QCtUBdMk0idqFFDboA"
#define EC_JWK(crv, x, y) "{\"kty\":\"EC\",\"crv\":\"" crv "\",\"x\":\"" x "\",\"y\":\"" y "\"}"

static void refuses_invalid_keys(void **state)
{
	static const struct {
		const char *text, *cause;
	} cases[] = {
		{ "[]", "key: not an object" },
		{ "{}", "key: kty: missing" },
		{ "{\"kty\":7}", "key: kty: not a string" },
		{ "{\"kty\":\"oct\",\"k\":\"AAAA\"}", "key: kty: 'oct' is neither EC nor RSA" },
		{ "{\"kty\":\"EC\"}", "key: crv: missing" },
		{ EC_JWK("P-192", X, Y), "key: crv: unknown curve 'P-192'" },
		{ EC_JWK("P-256", X, X), "key: x, y: not a point of P-256" },
		{ EC_JWK("P-384", X, Y), "key: x, y: not a point of P-384" },
		{ EC_JWK("P-256", Y, X), "key: x, y: not a point of P-256" },
		{ EC_JWK("P-256", "", Y), "key: x: 0 bytes instead of 32" },
		{ EC_JWK("P-256", "AAAA" X "A", Y), "key: x: 36 bytes instead of 32" },
		{ EC_JWK("P-256", X, Y "="), "key: y: not base64 at character 44" },
		{ EC_JWK("P-256", X, "+pfmDC6oP_gjxy3FW8fOsynn-QCtUBdMk0idqFFDboA"),
		  "key: y: not base64 at character 1" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\"}", "key: y: missing" },
		{ "{\"kty\":\"RSA\",\"n\":\"" X "\"}", "key: e: missing" },
		{ "{\"kty\":\"RSA\",\"n\":\"" X "\",\"e\":\"AQAB\"}",
		  "key: n: 256 bits, not 2048" },
		{ "{\"kty\":\"RSA\",\"n\":\"" X "\",\"e\":\"" X "\"}", "key: e: 32 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;
		json_t *jwk = json_parse(cases[i].text, strlen(cases[i].text), JSON_OPERATOR,
					 "case", ERROR_INPUT, &e);

		assert_non_null(jwk);
		assert_null(jwk_public_key(jwk, "key", &e));
		assert_error(&e, ERROR_INPUT, cases[i].cause);
		json_decref(jwk);
	}
}

/* A JWK has no compressed points and no infinity, but a COSE key may. */
static void a_point_is_on_its_curve_and_not_infinity(void **state)
{
	static const char group[] = "prime256v1";
	EVP_PKEY *pkey = EVP_EC_gen("P-256"), *again;
	uint8_t point[65];
	size_t len = 0;

	(void)state;
	assert_int_equal(EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point,
							 sizeof(point), &len),
			 1);
	assert_int_equal(len, sizeof(point));
	again = ecdsa_key_from_point(group, point, len);
	assert_int_equal(EVP_PKEY_eq(pkey, again), 1);
	EVP_PKEY_free(again);
	point[64] ^= 1;
	assert_null(ecdsa_key_from_point(group, point, len));
	point[64] ^= 1;
	memset(point + 1, 0xff, 32); /* not below the field's prime */
	assert_null(ecdsa_key_from_point(group, point, len));
	point[0] = 0;
	assert_null(ecdsa_key_from_point(group, point, 1));
	EVP_PKEY_free(pkey);
}

static void refuses_weak_rsa_numbers(void **state)
{
	static const struct {
		const char *member, *value;
	} cases[] = {
		{ "e", "AQ" },	 /* 1 */
		{ "e", "AQAA" }, /* even */
		{ "e", "AAAA" }, /* 0 */
		{ "n", NULL },	 /* even */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		EVP_PKEY *pkey = EVP_RSA_gen(2048);
		struct error e = ERROR_INIT;
		json_t *jwk = jwk_from_public_key(pkey, NULL, &e);
		char n[512];

		strncpy(n, json_string_value(json_object_get(jwk, "n")), sizeof(n) - 1);
		n[341] = 'A'; /* 256 bytes: the last character has the last two bits */
		n[340] = 'A';
		n[342] = '\0';
		json_object_set_new(jwk, cases[i].member,
				    json_string(cases[i].value ? cases[i].value : n));
		assert_null(jwk_public_key(jwk, "key", &e));
		assert_error(&e, ERROR_INPUT, "key: n, e: not an RSA key");
		json_decref(jwk);
		EVP_PKEY_free(pkey);
	}
}

/* Whether made here or read from a file, the private half is in libcrypto's locked heap. */
static void private_keys_are_in_locked_memory(void **state)
{
	struct tee_key made = TEE_KEY_INIT, read = TEE_KEY_INIT;
	struct bytes pem = BYTES_INIT;
	struct error e = ERROR_INIT;
	size_t before, one;

	(void)state;
	assert_int_equal(crypto_prepare(&e), 0);
	EVP_PKEY_free(EVP_EC_gen("P-256")); /* the generators' states are in that heap too */
	before = CRYPTO_secure_used();
	assert_int_equal(tee_key_generate(&made, &e), 0);
	one = CRYPTO_secure_used();
	assert_true(one > before);
	assert_int_equal(tee_key_to_pem(&made, &pem, &e), 0);
	assert_int_equal(tee_key_from_pem(&read, pem.data, pem.len, &e), 0);
	assert_true(CRYPTO_secure_used() > one);
	tee_key_free(&made);
	tee_key_free(&read);
	bytes_free(&pem);
	assert_int_equal(CRYPTO_secure_used(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(public_keys_match_the_vectors),
		cmocka_unit_test(a_generated_key_is_written_and_read),
		cmocka_unit_test(accepts_only_the_documented_forms),
		cmocka_unit_test(refuses_bad_pem),
		cmocka_unit_test(public_keys_are_written_and_read_as_jwk),
		cmocka_unit_test(a_compressed_key_has_the_same_jwk),
		cmocka_unit_test(short_coordinates_are_padded_on_the_left),
		cmocka_unit_test(refuses_invalid_keys),
		cmocka_unit_test(a_point_is_on_its_curve_and_not_infinity),
		cmocka_unit_test(refuses_weak_rsa_numbers),
		cmocka_unit_test(private_keys_are_in_locked_memory),
	};

	return cmocka_run_group_tests_name("tee_key", tests, NULL, NULL);
}
