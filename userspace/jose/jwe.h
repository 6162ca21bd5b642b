/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jwe: resources as a KBS sends them (RFC 7516 flattened JSON, RFC 7518 sections 4.3, 4.6, 5.3).
 *
 * jwe_open() is ours because the plaintext must never lie in a JSON library's heap; jwe_seal() is
 * ours because deployed clients recompute the AAD from the re-serialised header, so its bytes must
 * be {"alg":..,"enc":..,"epk":{"crv":..,"kty":"EC","x":..,"y":..}} exactly.
 */
#ifndef REALMKEY_JWE_H
#define REALMKEY_JWE_H

#include <jansson.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "tee_key.h"

/* The largest secret taken or sent. */
#define JWE_PLAINTEXT_MAX ((size_t)1 << 20)

/*
 * Open the flattened JWE of @len bytes at @text with @key. @plain (use BYTES_LOCKED_INIT) receives
 * the plaintext only after the tag was verified; on error it is left empty. ERROR_PROTOCOL names
 * the member at fault; a failed decryption never says more than that it failed.
 */
int jwe_open(const struct tee_key *key, const void *text, size_t len, struct bytes *plain,
	     struct error *e);

/* What is random in a JWE, so that vectors can be reproduced. */
struct jwe_random {
	uint8_t cek[32];
	uint8_t iv[12];
	EVP_PKEY *ephemeral;	/* EC only, owned by the caller; NULL for RSA */
};

/* Append to @out the flattened JWE of @plain for the public JWK @jwk (members as tee_key_jwk()).
 * @fixed NULL draws fresh randomness (the only right thing outside tests). */
int jwe_seal(const json_t *jwk, const void *plain, size_t len, const struct jwe_random *fixed,
	     struct bytes *out, struct error *e);

#endif
