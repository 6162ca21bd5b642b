/* SPDX-License-Identifier: Apache-2.0 */
// EL2's own address space. Everything is at its physical address, and nothing is both writable and
// executable. The tables are never changed, so they are constants. rmm.ld defines the sections.

#define TABLE		3
#define PAGE		3
#define BLOCK		1
#define RW		(1 << 10 | 3 << 8 | 1 << 6)	// accessed, inner shareable, normal memory
#define RX		(RW | 1 << 7)
#define XN		(1 << 54)
#define RO		(RX | XN)
#define DEVICE		(1 << 10 | 1 << 6 | 1 << 2 | XN)

// @count entries of @size bytes each, for the memory at @from
	.macro	entries count, from, size, attributes
	.set	at, \from
	.rept	\count
	.quad	at | \attributes
	.set	at, at + \size
	.endr
	.endm

	.macro	fill table
	.org	\table + 4096, 0
	.endm

	.section .rodata.map, "a"
	.balign	4096
	.global	map
map:	.quad	devices + TABLE
	.org	map + 4 * 8
	.quad	low + TABLE
	.org	map + 6 * 8				// the realm's memory
	entries	1, 0x180000000, 1 << 30, RW | XN | BLOCK
	fill	map

devices:
	.org	devices + 72 * 8
	entries	1, 0x09000000, 1 << 21, DEVICE | BLOCK	// both UARTs
	fill	devices

low:	.quad	image + TABLE
	entries	3, 0x100200000, 1 << 21, RW | XN | BLOCK	// .bss
	.org	low + 384 * 8
	entries	1, 0x130000000, 1 << 21, RO | BLOCK	// the layout page
	fill	low

image:	entries	32, 0x100000000, 4096, RX | PAGE
	entries	32, 0x100020000, 4096, RO | PAGE
	entries	16, 0x100040000, 4096, RW | XN | PAGE
	.set	stack, 0x100050000
	.rept	8
	.quad	0					// the guard page below each stack
	entries	3, stack + 4096, 4096, RW | XN | PAGE
	.set	stack, stack + 4 * 4096
	.endr
	entries	400, 0x100070000, 4096, RW | XN | PAGE

	.section .note.GNU-stack, "", %progbits
