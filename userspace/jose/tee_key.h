/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tee_key: the key pair a realm makes so that a KBS can encrypt to it. EC P-256 for
 * ECDH-ES+A256KW (the default) or RSA for RSA-OAEP-256.
 */
#ifndef REALMKEY_TEE_KEY_H
#define REALMKEY_TEE_KEY_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

struct tee_key {
	EVP_PKEY *pkey;		/* owned */
	const char *alg;	/* "ECDH-ES+A256KW" or "RSA-OAEP-256"; static */
};

#define TEE_KEY_INIT { 0 }

/* A fresh P-256 key. */
int tee_key_generate(struct tee_key *key, struct error *e);
/* A private key in PEM (PKCS#8, SEC1 or PKCS#1): P-256 or RSA of 2048..4096 bits. */
int tee_key_from_pem(struct tee_key *key, const void *pem, size_t len, struct error *e);
/* Append the private key as PKCS#8 PEM; @out should be locked. */
int tee_key_to_pem(const struct tee_key *key, struct bytes *out, struct error *e);
void tee_key_free(struct tee_key *key);

/* The public key as JWK with exactly kty/crv/alg/x/y or kty/alg/n/e in that order (the members a
 * KBS keeps when it hashes); x and y always 32 bytes. New reference. */
json_t *tee_key_jwk(const struct tee_key *key, struct error *e);

/* Public JWK -> key. EC P-256/P-384/P-521 or RSA; coordinates shorter than the field are padded on
 * the left (some Trustee releases cut them). Off-curve points are refused. Owned by the caller. */
EVP_PKEY *jwk_public_key(const json_t *jwk, const char *what, struct error *e);
/* Public key -> JWK members kty crv x y (or kty n e), no alg. New reference. */
json_t *jwk_from_public_key(const EVP_PKEY *pkey, struct error *e);

#endif
