/* SPDX-License-Identifier: Apache-2.0 */
/* cose: COSE_Sign1 (RFC 9052 section 4.2) and public keys (RFC 9052 section 7, RFC 9053). */
#ifndef REALMKEY_COSE_H
#define REALMKEY_COSE_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "cca_token.h"

/* An algorithm number that stands for every one an int cannot hold, or that is a text. */
#define COSE_ALGORITHM_OTHER (-65537)

/* Split @input, a COSE_Sign1 with its tag, into @sign1, whose slices point into @input. -1 with
 * E_COSE, E_COSE_TAG, E_COSE_ARRAY or E_COSE_DETACHED, the detail beginning with @name. */
int cose_sign1_decode(struct cca_slice input, const char *name, struct cca_sign1 *sign1,
		      struct cca_verdict *verdict);

/* "ES384"; NULL for an algorithm that is not accepted: ES256, ES384 and ES512 are. */
const char *cose_algorithm_name(int algorithm);

/* Whether @key made the signature, with empty external data. -1 with an ERROR_ATTESTATION: not the
 * key's algorithm, not its length, or a bad signature. */
int cose_sign1_verify(const struct cca_sign1 *sign1, EVP_PKEY *key, struct error *e);

/* The public key in an encoded COSE_Key, or in a bare uncompressed point of P-384. Owned by the
 * caller; NULL with an ERROR_ATTESTATION for any other kind, curve, or a point off its curve. */
EVP_PKEY *cose_key_decode(struct cca_slice input, struct error *e);
EVP_PKEY *cose_key_from_point(struct cca_slice point, struct error *e);

/* Whether @key is on a curve that one of the accepted algorithms uses. */
bool cose_key_usable(const EVP_PKEY *key);

#endif
