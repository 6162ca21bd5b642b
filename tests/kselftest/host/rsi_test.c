// SPDX-License-Identifier: Apache-2.0
/*
 * kmod/rsi.c on this machine: what it asks an RMM for, and what it makes of the answers. The RMM
 * here can have any RSI revisions, and can keep the last one that was requested, which TF-RMM does
 * not.
 */
#include "shim.h"

/* --- what the kernel's headers have: own declarations of the same names ----------------------- */

#define CCA_TRACE_H /* replaces kmod/trace.h */

#define RSI_ABI_VERSION	  0x10000
#define RSI_SUCCESS	  0
#define RSI_ERROR_INPUT	  1
#define RSI_ERROR_STATE	  2
#define RSI_INCOMPLETE	  3
#define RSI_ERROR_UNKNOWN 4

#define SMCCC_RET_NOT_SUPPORTED (-1)

#define GFP_KERNEL	  0
#define ALIGN(x, to)	  (((x) + (to) - 1) / (to) * (to))
#define ALIGN_DOWN(x, to) ((x) / (to) * (to))
#define virt_to_phys	  (u64)(uintptr_t)

enum {
	SMC_RSI_ABI_VERSION = 0x190,
	SMC_RSI_FEATURES,
	SMC_RSI_MEASUREMENT_READ,
	SMC_RSI_MEASUREMENT_EXTEND,
	SMC_RSI_ATTESTATION_TOKEN_INIT,
	SMC_RSI_ATTESTATION_TOKEN_CONTINUE,
	SMC_RSI_REALM_CONFIG,
};

enum ripas {
	RSI_RIPAS_EMPTY,
	RSI_RIPAS_RAM,
};

struct realm_config {
	unsigned long ipa_bits;
	unsigned long hash_algo;
};

struct arm_smccc_1_2_regs {
	u64 a[18];
};

static void arm_smccc_1_2_smc(const struct arm_smccc_1_2_regs *args,
			      struct arm_smccc_1_2_regs *res);
static unsigned long rsi_request_version(unsigned long asked, unsigned long *lower,
					 unsigned long *higher);
static unsigned long rsi_get_realm_config(struct realm_config *config);
static unsigned long rsi_attestation_token_continue(u64 granule, unsigned long offset,
						    unsigned long size, unsigned long *len);
static unsigned long rsi_ipa_state_get(phys_addr_t start, phys_addr_t end, enum ripas *state,
				       phys_addr_t *top);

/* --- the tracepoints --------------------------------------------------------------------------- */

static struct {
	u64 entered; /* function of the call in progress, or 0 */
	u64 function, status, length;
	int events;
} trace;

static u64 ktime_get_ns(void)
{
	return 1000;
}

static void trace_cca_rsi_enter(u64 function)
{
	assert(!trace.entered);
	trace.entered = function;
}

static bool trace_cca_rsi_exit_enabled(void)
{
	return true;
}

static void trace_cca_rsi_exit(u64 function, u64 status, u64 length, u64 duration)
{
	assert(trace.entered == function && duration == 0);
	trace.entered = 0;
	trace.function = function;
	trace.status = status;
	trace.length = length;
	trace.events++;
}

#include "../../../kmod/rsi.c"
#include "../tap.h"

#define RSI_1_0 0x10000
#define P_1_1 \
	(CCA_RSI_CONFIG_P_AUX_PLANES | CCA_RSI_CONFIG_P_GICV3_VTR | CCA_RSI_CONFIG_P_ATS_PLANE)

struct shim shim;

/* --- the RMM ------------------------------------------------------------------------------------ */

static struct {
	unsigned long lowest, highest;
	bool refuses_1_1; /* although it has 1.1 */
	u64 features_status, config_status;
	u64 status;  /* of the other calls */
	u64 length;  /* of the piece of a token */
	u64 ram_end; /* the memory from 0 to here is RAM, what follows is EMPTY */

