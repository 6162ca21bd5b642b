/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecdsa: what JOSE and COSE share: a signature as two numbers of one size, and a public key as a
 * point. OpenSSL wants the first as DER and the second by the name of its group.
 */
#ifndef REALMKEY_ECDSA_H
#define REALMKEY_ECDSA_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* r || s, of @size bytes each, as DER in *@der, to be released with OPENSSL_free(). Its length, or
 * 0 when it failed. */
size_t ecdsa_to_der(const uint8_t *raw, size_t size, unsigned char **der);
/* The reverse: both numbers padded to @size bytes; false when one does not fit. */
bool ecdsa_from_der(const uint8_t *der, size_t len, uint8_t *raw, size_t size);

/* The public key of the point (SEC 1 section 2.3.3) in OpenSSL's @group; NULL when it is not on the
 * curve, or is its infinity. */
EVP_PKEY *ecdsa_key_from_point(const char *group, const uint8_t *point, size_t len);

#endif
