/* SPDX-License-Identifier: Apache-2.0 */
/* jwt: compact JWS (RFC 7515, RFC 7519) with ES256, ES384 or EdDSA; nothing symmetric, no "none". */
#ifndef REALMKEY_JWT_H
#define REALMKEY_JWT_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

#define JWT_MAX ((size_t)256 << 10)
/* Seconds that clocks may differ: what jsonwebtoken, and so Trustee, allows. */
#define JWT_LEEWAY 60

struct jwt {
	json_t *header;			/* owned */
	json_t *payload;		/* owned; an object */
	struct bytes signing_input;	/* "header.payload" as received */
	struct bytes signature;		/* raw */
};

#define JWT_INIT { 0 }

/* Split and decode @len characters; verifies nothing. */
int jwt_decode(const void *text, size_t len, struct jwt *jwt, struct error *e);
/* Check the signature with @key; the header's alg must fit the key. ERROR_ATTESTATION when not. */
int jwt_verify(const struct jwt *jwt, EVP_PKEY *key, struct error *e);
/* exp (required), nbf and iat (when present) against @now, seconds since 1970, with @leeway s. */
int jwt_check_times(const struct jwt *jwt, long long now, long long leeway, struct error *e);
/* Append the compact form of @header and @payload signed with @key (P-256 -> ES256...). @header
 * must carry the matching alg. */
int jwt_sign(const json_t *header, const json_t *payload, EVP_PKEY *key, struct bytes *out,
	     struct error *e);
void jwt_free(struct jwt *jwt);

#endif
