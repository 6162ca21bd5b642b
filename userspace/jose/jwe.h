/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jwe: resources as a KBS sends them (RFC 7516 flattened JSON, RFC 7518 sections 4.3, 4.6, 5.3).
 *
 * This is not left to a JOSE library for two reasons. The plaintext must never be in the heap of a
 * JSON library. And deployed clients compute the AAD again from the header that they have parsed,
 * so its bytes must be exactly {"alg":..,"enc":..,"epk":{"crv":..,"kty":"EC","x":..,"y":..}}.
 *
 * A key for RSA1_5 gets the form of KBS API 0.1.1, the only one in which clients had such keys: the
 * header stands as JSON and not in base64url, nothing authenticates it, and the tag is the end of the
 * ciphertext. jwe_open() does not open it.
 */
#ifndef REALMKEY_JWE_H
#define REALMKEY_JWE_H

#include <jansson.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "tee_key.h"

/* The largest secret that is accepted or sent, in bytes. */
#define JWE_PLAINTEXT_MAX ((size_t)1 << 20)

/*
 * Open the flattened JWE of @len bytes at @text with @key. @plain (use BYTES_LOCKED_INIT) gets the
 * plaintext only if the tag is right; after an error it is empty. An ERROR_PROTOCOL names the wrong
 * member; if decryption fails, it does not say why.
 */
int jwe_open(const struct tee_key *key, const void *text, size_t len, struct bytes *plain,
	     struct error *e);

/* The random values of a JWE, so that tests can reproduce vectors. */
struct jwe_random {
	uint8_t cek[32];
	uint8_t iv[12];
	EVP_PKEY *ephemeral; /* EC only, owned by the caller; NULL for RSA */
};

/* Append to @out the flattened JWE of @len bytes at @plain for the public key @jwk (members as from
 * tee_key_jwk(), or those of an RSA key with alg RSA1_5). @fixed must be NULL outside of tests: then the random values are new ones. A key
 * that cannot be used is an ERROR_INPUT. */
int jwe_seal(const json_t *jwk, const void *plain, size_t len, const struct jwe_random *fixed,
	     struct bytes *out, struct error *e);

#endif
