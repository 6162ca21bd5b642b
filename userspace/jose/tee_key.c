// SPDX-License-Identifier: Apache-2.0
#include "tee_key.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/crypto.h"
#include "jwk.h"

#define GROUP "prime256v1" /* OpenSSL's name of P-256 */

/* The algorithm with which a KBS encrypts to this key, or NULL. */
static const char *key_algorithm(const EVP_PKEY *pkey)
{
	int bits = EVP_PKEY_get_bits(pkey);
	char group[64];

	if (EVP_PKEY_is_a(pkey, "EC") &&
	    EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) && strcmp(group, GROUP) == 0)
		return TEE_KEY_ECDH;
	if (EVP_PKEY_is_a(pkey, "RSA") && bits >= JWK_RSA_BITS_MIN && bits <= JWK_RSA_BITS_MAX)
		return TEE_KEY_RSA;
	return NULL;
}

int tee_key_generate(struct tee_key *key, struct error *e)
{
	EVP_PKEY *pkey;

	crypto_begin();
	pkey = EVP_EC_gen(GROUP);
	if (!pkey)
		return crypto_error(e, ERROR_SYSTEM, "cannot generate a P-256 key");
	tee_key_free(key);
	*key = (struct tee_key){ .pkey = pkey, .alg = TEE_KEY_ECDH };
	return 0;
}

/* Without this function OpenSSL would ask for a passphrase on the terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
	(void)buffer, (void)size, (void)writing, (void)context;
	return -1;
}

EVP_PKEY *private_key_from_pem(const void *pem, size_t len, const char *what, struct error *e)
{
	EVP_PKEY *pkey = NULL;
	BIO *bio;

	crypto_begin();
	bio = len <= INT_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
	if (bio)
		pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	if (!pkey)
		crypto_error(e, ERROR_INPUT, "%s: not an unencrypted private key in PEM form",
			     what);
	return pkey;
}

int tee_key_from_pem(struct tee_key *key, const void *pem, size_t len, struct error *e)
{
	EVP_PKEY *pkey = private_key_from_pem(pem, len, "TEE key", e);
	const char *alg;

	if (!pkey)
		return -1;
	alg = key_algorithm(pkey);
	if (!alg) {
		EVP_PKEY_free(pkey);
		return crypto_error(e, ERROR_INPUT,
				    "TEE key: neither P-256 nor RSA of %d to %d bits",
				    JWK_RSA_BITS_MIN, JWK_RSA_BITS_MAX);
	}
	tee_key_free(key);
	*key = (struct tee_key){ .pkey = pkey, .alg = alg };
	return 0;
}

int tee_key_to_pem(const struct tee_key *key, struct bytes *out, struct error *e)
{
	const char *text;
	long len;
	BIO *bio;
	int ret;

	crypto_begin();
	bio = BIO_new(BIO_s_secmem()); /* wiped when it is freed */
	if (bio && PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) == 1) {
		len = BIO_get_mem_data(bio, &text);
		bytes_append(out, text, (size_t)len);
		ret = bytes_check(out, e);
	} else {
		ret = crypto_error(e, ERROR_SYSTEM, "TEE key: cannot write it as PEM");
	}
	BIO_free(bio);
	return ret;
}

void tee_key_free(struct tee_key *key)
{
	EVP_PKEY_free(key->pkey);
	*key = (struct tee_key)TEE_KEY_INIT;
}

json_t *tee_key_jwk(const struct tee_key *key, struct error *e)
{
	return jwk_from_public_key(key->pkey, key->alg, e);
}
