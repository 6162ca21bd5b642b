// SPDX-License-Identifier: Apache-2.0
/* The keys of EARs: rotation, what an EAR of each key is worth, and the JWK set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/encode.h"
#include "base/io.h"
#include "base/log.h"
#include "jose/jwk.h"
#include "trusteed/attest/ear_issue.h"
#include "trusteed/store/ear_cert.h"
#include "trusteed/store/ear_keys.h"

#define NOW INT64_C(1800000000)

static char directory[64];
static struct store store = STORE_INIT;
static struct ear_keys keys = EAR_KEYS_INIT;

static void open_all(int64_t now)
{
	struct error e = ERROR_INIT;
	char path[80];

	snprintf(path, sizeof(path), "%s/state", directory);
	if (store_open(&store, path, &e) < 0 || ear_keys_load(&keys, &store, now, &e) < 0)
		fail_msg("%s", e.text);
}

static void close_all(void)
{
	ear_keys_free(&keys);
	store_close(&store);
}

static void reopen(int64_t now)
{
	close_all();
	open_all(now);
}

static int setup(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/test_ear_keys.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	open_all(NOW);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	close_all();
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static void file_write(const char *name, const char *text)
{
	struct error e = ERROR_INIT;

	assert_int_equal(store_write(&store, name, text, strlen(text), &e), 0);
}

/* An EAR that the key of now signs. */
static void ear_make(struct jwt *jwt)
{
	static const struct verdict verdict = VERDICT_INIT;
	struct ear_submod cpu = { .name = "cpu0", .verdict = &verdict, .evidence = json_object() };
	struct ear_issuer issuer = EAR_ISSUER_INIT;
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;

	assert_int_equal(ear_issuer_init(&issuer, keys.signer.pkey, NULL, &e), 0);
	assert_int_equal(ear_issue(&issuer, &cpu, 1, NOW, &text, &e), 0);
	assert_int_equal(jwt_decode(text.data, text.len, jwt, &e), 0);
	json_decref(cpu.evidence);
	ear_issuer_free(&issuer);
	bytes_free(&text);
}

static void rotate(int64_t now, int64_t until)
{
	struct ear_keys next = EAR_KEYS_INIT;
	struct error e = ERROR_INIT;

	assert_int_equal(ear_keys_next(&keys, now, until, &next, &e), 0);
	assert_int_equal(ear_keys_save(&next, &store, &e), 0);
	ear_keys_free(&keys);
	keys = next;
}

static bool verifies(const struct jwt *jwt, int64_t now)
{
	struct error e = ERROR_INIT;
	int ret = ear_keys_verify(&keys, jwt, now, &e);

	assert_int_equal(e.kind, ret == 0 ? ERROR_NONE : ERROR_ATTESTATION);
	return ret == 0;
}

static void an_old_key_verifies_until_its_end(void **state)
{
	struct jwt old = JWT_INIT, new = JWT_INIT;

	(void)state;
	ear_make(&old);
	rotate(NOW, NOW + 100);
	ear_make(&new);
	assert_string_not_equal(json_string_value(json_object_get(old.header, "kid")),
				json_string_value(json_object_get(new.header, "kid")));
	for (int again = 0; again < 2; again++) {
		assert_true(verifies(&old, NOW + 100));
		assert_false(verifies(&old, NOW + 101));
		assert_true(verifies(&new, NOW + 1000000));
		reopen(NOW + 100);
	}
	reopen(NOW + 101);
	assert_int_equal(keys.count, 1);
	assert_false(verifies(&old, NOW + 101));
	assert_true(verifies(&new, NOW + 101));
	jwt_free(&old);
	jwt_free(&new);
}

