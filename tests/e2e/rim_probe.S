/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest realm's entry: the header of an arm64 Image, a stack, and SMCs. */
	.text
	.global	_start
_start:
	b	1f
	.word	0
	.quad	0			/* text_offset */
	.quad	_end - _start		/* image_size */
	.quad	0xa			/* little-endian, 4 KiB pages, anywhere */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.word	0
1:	adrp	x0, stack_top
	mov	sp, x0
	b	probe

/* void smc(uint64_t x[9]): calls with x0 to x8; x0 to x3 are set to the results */
	.global	smc
smc:
	stp	x19, x30, [sp, #-16]!
	mov	x19, x0
	ldp	x6, x7, [x19, #48]
	ldr	x8, [x19, #64]
	ldp	x4, x5, [x19, #32]
	ldp	x2, x3, [x19, #16]
	ldp	x0, x1, [x19]
	smc	#0
	stp	x0, x1, [x19]
	stp	x2, x3, [x19, #16]
	ldp	x19, x30, [sp], #16
	ret

	.bss
	.balign	4096
	.skip	4096
stack_top:
	.skip	8
