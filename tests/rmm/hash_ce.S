/* SPDX-License-Identifier: Apache-2.0 */
// SHA-2 compression with the Armv8 cryptographic instructions. Under TCG each of them is one call
// of a native helper, which makes measuring a realm several times faster than the C code does.
// Vector registers are not saved: these run before the realm does, or not at all.
	.arch	armv8.2-a+sha3
	.text

// Four rounds on v0 (a-d) and v1 (e-h); \w0 are the words, and become those sixteen rounds on.
	.macro	sha256_four k, w0, w1, w2, w3
	add	v2.4s, v\w0\().4s, v\k\().4s
	mov	v3.16b, v0.16b
	sha256h	q0, q1, v2.4s
	sha256h2 q1, q3, v2.4s
	sha256su0 v\w0\().4s, v\w1\().4s
	sha256su1 v\w0\().4s, v\w2\().4s, v\w3\().4s
	.endm

	.macro	sha256_sixteen k0, k1, k2, k3
	sha256_four \k0, 4, 5, 6, 7
	sha256_four \k1, 5, 6, 7, 4
	sha256_four \k2, 6, 7, 4, 5
	sha256_four \k3, 7, 4, 5, 6
	.endm

// void hash_ce_sha256(void *state, const void *block, size_t count)
	.global	hash_ce_sha256
hash_ce_sha256:
	ldr	x3, =hash_k
	.irp	k, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ld2	{v2.4s, v3.4s}, [x3], #32	// the upper halves are the constants
	mov	v\k\().16b, v3.16b
	.endr
	ld1	{v0.4s, v1.4s}, [x0]
1:	cbz	x2, 2f
	sub	x2, x2, #1
	ld1	{v4.16b-v7.16b}, [x1], #64
	.irp	w, 4, 5, 6, 7
	rev32	v\w\().16b, v\w\().16b
	.endr
	mov	v8.16b, v0.16b
	mov	v9.16b, v1.16b
	sha256_sixteen 16, 17, 18, 19
	sha256_sixteen 20, 21, 22, 23
	sha256_sixteen 24, 25, 26, 27
	sha256_sixteen 28, 29, 30, 31
	add	v0.4s, v0.4s, v8.4s
	add	v1.4s, v1.4s, v9.4s
	b	1b
2:	st1	{v0.4s, v1.4s}, [x0]
	ret

// Two rounds; \w0 as above. The state's registers turn by one: \gh becomes ab.
	.macro	sha512_two ab, cd, ef, gh, w0, w1, w4, w5, w7
	ld1	{v4.2d}, [x3], #16
	add	v4.2d, v4.2d, v\w0\().2d
	ext	v4.16b, v4.16b, v4.16b, #8
	ext	v5.16b, v\ef\().16b, v\gh\().16b, #8
	ext	v6.16b, v\cd\().16b, v\ef\().16b, #8
	add	v\gh\().2d, v\gh\().2d, v4.2d
	sha512h	q\gh, q6, v5.2d
	add	v7.2d, v\cd\().2d, v\gh\().2d
	sha512h2 q\gh, q\cd, v\ab\().2d
	mov	v\cd\().16b, v7.16b
	ext	v5.16b, v\w4\().16b, v\w5\().16b, #8
	sha512su0 v\w0\().2d, v\w1\().2d
	sha512su1 v\w0\().2d, v\w7\().2d, v5.2d
	.endm

// void hash_ce_sha512(void *state, const void *block, size_t count)
	.global	hash_ce_sha512
hash_ce_sha512:
	ld1	{v0.2d-v3.2d}, [x0]
1:	cbz	x2, 3f
	sub	x2, x2, #1
	ld1	{v16.16b-v19.16b}, [x1], #64
	ld1	{v20.16b-v23.16b}, [x1], #64
	.irp	w, 16, 17, 18, 19, 20, 21, 22, 23
	rev64	v\w\().16b, v\w\().16b
	.endr
	mov	v24.16b, v0.16b
	mov	v25.16b, v1.16b
	mov	v26.16b, v2.16b
	mov	v27.16b, v3.16b
	ldr	x3, =hash_k
	mov	x4, #5
2:	sha512_two 0, 1, 2, 3, 16, 17, 20, 21, 23
	sha512_two 3, 0, 1, 2, 17, 18, 21, 22, 16
	sha512_two 2, 3, 0, 1, 18, 19, 22, 23, 17
	sha512_two 1, 2, 3, 0, 19, 20, 23, 16, 18
	sha512_two 0, 1, 2, 3, 20, 21, 16, 17, 19
	sha512_two 3, 0, 1, 2, 21, 22, 17, 18, 20
	sha512_two 2, 3, 0, 1, 22, 23, 18, 19, 21
	sha512_two 1, 2, 3, 0, 23, 16, 19, 20, 22
	subs	x4, x4, #1
	b.ne	2b
	add	v0.2d, v0.2d, v24.2d
	add	v1.2d, v1.2d, v25.2d
	add	v2.2d, v2.2d, v26.2d
	add	v3.2d, v3.2d, v27.2d
	b	1b
3:	st1	{v0.2d-v3.2d}, [x0]
	ret
