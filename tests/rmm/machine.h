/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's virt machine, and Arm registers, as the test RMM uses them. */
#ifndef RMM_MACHINE_H
#define RMM_MACHINE_H

#include "realm.h"

/*
 * The IPA space. In the shared half PA == IPA for memory, so that the DMA addresses which a realm
 * hands to devices are QEMU's RAM; devices appear there with the shared bit set. Protected memory
 * has pages of its own at + LAYOUT_PA_OFFSET, so DMA to a protected address misses, as it should.
 */
#define IPA_BITS		LAYOUT_IPA_BITS
#define IPA_SHARED		(1UL << (IPA_BITS - 1))
#define GIC_BASE		0x08000000UL
#define GIC_SIZE		0x01000000UL
#define UART0			0x09000000UL
#define RTC			0x09010000UL
#define UART1			0x09040000UL	/* to the signer; hidden from the realm */
#define VIRTIO_BASE		0x0a000000UL
#define VIRTIO_SIZE		0x4000UL	/* 32 slots */

#define SYSREG(reg)	SYSREG_(reg)
#define SYSREG_(reg)	#reg
#define read_sysreg(reg) ({						\
	uint64_t value_;						\
	__asm__ volatile("mrs %0, " SYSREG(reg) : "=r"(value_));	\
	value_;								\
})
#define write_sysreg(reg, value) \
	__asm__ volatile("msr " SYSREG(reg) ", %0" : : "r"((uint64_t)(value)) : "memory")
#define isb()	__asm__ volatile("isb" : : : "memory")

/* The realm's registers while the RMM runs; start.S knows the layout. */
struct cpu_regs {
	uint64_t x[31];
	uint64_t pc;
	uint64_t pstate;
};

#define PSTATE_START	0x3c5	/* EL1h, DAIF masked */

/* start.S */
extern char secondary_entry[];
uint64_t smc(uint64_t fid, uint64_t x1, uint64_t x2, uint64_t x3);

/* cpu.c: cpu_setup - this CPU's EL2 registers, so that EL1 is the realm's */
void cpu_setup(uint64_t stage2_table);
/* milliseconds since power on; sleep until an interrupt is pending */
uint64_t cpu_ms(void);
void cpu_wait(void);
/* cpu_gicv3_vtr - ICH_VTR_EL2 */
uint32_t cpu_gicv3_vtr(void);

/* s2.c: s2_init - stage 2 tables, @ram_size bytes of RAM; returns the root. The rest are realm_ops. */
uint64_t s2_init(struct realm *realm, uint64_t ram_size);
void *s2_page(uint64_t ipa);
void s2_changed(uint64_t ipa, enum ripas to);
void s2_sync(void);

/* signer.c: realm_ops too */
void signer_send(const struct rec *rec);
void signer_poll(struct realm *realm);

/* psci.c: psci_execute - PSCI 1.1 and SMCCC_VERSION; false if @x is in neither. Takes the lock. */
bool psci_execute(uint64_t *x);
/* psci_boot_set, psci_start - where CPU @index enters the realm, and the registers for it */
void psci_boot_set(uint64_t index, uint64_t entry, uint64_t context);
void psci_start(uint64_t index, struct cpu_regs *regs);
_Noreturn void psci_power_off(void);

/* trap.c: one lock for all that RECs share */
void realm_lock(void);
void realm_unlock(void);

/* main.c */
extern struct realm the_realm;

#endif
