/* SPDX-License-Identifier: Apache-2.0 */
/* PSCI, over a fake firmware that records the SMCs of the RMM. */
#include "fake.h"
#include "machine.h"
#include "uart.h"

#define VERSION			0x84000000
#define CPU_SUSPEND		0x84000001
#define CPU_OFF			0x84000002
#define CPU_ON			0x84000003
#define AFFINITY_INFO		0x84000004
#define MIGRATE			0x84000005
#define MIGRATE_INFO_TYPE	0x84000006
#define MIGRATE_INFO_UP_CPU	0x84000007
#define SYSTEM_OFF		0x84000008
#define SYSTEM_RESET		0x84000009
#define FEATURES		0x8400000a
#define CPU_FREEZE		0x8400000b
#define CPU_DEFAULT_SUSPEND	0x8400000c
#define NODE_HW_STATE		0x8400000d
#define SYSTEM_SUSPEND		0x8400000e
#define SET_SUSPEND_MODE	0x8400000f
#define STAT_RESIDENCY		0x84000010
#define STAT_COUNT		0x84000011
#define SYSTEM_RESET2		0x84000012
#define MEM_PROTECT		0x84000013
#define MEM_PROTECT_CHECK_RANGE 0x84000014
#define SMC64			0x40000000
#define ENTRY			0x40001000UL

struct realm the_realm;
char secondary_entry[1];

static uint64_t power[REC_MAX]; /* as in AFFINITY_INFO: 0 on, 1 off, 2 on pending */
static uint64_t last[4];	/* the last SMC to the firmware */
static unsigned int smcs, waits, prints;
static bool locked;

uint64_t smc(uint64_t fid, uint64_t x1, uint64_t x2, uint64_t x3)
{
	memcpy(last, ((uint64_t[]){ fid, x1, x2, x3 }), sizeof(last));
	smcs++;
	if (fid == (AFFINITY_INFO | SMC64))
		return power[x1];
	if (fid == (CPU_ON | SMC64)) {
		assert_true(locked);
		power[x1] = 2;
		return 0;
	}
	return 0xbad; /* the other calls do not return on real firmware */
}

void cpu_wait(void)
{
	waits++;
}

void realm_lock(void)
{
	assert_false(locked);
	locked = true;
}

void realm_unlock(void)
{
	assert_true(locked);
	locked = false;
}

void print(const char *format, ...)
{
	(void)format;
	prints++;
}

static int setup(void **state)
{
	(void)state;
	memset(&the_realm, 0, sizeof(the_realm));
	the_realm.ipa_bits = 33;
	the_realm.vcpus = 4;
	for (int i = 0; i < REC_MAX; i++)
		power[i] = i > 0;
	smcs = waits = prints = 0;
	return 0;
}

static int64_t call(uint64_t fid, uint64_t x1, uint64_t x2, uint64_t x3)
{
	uint64_t x[4] = { fid, x1, x2, x3 };

	assert_true(psci_execute(x));
	assert_int_equal(x[1] | x[2] | x[3], 0);
	assert_false(locked);
	return (int64_t)x[0];
}

static void versions(void **state)
{
	(void)state;
	assert_int_equal(call(VERSION, 9, 9, 9), 0x10001);
	assert_int_equal(call(0x80000000, 9, 9, 9), 0x10002);
	assert_int_equal(smcs, 0);
}

static void features(void **state)
{
	static const uint64_t there[] = {
		VERSION,	CPU_SUSPEND,   CPU_SUSPEND | SMC64,   CPU_OFF,	  CPU_ON,
		CPU_ON | SMC64, AFFINITY_INFO, AFFINITY_INFO | SMC64, SYSTEM_OFF, SYSTEM_RESET,
		FEATURES,	0x80000000,
	};
	static const uint64_t absent[] = {
		0,	    MIGRATE,	0x84000006, VERSION | SMC64, SYSTEM_OFF | SMC64,
		0xc4000190, 0x80000001, UINT32_MAX
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(there); i++)
		assert_int_equal(call(FEATURES, there[i], 0, 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(absent); i++)
		assert_int_equal(call(FEATURES, absent[i], 0, 0), -1);
}

static void other_functions_are_not_ours(void **state)
{
	static const uint64_t fids[] = { 0,	     0xc4000190, SMC64,
					 0x80000001, 0x83ffffff, 0x84000020,
					 0xc4000020, 0x04000000, 0x84000000UL << 32 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fids); i++) {
		uint64_t x[4] = { fids[i], 1, 2, 3 };

		assert_false(psci_execute(x));
		assert_memory_equal(x, ((uint64_t[]){ fids[i], 1, 2, 3 }), sizeof(x));
	}
}

