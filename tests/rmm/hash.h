/* SPDX-License-Identifier: Apache-2.0 */
/* The hash functions that a realm may choose (FIPS 180-4), in one call over bytes in memory. */
#ifndef RMM_HASH_H
#define RMM_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Only the numbers: base/hash.c requires <string.h>, which EL2 does not have. */
#include "../../userspace/base/hash.h"

/* hash_size - returns the bytes of a digest of @algo: 32, 64 or 48 */
size_t hash_size(enum hash_algorithm algo);

/* hash_name - returns "sha-256", "sha-512" or "sha-384" */
const char *hash_name(enum hash_algorithm algo);

/*
 * hash_bytes - hash @size bytes at @data, which must be 8-byte aligned
 * @digest: receives hash_size(@algo) bytes; may overlap @data
 */
void hash_bytes(enum hash_algorithm algo, const void *data, size_t size, uint8_t *digest);

#endif