/* EARs of the time before there was a kid. */
static void a_header_without_kid_names_the_key_by_jwk(void **state)
{
	struct jwt old = JWT_INIT, other = JWT_INIT;

	(void)state;
	ear_make(&old);
	rotate(NOW, NOW + 100);
	ear_make(&other);
	/* The header is not part of what is compared here; the signature covers its text. */
	json_object_del(old.header, "kid");
	assert_true(verifies(&old, NOW));
	json_object_set(old.header, "jwk", json_object_get(other.header, "jwk"));
	assert_false(verifies(&old, NOW));
	json_object_set_new(old.header, "jwk", json_string("none"));
	assert_false(verifies(&old, NOW));
	json_object_del(old.header, "jwk");
	assert_false(verifies(&old, NOW)); /* the key that signs is another */
	json_object_del(other.header, "kid");
	json_object_del(other.header, "jwk");
	assert_true(verifies(&other, NOW));
	json_object_set_new(other.header, "kid", json_integer(1));
	assert_false(verifies(&other, NOW));
	json_object_set_new(other.header, "kid", json_string(""));
	assert_false(verifies(&other, NOW));
	jwt_free(&old);
	jwt_free(&other);
}

/* The key of RFC 7517 appendix A.1; its thumbprint was computed with Python. */
static void the_set_has_all_keys_by_their_thumbprints(void **state)
{
	struct error e = ERROR_INIT;
	json_t *set, *list, *x5c = json_pack("[s]", "MII");
	char kid[EAR_KEYS_KID_MAX];
	EVP_PKEY *key;

	(void)state;
	rotate(NOW, NOW + 100);
	set = ear_keys_set(&keys, x5c, NOW + 100, &e);
	list = json_object_get(set, "keys");
	assert_int_equal(json_array_size(list), 2);
	for (size_t i = 0; i < 2; i++) {
		const json_t *jwk = json_array_get(list, i);

		key = jwk_public_key(jwk, "jwk", &e);
		assert_int_equal(EVP_PKEY_eq(key, keys.key[i].key), 1);
		assert_int_equal(ear_keys_kid(key, kid, &e), 0);
		assert_string_equal(json_string_value(json_object_get(jwk, "kid")), kid);
		assert_string_equal(json_string_value(json_object_get(jwk, "alg")), "ES256");
		assert_string_equal(json_string_value(json_object_get(jwk, "use")), "sig");
		assert_int_equal(json_object_get(jwk, "x5c") != NULL, i == 0);
		EVP_PKEY_free(key);
	}
	json_decref(set);
	set = ear_keys_set(&keys, NULL, NOW + 101, &e);
	assert_int_equal(json_array_size(json_object_get(set, "keys")), 1);
	json_decref(set);
	json_decref(x5c);
	set = json_pack("{s:s, s:s, s:s, s:s}", "kty", "EC", "crv", "P-256", "x",
			"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y",
			"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM");
	key = jwk_public_key(set, "jwk", &e);
	assert_int_equal(ear_keys_kid(key, kid, &e), 0);
	assert_string_equal(kid, "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s");
	EVP_PKEY_free(key);
	json_decref(set);
}

static void no_earlier_key_verifies_after_a_withdrawal(void **state)
{
	struct jwt first = JWT_INIT, second = JWT_INIT, third = JWT_INIT;
	struct ear_keys next = EAR_KEYS_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	ear_make(&first);
	rotate(NOW, NOW + 100);
	ear_make(&second);
	assert_int_equal(ear_keys_next(NULL, NOW, NOW + 100, &next, &e), 0);
	assert_int_equal(ear_keys_save(&next, &store, &e), 0);
	ear_keys_free(&next);
	reopen(NOW);
	assert_int_equal(keys.count, 1);
	ear_make(&third);
	assert_false(verifies(&first, NOW));
	assert_false(verifies(&second, NOW));
	assert_true(verifies(&third, NOW));
	jwt_free(&first);
	jwt_free(&second);
	jwt_free(&third);
}

static void too_many_rotations_are_refused_until_keys_are_over(void **state)
{
	struct ear_keys next = EAR_KEYS_INIT;
	struct jwt first = JWT_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	ear_make(&first);
	for (int i = 0; i < EAR_KEYS_OLD_MAX; i++)
		rotate(NOW, NOW + 100);
	assert_int_equal(ear_keys_next(&keys, NOW + 100, NOW + 200, &next, &e), -1);
	assert_int_equal(e.kind, ERROR_INPUT);
	ear_keys_free(&next);
	assert_true(verifies(&first, NOW + 100));
	reopen(NOW + 100);
	assert_int_equal(keys.count, 1 + EAR_KEYS_OLD_MAX);
	rotate(NOW + 101, NOW + 201);
	assert_int_equal(keys.count, 2);
	jwt_free(&first);
}

