/* SPDX-License-Identifier: Apache-2.0 */
/* jwk: public keys as JSON Web Keys (RFC 7517; RFC 7518 section 6). */
#ifndef REALMKEY_JWK_H
#define REALMKEY_JWK_H

#include <jansson.h>
#include <openssl/evp.h>

#include "base/error.h"

/* The sizes of RSA keys that are accepted. */
#define JWK_RSA_BITS_MIN 2048
#define JWK_RSA_BITS_MAX 4096

/*
 * Decode a public key: EC on P-256, P-384 or P-521, or RSA. A coordinate that is shorter than the
 * field is filled up with zeros on the left, because some releases of Trustee cut them. A point
 * that is not on the curve is refused. Returns a key that the caller owns, or NULL with an
 * ERROR_INPUT that begins with @what.
 */
EVP_PKEY *jwk_public_key(const json_t *jwk, const char *what, struct error *e);

/* Encode a public key: the members kty, crv, alg, x, y, or kty, alg, n, e, in this order, without
 * alg if @alg is NULL. x and y have the full size of the field. Returns a new reference, or NULL
 * with an ERROR_INPUT for keys of other types. */
json_t *jwk_from_public_key(const EVP_PKEY *pkey, const char *alg, struct error *e);

#endif
