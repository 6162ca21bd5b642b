/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecdsa: what JOSE and COSE share: a signature as two numbers of one size, and a public key as a
 * point. OpenSSL requires the signature as DER and the name of the point's group.
 *
 * A caller calls crypto_begin() first; if one of these functions fails, crypto_error() knows
 * whether memory or the input was the reason.
 */
#ifndef REALMKEY_ECDSA_H
#define REALMKEY_ECDSA_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Encode r || s, of @size bytes each, as DER. *@der is released with OPENSSL_free(). Returns its
 * length, or 0 if memory failed. */
size_t ecdsa_to_der(const uint8_t *raw, size_t size, unsigned char **der);
/* The reverse: both numbers padded to @size bytes. False if one does not fit or memory failed. */
bool ecdsa_from_der(const uint8_t *der, size_t len, uint8_t *raw, size_t size);

/* The public key of a point (SEC 1 section 2.3.3) in OpenSSL's @group, owned by the caller. NULL if
 * the point is not on the curve, is its infinity, or memory failed. */
EVP_PKEY *ecdsa_key_from_point(const char *group, const uint8_t *point, size_t len);

#endif
