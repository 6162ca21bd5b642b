// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <string.h>

#include "base/array.h"

#include "base/algorithms.h"
#include "base/crypto.h"

#include "algorithms_test.h"

static void only_the_listed_algorithms_are_there(void **state)
{
	(void)state;
	assert_true(cipher("AES-256-GCM"));
	assert_true(cipher("ChaCha20-Poly1305"));
	assert_false(cipher("id-aes256-wrap"));
	assert_false(cipher("DES-EDE3-CBC"));
	assert_false(cipher("AES-256-CFB"));
	assert_true(digest("SHA384"));
	assert_false(digest("MD5"));
	assert_false(digest("RIPEMD-160"));
	assert_true(key("EC"));
	assert_true(key("RSA"));
	assert_true(key("ED25519"));
	assert_false(key("DSA"));
	assert_false(key("DH"));
}

/* --- TLS with a server that has all algorithms ------------------------------------------------ */

static OSSL_LIB_CTX *all;

static X509 *certificate(EVP_PKEY *pkey, const EVP_MD *md)
{
	X509 *made = X509_new_ex(all, NULL);
	X509_NAME *name = X509_get_subject_name(made);

	X509_set_version(made, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"server", -1,
				   -1, 0);
	X509_set_issuer_name(made, name);
	X509_gmtime_adj(X509_getm_notBefore(made), -3600);
	X509_gmtime_adj(X509_getm_notAfter(made), 3600);
	X509_set_pubkey(made, pkey);
	assert_true(X509_sign(made, pkey, md) > 0);
	return made;
}

static SSL_CTX *server_new(const char *kind, X509 **root)
{
	SSL_CTX *ctx = SSL_CTX_new_ex(all, NULL, TLS_server_method());
	EVP_PKEY *pkey = !strcmp(kind, "RSA") ? EVP_PKEY_Q_keygen(all, NULL, "RSA", (size_t)2048) :
			 !strcmp(kind, "EC")  ? EVP_PKEY_Q_keygen(all, NULL, "EC", "P-384") :
						EVP_PKEY_Q_keygen(all, NULL, kind);
	EVP_MD *md = EVP_MD_fetch(all, "SHA384", NULL);

	*root = certificate(pkey, !strcmp(kind, "ED25519") ? NULL : md);
	assert_int_equal(SSL_CTX_use_certificate(ctx, *root), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, pkey), 1);
	EVP_PKEY_free(pkey);
	EVP_MD_free(md);
	return ctx;
}

/* The client reads the root as the courier does, by its own algorithms. */
static SSL_CTX *client_new(X509 *root)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	unsigned char *der = NULL;
	int size = i2d_X509(root, &der);
	const unsigned char *at = der;
	X509 *read = d2i_X509(NULL, &at, size);

	assert_non_null(read);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), read), 1);
	X509_free(read);
	OPENSSL_free(der);
	return ctx;
}

/* Returns whether both ends agree, and exchanges a byte so that the client reads tickets. */
static bool shake(SSL *client, SSL *server)
{
	BIO *one, *other;
	char byte = 'x';
	int a = 0, b = 0;

	assert_int_equal(BIO_new_bio_pair(&one, 0, &other, 0), 1);
	SSL_set_bio(client, one, one);
	SSL_set_bio(server, other, other);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	for (int i = 0; i < 10 && (a != 1 || b != 1); i++) {
		a = SSL_do_handshake(client);
		b = SSL_do_handshake(server);
	}
	return a == 1 && b == 1 && SSL_write(server, &byte, 1) == 1 &&
	       SSL_read(client, &byte, 1) == 1;
}

/* A suite of TLS 1.2, or NULL for 1.3, and a group, with a key of the server. */
static void tls_agrees(const char *kind, const char *suite, const char *group)
{
	X509 *root;
	SSL_CTX *server = server_new(kind, &root), *client = client_new(root);
	SSL *ends[2];

	if (suite && !strncmp(suite, "TLS_", 4)) {
		assert_int_equal(SSL_CTX_set_ciphersuites(server, suite), 1);
	} else {
		assert_int_equal(SSL_CTX_set_cipher_list(server, suite), 1);
		SSL_CTX_set_max_proto_version(server, TLS1_2_VERSION);
	}
	assert_int_equal(SSL_CTX_set1_groups_list(server, group), 1);
	ends[0] = SSL_new(client);
	ends[1] = SSL_new(server);
	if (!shake(ends[0], ends[1]))
		fail_msg("no agreement with %s, %s, %s", kind, suite, group);
	SSL_free(ends[0]);
	SSL_free(ends[1]);
	SSL_CTX_free(server);
	SSL_CTX_free(client);
	X509_free(root);
}

