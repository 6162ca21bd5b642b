/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-2 compression (FIPS 180-4, 6.2.2 and 6.4.2) for one word size. hash.c includes this once a
 * size, having defined SHA2_NAME, SHA2_WORD, SHA2_ROUNDS, SHA2_SWAP, SHA2_K(t) and the four
 * functions SHA2_S0 SHA2_S1 (of the state) and SHA2_W0 SHA2_W1 (of the schedule).
 */
#define SHA2_STEP(a, b, c, d, e, f, g, h, i)						\
	do {										\
		SHA2_WORD t1 = h + SHA2_S1(e) + (g ^ (e & (f ^ g))) + SHA2_K(t + (i)) + w[i];	\
		d += t1;								\
		h = t1 + SHA2_S0(a) + ((a & b) | (c & (a | b)));			\
	} while (0)

#define SHA2_STEPS(i)									\
	do {										\
		SHA2_STEP(a, b, c, d, e, f, g, h, (i));					\
		SHA2_STEP(h, a, b, c, d, e, f, g, (i) + 1);				\
		SHA2_STEP(g, h, a, b, c, d, e, f, (i) + 2);				\
		SHA2_STEP(f, g, h, a, b, c, d, e, (i) + 3);				\
		SHA2_STEP(e, f, g, h, a, b, c, d, (i) + 4);				\
		SHA2_STEP(d, e, f, g, h, a, b, c, (i) + 5);				\
		SHA2_STEP(c, d, e, f, g, h, a, b, (i) + 6);				\
		SHA2_STEP(b, c, d, e, f, g, h, a, (i) + 7);				\
	} while (0)

static void SHA2_NAME(void *state, const void *block, size_t count)
{
	const SHA2_WORD *p = block;
	SHA2_WORD *s = state, w[16];

	for (; count; count--, p += 16) {
		SHA2_WORD a = s[0], b = s[1], c = s[2], d = s[3];
		SHA2_WORD e = s[4], f = s[5], g = s[6], h = s[7];

		for (int i = 0; i < 16; i++)
			w[i] = SHA2_SWAP(p[i]);
		for (unsigned int t = 0; t < SHA2_ROUNDS; t += 16) {
			SHA2_STEPS(0);
			SHA2_STEPS(8);
			for (unsigned int i = 0; i < 16; i++)
				w[i] += SHA2_W0(w[(i + 1) & 15]) + w[(i + 9) & 15] +
					SHA2_W1(w[(i + 14) & 15]);
		}
		s[0] += a; s[1] += b; s[2] += c; s[3] += d;
		s[4] += e; s[5] += f; s[6] += g; s[7] += h;
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
#undef SHA2_STEP
#undef SHA2_STEPS
