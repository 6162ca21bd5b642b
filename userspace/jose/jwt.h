/* SPDX-License-Identifier: Apache-2.0 */
/* jwt: compact JWS (RFC 7515, RFC 7519) with ES256, ES384, EdDSA (Ed25519), and for RSA keys of 2048 to 8192
 * bits RS256, RS384, RS512, PS256, PS384 and PS512. Symmetric algorithms and "none" are refused. */
#ifndef REALMKEY_JWT_H
#define REALMKEY_JWT_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

#define JWT_MAX ((size_t)256 << 10)
/* Seconds that clocks may differ, as jsonwebtoken and therefore Trustee allow. */
#define JWT_LEEWAY 60

struct jwt {
	json_t *header;		    /* owned */
	json_t *payload;	    /* owned; an object */
	struct bytes signing_input; /* "header.payload" as received */
	struct bytes signature;	    /* raw */
};

#define JWT_INIT { 0 }

/* Split and decode @len characters at @text without verifying anything. ERROR_INPUT. */
int jwt_decode(const void *text, size_t len, struct jwt *jwt, struct error *e);
/* Whether there is an algorithm for keys like @key. */
bool jwt_supports(EVP_PKEY *key);
/* Check the signature with @key; the alg of the header must be one of those for a key of this type.
 * ERROR_ATTESTATION. */
int jwt_verify(const struct jwt *jwt, EVP_PKEY *key, struct error *e);
/* Check exp, nbf and iat, as far as present, against @now, seconds since 1970, with a tolerance of
 * @leeway seconds. *@expires is set to whether there is an exp; if @expires is NULL, exp is
 * required. ERROR_ATTESTATION. */
int jwt_check_times(const struct jwt *jwt, long long now, long long leeway, bool *expires,
		    struct error *e);
/* Append the compact form of @header and @payload, signed with @key. The alg of @header must be
 * one for a key of this type, ES256 for P-256 and so on. */
int jwt_sign(const json_t *header, const json_t *payload, EVP_PKEY *key, struct bytes *out,
	     struct error *e);
void jwt_free(struct jwt *jwt);

#endif
