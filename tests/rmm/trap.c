/* SPDX-License-Identifier: Apache-2.0 */
/* Exits from the realm to EL2: SMCs, and accesses that stage 2 refuses. No other is expected. */
#include "base/array.h"
#include "machine.h"
#include "rsi.h"
#include "uart.h"

#define EC(esr)	       ((esr) >> 26 & 0x3f)
#define EC_SMC	       0x17
#define EC_INSTRUCTION 0x20 /* aborts from a lower exception level; + 1: from the same one */
#define EC_DATA	       0x24
#define ESR_IL	       (1UL << 25)
#define ESR_FNV	       (1UL << 10)
#define ESR_SEA	       0x10
#define PSTATE_PAN     (1UL << 22)
#define SMC_SVE_HINT   (1UL << 16) /* in a FID: the caller has no live SVE state */

static uint32_t lock;

/* start.S calls these. */
void trap_sync(struct cpu_regs *r);
_Noreturn void trap_fatal(void);

void realm_lock(void)
{
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		;
}

void realm_unlock(void)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

static struct rec *this_rec(void)
{
	return &the_realm.rec[read_sysreg(mpidr_el1) % REC_MAX];
}

/* Makes the realm continue at its EL1 vector, as if it had the exception @esr at @r->pc. */
static void inject(struct cpu_regs *r, uint64_t esr, uint64_t far)
{
	/* By M[4:0] of PSTATE: EL0, EL1 with SP_EL0, EL1 with SP_EL1; all others are AArch32. */
	static const uint16_t vectors[] = { [0x00] = 0x400, [0x04] = 0x000, [0x05] = 0x200 };
	uint64_t mode = r->pstate & 0x1f, vector = read_sysreg(vbar_el1);

	vector += mode < ARRAY_SIZE(vectors) ? vectors[mode] : 0x600;
	if (r->pc == vector) {
		print("rmm: the realm has no exception vector: power off\n");
		psci_power_off();
	}
	write_sysreg(esr_el1, esr | ESR_IL);
	write_sysreg(far_el1, far);
	write_sysreg(elr_el1, r->pc);
	write_sysreg(spsr_el1, r->pstate);
	r->pc = vector;
	r->pstate = PSTATE_START | (r->pstate & PSTATE_PAN);
}

static void inject_sea(struct cpu_regs *r, uint64_t ec, uint64_t iss, uint64_t far)
{
	bool from_el1 = r->pstate & 0xf;

	inject(r, (ec + from_el1) << 26 | iss | ESR_SEA, far);
}

static const char *ipa_describe(uint64_t ipa)
{
	static const char *const states[] = { "EMPTY", "not accessible", "DESTROYED" };

	return ipa & IPA_SHARED ? "shared and unmapped" : states[ripas_at(&the_realm.ripas, ipa)];
}

static void abort_handle(struct cpu_regs *r, uint64_t esr)
{
	uint64_t far = read_sysreg(far_el2), hpfar = read_sysreg(hpfar_el2);
	uint64_t ipa = (hpfar & 0xffffffffff0) << 8 | (far & (GRANULE - 1));
	const char *access = EC(esr) == EC_INSTRUCTION ? "execution" :
			     esr & 1 << 6	       ? "write" :
							 "read";

	print("\nrmm: REC %lu: %s at IPA 0x%lx, which is %s (address 0x%lx, pc 0x%lx): abort injected\n",
	      (uint64_t)this_rec()->index, access, ipa, ipa_describe(ipa), far, r->pc);
	inject_sea(r, EC(esr), 0, far);
}

static void smc_handle(struct cpu_regs *r)
{
	struct rec *rec = this_rec();
	bool done;

	r->x[0] &= ~SMC_SVE_HINT; /* as in TF-RMM; the RMM never uses SVE */
	if (psci_execute(r->x)) {
		r->pc += 4;
		return;
	}
	realm_lock();
	done = rsi_execute(&the_realm, rec, r->x);
	realm_unlock();
	if (done && r->x[0] == RSI_ERROR_UNKNOWN)
		print("\nrmm: REC %lu: no token from the signer\n", (uint64_t)rec->index);
	if (done) {
		r->pc += 4;
		return;
	}
	print("\nrmm: REC %lu: RSI command on a DESTROYED granule, IPA 0x%lx: abort injected\n",
	      (uint64_t)rec->index, r->x[1]);
	inject_sea(r, EC_DATA, ESR_FNV, 0);
}

void trap_sync(struct cpu_regs *r)
{
	uint64_t esr = read_sysreg(esr_el2);

	switch (EC(esr)) {
	case EC_SMC:
		smc_handle(r);
		break;
	case EC_INSTRUCTION:
	case EC_DATA:
		abort_handle(r, esr);
		break;
	default:
		print("\nrmm: trap, esr 0x%lx, pc 0x%lx: undefined instruction injected\n", esr,
		      r->pc);
		inject(r, 0, read_sysreg(far_el1));
	}
}

void trap_fatal(void)
{
	print("\nrmm: exception at EL2: esr 0x%lx, far 0x%lx, pc 0x%lx: power off\n",
	      read_sysreg(esr_el2), read_sysreg(far_el2), read_sysreg(elr_el2));
	psci_power_off();
}
