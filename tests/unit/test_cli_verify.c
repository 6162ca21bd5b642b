// SPDX-License-Identifier: Apache-2.0
/* realmkey verify: EARs of Trustee, of trusteed and of others, and by whose key they are signed. */
#include "base/array.h"
#include "cli_run.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "http_server.h"
#include "jose/jwk.h"
#include "jose/jwt.h"
#include "vector.h"

#define EAR "generated-ear/"

/* Returns the path of the EAR, or key, @name of the vectors, in one of four static buffers. */
static const char *ear_file(const char *name)
{
	static char path[4][4096];
	static unsigned int next;
	char *at = path[next++ % 4], file[256];

	snprintf(file, sizeof(file), EAR "%s", name);
	vector_path(file, at, sizeof(path[0]));
	return at;
}

static void test_verify_text(void **state)
{
	const char *key = ear_file("pkey.json"), *file = ear_file("ok-affirming.jwt");
	static const char *const order[] = {
		"\" key\n[claims-set]\n{",
		"\n}\n[trustworthiness vectors]\nsubmod(",
		"Instance Identity [affirming]: recognized and not compromised\n",
		"Configuration [",
		"Executables [",
		"File System [",
		"Hardware [",
		"Runtime Opaque [",
		"Storage Opaque [",
		"Sourced Data [none]: no claim being made\n\n",
	};
	char begin[8500];
	const char *at;

	(void)state;
	CLI("verify", "--key", key, file);
	cli_went_well();
	at = bytes_text(&cli.out);
	snprintf(begin, sizeof(begin),
		 ">> \"%s\" signature successfully verified using \"%s\" key\n", file, key);
	assert_int_equal(strncmp(at, begin, strlen(begin)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		at = strstr(at, order[i]);
		if (!at)
			fail_msg("'%s' is missing or out of order", order[i]);
	}
}

static void test_verify_json(void **state)
{
	struct bytes token = BYTES_INIT;
	struct jwt jwt = JWT_INIT;
	struct error e = ERROR_INIT;
	json_t *value;

	(void)state;
	vector_read(EAR "ok-warning.jwt", &token);
	assert_int_equal(jwt_decode(token.data, token.len, &jwt, &e), 0);
	/* from standard input, with the line feed of a text file */
	bytes_append_text(&token, "\n");
	cli_run(token.data, token.len,
		(const char *const[]){ "verify", "--json", "--key", ear_file("pkey.json"), "-",
				       NULL });
	cli_went_well();
	value = json_parse(cli.out.data, cli.out.len, JSON_OPERATOR, "output", ERROR_INPUT, &e);
	assert_non_null(value);
	assert_true(json_equal(json_object_get(value, "claims"), jwt.payload));
	assert_true(json_is_true(json_object_get(value, "key-given")));
	json_decref(value);
	jwt_free(&jwt);
	bytes_free(&token);
}

static void test_verify_refuses(void **state)
{
	static const struct {
		const char *file;
		int code;
		const char *why;
	} cases[] = {
		{ "bad-alg-none.jwt", 7, "none" },
		{ "bad-sig-flip.jwt", 7, "signature" },
		{ "bad-wrong-key.jwt", 7, "signature" },
		{ "bad-expired.jwt", 7, "expired" },
		{ "bad-iat-future.jwt", 7, "\"iat\"" },
		{ "bad-missing-submods.jwt", 7, "'submods'" },
		{ "bad-empty-submods.jwt", 7, "'submods'" },
		{ "bad-missing-status.jwt", 7, "ear.status" },
		{ "bad-status-name.jwt", 7, "ear.status" },
		{ "bad-profile.jwt", 7, "eat_profile" },
		{ "bad-two-segments.jwt", 12, "segments" },
		{ "pkey.json", 12, "" },
		{ "none", 12, "none" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLI("verify", "--key", ear_file("pkey.json"), ear_file(cases[i].file));
		cli_refused(cases[i].code, "verify", cases[i].why);
	}
	CLI("verify", "--key", ear_file("other-pkey.json"), ear_file("ok-affirming.jwt"));
	cli_refused(7, "verify", "signature");
	CLI("verify", "--key", ear_file("EXPECTED.tsv"), ear_file("ok-affirming.jwt"));
	cli_refused(12, "verify", "EXPECTED.tsv");
	CLI("verify", "--cert", ear_file("pkey.json"), ear_file("ok-affirming.jwt"));
	cli_refused(12, "verify", "certificate");
	CLI("verify", "--key", "a", "--cert", "b", ear_file("ok-affirming.jwt"));
	cli_refused(2, "verify", "exclude");
}

/* The key in the header does not prove who signed, and a message says so. */
static void test_verify_header_key(void **state)
{
	(void)state;
	assert_int_equal(CLI("verify", ear_file("ok-header-jwk.jwt")), 0);
	cli_printed("using \"JWK header\" key\n");
	assert_non_null(strstr(bytes_text(&cli.err), "does not prove who signed it"));
}

static void test_verify_cert(void **state)
{
	struct bytes pem = BYTES_INIT, other = BYTES_INIT, token = BYTES_INIT, ear = BYTES_INIT;
	SSL_CTX *tls = http_server_tls("DNS:verifier.example", &pem);
	SSL_CTX *tls_other = http_server_tls("DNS:other.example", &other);
	json_t *header = json_pack("{s:s}", "alg", "ES256");
	struct jwt jwt = JWT_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	vector_read(EAR "ok-affirming.jwt", &token);
	assert_int_equal(jwt_decode(token.data, token.len, &jwt, &e), 0);
	assert_int_equal(jwt_sign(header, jwt.payload, SSL_CTX_get0_privatekey(tls), &ear, &e), 0);
	scratch_write("ear", ear.data, ear.len);
	scratch_write("cert", pem.data, pem.len);
	scratch_write("other", other.data, other.len);
	CLI("verify", "--cert", scratch("cert"), scratch("ear"));
	cli_went_well();
	CLI("verify", "--cert", scratch("other"), scratch("ear"));
	cli_refused(7, "verify", "signature");
	CLI("verify", scratch("ear"));
	cli_refused(7, "verify", "jwk");
	json_decref(header);
	jwt_free(&jwt);
	bytes_free(&pem);
	bytes_free(&other);
	bytes_free(&token);
	bytes_free(&ear);
	SSL_CTX_free(tls);
	SSL_CTX_free(tls_other);
}

/* --- several keys ----------------------------------------------------------------------------- */

/* Writes an EAR of the vectors, signed again with the key of @tls and with @header, which is released, to "ear". */
static void ear_sign(const char *name, SSL_CTX *tls, json_t *header)
{
	struct bytes token = BYTES_INIT, ear = BYTES_INIT;
	struct jwt jwt = JWT_INIT;
	struct error e = ERROR_INIT;
	char file[64];

	snprintf(file, sizeof(file), EAR "%s", name);
	vector_read(file, &token);
	json_object_set_new(header, "alg", json_string("ES256"));
	assert_int_equal(jwt_decode(token.data, token.len, &jwt, &e), 0);
	assert_int_equal(jwt_sign(header, jwt.payload, SSL_CTX_get0_privatekey(tls), &ear, &e), 0);
	scratch_write("ear", ear.data, ear.len);
	json_decref(header);
	jwt_free(&jwt);
	bytes_free(&token);
	bytes_free(&ear);
}

static json_t *key_of(SSL_CTX *tls, const char *kid)
{
	struct error e = ERROR_INIT;
	json_t *key = jwk_from_public_key(SSL_CTX_get0_privatekey(tls), "ES256", &e);

	assert_non_null(key);
	if (kid)
		json_object_set_new(key, "kid", json_string(kid));
	return key;
}

static void set_write(json_t *keys)
{
	json_t *set = json_pack("{s:o}", "keys", keys);
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;

	assert_int_equal(json_compact(set, &text, &e), 0);
	scratch_write("set", text.data, text.len);
	json_decref(set);
	bytes_free(&text);
}

/* The sets of trusteed, which names its keys, and of Trustee, which has one without a name. */
static void test_verify_key_set(void **state)
{
	struct bytes pem = BYTES_INIT, other_pem = BYTES_INIT;
	SSL_CTX *tls = http_server_tls("DNS:verifier.example", &pem);
	SSL_CTX *other = http_server_tls("DNS:other.example", &other_pem);

	(void)state;
	ear_sign("ok-affirming.jwt", tls, json_pack("{s:s}", "kid", "new"));
	set_write(json_pack("[o, o]", key_of(other, "old"), key_of(tls, "new")));
	CLI("verify", "--key", scratch("set"), scratch("ear"));
	cli_went_well();
	set_write(json_pack("[o, o]", key_of(other, "new"), key_of(tls, "old")));
	CLI("verify", "--key", scratch("set"), scratch("ear"));
	cli_refused(7, "verify", "signature");
	set_write(json_pack("[o]", key_of(tls, "old")));
	CLI("verify", "--key", scratch("set"), scratch("ear"));
	cli_refused(7, "verify", "no key with kid 'new'");
	set_write(json_array());
	CLI("verify", "--key", scratch("set"), scratch("ear"));
	cli_refused(7, "verify", "no key with kid 'new'");

	ear_sign("ok-affirming.jwt", tls, json_object());
	set_write(json_pack("[o]", key_of(tls, NULL)));
	CLI("verify", "--key", scratch("set"), scratch("ear"));
	cli_went_well();
	set_write(json_pack("[o, o]", key_of(tls, NULL), key_of(other, NULL)));
	CLI("verify", "--key", scratch("set"), scratch("ear"));
	cli_refused(7, "verify", "2 keys");
	bytes_free(&pem);
	bytes_free(&other_pem);
	SSL_CTX_free(tls);
	SSL_CTX_free(other);
}

/* The certificate of @tls, as a header has it. */
static json_t *x5c_of(SSL_CTX *tls)
{
	struct bytes text = BYTES_INIT;
	unsigned char *der = NULL;
	int len = i2d_X509(SSL_CTX_get0_certificate(tls), &der);
	json_t *list;

	assert_true(len > 0);
	encode_base64(ENCODE_BASE64, der, (size_t)len, &text);
	list = json_pack("[s]", bytes_text(&text));
	OPENSSL_free(der);
	bytes_free(&text);
	return list;
}

static void test_verify_ca(void **state)
{
	struct bytes pem = BYTES_INIT, other_pem = BYTES_INIT;
	SSL_CTX *tls = http_server_tls("DNS:verifier.example", &pem);
	SSL_CTX *other = http_server_tls("DNS:other.example", &other_pem);
	json_t *jwk = key_of(tls, NULL);

	(void)state;
	scratch_write("cert", pem.data, pem.len);
	scratch_write("other", other_pem.data, other_pem.len);
	json_object_set_new(jwk, "x5c", x5c_of(tls));
	ear_sign("ok-affirming.jwt", tls, json_pack("{s:s, s:o}", "kid", "k", "jwk", jwk));
	CLI("verify", "--ca", scratch("cert"), scratch("ear"));
	cli_went_well();
	CLI("verify", "--ca", scratch("other"), scratch("ear"));
	cli_refused(7, "verify", "certificate not trusted");
	CLI("verify", "--ca", scratch("ear"), scratch("ear"));
	cli_refused(12, "verify", "not certificates in PEM form");
	/* the certificate is a good one, but its key did not sign */
	ear_sign("ok-affirming.jwt", other, json_pack("{s:o}", "x5c", x5c_of(tls)));
	CLI("verify", "--ca", scratch("cert"), scratch("ear"));
	cli_refused(7, "verify", "signature");
	ear_sign("ok-affirming.jwt", tls, json_object());
	CLI("verify", "--ca", scratch("cert"), scratch("ear"));
	cli_refused(7, "verify", "x5c: missing");
	CLI("verify", "--ca", scratch("cert"), "--key", scratch("cert"), scratch("ear"));
	cli_refused(2, "verify", "exclude");
	bytes_free(&pem);
	bytes_free(&other_pem);
	SSL_CTX_free(tls);
	SSL_CTX_free(other);
}

/* An EAR with an appraisal of a device besides that of the realm. */
static void test_verify_submods(void **state)
{
	struct bytes pem = BYTES_INIT, token = BYTES_INIT, ear = BYTES_INIT;
	SSL_CTX *tls = http_server_tls("DNS:verifier.example", &pem);
	json_t *header = json_pack("{s:s}", "alg", "ES256"), *submods;
	struct jwt jwt = JWT_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	vector_read("own-vectors/sample-ear.jwt", &token);
	assert_int_equal(jwt_decode(token.data, token.len, &jwt, &e), 0);
	submods = json_object_get(jwt.payload, "submods");
	json_object_set(submods, "gpu0", json_object_get(submods, "cpu0"));
	json_object_set_new(jwt.payload, "exp", json_integer(4000000000));
	assert_int_equal(jwt_sign(header, jwt.payload, SSL_CTX_get0_privatekey(tls), &ear, &e), 0);
	scratch_write("ear", ear.data, ear.len);
	scratch_write("cert", pem.data, pem.len);
	CLI("verify", "--cert", scratch("cert"), scratch("ear"));
	cli_went_well();
	cli_printed("submod(cpu0):\n");
	cli_printed("submod(gpu0):\n");
	json_decref(header);
	jwt_free(&jwt);
	bytes_free(&pem);
	bytes_free(&token);
	bytes_free(&ear);
	SSL_CTX_free(tls);
}

static int tear_down(void **state)
{
	static const char *const files[] = { "ear", "cert", "other", "set", NULL };

	(void)state;
	return scratch_remove(files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verify_text),    cmocka_unit_test(test_verify_json),
		cmocka_unit_test(test_verify_refuses), cmocka_unit_test(test_verify_header_key),
		cmocka_unit_test(test_verify_cert),    cmocka_unit_test(test_verify_key_set),
		cmocka_unit_test(test_verify_ca),      cmocka_unit_test(test_verify_submods),
	};

	return cmocka_run_group_tests_name("cli verify", tests, scratch_make, tear_down);
}
