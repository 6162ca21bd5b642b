/* SPDX-License-Identifier: Apache-2.0 */
/* The hash functions a realm may choose (FIPS 180-4), in one call over bytes that lie in memory. */
#ifndef RMM_HASH_H
#define RMM_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Numbered as RMI and RSI number them. */
enum hash_algo { HASH_SHA256, HASH_SHA512, HASH_SHA384 };

#define HASH_MAX	64

/* hash_size - length of a digest of @algo in bytes: 32, 64 or 48. */
size_t hash_size(enum hash_algo algo);

/* hash_name - "sha-256", "sha-512" or "sha-384". */
const char *hash_name(enum hash_algo algo);

/*
 * hash_bytes - digest of @size bytes at @data, which is 8-byte aligned
 * @digest: hash_size(@algo) bytes; may overlap @data
 */
void hash_bytes(enum hash_algo algo, const void *data, size_t size, uint8_t *digest);

#endif