	unsigned long revision;	       /* the last one that was accepted */
	unsigned long config_revision; /* the one when REALM_CONFIG was called */
	int versions;
} rmm;

static void rmm_reset(unsigned long highest)
{
	memset(&rmm, 0, sizeof(rmm));
	memset(&trace, 0, sizeof(trace));
	memset(&shim, 0, sizeof(shim));
	shim.allocations_left = -1;
	rmm.lowest = RSI_1_0;
	rmm.highest = highest;
}

static unsigned long rsi_request_version(unsigned long asked, unsigned long *lower,
					 unsigned long *higher)
{
	bool good = asked >= rmm.lowest && asked <= rmm.highest &&
		    !(asked == RSI_1_1 && rmm.refuses_1_1);

	assert(trace.entered == SMC_RSI_ABI_VERSION);
	rmm.versions++;
	if (good)
		rmm.revision = asked;
	if (lower)
		*lower = good ? asked : rmm.highest;
	if (higher)
		*higher = rmm.highest;
	return good ? RSI_SUCCESS : RSI_ERROR_INPUT;
}

/* Writes the fields of 1.1 always, as TF-RMM does, and only one byte of the hash algorithm. */
static unsigned long rsi_get_realm_config(struct realm_config *config)
{
	u8 *page = (u8 *)config;
	u64 ipa_bits = 33, planes = 2, ats = 1;
	u32 vtr = 0x90080003;

	assert(trace.entered == SMC_RSI_REALM_CONFIG);
	assert((uintptr_t)page % RSI_GRANULE_SIZE == 0);
	rmm.config_revision = rmm.revision;
	if (rmm.config_status)
		return rmm.config_status;
	memcpy(page, &ipa_bits, 8);
	page[8] = CCA_RSI_HASH_SHA384;
	memset(page + 9, 0xff, 7);
	memcpy(page + 0x10, &planes, 8);
	memcpy(page + 0x18, &vtr, 4);
	memcpy(page + 0x20, &ats, 8);
	memset(page + 0x28, 0xee, 0x200 - 0x28);
	memset(page + 0x200, 0x52, 64);
	memset(page + 0x240, 0xee, RSI_GRANULE_SIZE - 0x240);
	return RSI_SUCCESS;
}

static unsigned long rsi_attestation_token_continue(u64 granule, unsigned long offset,
						    unsigned long size, unsigned long *len)
{
	assert(trace.entered == SMC_RSI_ATTESTATION_TOKEN_CONTINUE);
	assert(granule && offset == 0 && size == RSI_GRANULE_SIZE);
	*len = rmm.length;
	return rmm.status;
}

/* Answers for at most two granules at once. */
static unsigned long rsi_ipa_state_get(phys_addr_t start, phys_addr_t end, enum ripas *state,
				       phys_addr_t *top)
{
	u64 most = start + 2 * RSI_GRANULE_SIZE;

	assert(start % RSI_GRANULE_SIZE == 0 && end % RSI_GRANULE_SIZE == 0 && start < end);
	if (rmm.status)
		return rmm.status;
	*state = start < rmm.ram_end ? RSI_RIPAS_RAM : RSI_RIPAS_EMPTY;
	*top = most < end ? most : end;
	if (start < rmm.ram_end && *top > rmm.ram_end)
		*top = rmm.ram_end;
	return RSI_SUCCESS;
}

static void arm_smccc_1_2_smc(const struct arm_smccc_1_2_regs *args, struct arm_smccc_1_2_regs *res)
{
	u64 function = args->a[0];

	assert(trace.entered == function);
	/* These have functions in the kernel. */
	assert(function != SMC_RSI_ABI_VERSION && function != SMC_RSI_REALM_CONFIG &&
	       function != SMC_RSI_ATTESTATION_TOKEN_CONTINUE);
	if (function == SMC_RSI_FEATURES) {
		assert(args->a[1] == 0);
		*res = (struct arm_smccc_1_2_regs){ { rmm.features_status, 5 } };
		return;
	}
	*res = *args;
	res->a[0] = rmm.status;
	res->a[1] = 0x1000;
}

