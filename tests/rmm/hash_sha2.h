/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-2 compression (FIPS 180-4, 6.2.2 and 6.4.2) for one word size. hash.c includes this file once
 * for each size. Before that it defines SHA2_NAME, SHA2_WORD, SHA2_ROUNDS, SHA2_SWAP, SHA2_K(t) and
 * four functions: SHA2_S0 and SHA2_S1 of the state, SHA2_W0 and SHA2_W1 of the message schedule.
 */

/* Compresses @count word-aligned blocks at @block into the eight words of @s, each in 64 bits. */
static void SHA2_NAME(uint64_t *s, const void *block, size_t count)
{
	const SHA2_WORD *p = block;
	SHA2_WORD w[SHA2_ROUNDS], t1, t2;

	for (; count; count--, p += 16) {
		SHA2_WORD a = (SHA2_WORD)s[0], b = (SHA2_WORD)s[1], c = (SHA2_WORD)s[2],
			  d = (SHA2_WORD)s[3], e = (SHA2_WORD)s[4], f = (SHA2_WORD)s[5],
			  g = (SHA2_WORD)s[6], h = (SHA2_WORD)s[7];

		for (int t = 0; t < 16; t++)
			w[t] = SHA2_SWAP(p[t]);
#pragma GCC unroll 80 /* unrolling all rounds is a third faster under TCG */
		for (int t = 16; t < SHA2_ROUNDS; t++)
			w[t] = SHA2_W1(w[t - 2]) + w[t - 7] + SHA2_W0(w[t - 15]) + w[t - 16];
#pragma GCC unroll 80
		for (int t = 0; t < SHA2_ROUNDS; t++) {
			t1 = h + SHA2_S1(e) + (g ^ (e & (f ^ g))) + SHA2_K(t) + w[t];
			t2 = SHA2_S0(a) + ((a & b) | (c & (a | b)));
			/* clang-format off */
			h = g; g = f; f = e; e = d + t1;
			d = c; c = b; b = a; a = t1 + t2;
		}
		/* A 32-bit word may carry into its upper half, which nothing reads. */
		s[0] += a; s[1] += b; s[2] += c; s[3] += d;
		s[4] += e; s[5] += f; s[6] += g; s[7] += h;
		/* clang-format on */
	}
}

#undef SHA2_NAME
#undef SHA2_WORD
#undef SHA2_ROUNDS
#undef SHA2_SWAP
#undef SHA2_K
#undef SHA2_S0
#undef SHA2_S1
#undef SHA2_W0
#undef SHA2_W1
