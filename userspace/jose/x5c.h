/* SPDX-License-Identifier: Apache-2.0 */
/* x5c: the certificates of a public key that a token names (RFC 7515 section 4.1.6, RFC 7517 section 4.7), by which the
 * holder of a CA's certificate can tell whose key it is. No I/O. */
#ifndef REALMKEY_X5C_H
#define REALMKEY_X5C_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define X5C_CERTIFICATES_MAX 8

/*
 * The key of the first certificate in "x5c" of @header, or of its member "jwk", where Trustee has it; that key must be
 * the one in "jwk", if there is one. The certificates, in base64 or (of a Trustee of 2025) base64url, lead from it to
 * one of those in @anchors, @len bytes of PEM, and are valid at @now, seconds since 1970. Returns a key that the caller
 * owns, or NULL: ERROR_ATTESTATION, which says what is wrong with the chain, or ERROR_INPUT for @anchors.
 */
EVP_PKEY *x5c_key(const json_t *header, const void *anchors, size_t len, int64_t now,
		  struct error *e);

#endif