/* --- tests -------------------------------------------------------------------------------------- */

static struct cca_rsi_config config;

static int config_read(void)
{
	memset(&config, 0, sizeof(config));
	return cca_rsi_config_read(&config);
}

static bool fields_of_1_1(void)
{
	bool has = (config.present & P_1_1) == P_1_1;

	if (!has && (config.present & P_1_1))
		return false;
	return has && config.aux_planes == 2 && config.gicv3_vtr == 0x90080003 &&
	       config.ats_plane == 1;
}

static bool no_fields_of_1_1(void)
{
	return !(config.present & P_1_1) && !config.aux_planes && !config.gicv3_vtr &&
	       !config.ats_plane;
}

static void only_1_0(void)
{
	rmm_reset(RSI_1_0);
	CHECK(config_read() == 0);
	CHECK(config.abi_lower == RSI_1_0 && config.abi_higher == RSI_1_0 && config.abi == RSI_1_0);
	CHECK(no_fields_of_1_1());
	CHECK(config.present == (CCA_RSI_CONFIG_P_ABI | CCA_RSI_CONFIG_P_FEATURES));
	CHECK(config.ipa_bits == 33 && config.hash_algo == CCA_RSI_HASH_SHA384);
	CHECK(config.rpv[0] == 0x52 && config.rpv[63] == 0x52);
	/* No revision beyond 1.0 is requested, and 1.0 only once. */
	CHECK(rmm.versions == 1);
	CHECK(!shim.held && trace.events == 3);
}

static void both(void)
{
	rmm_reset(RSI_1_1);
	CHECK(config_read() == 0);
	CHECK(config.abi_lower == RSI_1_0 && config.abi_higher == RSI_1_1 && config.abi == RSI_1_1);
	CHECK(fields_of_1_1());
	CHECK(config.features == 5 && config.present & CCA_RSI_CONFIG_P_FEATURES);
	CHECK(rmm.config_revision == RSI_1_1);
}

/* The kernel has requested 1.0, and makes its calls by 1.0 afterwards. */
static void kernels_revision_restored(void)
{
	rmm_reset(RSI_1_1);
	CHECK(config_read() == 0 && rmm.revision == RSI_1_0);
	rmm_reset(RSI_1_1);
	rmm.config_status = RSI_ERROR_INPUT;
	CHECK(config_read() == -EINVAL && rmm.revision == RSI_1_0 && !shim.held);
}

static void later_major_revision(void)
{
	rmm_reset(0x20000);
	CHECK(config_read() == 0 && config.abi_higher == 0x20000 && config.abi == RSI_1_1);
	CHECK(fields_of_1_1());
	rmm_reset(0x20000);
	rmm.refuses_1_1 = true;
	CHECK(config_read() == 0 && config.abi_higher == 0x20000 && config.abi == RSI_1_0);
	CHECK(no_fields_of_1_1());
}

static void refused_1_1(void)
{
	rmm_reset(RSI_1_1);
	rmm.refuses_1_1 = true;
	CHECK(config_read() == 0 && config.abi == RSI_1_0 && no_fields_of_1_1());
	CHECK(rmm.revision == RSI_1_0 && rmm.config_revision == RSI_1_0);
}

static void refused_1_0(void)
{
	rmm_reset(RSI_1_1);
	rmm.lowest = RSI_1_1;
	CHECK(config_read() == -EINVAL && !config.present && !shim.held);
}

static void features_may_fail(void)
{
	static const u64 statuses[] = { (u64)SMCCC_RET_NOT_SUPPORTED, RSI_ERROR_INPUT,
					RSI_ERROR_UNKNOWN };

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		rmm_reset(RSI_1_1);
		rmm.features_status = statuses[i];
		CHECK(config_read() == 0 && fields_of_1_1());
		CHECK(!(config.present & CCA_RSI_CONFIG_P_FEATURES) && !config.features);
	}
}

