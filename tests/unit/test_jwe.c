// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"
#include "jose/jwe.h"
#include "jose/jwk.h"
#include "vector.h"

static struct {
	json_t *vectors;
	struct tee_key ec, rsa;
} fixture;

static int fixture_make(void **state)
{
	(void)state;
	fixture.vectors = vector_read_json("own-vectors/vectors.json");
	vector_read_key("own-vectors/tee-p256.pem", &fixture.ec);
	vector_read_key("own-vectors/tee-rsa2048.pem", &fixture.rsa);
	return 0;
}

static int fixture_free(void **state)
{
	(void)state;
	json_decref(fixture.vectors);
	tee_key_free(&fixture.ec);
	tee_key_free(&fixture.rsa);
	return 0;
}

static const char *vector_text(const char *vector, const char *member)
{
	const char *text = json_string_value(
		json_object_get(json_object_get(fixture.vectors, vector), member));

	assert_non_null(text);
	return text;
}

/* Appends the JWE of a vector as text to @out. */
static void vector_jwe(const char *vector, struct bytes *out)
{
	json_t *jwe = json_object_get(json_object_get(fixture.vectors, vector), "jwe");
	struct error e = ERROR_INIT;

	bytes_clear(out);
	assert_int_equal(json_compact(jwe, out, &e), 0);
}

static void opens_the_vectors(void **state)
{
	const struct {
		const struct tee_key *key;
		const char *vector;
	} cases[] = {
		{ &fixture.ec, "jwe_ecdh" },
		{ &fixture.rsa, "jwe_rsa_oaep_256" },
	};
	struct bytes text = BYTES_INIT, plain = BYTES_LOCKED_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		vector_jwe(cases[i].vector, &text);
		bytes_set(&plain, "what was there before", 21);
		assert_int_equal(jwe_open(cases[i].key, text.data, text.len, &plain, &e), 0);
		assert_string_equal(bytes_text(&plain), vector_text(cases[i].vector, "plaintext"));
	}
	bytes_free(&text);
	bytes_free(&plain);
}

static EVP_PKEY *private_key(const char *scalar_hex)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = EC_POINT_new(group);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	BIGNUM *scalar = NULL;
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM *params;
	uint8_t public[65];

	assert_true(BN_hex2bn(&scalar, scalar_hex) > 0);
	assert_int_equal(EC_POINT_mul(group, point, scalar, NULL, NULL, NULL), 1);
	assert_int_equal(EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, public,
					    sizeof(public), NULL),
			 sizeof(public));
	OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
	OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, public, sizeof(public));
	OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, scalar);
	params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_fromdata_init(ctx);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	EVP_PKEY_CTX_free(ctx);
	BN_free(scalar);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	return pkey;
}

static void decode(const char *text, enum encode_alphabet alphabet, bool hex, void *out, size_t len)
{
	struct bytes raw = BYTES_INIT;
	struct error e = ERROR_INIT;

	assert_int_equal(hex ? decode_hex(text, strlen(text), "vector", &raw, &e) :
			       decode_base64(alphabet, text, strlen(text), "vector", &raw, &e),
			 0);
	assert_int_equal(raw.len, len);
	memcpy(out, raw.data, len);
	bytes_free(&raw);
}

static void random_of_vector(const char *vector, struct jwe_random *random)
{
	json_t *jwe = json_object_get(json_object_get(fixture.vectors, vector), "jwe");
	const char *iv = json_string_value(json_object_get(jwe, "iv"));

	decode(vector_text(vector, "cek_hex"), ENCODE_BASE64URL, true, random->cek, 32);
	decode(iv, ENCODE_BASE64URL, false, random->iv, 12);
}