/* A crash after the first of the two files was written. */
static void a_rotation_that_was_cut_off_changes_nothing(void **state)
{
	struct ear_keys next = EAR_KEYS_INIT;
	struct bytes pem = BYTES_LOCKED_INIT;
	struct error e = ERROR_INIT;
	struct jwt ear = JWT_INIT;

	(void)state;
	ear_make(&ear);
	assert_int_equal(store_read(&store, "ear-key.pem", 4096, &pem, &e), 1);
	assert_int_equal(ear_keys_next(&keys, NOW, NOW + 100, &next, &e), 0);
	assert_int_equal(ear_keys_save(&next, &store, &e), 0);
	assert_int_equal(store_write(&store, "ear-key.pem", pem.data, pem.len, &e), 0);
	reopen(NOW);
	assert_int_equal(keys.count, 1);
	assert_true(verifies(&ear, NOW + 1000));
	ear_keys_free(&next);
	bytes_free(&pem);
	jwt_free(&ear);
}

static void a_file_of_other_contents_is_refused(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[",
		"[1]",
		"[{\"until\":1}]",
		"[{\"jwk\":{}, \"until\":1}]",
		"[{\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
		"\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\",\"y\":"
		"\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}}]",
		"[{\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
		"\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\",\"y\":"
		"\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"},\"until\":\"1\"}]",
	};
	struct error e = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct ear_keys other = EAR_KEYS_INIT;

		e = (struct error)ERROR_INIT;
		file_write("ear-keys.json", texts[i]);
		if (ear_keys_load(&other, &store, NOW, &e) == 0)
			fail_msg("%s", texts[i]);
		assert_int_equal(e.kind, ERROR_CONFIG);
		assert_non_null(strstr(e.text, "ear-keys.json"));
		ear_keys_free(&other);
	}
	file_write("ear-keys.json", "[]");
	reopen(NOW);
	file_write("ear-key.pem", "no key");
	ear_keys_free(&keys);
	assert_int_equal(ear_keys_load(&keys, &store, NOW, &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
}

/* Seconds for which certificates are valid. */
static long lifetime = 3600;

/* Append a certificate of @key in PEM form, issued by @issuer, whose name is @issuer_name. */
static void certify(EVP_PKEY *key, const char *name, EVP_PKEY *issuer, const char *issuer_name,
		    struct bytes *out)
{
	X509 *certificate = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	X509_NAME *subject = X509_NAME_new(), *by = X509_NAME_new();
	char *text;
	long len;

	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1, 0);
	X509_NAME_add_entry_by_txt(by, "CN", MBSTRING_ASC, (const uint8_t *)issuer_name, -1, -1, 0);
	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), lifetime);
	X509_set_subject_name(certificate, subject);
	X509_set_issuer_name(certificate, by);
	X509_set_pubkey(certificate, key);
	assert_true(X509_sign(certificate, issuer, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
	len = BIO_get_mem_data(bio, &text);
	bytes_append(out, text, (size_t)len);
	X509_NAME_free(subject);
	X509_NAME_free(by);
	X509_free(certificate);
	BIO_free(bio);
}

static void certificates_are_those_of_the_key(void **state)
{
	EVP_PKEY *root = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
	struct bytes chain = BYTES_INIT, wrong = BYTES_INIT, der = BYTES_INIT;
	struct error e = ERROR_INIT;
	const unsigned char *at;
	const char *first;
	X509 *certificate;
	json_t *x5c;

	(void)state;
	certify(keys.signer.pkey, "ear", root, "root", &chain);
	certify(root, "root", root, "root", &chain);
	bytes_append_text(&chain, "what follows is not read\n");
	x5c = ear_cert_chain(chain.data, chain.len, keys.signer.pkey, &e);
	assert_int_equal(json_array_size(x5c), 2);
	first = json_string_value(json_array_get(x5c, 0));
	assert_int_equal(decode_base64(ENCODE_BASE64, first, strlen(first), "x5c", &der, &e), 0);
	at = der.data;
	certificate = d2i_X509(NULL, &at, (long)der.len);
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(certificate), keys.signer.pkey), 1);
	X509_free(certificate);
	json_decref(x5c);

	assert_null(ear_cert_chain(chain.data, chain.len, other, &e));
	assert_int_equal(e.kind, ERROR_CONFIG);
	assert_non_null(strstr(e.text, "not for the key that signs EARs"));
	certify(keys.signer.pkey, "ear", root, "root", &wrong);
	certify(other, "other", other, "other", &wrong);
	assert_null(ear_cert_chain(wrong.data, wrong.len, keys.signer.pkey, &e));
	assert_non_null(strstr(e.text, "certificate 2 did not issue the one before it"));
	/* A root that was made again has its name and another key. */
	e = (struct error)ERROR_INIT;
	bytes_clear(&wrong);
	certify(keys.signer.pkey, "ear", root, "root", &wrong);
	certify(other, "root", other, "root", &wrong);
	assert_null(ear_cert_chain(wrong.data, wrong.len, keys.signer.pkey, &e));
	assert_non_null(strstr(e.text, "certificate 2 did not issue the one before it"));
	assert_null(ear_cert_chain("", 0, keys.signer.pkey, &e));
	assert_non_null(strstr(e.text, "no certificate in PEM form"));
	assert_null(ear_cert_chain(chain.data, 100, keys.signer.pkey, &e));
	assert_int_equal(e.kind, ERROR_CONFIG);
	bytes_clear(&wrong);
	certify(keys.signer.pkey, "root", root, "root", &wrong);
	for (int i = 0; i < EAR_CERT_CHAIN_MAX; i++)
		certify(root, "root", root, "root", &wrong);
	assert_null(ear_cert_chain(wrong.data, wrong.len, keys.signer.pkey, &e));
	assert_non_null(strstr(e.text, "more than 8 certificates"));
	e = (struct error)ERROR_INIT;
	assert_null(ear_cert_read("/nonexistent", keys.signer.pkey, &e));
	assert_non_null(strstr(e.text, "/nonexistent"));
	bytes_free(&chain);
	bytes_free(&wrong);
	bytes_free(&der);
	EVP_PKEY_free(root);
	EVP_PKEY_free(other);
}