static void memory_may_fail(void)
{
	rmm_reset(RSI_1_1);
	shim.allocations_left = 0;
	CHECK(config_read() == -ENOMEM && rmm.revision == RSI_1_0);
}

static void statuses_keep_their_cause(void)
{
	static const struct {
		u64 status;
		int error;
	} cases[] = {
		{ RSI_SUCCESS, 0 },
		{ RSI_ERROR_INPUT, -EINVAL },
		{ RSI_ERROR_STATE, -ESTALE },
		{ RSI_ERROR_UNKNOWN, -EIO },
		{ 5, -EIO },
		{ (u64)SMCCC_RET_NOT_SUPPORTED, -EOPNOTSUPP },
	};
	u8 granule[8], challenge[CCA_RSI_CHALLENGE_SIZE] = { 0 };
	size_t size;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		rmm_reset(RSI_1_0);
		rmm.status = cases[i].status;
		CHECK(cca_rsi_token_init(challenge, &size) == cases[i].error);
		CHECK(trace.status == rmm.status && size == 0x1000);
		CHECK(cca_rsi_token_continue(granule, &size) == cases[i].error);
		CHECK(trace.status == rmm.status);
		CHECK(cca_rsi_measurement_read(1, granule, sizeof(granule)) == cases[i].error);
		CHECK(trace.status == rmm.status);
	}
}

/* The tracepoint has the number of bytes of a token, and of nothing else. */
static void lengths_traced(void)
{
	u8 granule[8], challenge[CCA_RSI_CHALLENGE_SIZE] = { 0 };
	size_t size;

	rmm_reset(RSI_1_0);
	rmm.length = 777;
	rmm.status = RSI_INCOMPLETE;
	CHECK(cca_rsi_token_continue(granule, &size) == CCA_RSI_INCOMPLETE && size == 777);
	CHECK(trace.function == SMC_RSI_ATTESTATION_TOKEN_CONTINUE && trace.length == 777);
	CHECK(trace.status == RSI_INCOMPLETE);
	rmm.status = RSI_SUCCESS;
	CHECK(cca_rsi_token_init(challenge, &size) == 0 && trace.length == 0);
	CHECK(cca_rsi_measurement_extend(1, granule, sizeof(granule)) == 0 && trace.length == 0);
}

static void protected_to_the_last_granule(void)
{
	rmm_reset(RSI_1_0);
	rmm.ram_end = 8 * RSI_GRANULE_SIZE;
	CHECK(cca_rsi_protected(0, rmm.ram_end) && cca_rsi_protected(100, 5 * RSI_GRANULE_SIZE));
	CHECK(!cca_rsi_protected(100, rmm.ram_end) && !cca_rsi_protected(rmm.ram_end, 1));
	CHECK(!cca_rsi_protected(0, 0) && !cca_rsi_protected(-1ULL, 2));
	rmm.status = RSI_ERROR_INPUT;
	CHECK(!cca_rsi_protected(0, 1));
}

static const struct tap_test tests[] = {
	{ "an RMM with RSI 1.0 only", only_1_0 },
	{ "an RMM with RSI 1.0 and 1.1", both },
	{ "the kernel's revision is the last one that is requested", kernels_revision_restored },
	{ "an RMM with RSI 2.0 too, and one without 1.1", later_major_revision },
	{ "an RMM that announces 1.1 and refuses it", refused_1_1 },
	{ "an RMM that refuses the kernel's revision", refused_1_0 },
	{ "an RMM without features", features_may_fail },
	{ "the allocation may fail", memory_may_fail },
	{ "each status has its errno and is traced", statuses_keep_their_cause },
	{ "the length of a token's piece is traced", lengths_traced },
	{ "memory is protected if each of its granules is", protected_to_the_last_granule },
};

TAP_MAIN(tests)
