/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PSCI 1.1 as TF-RMM offers it to a realm. The firmware below is QEMU: it answers SMCs made at EL2,
 * and powers CPUs on at EL2, where start.S calls psci_start() for them.
 */
#include "base/array.h"
#include "machine.h"
#include "mem.h"
#include "uart.h"

#define SMCCC_VERSION	   0x80000000
#define PSCI_VERSION	   0x84000000
#define PSCI_CPU_SUSPEND   0x84000001
#define PSCI_CPU_OFF	   0x84000002
#define PSCI_CPU_ON	   0x84000003
#define PSCI_AFFINITY_INFO 0x84000004
#define PSCI_SYSTEM_OFF	   0x84000008
#define PSCI_SYSTEM_RESET  0x84000009
#define PSCI_FEATURES	   0x8400000a
#define PSCI_LAST	   0x8400001f
#define FID_64		   0x40000000U

#define NOT_SUPPORTED	   (-1)
#define INVALID_PARAMETERS (-2)
#define ALREADY_ON	   (-4)
#define ON_PENDING	   (-5)
#define INVALID_ADDRESS	   (-9)

enum { AFFINITY_ON, AFFINITY_OFF };

/* Where each CPU enters the realm. Written only under the lock and while that CPU is off. */
static struct {
	uint64_t entry, context;
} boot[REC_MAX];

void psci_boot_set(uint64_t index, uint64_t entry, uint64_t context)
{
	boot[index].entry = entry;
	boot[index].context = context;
}

void psci_start(uint64_t index, struct cpu_regs *regs)
{
	memset(regs, 0, sizeof(*regs));
	regs->x[0] = boot[index].context;
	regs->pc = boot[index].entry;
	regs->pstate = PSTATE_START;
}

void psci_power_off(void)
{
	for (;;)
		smc(PSCI_SYSTEM_OFF, 0, 0, 0);
}

static int64_t version(const uint64_t *x)
{
	return (uint32_t)x[0] == SMCCC_VERSION ? 0x10002 : 0x10001;
}

/* Every power state is treated as standby: the realm continues at its next interrupt. */
static int64_t cpu_suspend(const uint64_t *x)
{
	(void)x;
	cpu_wait();
	return 0;
}

static int64_t cpu_off(const uint64_t *x)
{
	return (int64_t)smc((uint32_t)x[0], 0, 0, 0);
}

static int64_t cpu_on(const uint64_t *x)
{
	uint64_t state;
	int64_t ret;

	if (!realm_is_protected(&the_realm, x[2], x[2] + 1))
		return INVALID_ADDRESS;
	if (x[1] >= the_realm.vcpus)
		return INVALID_PARAMETERS;
	realm_lock();
	state = smc(PSCI_AFFINITY_INFO | FID_64, x[1], 0, 0);
	if (state == AFFINITY_OFF) {
		psci_boot_set(x[1], x[2], x[3]);
		ret = (int64_t)smc(PSCI_CPU_ON | FID_64, x[1], (uint64_t)secondary_entry, x[1]);
	} else {
		ret = state == AFFINITY_ON ? ALREADY_ON : ON_PENDING;
	}
	realm_unlock();
	return ret;
}

static int64_t affinity_info(const uint64_t *x)
{
	if (x[2] || x[1] >= the_realm.vcpus)
		return INVALID_PARAMETERS;
	return (int64_t)smc(PSCI_AFFINITY_INFO | FID_64, x[1], 0, 0);
}

static int64_t system_off(const uint64_t *x)
{
	bool reset = (uint32_t)x[0] == PSCI_SYSTEM_RESET;

	print("\nrmm: the realm %s\n", reset ? "reset itself" : "powered off");
	return (int64_t)smc((uint32_t)x[0], 0, 0, 0);
}

static int64_t features(const uint64_t *x);

static const struct call {
	uint32_t fid;
	bool wide; /* has a 64-bit form as well */
	int64_t (*execute)(const uint64_t *x);
} calls[] = {
	{ SMCCC_VERSION, false, version },	 { PSCI_VERSION, false, version },
	{ PSCI_CPU_SUSPEND, true, cpu_suspend }, { PSCI_CPU_OFF, false, cpu_off },
	{ PSCI_CPU_ON, true, cpu_on },		 { PSCI_AFFINITY_INFO, true, affinity_info },
	{ PSCI_SYSTEM_OFF, false, system_off },	 { PSCI_SYSTEM_RESET, false, system_off },
	{ PSCI_FEATURES, false, features },
};

static const struct call *call_find(uint64_t x)
{
	uint32_t fid = (uint32_t)x;

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (fid == calls[i].fid || (calls[i].wide && fid == (calls[i].fid | FID_64)))
			return &calls[i];
	}
	return 0;
}

/* Linux uses SMC as its conduit, and so finds RSI, only if SMCCC_VERSION is a feature too. */
static int64_t features(const uint64_t *x)
{
	return call_find(x[1]) ? 0 : NOT_SUPPORTED;
}

/* The functions of PSCI that RMM 1.0 does not have, such as SYSTEM_RESET2, are NOT_SUPPORTED. */
bool psci_execute(uint64_t *x)
{
	const struct call *call = call_find(x[0]);
	uint32_t fid = (uint32_t)x[0] & ~FID_64;

	if (!call && (fid < PSCI_VERSION || fid > PSCI_LAST))
		return false;
	x[0] = (uint64_t)(call ? call->execute(x) : NOT_SUPPORTED);
	x[1] = x[2] = x[3] = 0;
	return true;
}
