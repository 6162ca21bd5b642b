/* SPDX-License-Identifier: Apache-2.0 */
#include "hash.h"

#include <stdbool.h>

#include "mem.h"

/* FIPS 180-4, 4.2.3; the upper halves of the first 64 are the constants of SHA-256 (4.2.2). */
static const uint64_t hash_k[80] = {
	0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
	0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
	0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
	0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
	0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
	0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
	0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
	0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
	0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
	0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
	0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
	0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
	0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
	0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
	0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
	0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
	0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
	0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
	0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
	0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

/* 5.3.5 and 5.3.4; the upper halves of the first eight are the initial value of SHA-256 (5.3.3). */
static const uint64_t initial[16] = {
	0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
	0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
	0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
	0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4,
};

#define ROR32(x, n) ((x) >> (n) | (x) << (32 - (n)))
#define ROR64(x, n) ((x) >> (n) | (x) << (64 - (n)))

#define SHA2_NAME   sha256_blocks
#define SHA2_WORD   uint32_t
#define SHA2_ROUNDS 64
#define SHA2_SWAP   __builtin_bswap32
#define SHA2_K(t)   ((uint32_t)(hash_k[t] >> 32))
#define SHA2_S0(x)  (ROR32(x, 2) ^ ROR32(x, 13) ^ ROR32(x, 22))
#define SHA2_S1(x)  (ROR32(x, 6) ^ ROR32(x, 11) ^ ROR32(x, 25))
#define SHA2_W0(x)  (ROR32(x, 7) ^ ROR32(x, 18) ^ (x) >> 3)
#define SHA2_W1(x)  (ROR32(x, 17) ^ ROR32(x, 19) ^ (x) >> 10)
#include "hash_sha2.h"

#define SHA2_NAME   sha512_blocks
#define SHA2_WORD   uint64_t
#define SHA2_ROUNDS 80
#define SHA2_SWAP   __builtin_bswap64
#define SHA2_K(t)   hash_k[t]
#define SHA2_S0(x)  (ROR64(x, 28) ^ ROR64(x, 34) ^ ROR64(x, 39))
#define SHA2_S1(x)  (ROR64(x, 14) ^ ROR64(x, 18) ^ ROR64(x, 41))
#define SHA2_W0(x)  (ROR64(x, 1) ^ ROR64(x, 8) ^ (x) >> 7)
#define SHA2_W1(x)  (ROR64(x, 19) ^ ROR64(x, 61) ^ (x) >> 6)
#include "hash_sha2.h"

size_t hash_size(enum hash_algorithm algo)
{
	return algo == HASH_SHA256 ? 32 : algo == HASH_SHA384 ? 48 : 64;
}

const char *hash_name(enum hash_algorithm algo)
{
	return algo == HASH_SHA256 ? "sha-256" : algo == HASH_SHA384 ? "sha-384" : "sha-512";
}

/* Makes the padded tail: last bytes, 0x80, zeros, length in bits. Returns its blocks, 1 or 2. */
static size_t tail_pad(uint64_t *tail, const uint8_t *rest, size_t size, size_t block)
{
	size_t left = size % block, blocks = left < block - block / 8 ? 1 : 2;

	memset(tail, 0, 2 * block);
	memcpy(tail, rest, left);
	((uint8_t *)tail)[left] = 0x80;
	tail[blocks * block / 8 - 1] = __builtin_bswap64(size * 8);
	return blocks;
}

void hash_bytes(enum hash_algorithm algo, const void *data, size_t size, uint8_t *digest)
{
	bool narrow = algo == HASH_SHA256;
	void (*compress)(uint64_t *, const void *, size_t) = narrow ? sha256_blocks : sha512_blocks;
	const uint64_t *start = initial + (algo == HASH_SHA384 ? 8 : 0);
	size_t word = narrow ? 4 : 8, block = 16 * word, whole = size / block;
	uint64_t state[8], tail[32];

	for (int i = 0; i < 8; i++)
		state[i] = narrow ? start[i] >> 32 : start[i];
	compress(state, data, whole);
	compress(state, tail, tail_pad(tail, (const uint8_t *)data + whole * block, size, block));
	for (size_t i = 0; i < hash_size(algo); i++)
		digest[i] = (uint8_t)(state[i / word] >> 8 * (word - 1 - i % word));
}