static void tls_agrees_with_common_servers(void **state)
{
	static const struct {
		const char *kind, *suite, *group;
	} servers[] = {
		{ "EC", "TLS_AES_128_GCM_SHA256", "P-256" },
		{ "EC", "TLS_AES_256_GCM_SHA384", "X25519" },
		{ "EC", "TLS_CHACHA20_POLY1305_SHA256", "P-384" },
		{ "RSA", "TLS_AES_256_GCM_SHA384", "P-521" },
		{ "ED25519", "TLS_AES_256_GCM_SHA384", "X25519" },
		{ "EC", "ECDHE-ECDSA-AES128-GCM-SHA256", "X25519" },
		{ "EC", "ECDHE-ECDSA-CHACHA20-POLY1305", "P-256" },
		{ "EC", "ECDHE-ECDSA-AES256-SHA384", "P-256" },
		{ "EC", "ECDHE-ECDSA-AES128-SHA", "P-384" },
		{ "RSA", "ECDHE-RSA-AES256-GCM-SHA384", "X25519" },
		{ "RSA", "ECDHE-RSA-AES128-SHA256", "P-256" },
		{ "RSA", "ECDHE-RSA-AES256-SHA", "P-256" },
		{ "RSA", "AES256-GCM-SHA384", "P-256" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++)
		tls_agrees(servers[i].kind, servers[i].suite, servers[i].group);
	if (OPENSSL_VERSION_NUMBER >= 0x30500000L)
		tls_agrees("EC", "TLS_AES_256_GCM_SHA384", "X25519MLKEM768");
}

/* With the ticket of an earlier connection. */
static void tls_resumes(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		X509 *root;
		SSL_CTX *server = server_new("EC", &root), *client = client_new(root);
		SSL_SESSION *session = NULL;

		SSL_CTX_set_max_proto_version(server, versions[i]);
		for (int round = 0; round < 2; round++) {
			SSL *ends[2] = { SSL_new(client), SSL_new(server) };

			if (session)
				assert_int_equal(SSL_set_session(ends[0], session), 1);
			SSL_SESSION_free(session);
			assert_true(shake(ends[0], ends[1]));
			assert_int_equal(SSL_session_reused(ends[0]), round);
			session = SSL_get1_session(ends[0]);
			SSL_shutdown(ends[0]);
			SSL_free(ends[0]);
			SSL_free(ends[1]);
		}
		SSL_SESSION_free(session);
		SSL_CTX_free(server);
		SSL_CTX_free(client);
		X509_free(root);
	}
}

static void random_bytes_come_from_the_kernel(void **state)
{
	EVP_RAND_CTX *random = RAND_get0_private(NULL);
	unsigned char first[1000] = { 0 }, second[1000] = { 0 };
	static const unsigned char zero[8];

	(void)state;
	assert_non_null(random);
	assert_string_equal(EVP_RAND_get0_name(EVP_RAND_CTX_get0_rand(random)), "GETRANDOM");
	assert_int_equal(RAND_bytes(first, sizeof(first)), 1);
	assert_int_equal(RAND_priv_bytes(second, sizeof(second)), 1);
	assert_memory_not_equal(first, second, sizeof(first));
	assert_memory_not_equal(first, zero, sizeof(zero));
	assert_memory_not_equal(first + sizeof(first) - sizeof(zero), zero, sizeof(zero));
	assert_int_equal(RAND_status(), 1);
}

static void the_limit_can_be_set_again(void **state)
{
	(void)state;
	assert_true(algorithms_limit(ALGORITHMS_TLS));
	assert_true(algorithms_limit(ALGORITHMS_TLS));
	assert_false(algorithms_limit(ALGORITHMS_SECRETS));
}

static int start(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	all = OSSL_LIB_CTX_new();
	return all ? crypto_start(&e) : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_listed_algorithms_are_there),
		cmocka_unit_test(tls_agrees_with_common_servers),
		cmocka_unit_test(tls_resumes),
		cmocka_unit_test(random_bytes_come_from_the_kernel),
		cmocka_unit_test(the_limit_can_be_set_again),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
