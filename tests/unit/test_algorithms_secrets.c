// SPDX-License-Identifier: Apache-2.0
/* The algorithms for secrets. A process has one table of them, so test_algorithms.c tests those for TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdbool.h>

#include "base/algorithms.h"
#include "base/crypto.h"

#include "algorithms_test.h"

static void only_the_listed_algorithms_are_there(void **state)
{
	(void)state;
	assert_true(cipher("AES-256-GCM"));
	assert_true(cipher("id-aes256-wrap")); /* another name of AES-256-WRAP */
	assert_false(cipher("ChaCha20-Poly1305"));
	assert_true(digest("SHA384"));
	assert_false(digest("SHAKE-256"));
	assert_false(digest("MD5"));
	assert_true(key("EC"));
	assert_true(key("RSA"));
	assert_true(key("ED25519"));
	assert_false(key("X25519"));
	assert_false(key("DSA"));
}

static void pkey_use(EVP_PKEY *signing, EVP_PKEY *verifying, const EVP_MD *md)
{
	static const unsigned char text[] = "text";
	unsigned char signature[512];
	size_t len = sizeof(signature);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, md, NULL, signing), 1);
	assert_int_equal(EVP_DigestSign(ctx, signature, &len, text, sizeof(text)), 1);
	EVP_MD_CTX_reset(ctx);
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, md, NULL, verifying), 1);
	assert_int_equal(EVP_DigestVerify(ctx, signature, len, text, sizeof(text)), 1);
	signature[len - 1] ^= 1;
	EVP_MD_CTX_reset(ctx);
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, md, NULL, verifying), 1);
	assert_int_not_equal(EVP_DigestVerify(ctx, signature, len, text, sizeof(text)), 1);
	EVP_MD_CTX_free(ctx);
}

static void keys_are_made_used_and_read(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		EVP_PKEY *made = i ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"), *read;
		BIO *bio = BIO_new(BIO_s_mem());

		assert_non_null(made);
		assert_int_equal(
			PEM_write_bio_PKCS8PrivateKey(bio, made, NULL, NULL, 0, NULL, NULL), 1);
		read = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
		assert_non_null(read);
		pkey_use(made, read, EVP_sha256());
		BIO_free(bio);
		EVP_PKEY_free(made);
		EVP_PKEY_free(read);
	}
}

static void ed25519_signs_and_verifies(void **state)
{
	EVP_PKEY *made = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	(void)state;
	assert_non_null(made);
	pkey_use(made, made, NULL);
	EVP_PKEY_free(made);
}

/* The digests of OAEP and of its mask are fetched within RSA's code. */
static void rsa_decrypts_what_it_encrypts(void **state)
{
	unsigned char text[] = "text", sealed[256], opened[256];
	size_t sealed_len = sizeof(sealed), len = sizeof(opened);
	EVP_PKEY *made = EVP_RSA_gen(2048);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(made, NULL);

	(void)state;
	assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()), 1);
	assert_int_equal(EVP_PKEY_encrypt(ctx, sealed, &sealed_len, text, sizeof(text)), 1);
	assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()), 1);
	assert_int_equal(EVP_PKEY_decrypt(ctx, opened, &len, sealed, sealed_len), 1);
	assert_int_equal(len, sizeof(text));
	assert_memory_equal(opened, text, sizeof(text));
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(made);
}

static void the_limit_can_be_set_again(void **state)
{
	(void)state;
	assert_true(algorithms_limit(ALGORITHMS_SECRETS));
	assert_true(algorithms_limit(ALGORITHMS_SECRETS));
	assert_false(algorithms_limit(ALGORITHMS_TLS));
}

static int start(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	return crypto_prepare(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_listed_algorithms_are_there),
		cmocka_unit_test(keys_are_made_used_and_read),
		cmocka_unit_test(ed25519_signs_and_verifies),
		cmocka_unit_test(rsa_decrypts_what_it_encrypts),
		cmocka_unit_test(the_limit_can_be_set_again),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
