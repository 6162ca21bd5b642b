/* SPDX-License-Identifier: Apache-2.0 */
/* The EL2 registers: stage 2 is on, SMCs are trapped, all else is left to EL1 on any CPU model. */
#include "machine.h"

/* By encoding: the assembler knows these names only with newer architecture options. */
#define HCRX_EL2     S3_4_C1_C2_2
#define ZCR_EL2	     S3_4_C1_C2_0
#define SMCR_EL2     S3_4_C1_C2_6
#define HFGRTR_EL2   S3_4_C1_C1_4
#define HFGWTR_EL2   S3_4_C1_C1_5
#define HFGITR_EL2   S3_4_C1_C1_6
#define HDFGRTR_EL2  S3_4_C3_C1_4
#define HDFGWTR_EL2  S3_4_C3_C1_5
#define HDFGRTR2_EL2 S3_4_C3_C1_0
#define HDFGWTR2_EL2 S3_4_C3_C1_1
#define HFGRTR2_EL2  S3_4_C3_C1_2
#define HFGWTR2_EL2  S3_4_C3_C1_3
#define HFGITR2_EL2  S3_4_C3_C1_7
#define ICC_SRE_EL2  S3_4_C12_C9_5
#define ICH_HCR_EL2  S3_4_C12_C11_0
#define ICH_VTR_EL2  S3_4_C12_C11_1

/* A mask of the bits @high to @low, and of bit @n */
#define BITS(high, low) ((~0UL >> (63 - (high))) & (~0UL << (low)))
#define BIT(n)		(1UL << (n))

/* VM, TSC, HCD, RW, APK, API, EnSCXT, ATA; no interrupt is trapped, as EL1 drives the real GIC */
#define HCR (BIT(0) | BIT(19) | BIT(29) | BIT(31) | BIT(40) | BIT(41) | BIT(53) | BIT(56))
/* EnAS0 EnALS EnASR, MSCEn, TCR2En SCTLR2En PTTWI D128En, EnSDERR EnIDCP128 GCSEn EnFPM */
#define HCRX (BITS(2, 0) | BIT(11) | BITS(17, 14) | BITS(23, 20))
/* 40-bit PA, 4 KiB granules from level 1, inner shareable, write-back */
#define VTCR		(BIT(31) | 2UL << 16 | 3UL << 12 | BIT(10) | BIT(8) | BIT(6) | (64 - IPA_BITS))
#define CPTR_NO_TRAP	0x22ff
#define SCTLR_EL1_START 0x30d00800

static uint64_t field(uint64_t id, unsigned int shift)
{
	return id >> shift & 15;
}

/* Of the fine-grained traps, the bits whose names begin with n mean "no trap" when they are set. */
static void fine_traps_off(uint64_t mmfr0)
{
	if (!field(mmfr0, 56))
		return;
	write_sysreg(HFGRTR_EL2, BITS(63, 50));
	write_sysreg(HFGWTR_EL2, BITS(63, 50));
	write_sysreg(HFGITR_EL2, BITS(59, 55));
	write_sysreg(HDFGRTR_EL2, BITS(62, 59));
	write_sysreg(HDFGWTR_EL2, BITS(62, 60));
	if (field(mmfr0, 56) < 2)
		return;
	write_sysreg(HFGRTR2_EL2, ~0UL);
	write_sysreg(HFGWTR2_EL2, ~0UL);
	write_sysreg(HDFGRTR2_EL2, ~0UL);
	write_sysreg(HDFGWTR2_EL2, ~0UL);
	write_sysreg(HFGITR2_EL2, BIT(1));
}

static void extensions_allow(void)
{
	uint64_t dfr0 = read_sysreg(id_aa64dfr0_el1), pmu = field(dfr0, 8);

	write_sysreg(cptr_el2, CPTR_NO_TRAP);
	isb();
	if (field(read_sysreg(id_aa64pfr0_el1), 32)) /* SVE */
		write_sysreg(ZCR_EL2, 15);
	if (field(read_sysreg(id_aa64pfr1_el1), 24)) /* SME, with FA64 and ZT0 */
		write_sysreg(SMCR_EL2, BIT(31) | BIT(30) | 15);
	/* EL1 gets all PMU counters */
	write_sysreg(mdcr_el2, pmu && pmu != 15 ? read_sysreg(pmcr_el0) >> 11 & 31 : 0);
	if (field(read_sysreg(id_aa64mmfr1_el1), 40))
		write_sysreg(HCRX_EL2, HCRX);
	fine_traps_off(read_sysreg(id_aa64mmfr0_el1));
}

void cpu_setup(uint64_t stage2_table)
{
	write_sysreg(vtcr_el2, VTCR);
	write_sysreg(vttbr_el2, stage2_table);
	write_sysreg(hcr_el2, HCR);
	write_sysreg(vpidr_el2, read_sysreg(midr_el1));
	write_sysreg(vmpidr_el2, read_sysreg(mpidr_el1));
	write_sysreg(cnthctl_el2, 3);
	write_sysreg(cntvoff_el2, 0);
	write_sysreg(hstr_el2, 0);
	extensions_allow();
	write_sysreg(ICC_SRE_EL2, 0xf);
	isb();
	write_sysreg(ICH_HCR_EL2, 0);
	write_sysreg(sctlr_el1, SCTLR_EL1_START);
	__asm__ volatile("tlbi alle1; dsb sy; isb" : : : "memory");
}

uint64_t cpu_ms(void)
{
	return read_sysreg(cntpct_el0) / (read_sysreg(cntfrq_el0) / 1000);
}

void cpu_wait(void)
{
	__asm__ volatile("wfi");
}

uint32_t cpu_gicv3_vtr(void)
{
	return (uint32_t)read_sysreg(ICH_VTR_EL2);
}
