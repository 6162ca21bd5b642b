/* SPDX-License-Identifier: Apache-2.0 */
// Entry of all CPUs, EL2's vectors, and the way into the realm. The MMU stays off at EL2.

#define FRAME		272		// struct cpu_regs, rounded up to 16
#define STACK_SHIFT	14

	.section .text.start, "ax"
	.global	_start, secondary_entry, smc
_start:
	ldr	x0, =bss_start
	ldr	x1, =bss_end
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b
	mov	x0, #0
secondary_entry:				// x0: index of this CPU
	ldr	x2, =stacks_end
	sub	x2, x2, x0, lsl #STACK_SHIFT
	sub	sp, x2, #FRAME
	ldr	x2, =vectors
	msr	vbar_el2, x2
	isb
	mov	x1, sp
	bl	main_cpu			// (index, registers to enter with)
	b	realm_enter

// x2 to x29, by stp or ldp
	.macro	registers op
	.irp	pair, "2,x3", "4,x5", "6,x7", "8,x9", "10,x11", "12,x13", "14,x15", \
		"16,x17", "18,x19", "20,x21", "22,x23", "24,x25", "26,x27", "28,x29"
	register_pair \op, \pair
	.endr
	.endm
	.macro	register_pair op, n, second
	\op	x\n, \second, [sp, #(\n * 8)]
	.endm

	.macro	vector handler
	.balign	128
	sub	sp, sp, #FRAME
	stp	x0, x1, [sp]
	adr	x0, \handler
	b	realm_exit
	.endm

	.balign	2048
vectors:
	.rept	8
	vector	trap_fatal
	.endr
	vector	trap_sync			// from the realm
	.rept	7
	vector	trap_fatal
	.endr

realm_exit:					// x0: handler
	registers stp
	mrs	x1, elr_el2
	stp	x30, x1, [sp, #240]
	mrs	x1, spsr_el2
	str	x1, [sp, #256]
	mov	x1, x0
	mov	x0, sp
	blr	x1
realm_enter:
	ldr	x1, [sp, #256]
	msr	spsr_el2, x1
	ldp	x30, x1, [sp, #240]
	msr	elr_el2, x1
	registers ldp
	ldp	x0, x1, [sp], #FRAME
	eret

// uint64_t smc(fid, x1, x2, x3): to the firmware, for SMCs of EL2 do not trap
smc:	smc	#0
	ret
