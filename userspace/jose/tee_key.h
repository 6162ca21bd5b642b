/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tee_key: the key pair that a realm makes so that a KBS can encrypt to it: EC P-256 for
 * ECDH-ES+A256KW (the default), or RSA for RSA-OAEP-256.
 */
#ifndef REALMKEY_TEE_KEY_H
#define REALMKEY_TEE_KEY_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

#define TEE_KEY_ECDH "ECDH-ES+A256KW"
#define TEE_KEY_RSA  "RSA-OAEP-256"
/* Keys of clients of KBS API 0.1.1. This program has none: it encrypts to them, and never decrypts. */
#define TEE_KEY_RSA_OLD "RSA1_5"

struct tee_key {
	EVP_PKEY *pkey;	 /* owned */
	const char *alg; /* TEE_KEY_ECDH or TEE_KEY_RSA; static */
};

#define TEE_KEY_INIT { 0 }

/* Read a private key of any type, @len bytes in PEM form (PKCS#8, SEC1 or PKCS#1), which the caller frees. @what names
 * it in errors: ERROR_INPUT if it is none or encrypted. */
EVP_PKEY *private_key_from_pem(const void *pem, size_t len, const char *what, struct error *e);

/* Make a new P-256 key. */
int tee_key_generate(struct tee_key *key, struct error *e);
/* Read a private key of @len bytes in PEM form (PKCS#8, SEC1 or PKCS#1): P-256, or RSA of 2048 to
 * 4096 bits. */
int tee_key_from_pem(struct tee_key *key, const void *pem, size_t len, struct error *e);
/* Append the private key as PKCS#8 in PEM form; @out should be locked. */
int tee_key_to_pem(const struct tee_key *key, struct bytes *out, struct error *e);
void tee_key_free(struct tee_key *key);

/* Returns the public key as JWK, a new reference, with exactly the members that a KBS keeps when it
 * hashes the key, in their order: see jwk_from_public_key(). */
json_t *tee_key_jwk(const struct tee_key *key, struct error *e);

#endif