/* The RMM specification has eight functions of PSCI 1.1. The others are NOT_SUPPORTED. */
static void the_rest_is_refused(void **state)
{
	static const uint64_t fids[] = {
		MIGRATE,
		MIGRATE | SMC64,
		MIGRATE_INFO_TYPE,
		MIGRATE_INFO_UP_CPU,
		MIGRATE_INFO_UP_CPU | SMC64,
		CPU_FREEZE,
		CPU_DEFAULT_SUSPEND,
		CPU_DEFAULT_SUSPEND | SMC64,
		NODE_HW_STATE,
		SYSTEM_SUSPEND,
		SYSTEM_SUSPEND | SMC64,
		SET_SUSPEND_MODE,
		STAT_RESIDENCY,
		STAT_COUNT,
		SYSTEM_RESET2,
		SYSTEM_RESET2 | SMC64,
		MEM_PROTECT,
		MEM_PROTECT_CHECK_RANGE,
		0x8400001f,
		/* functions that exist, with the width that they do not have */
		VERSION | SMC64,
		CPU_OFF | SMC64,
		SYSTEM_OFF | SMC64,
		SYSTEM_RESET | SMC64,
		FEATURES | SMC64,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fids); i++) {
		assert_int_equal(call(fids[i], 0, ENTRY, 0), -1);
		assert_int_equal(call(FEATURES, fids[i], 0, 0), -1);
	}
	assert_int_equal(smcs + waits + prints, 0);
}

static void cpu_on(void **state)
{
	struct cpu_regs regs;

	(void)state;
	assert_int_equal(call(CPU_ON | SMC64, 2, ENTRY, 0x1234), 0);
	assert_memory_equal(last, ((uint64_t[]){ CPU_ON | SMC64, 2, (uint64_t)secondary_entry, 2 }),
			    sizeof(last));
	assert_int_equal(call(AFFINITY_INFO, 2, 0, 0), 2); /* on pending */
	memset(&regs, 0xee, sizeof(regs));
	psci_start(2, &regs);
	assert_int_equal(regs.pc, ENTRY);
	assert_int_equal(regs.x[0], 0x1234);
	assert_int_equal(regs.pstate, 0x3c5);
	for (int i = 1; i < 31; i++)
		assert_int_equal(regs.x[i], 0);
}

static void cpu_on_refuses(void **state)
{
	struct cpu_regs regs;

	(void)state;
	psci_boot_set(1, ENTRY, 1);
	assert_int_equal(call(CPU_ON, 1, 1UL << 32, 0), -9);
	assert_int_equal(call(CPU_ON, 1, UINT64_MAX, 0), -9);
	assert_int_equal(call(CPU_ON, 4, ENTRY, 0), -2);
	assert_int_equal(call(CPU_ON, 0x100, ENTRY, 0), -2);
	assert_int_equal(call(CPU_ON, UINT64_MAX, ENTRY, 0), -2);
	assert_int_equal(call(CPU_ON, 0, ENTRY, 0), -4);
	power[1] = 2;
	assert_int_equal(call(CPU_ON, 1, ENTRY + 4, 2), -5);
	/* A CPU that is on pending starts at its first entry point. */
	psci_start(1, &regs);
	assert_int_equal(regs.pc, ENTRY);
	assert_int_equal(regs.x[0], 1);
}

static void affinity_info(void **state)
{
	(void)state;
	assert_int_equal(call(AFFINITY_INFO, 0, 0, 0), 0);
	assert_int_equal(call(AFFINITY_INFO | SMC64, 3, 0, 0), 1);
	assert_int_equal(call(AFFINITY_INFO, 3, 1, 0), -2);
	assert_int_equal(call(AFFINITY_INFO, 4, 0, 0), -2);
}

static void suspend_is_standby(void **state)
{
	(void)state;
	assert_int_equal(call(CPU_SUSPEND, 0x10000, ENTRY, 7), 0);
	assert_int_equal(call(CPU_SUSPEND | SMC64, 0, 0, 0), 0);
	assert_int_equal(waits, 2);
	assert_int_equal(smcs, 0);
}

static void off_and_reset(void **state)
{
	static const uint64_t fids[] = { CPU_OFF, SYSTEM_OFF, SYSTEM_RESET };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fids); i++) {
		assert_int_equal(call(fids[i], 1, 2, 3), 0xbad);
		assert_memory_equal(last, ((uint64_t[]){ fids[i], 0, 0, 0 }), sizeof(last));
	}
	assert_int_equal(prints, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(versions, setup),
		cmocka_unit_test_setup(features, setup),
		cmocka_unit_test_setup(other_functions_are_not_ours, setup),
		cmocka_unit_test_setup(the_rest_is_refused, setup),
		cmocka_unit_test_setup(cpu_on, setup),
		cmocka_unit_test_setup(cpu_on_refuses, setup),
		cmocka_unit_test_setup(affinity_info, setup),
		cmocka_unit_test_setup(suspend_is_standby, setup),
		cmocka_unit_test_setup(off_and_reset, setup),
	};

	return cmocka_run_group_tests_name("psci", tests, NULL, NULL);
}