/* With the random numbers of the vector, the result is the same byte for byte. */
static void seals_the_ecdh_vector_exactly(void **state)
{
	const char *plain = vector_text("jwe_ecdh", "plaintext");
	struct bytes expected = BYTES_INIT, out = BYTES_INIT;
	struct jwe_random random = { 0 };
	struct error e = ERROR_INIT;
	json_t *jwk = tee_key_jwk(&fixture.ec, &e);

	(void)state;
	random_of_vector("jwe_ecdh", &random);
	random.ephemeral = private_key(vector_text("jwe_ecdh", "ephemeral_scalar_hex"));
	vector_jwe("jwe_ecdh", &expected);
	bytes_append_text(&out, "kept");
	assert_int_equal(jwe_seal(jwk, plain, strlen(plain), &random, &out, &e), 0);
	assert_memory_equal(out.data, "kept", 4);
	assert_string_equal(bytes_text(&out) + 4, bytes_text(&expected));
	EVP_PKEY_free(random.ephemeral);
	json_decref(jwk);
	bytes_free(&expected);
	bytes_free(&out);
}

/* OAEP uses its own random numbers, so encrypted_key differs and all other members are the same. */
static void seals_the_rsa_vector_except_the_wrapped_key(void **state)
{
	static const char *const same[] = { "protected", "iv", "ciphertext", "tag" };
	const char *plain = vector_text("jwe_rsa_oaep_256", "plaintext");
	json_t *expected = json_object_get(json_object_get(fixture.vectors, "jwe_rsa_oaep_256"),
					   "jwe");
	struct jwe_random random = { 0 };
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *jwk = tee_key_jwk(&fixture.rsa, &e), *jwe;

	(void)state;
	random_of_vector("jwe_rsa_oaep_256", &random);
	assert_int_equal(jwe_seal(jwk, plain, strlen(plain), &random, &out, &e), 0);
	jwe = json_parse(out.data, out.len, JSON_OPERATOR, "jwe", ERROR_INPUT, &e);
	assert_non_null(jwe);
	for (size_t i = 0; i < 4; i++)
		assert_true(json_equal(json_object_get(jwe, same[i]),
				       json_object_get(expected, same[i])));
	assert_false(json_equal(json_object_get(jwe, "encrypted_key"),
				json_object_get(expected, "encrypted_key")));
	json_decref(jwe);
	json_decref(jwk);
	bytes_free(&out);
}

static void round_trip(const struct tee_key *key, size_t len)
{
	struct bytes secret = BYTES_INIT, text = BYTES_INIT, plain = BYTES_LOCKED_INIT;
	struct error e = ERROR_INIT;
	json_t *jwk = tee_key_jwk(key, &e);

	assert_int_equal(bytes_resize(&secret, len, &(struct error)ERROR_INIT), 0);
	for (size_t i = 0; i < len; i++)
		secret.data[i] = (uint8_t)(i * 31 + len);
	assert_int_equal(jwe_seal(jwk, secret.data, len, NULL, &text, &e), 0);
	if (jwe_open(key, text.data, text.len, &plain, &e) < 0)
		fail_msg("%zu bytes: %s", len, e.text);
	assert_true(bytes_equal(secret.data, len, plain.data, plain.len));
	json_decref(jwk);
	bytes_free(&secret);
	bytes_free(&text);
	bytes_free(&plain);
}

static void opens_what_it_seals(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 4096, JWE_PLAINTEXT_MAX };
	struct tee_key p521 = { .pkey = EVP_EC_gen("P-521"), .alg = "ECDH-ES+A256KW" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		round_trip(&fixture.ec, sizes[i]);
		round_trip(&fixture.rsa, sizes[i]);
		round_trip(&p521, sizes[i]);
	}
	tee_key_free(&p521);
}

