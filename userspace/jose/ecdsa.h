/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecdsa: what JOSE and COSE share: a signature as two numbers of one size, and a public key as a
 * point. OpenSSL requires the signature as DER and the name of the point's group.
 *
 * A caller calls crypto_begin() first. If one of these functions fails, crypto_error() finds out
 * whether the input or lack of memory was the reason.
 */
#ifndef REALMKEY_ECDSA_H
#define REALMKEY_ECDSA_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Encode r || s, of @size bytes each, as DER in *@der, which the caller releases with
 * OPENSSL_free(). Returns its length, or 0 if out of memory. */
size_t ecdsa_to_der(const uint8_t *raw, size_t size, unsigned char **der);
/* The reverse: @len bytes of DER become r || s in @raw, padded to @size bytes each. Returns false
 * if a number is too large, or if out of memory. */
bool ecdsa_from_der(const uint8_t *der, size_t len, uint8_t *raw, size_t size);

/* Returns the public key of a point (SEC 1 section 2.3.3) in OpenSSL's @group, owned by the caller.
 * NULL if the point is not on the curve or is its infinity, or if out of memory. */
EVP_PKEY *ecdsa_key_from_point(const char *group, const uint8_t *point, size_t len);

#endif
