// SPDX-License-Identifier: Apache-2.0
/* Certificates in the headers of EARs: those of a CA of the test's, and those of Trustee's own tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/encode.h"
#include "jose/jwk.h"
#include "jose/x5c.h"
#include "vector.h"

#define DAY 86400

/* A chain: certificate[0] is of the key that signs EARs, the last is a root. */
#define ROOT 2

static EVP_PKEY *key[ROOT + 1], *other;
static X509 *certificate[ROOT + 1];
static struct bytes root_pem, middle_pem;
static json_t *jwk; /* of key[0] */
static int64_t now;

static X509 *certificate_make(const char *name, EVP_PKEY *subject, const X509 *issuer,
			      EVP_PKEY *signer, bool ca)
{
	X509 *made = X509_new();
	X509_EXTENSION *constraint = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
							 ca ? "critical,CA:TRUE" : "CA:FALSE");
	X509_NAME *names = X509_get_subject_name(made);

	X509_set_version(made, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
	X509_gmtime_adj(X509_getm_notBefore(made), -DAY);
	X509_gmtime_adj(X509_getm_notAfter(made), DAY);
	X509_NAME_add_entry_by_txt(names, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
				   0);
	X509_set_issuer_name(made, issuer ? X509_get_subject_name(issuer) : names);
	X509_set_pubkey(made, subject);
	X509_add_ext(made, constraint, -1);
	X509_EXTENSION_free(constraint);
	assert_true(X509_sign(made, signer, EVP_sha256()) > 0);
	return made;
}

static void pem_append(X509 *made, struct bytes *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	assert_int_equal(PEM_write_bio_X509(bio, made), 1);
	len = BIO_get_mem_data(bio, &text);
	bytes_append(out, text, (size_t)len);
	BIO_free(bio);
}

static int set_up(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	now = time(NULL);
	for (int i = ROOT; i >= 0; i--) {
		key[i] = EVP_EC_gen("P-256");
		certificate[i] = certificate_make(i == ROOT ? "root" :
						  i	    ? "middle" :
							      "ear",
						  key[i], i == ROOT ? NULL : certificate[i + 1],
						  i == ROOT ? key[i] : key[i + 1], i > 0);
	}
	other = EVP_EC_gen("P-256");
	pem_append(certificate[ROOT], &root_pem);
	pem_append(certificate[1], &middle_pem);
	jwk = jwk_from_public_key(key[0], "ES256", &e);
	return jwk ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i <= ROOT; i++) {
		EVP_PKEY_free(key[i]);
		X509_free(certificate[i]);
	}
	EVP_PKEY_free(other);
	bytes_free(&root_pem);
	bytes_free(&middle_pem);
	json_decref(jwk);
	return 0;
}

static json_t *certificate_text(X509 *made, enum encode_alphabet variant)
{
	struct bytes text = BYTES_INIT;
	unsigned char *der = NULL;
	int len = i2d_X509(made, &der);
	json_t *value;

	assert_true(len > 0);
	encode_base64(variant, der, (size_t)len, &text);
	value = json_string(bytes_text(&text));
	OPENSSL_free(der);
	bytes_free(&text);
	return value;
}

/* The certificates @from to @to. */
static json_t *list_of(int from, int to, enum encode_alphabet variant)
{
	json_t *list = json_array();

	for (int i = from; i <= to; i++)
		json_array_append_new(list, certificate_text(certificate[i], variant));
	return list;
}

/* A header with this list in its jwk. */
static json_t *header_of(json_t *list)
{
	json_t *named = json_copy(jwk);

	json_object_set_new(named, "x5c", list);
	return json_pack("{s:s, s:o}", "alg", "ES256", "jwk", named);
}

/* @why: NULL if the key is found. */
static void expect(json_t *header, const struct bytes *anchors, int64_t at, const char *why)
{
	struct error e = ERROR_INIT;
	EVP_PKEY *found = x5c_key(header, anchors->data, anchors->len, at, &e);

	if (!why) {
		if (!found)
			fail_msg("%s", e.text);
		assert_int_equal(EVP_PKEY_eq(found, key[0]), 1);
	} else if (found || e.kind != ERROR_ATTESTATION || !strstr(e.text, why)) {
		fail_msg("'%s' expected: %d %s", why, (int)e.kind, e.text);
	}
	EVP_PKEY_free(found);
	json_decref(header);
}

static void test_chains(void **state)
{
	struct bytes both = BYTES_INIT;

	(void)state;
	expect(header_of(list_of(0, 1, ENCODE_BASE64)), &root_pem, now, NULL);
	expect(header_of(list_of(0, ROOT, ENCODE_BASE64)), &root_pem, now, NULL);
	/* as Trustee of December 2025 writes them */
	expect(header_of(list_of(0, 1, ENCODE_BASE64URL)), &root_pem, now, NULL);
	/* an anchor that is no root, and one of several */
	expect(header_of(list_of(0, 0, ENCODE_BASE64)), &middle_pem, now, NULL);
	bytes_append(&both, root_pem.data, root_pem.len);
	bytes_append(&both, middle_pem.data, middle_pem.len);
	expect(header_of(list_of(0, 0, ENCODE_BASE64)), &both, now, NULL);
	/* where RFC 7515 has them */
	expect(json_pack("{s:o}", "x5c", list_of(0, 1, ENCODE_BASE64)), &root_pem, now, NULL);
	bytes_free(&both);
}