static void uses_new_random_numbers_each_time(void **state)
{
	static const char *const fresh[] = { "protected", "encrypted_key", "iv", "ciphertext",
					     "tag" };
	struct error e = ERROR_INIT;
	json_t *jwk = tee_key_jwk(&fixture.ec, &e), *jwe[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct bytes out = BYTES_INIT;

		assert_int_equal(jwe_seal(jwk, "secret", 6, NULL, &out, &e), 0);
		jwe[i] = json_parse(out.data, out.len, JSON_OPERATOR, "jwe", ERROR_INPUT, &e);
		bytes_free(&out);
	}
	for (size_t i = 0; i < 5; i++)
		assert_false(json_equal(json_object_get(jwe[0], fresh[i]),
					json_object_get(jwe[1], fresh[i])));
	json_decref(jwe[0]);
	json_decref(jwe[1]);
	json_decref(jwk);
}

/* Opens @jwe, which must fail with @cause and leave no plain text. */
static void assert_refused(const struct tee_key *key, const json_t *jwe, const char *cause)
{
	struct bytes text = BYTES_INIT, plain = BYTES_LOCKED_INIT;
	struct error e = ERROR_INIT;

	assert_int_equal(json_compact(jwe, &text, &e), 0);
	bytes_set(&plain, "what was there before", 21);
	assert_int_equal(jwe_open(key, text.data, text.len, &plain, &e), -1);
	assert_int_equal(e.kind, ERROR_PROTOCOL);
	if (strcmp(e.text, cause) != 0)
		fail_msg("'%s' instead of '%s'", e.text, cause);
	assert_int_equal(plain.len, 0);
	for (size_t i = 0; i < plain.size; i++)
		assert_int_equal(plain.data[i], 0);
	bytes_free(&text);
	bytes_free(&plain);
}

#define CLOSED "JWE: could not be opened with this key"
#define NOT_A_POINT \
	"{\"crv\":\"P-256\",\"kty\":\"EC\"," \
	"\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"," \
	"\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"