static char warned[256];

static void keep_warning(enum log_level level, const char *line)
{
	assert_int_equal(level, LOG_LEVEL_WARNING);
	snprintf(warned, sizeof(warned), "%s", line);
}

/* Verifiers refuse its EARs, and clients that do not look at certificates go on. */
static void a_certificate_that_has_expired_is_named_in_the_log(void **state)
{
	EVP_PKEY *root = EVP_EC_gen("P-256");
	struct bytes chain = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *x5c;

	(void)state;
	certify(keys.signer.pkey, "ear", root, "root", &chain);
	lifetime = -60;
	certify(root, "root", root, "root", &chain);
	lifetime = 3600;
	log_set(keep_warning);
	x5c = ear_cert_chain(chain.data, chain.len, keys.signer.pkey, &e);
	log_set(NULL);
	assert_int_equal(json_array_size(x5c), 2);
	assert_non_null(strstr(warned, "certificate 2 has expired"));
	json_decref(x5c);
	bytes_free(&chain);
	EVP_PKEY_free(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_old_key_verifies_until_its_end, setup, teardown),
		cmocka_unit_test_setup_teardown(a_header_without_kid_names_the_key_by_jwk, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_set_has_all_keys_by_their_thumbprints, setup,
						teardown),
		cmocka_unit_test_setup_teardown(no_earlier_key_verifies_after_a_withdrawal, setup,
						teardown),
		cmocka_unit_test_setup_teardown(too_many_rotations_are_refused_until_keys_are_over,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_rotation_that_was_cut_off_changes_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(certificates_are_those_of_the_key, setup, teardown),
		cmocka_unit_test_setup_teardown(a_certificate_that_has_expired_is_named_in_the_log,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_of_other_contents_is_refused, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("trusteed_ear_keys", tests, NULL, NULL);
}