static void test_no_chain(void **state)
{
	json_t *many = json_array(), *swapped = list_of(1, ROOT, ENCODE_BASE64);

	(void)state;
	for (int i = 0; i <= X5C_CERTIFICATES_MAX; i++)
		json_array_append_new(many, certificate_text(certificate[0], ENCODE_BASE64));
	json_array_append_new(swapped, certificate_text(certificate[0], ENCODE_BASE64));
	expect(header_of(list_of(0, 0, ENCODE_BASE64)), &root_pem, now, "not trusted");
	expect(header_of(list_of(0, 1, ENCODE_BASE64)), &root_pem, now + (2 * DAY), "expired");
	expect(header_of(list_of(0, 1, ENCODE_BASE64)), &root_pem, now - (2 * DAY),
	       "not yet valid");
	expect(header_of(swapped), &root_pem, now, "another key");
	expect(header_of(many), &root_pem, now, "not a list of 1 to 8");
	expect(header_of(json_array()), &root_pem, now, "not a list of 1 to 8");
	expect(header_of(json_string("x")), &root_pem, now, "not a list of 1 to 8");
	expect(header_of(json_pack("[i]", 1)), &root_pem, now, "not a text");
	expect(header_of(json_pack("[s]", "")), &root_pem, now, "not a certificate");
	expect(header_of(json_pack("[s]", "AAAA")), &root_pem, now, "not a certificate");
	expect(header_of(json_pack("[s]", "A A")), &root_pem, now, "x5c");
	expect(json_pack("{s:s}", "alg", "ES256"), &root_pem, now, "x5c: missing");
}

/* Whoever has a certificate of the CA for one key cannot sign with another. */
static void test_certificate_of_another_key(void **state)
{
	struct error e = ERROR_INIT;
	json_t *named = jwk_from_public_key(other, "ES256", &e);

	(void)state;
	json_object_set_new(named, "x5c", list_of(0, 1, ENCODE_BASE64));
	expect(json_pack("{s:o}", "jwk", named), &root_pem, now, "another key than jwk");
}

/* A certificate that is not a CA's signs no other. */
static void test_end_entity_as_ca(void **state)
{
	X509 *forged = certificate_make("ear", other, certificate[0], key[0], false);
	json_t *list = json_array(), *named;
	struct error e = ERROR_INIT;

	(void)state;
	json_array_append_new(list, certificate_text(forged, ENCODE_BASE64));
	json_array_append_new(list, certificate_text(certificate[0], ENCODE_BASE64));
	json_array_append_new(list, certificate_text(certificate[1], ENCODE_BASE64));
	named = jwk_from_public_key(other, "ES256", &e);
	json_object_set_new(named, "x5c", list);
	expect(json_pack("{s:o}", "jwk", named), &root_pem, now, "not trusted");
	X509_free(forged);
}

static void test_bad_anchors(void **state)
{
	json_t *header = header_of(list_of(0, 1, ENCODE_BASE64));
	struct error e = ERROR_INIT;

	(void)state;
	assert_null(x5c_key(header, "", 0, now, &e));
	assert_int_equal(e.kind, ERROR_INPUT);
	e = (struct error)ERROR_INIT;
	assert_null(x5c_key(header, "nonsense", 8, now, &e));
	assert_int_equal(e.kind, ERROR_INPUT);
	json_decref(header);
}

/* Read a file of Trustee's tests, of scenario @number. False if they are not here. */
static bool scenario_read(size_t number, const char *file, struct bytes *out)
{
	const char *top = getenv("REALMKEY_SHARED");
	struct error e = ERROR_INIT;
	char path[4096];

	snprintf(path, sizeof(path), "%s/data/trustee/trustee/kbs-jwk/scenario%02zu-%s",
		 top ? top : "../shared", number, file);
	bytes_clear(out);
	if (io_read_file(path, VECTOR_MAX, out, &e) == 0)
		return true;
	print_message("# skipped: %s\n", e.text);
	return false;
}

/* The scenarios of Trustee's own tests, from a self-signed certificate to a chain of four. */
static void test_trustee(void **state)
{
	static const bool good[] = { true, false, false, false, true, true, true };
	struct bytes trust = BYTES_INIT, text = BYTES_INIT;
	size_t i = 0;

	(void)state;
	for (; i < ARRAY_SIZE(good) && scenario_read(i + 1, "trust.pem", &trust) &&
	       scenario_read(i + 1, "jwk.json", &text);
	     i++) {
		struct error e = ERROR_INIT;
		json_t *named = json_parse(text.data, text.len, JSON_OPERATOR, "jwk", ERROR_INPUT,
					   &e);
		json_t *header = json_pack("{s:o}", "jwk", named);
		EVP_PKEY *found = x5c_key(header, trust.data, trust.len, now, &e);

		if ((found != NULL) != good[i])
			fail_msg("scenario %zu: %s", i + 1, e.text);
		EVP_PKEY_free(found);
		json_decref(header);
	}
	bytes_free(&trust);
	bytes_free(&text);
	if (i < ARRAY_SIZE(good))
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_no_chain),
		cmocka_unit_test(test_certificate_of_another_key),
		cmocka_unit_test(test_end_entity_as_ca),
		cmocka_unit_test(test_bad_anchors),
		cmocka_unit_test(test_trustee),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
