/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's virt machine and the Arm registers that the test RMM uses. */
#ifndef RMM_MACHINE_H
#define RMM_MACHINE_H

#include "realm.h"

/*
 * The IPA space. In the shared half, PA == IPA for memory, so that the DMA addresses that a realm
 * gives to devices are RAM of QEMU; devices appear there at their address with the shared bit set.
 * Protected memory is backed by other pages, at IPA + LAYOUT_PA_OFFSET, so that DMA to a protected
 * address does not reach it.
 */
#define IPA_BITS    LAYOUT_IPA_BITS
#define IPA_SHARED  (1UL << (IPA_BITS - 1))
#define GIC_BASE    0x08000000UL
#define GIC_SIZE    0x01000000UL
#define UART0	    0x09000000UL
#define RTC	    0x09010000UL
#define UART1	    0x09040000UL /* to the signer; hidden from the realm */
#define VIRTIO_BASE 0x0a000000UL
#define VIRTIO_SIZE 0x4000UL /* 32 slots */

#define SYSREG(reg)  SYSREG_(reg)
#define SYSREG_(reg) #reg
#define read_sysreg(reg) \
	({ \
		uint64_t value_; \
		__asm__ volatile("mrs %0, " SYSREG(reg) : "=r"(value_)); \
		value_; \
	})
#define write_sysreg(reg, value) \
	__asm__ volatile("msr " SYSREG(reg) ", %0" : : "r"((uint64_t)(value)) : "memory")
#define isb() __asm__ volatile("isb" : : : "memory")

/* The realm's registers while the RMM runs. start.S depends on the layout. */
struct cpu_regs {
	uint64_t x[31];
	uint64_t pc;
	uint64_t pstate;
};

#define PSTATE_START 0x3c5 /* EL1h, DAIF masked */

/* start.S */
extern char secondary_entry[];
uint64_t smc(uint64_t fid, uint64_t x1, uint64_t x2, uint64_t x3);

/* cpu.c: cpu_setup - set this CPU's EL2 registers so that the realm can run at EL1 */
void cpu_setup(uint64_t stage2_table);
/* cpu_ms - returns the milliseconds since power on */
uint64_t cpu_ms(void);
/* cpu_wait - sleep until an interrupt is pending */
void cpu_wait(void);
/* cpu_gicv3_vtr - returns ICH_VTR_EL2 */
uint32_t cpu_gicv3_vtr(void);

/*
 * s2.c: s2_init - make the stage 2 tables for @ram_size bytes of RAM; returns the root table. The
 * other three implement realm_ops.
 */
uint64_t s2_init(struct realm *realm, uint64_t ram_size);
void *s2_page(uint64_t ipa);
void s2_changed(uint64_t ipa, enum ripas to);
void s2_sync(void);

/* signer.c: these implement realm_ops as well */
void signer_send(const struct rec *rec);
void signer_poll(struct realm *realm);

/*
 * psci.c: psci_execute - execute a call of PSCI 1.1, or SMCCC_VERSION; takes the lock where it has
 * to. Returns false if @x is neither.
 */
bool psci_execute(uint64_t *x);
/* psci_boot_set - set where CPU @index enters the realm, and its x0 there */
void psci_boot_set(uint64_t index, uint64_t entry, uint64_t context);
/* psci_start - fill in the registers with which CPU @index enters the realm */
void psci_start(uint64_t index, struct cpu_regs *regs);
_Noreturn void psci_power_off(void);

/* trap.c: one lock for all state that the RECs share */
void realm_lock(void);
void realm_unlock(void);

/* main.c */
extern struct realm the_realm;

#endif
