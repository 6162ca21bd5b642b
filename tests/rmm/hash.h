/* SPDX-License-Identifier: Apache-2.0 */
/* The hash functions a realm may choose (FIPS 180-4), in one call over bytes that lie in memory. */
#ifndef RMM_HASH_H
#define RMM_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Numbered as RMI and RSI number them. */
enum hash_algo { HASH_SHA256, HASH_SHA512, HASH_SHA384 };

#define HASH_MAX	64

/* A compression function: @count blocks at @block, 8-byte aligned, into eight words of @state. */
typedef void (*hash_fn)(void *state, const void *block, size_t count);

/* Round constants of SHA-512; their upper halves are those of SHA-256. */
extern const uint64_t hash_k[80];

/* With Armv8 instructions (hash_ce.S): they use vector registers, so before the realm runs only. */
void hash_ce_sha256(void *state, const void *block, size_t count);
void hash_ce_sha512(void *state, const void *block, size_t count);

/* hash_engine_set - choose compression functions; NULL means the one in C. Not locked. */
void hash_engine_set(hash_fn sha256, hash_fn sha512);

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