static void names_the_member_at_fault(void **state)
{
	static const struct {
		const char *member, *value, *cause; /* no value: the member is removed */
	} cases[] = {
		{ "protected", NULL, "JWE: protected: missing" },
		{ "encrypted_key", NULL, "JWE: encrypted_key: missing" },
		{ "iv", NULL, "JWE: iv: missing" },
		{ "ciphertext", NULL, "JWE: ciphertext: missing" },
		{ "tag", NULL, "JWE: tag: missing" },
		{ "iv", "7", "JWE: iv: not a string" },
		{ "iv", "\"AAAA\"", "JWE: iv: 3 bytes instead of 12" },
		{ "iv", "\"XGizPpfDaC2BKXwU=\"", "JWE: iv: base64 of an impossible length" },
		{ "iv", "\"XGizPpfDaC2BKXw/\"", "JWE: iv: not base64 at character 16" },
		{ "tag", "\"218mIXHupDot7pY_J_zA\"", "JWE: tag: 15 bytes instead of 16" },
		{ "tag", "\"318mIXHupDot7pY_J_zANQ\"", CLOSED },
		{ "tag", "\"218mIXHupDot7pY_J_zANA\"", CLOSED },
		{ "iv", "\"YGizPpfDaC2BKXwU\"", CLOSED },
		{ "ciphertext", "\"\"", CLOSED },
		{ "encrypted_key", "\"vaLjmHvNtp6Ey6QueemZLIGf2M7FJ3vAfzOc4ourG4SetFpik8_N2A\"",
		  CLOSED },
		{ "encrypted_key", "\"\"", "JWE: encrypted_key: 0 bytes instead of 40" },
		{ "protected", "\"e30\"", "JWE: protected: alg: missing" },
		{ "protected", "\"W10\"", "JWE: protected: not an object" },
		{ "protected", "\"e\"", "JWE: protected: base64 of an impossible length" },
		{ "aad", "\"AAAA\"", "JWE: aad: not supported" },
		{ "header", "{\"zip\":\"DEF\"}", "JWE: header: zip: not supported" },
		{ "unprotected", "{\"apu\":\"AAAA\"}", "JWE: header: apu: not supported" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *jwe = json_deep_copy(
			json_object_get(json_object_get(fixture.vectors, "jwe_ecdh"), "jwe"));

		if (cases[i].value)
			json_object_set_new(jwe, cases[i].member,
					    json_loads(cases[i].value, JSON_DECODE_ANY, NULL));
		else
			json_object_del(jwe, cases[i].member);
		assert_refused(&fixture.ec, jwe, cases[i].cause);
		json_decref(jwe);
	}
}

static void names_the_header_member_at_fault(void **state)
{
	static const struct {
		const char *member, *value, *cause; /* no value: the member is removed */
	} cases[] = {
		{ "alg", "\"RSA-OAEP-256\"",
		  "JWE: protected: alg: 'RSA-OAEP-256' instead of 'ECDH-ES+A256KW'" },
		{ "alg", "\"dir\"", "JWE: protected: alg: 'dir' instead of 'ECDH-ES+A256KW'" },
		{ "enc", "\"A128GCM\"", "JWE: protected: enc: 'A128GCM' instead of 'A256GCM'" },
		{ "enc", NULL, "JWE: protected: enc: missing" },
		{ "epk", NULL, "JWE: protected: epk: missing" },
		{ "epk", "\"x\"", "JWE: protected: epk: not an object" },
		{ "epk", NOT_A_POINT, "JWE: epk: x, y: not a point of P-256" },
		{ "epk", "{\"kty\":\"oct\"}", "JWE: epk: kty: 'oct' is neither EC nor RSA" },
		{ "crit", "[\"x\"]", "JWE: header: crit: not supported" },
		{ "zip", "\"DEF\"", "JWE: header: zip: not supported" },
		{ "apv", "\"AAAA\"", "JWE: header: apv: not supported" },
		{ "note", "\"one more member\"", CLOSED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *jwe = json_deep_copy(
			json_object_get(json_object_get(fixture.vectors, "jwe_ecdh"), "jwe"));
		const char *text = vector_text("jwe_ecdh", "protected_json");
		struct bytes raw = BYTES_INIT, encoded = BYTES_INIT;
		struct error e = ERROR_INIT;
		json_t *header = json_loads(text, 0, NULL);

		if (cases[i].value)
			json_object_set_new(header, cases[i].member,
					    json_loads(cases[i].value, JSON_DECODE_ANY, NULL));
		else
			json_object_del(header, cases[i].member);
		assert_int_equal(json_compact(header, &raw, &e), 0);
		encode_base64(ENCODE_BASE64URL, raw.data, raw.len, &encoded);
		json_object_set_new(jwe, "protected", json_string(bytes_text(&encoded)));
		assert_refused(&fixture.ec, jwe, cases[i].cause);
		json_decref(header);
		json_decref(jwe);
		bytes_free(&raw);
		bytes_free(&encoded);
	}
}

static void an_epk_of_another_curve_is_refused(void **state)
{
	struct tee_key p521 = { .pkey = EVP_EC_gen("P-521"), .alg = "ECDH-ES+A256KW" };
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *jwk = tee_key_jwk(&p521, &e), *jwe;

	(void)state;
	assert_int_equal(jwe_seal(jwk, "secret", 6, NULL, &text, &e), 0);
	jwe = json_parse(text.data, text.len, JSON_OPERATOR, "jwe", ERROR_INPUT, &e);
	assert_refused(&fixture.ec, jwe, "JWE: epk: not on the curve of the TEE key");
	assert_refused(&fixture.rsa, jwe,
		       "JWE: protected: alg: 'ECDH-ES+A256KW' instead of 'RSA-OAEP-256'");
	json_decref(jwe);
	json_decref(jwk);
	bytes_free(&text);
	tee_key_free(&p521);
}

static void another_key_opens_nothing(void **state)
{
	struct tee_key ec = TEE_KEY_INIT, rsa = { EVP_RSA_gen(2048), "RSA-OAEP-256" };
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(tee_key_generate(&ec, &e), 0);
	assert_refused(&ec, json_object_get(json_object_get(fixture.vectors, "jwe_ecdh"), "jwe"),
		       CLOSED);
	assert_refused(&rsa,
		       json_object_get(json_object_get(fixture.vectors, "jwe_rsa_oaep_256"), "jwe"),
		       CLOSED);
	tee_key_free(&ec);
	tee_key_free(&rsa);
}

static void seal_refuses_keys_that_a_kbs_refuses(void **state)
{
	const struct {
		EVP_PKEY *pkey;
		const char *alg, *cause;
	} cases[] = {
		{ EVP_EC_gen("P-256"), NULL, "tee-pubkey: alg: missing" },
		{ EVP_EC_gen("P-256"), "RSA-OAEP-256", "tee-pubkey: alg 'RSA-OAEP-256'" },
		{ EVP_EC_gen("P-256"), "ECDH-ES", "tee-pubkey: alg 'ECDH-ES'" },
		{ EVP_EC_gen("P-384"), "ECDH-ES+A256KW", "tee-pubkey: alg 'ECDH-ES+A256KW'" },
		{ EVP_EC_gen("P-256"), "RSA1_5", "tee-pubkey: alg 'RSA1_5'" },
		{ EVP_RSA_gen(2048), "ECDH-ES+A256KW", "tee-pubkey: alg 'ECDH-ES+A256KW'" },
	};
	struct bytes out = BYTES_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;
		json_t *jwk = jwk_from_public_key(cases[i].pkey, NULL, &e);

		if (cases[i].alg)
			json_object_set_new(jwk, "alg", json_string(cases[i].alg));
		assert_int_equal(jwe_seal(jwk, "secret", 6, NULL, &out, &e), -1);
		assert_int_equal(e.kind, ERROR_INPUT);
		assert_memory_equal(e.text, cases[i].cause, strlen(cases[i].cause));
		assert_int_equal(out.len, 0);
		json_decref(jwk);
		EVP_PKEY_free(cases[i].pkey);
	}
}

static void sizes_are_bounded(void **state)
{
	struct bytes text = BYTES_INIT, plain = BYTES_LOCKED_INIT, big = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *jwk = tee_key_jwk(&fixture.ec, &e);
	json_t *jwe = json_deep_copy(
		json_object_get(json_object_get(fixture.vectors, "jwe_ecdh"), "jwe"));

	(void)state;
	assert_int_equal(bytes_resize(&big, JWE_PLAINTEXT_MAX + 1, &(struct error)ERROR_INIT), 0);
	assert_int_equal(jwe_seal(jwk, big.data, big.len, NULL, &text, &e), -1);
	assert_string_equal(e.text, "JWE: content of more than 1048576 bytes");
	encode_base64(ENCODE_BASE64URL, big.data, big.len, &text);
	json_object_set_new(jwe, "ciphertext", json_string(bytes_text(&text)));
	assert_refused(&fixture.ec, jwe, "JWE: ciphertext: more than 1048576 bytes");
	json_decref(jwe);
	json_decref(jwk);
	bytes_free(&text);
	bytes_free(&plain);
	bytes_free(&big);
}

/* Runs @command in a shell with @input as standard input. Its output replaces @out. */
static void run(const char *command, const struct bytes *input, struct bytes *out)
{
	char path[] = "/tmp/test_jwe.XXXXXX", line[1024];
	struct error e = ERROR_INIT;
	int fd = mkstemp(path);
	FILE *pipe;

	assert_true(fd >= 0);
	assert_int_equal(io_write_full(fd, input->data, input->len, &e), 0);
	close(fd);
	snprintf(line, sizeof(line), "%s <%s", command, path);
	pipe = popen(line, "re");
	assert_non_null(pipe);
	bytes_clear(out);
	assert_int_equal(io_read_all(fileno(pipe), VECTOR_MAX, "jose", out, &e), 0);
	assert_int_equal(pclose(pipe), 0);
	unlink(path);
}

/* Writes @key with its private members to the file @path, for jose. */
static void private_jwk_write(const struct tee_key *key, const char *path)
{
	static const struct {
		const char *member, *param;
	} members[] = {
		{ "d", OSSL_PKEY_PARAM_RSA_D },		 { "p", OSSL_PKEY_PARAM_RSA_FACTOR1 },
		{ "q", OSSL_PKEY_PARAM_RSA_FACTOR2 },	 { "dp", OSSL_PKEY_PARAM_RSA_EXPONENT1 },
		{ "dq", OSSL_PKEY_PARAM_RSA_EXPONENT2 }, { "qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1 },
		{ "d", OSSL_PKEY_PARAM_PRIV_KEY },
	};
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *jwk = tee_key_jwk(key, &e);

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		BIGNUM *number = NULL;
		uint8_t raw[512];
		int size;

		if (EVP_PKEY_get_bn_param(key->pkey, members[i].param, &number) != 1)
			continue;
		size = EVP_PKEY_is_a(key->pkey, "EC") ? 32 : BN_num_bytes(number);
		assert_int_equal(BN_bn2binpad(number, raw, size), size);
		bytes_clear(&text);
		encode_base64(ENCODE_BASE64URL, raw, (size_t)size, &text);
		json_object_set_new(jwk, members[i].member, json_string(bytes_text(&text)));
		BN_free(number);
	}
	bytes_clear(&text);
	assert_int_equal(json_compact(jwk, &text, &e), 0);
	assert_int_equal(io_write_file(path, 0600, text.data, text.len, &e), 0);
	json_decref(jwk);
	bytes_free(&text);
}

/* Tests against an independent implementation, latchset's jose, in both directions. */
static void exchanges_messages_with_jose(void **state)
{
	const struct tee_key *keys[] = { &fixture.ec, &fixture.rsa };
	const char *secret = "a secret between two implementations";
	struct bytes input = BYTES_INIT, output = BYTES_INIT;
	char path[] = "/tmp/test_jwe.jwk.XXXXXX", command[512];
	int fd;

	(void)state;
	if (system("command -v jose >/dev/null") != 0)
		skip();
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < 2; i++) {
		struct error e = ERROR_INIT;
		json_t *jwk = tee_key_jwk(keys[i], &e);

		private_jwk_write(keys[i], path);
		bytes_clear(&input);
		assert_int_equal(jwe_seal(jwk, secret, strlen(secret), NULL, &input, &e), 0);
		snprintf(command, sizeof(command), "jose jwe dec -k %s -i-", path);
		run(command, &input, &output);
		assert_string_equal(bytes_text(&output), secret);

		bytes_set(&input, secret, strlen(secret));
		snprintf(command, sizeof(command),
			 "jose jwe enc -I- -k %s -i "
			 "'{\"protected\":{\"alg\":\"%s\",\"enc\":\"A256GCM\"}}'",
			 path, keys[i]->alg);
		run(command, &input, &output);
		bytes_clear(&input);
		if (jwe_open(keys[i], output.data, output.len, &input, &e) < 0)
			fail_msg("%s", e.text);
		assert_string_equal(bytes_text(&input), secret);
		json_decref(jwk);
	}
	unlink(path);
	bytes_free(&input);
	bytes_free(&output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_the_vectors),
		cmocka_unit_test(seals_the_ecdh_vector_exactly),
		cmocka_unit_test(seals_the_rsa_vector_except_the_wrapped_key),
		cmocka_unit_test(opens_what_it_seals),
		cmocka_unit_test(uses_new_random_numbers_each_time),
		cmocka_unit_test(names_the_member_at_fault),
		cmocka_unit_test(names_the_header_member_at_fault),
		cmocka_unit_test(an_epk_of_another_curve_is_refused),
		cmocka_unit_test(another_key_opens_nothing),
		cmocka_unit_test(seal_refuses_keys_that_a_kbs_refuses),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(exchanges_messages_with_jose),
	};

	return cmocka_run_group_tests_name("jwe", tests, fixture_make, fixture_free);
}
