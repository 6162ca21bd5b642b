/* SPDX-License-Identifier: Apache-2.0 */
// The entry of all CPUs, the vectors of EL2, and entry to and exit from the realm.

#define FRAME		272		// struct cpu_regs, rounded up to 16
#define STACK_SHIFT	14		// includes a guard page, see map.S
#define HCR_RW		(1 << 31)	// without VHE
#define MAIR		0x04ff		// 0: normal, write-back; 1: device-nGnRE
#define TCR		0x80823519	// VA 39 bits, PA 40; 4 KiB granules, write-back, inner shareable
#define SCTLR		0x30cd183d	// M, C, I, WXN, SA

	.section .text.start, "ax"
	.global	_start, secondary_entry, smc
_start:
	mrs	x3, ctr_el0			// drop cache lines from before the RMM
	ubfx	x3, x3, #16, #4
	mov	x2, #4
	lsl	x2, x2, x3
	ldr	x0, =stacks_start
	ldr	x1, =bss_end
1:	dc	ivac, x0
	add	x0, x0, x2
	cmp	x0, x1
	b.lo	1b
	bl	mmu_on
	ldr	x0, =bss_start
2:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	2b
	mov	x0, #0
	b	3f
secondary_entry:				// x0: index of this CPU
	bl	mmu_on
3:	ldr	x2, =stacks_end
	sub	x2, x2, x0, lsl #STACK_SHIFT
	sub	sp, x2, #FRAME
	ldr	x2, =vectors
	msr	vbar_el2, x2
	isb
	mov	x1, sp
	bl	main_cpu			// (index, registers to enter the realm with)
	b	realm_enter

// Nothing was written with the MMU off, so no cache line has to be cleaned. Preserves x0 and x1.
mmu_on:
	mov	x2, #HCR_RW
	msr	hcr_el2, x2
	mov	x2, #MAIR
	msr	mair_el2, x2
	ldr	x2, =TCR
	msr	tcr_el2, x2
	ldr	x2, =map
	msr	ttbr0_el2, x2
	dsb	sy
	isb
	tlbi	alle2
	ic	iallu
	dsb	sy
	isb
	ldr	x2, =SCTLR
	msr	sctlr_el2, x2
	isb
	ret

// Saves (stp) or restores (ldp) x2 to x29.
	.macro	registers op
	.irp	pair, "2,x3", "4,x5", "6,x7", "8,x9", "10,x11", "12,x13", "14,x15", \
		"16,x17", "18,x19", "20,x21", "22,x23", "24,x25", "26,x27", "28,x29"
	register_pair \op, \pair
	.endr
	.endm
	.macro	register_pair op, n, second
	\op	x\n, \second, [sp, #(\n * 8)]
	.endm

	.macro	fatal
	.balign	128
	ldr	x0, =last_stack_end		// this CPU's own stack may be the cause
	mov	sp, x0
	b	trap_fatal
	.endm

	.balign	2048
vectors:
	.rept	8
	fatal
	.endr
	.balign	128				// from the realm
	sub	sp, sp, #FRAME
	stp	x0, x1, [sp]
	b	realm_exit
	.rept	7
	fatal
	.endr

realm_exit:
	registers stp
	mrs	x1, elr_el2
	stp	x30, x1, [sp, #240]
	mrs	x1, spsr_el2
	str	x1, [sp, #256]
	mov	x0, sp
	bl	trap_sync
realm_enter:
	ldr	x1, [sp, #256]
	msr	spsr_el2, x1
	ldp	x30, x1, [sp, #240]
	msr	elr_el2, x1
	registers ldp
	ldp	x0, x1, [sp], #FRAME
	eret

// uint64_t smc(fid, x1, x2, x3): an SMC made at EL2 is not trapped, so it reaches the firmware.
smc:	smc	#0
	ret

	.section .note.GNU-stack, "", %progbits
