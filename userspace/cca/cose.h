/* SPDX-License-Identifier: Apache-2.0 */
/* cose: COSE_Sign1 (RFC 9052 section 4.2) and public keys (RFC 9052 section 7, RFC 9053). */
#ifndef REALMKEY_COSE_H
#define REALMKEY_COSE_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "base/error.h"
#include "cbor_tree.h"

/* An algorithm number that stands for a text and for every number that is not within +-65536. */
#define COSE_ALGORITHM_OTHER (-65537)

struct cose_sign1 {
	struct cbor_slice protected_header; /* content of the byte string */
	struct cbor_slice payload;
	struct cbor_slice signature;
	int algorithm; /* of the protected header; 0 when absent */
};

/* What is wrong with a COSE_Sign1. */
enum cose_fault {
	COSE_FAULT_CONTENT, /* not CBOR, or a header that is not understood */
	COSE_FAULT_TAG,
	COSE_FAULT_ARRAY,    /* not the four fields, or one is of a wrong type */
	COSE_FAULT_DETACHED, /* no payload */
};

/* Split @input, a COSE_Sign1 with its tag, into @sign1, whose slices point into @input. 0, or -1:
 * an ERROR_INPUT says what is wrong, and *@fault which kind of fault it is. */
int cose_sign1_decode(struct cbor_slice input, struct cose_sign1 *sign1, enum cose_fault *fault,
		      struct error *e);

/* "ES256", "ES384" or "ES512", the algorithms that are accepted; NULL for any other. */
const char *cose_algorithm_name(int algorithm);

/* Whether @key made the signature, with empty external data. 0, or -1 with an ERROR_ATTESTATION:
 * the algorithm or the length of the signature is not that of the key, or the signature is bad. */
int cose_sign1_verify(const struct cose_sign1 *sign1, EVP_PKEY *key, struct error *e);

/* The public key in an encoded COSE_Key, or in an uncompressed point of P-384. Owned by the caller;
 * NULL with an ERROR_ATTESTATION for any other type or curve, and for a point that is not on its
 * curve. */
EVP_PKEY *cose_key_decode(struct cbor_slice input, struct error *e);
EVP_PKEY *cose_key_from_point(struct cbor_slice point, struct error *e);

/* Whether @key is on a curve that one of the accepted algorithms uses. False also if memory fails;
 * crypto_error() then knows the reason. */
bool cose_key_usable(const EVP_PKEY *key);

#endif
