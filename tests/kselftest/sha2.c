// SPDX-License-Identifier: Apache-2.0
/*
 * The two widths of SHA-2 differ in numbers only, and the constants of the narrow one are the upper
 * halves of the wide one's.
 */
#include "sha2.h"

#include <string.h>

struct width {
	unsigned int bits;		/* of a word; a block is 16 words, the length field 2 */
	unsigned int rounds;
	unsigned int big0[3], big1[3];	/* rotations */
	unsigned int small0[3], small1[3];	/* the last is a shift */
};

static const struct width narrow = {
	32, 64, { 2, 13, 22 }, { 6, 11, 25 }, { 7, 18, 3 }, { 17, 19, 10 },
};

static const struct width wide = {
	64, 80, { 28, 34, 39 }, { 14, 18, 41 }, { 1, 8, 7 }, { 19, 61, 6 },
};

static const uint64_t start_words[8] = {
	0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
	0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

static const uint64_t start_words_384[8] = {
	0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
	0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4,
};

static const uint64_t round_words[80] = {
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

static uint64_t cut(const struct width *width, uint64_t word)
{
	return width->bits == 64 ? word : word & UINT32_MAX;
}

static uint64_t rotated(const struct width *width, uint64_t word, unsigned int by)
{
	return cut(width, word >> by | word << (width->bits - by));
}

/* The sum of two rotations and a third one, or a shift. */
static uint64_t mixed(const struct width *width, uint64_t word, const unsigned int *by, int shift)
{
	return rotated(width, word, by[0]) ^ rotated(width, word, by[1]) ^
	       (shift ? word >> by[2] : rotated(width, word, by[2]));
}

static void block_take(const struct width *width, uint64_t *state, uint64_t *w)
{
	uint64_t s[8], first, second;

	for (unsigned int i = 16; i < width->rounds; i++)
		w[i] = cut(width, w[i - 16] + mixed(width, w[i - 15], width->small0, 1) + w[i - 7] +
			   mixed(width, w[i - 2], width->small1, 1));
	memcpy(s, state, sizeof(s));
	for (unsigned int i = 0; i < width->rounds; i++) {
		first = s[7] + mixed(width, s[4], width->big1, 0) + ((s[4] & s[5]) ^ (~s[4] & s[6])) +
			(round_words[i] >> (64 - width->bits)) + w[i];
		second = mixed(width, s[0], width->big0, 0) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
		memmove(s + 1, s, 7 * sizeof(s[0]));
		s[4] = cut(width, s[4] + first);
		s[0] = cut(width, first + second);
	}
	for (int i = 0; i < 8; i++)
		state[i] = cut(width, state[i] + s[i]);
}

/* The byte at @at of the message as it is padded to @padded bytes. */
static uint8_t padded_byte(const uint8_t *message, size_t size, size_t at, size_t padded)
{
	if (at < size)
		return message[at];
	if (at == size)
		return 0x80;
	return padded - at <= 8 ? (uint8_t)((uint64_t)size * 8 >> (padded - at - 1) * 8) : 0;
}

void sha2(const uint8_t *message, size_t size, uint8_t *digest, size_t digest_size)
{
	const struct width *width = digest_size == 32 ? &narrow : &wide;
	const uint64_t *start = digest_size == 48 ? start_words_384 : start_words;
	size_t word = width->bits / 8, block = word * 16;
	size_t padded = (size + word * 2 + block) / block * block;
	uint64_t state[8], w[80];

	for (int i = 0; i < 8; i++)
		state[i] = start[i] >> (64 - width->bits);
	for (size_t at = 0; at < padded; at += block) {
		memset(w, 0, sizeof(w));
		for (size_t i = 0; i < block; i++)
			w[i / word] = w[i / word] << 8 | padded_byte(message, size, at + i, padded);
		block_take(width, state, w);
	}
	for (size_t i = 0; i < digest_size; i++)
		digest[i] = (uint8_t)(state[i / word] >> (word - 1 - i % word) * 8);
}
