// SPDX-License-Identifier: GPL-2.0-only

#include <linux/arm-smccc.h>
#include <linux/io.h>
#include <linux/ktime.h>

#include <asm/rsi.h>

#include "cca_rsi.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/*
 * The kernel's own functions in <asm/rsi_cmds.h> make the calls, except for those that
 * they cannot make for us: rsi_attestation_token_init() replaces each status by
 * -EINVAL, which hides a failure of the RMM behind a wrong argument, and no kernel so
 * far has functions for RSI_FEATURES and for reading and extending measurements.
 */

/* The revision that added the fields of struct config_granule from aux_planes on */
#define RSI_1_1 0x10001
#define FEATURE_REGISTER 0

/*
 * The start of what RSI_REALM_CONFIG writes. The kernel's struct realm_config is not
 * used: kernels have different fields in it, and declare 64 bits for hash_algo, where
 * the RMM writes 8.
 */
struct config_granule {
	u64 ipa_bits;
	u8 hash_algo;
	u8 reserved[7];
	u64 aux_planes;
	u64 gicv3_vtr;
	u64 ats_plane;
	u8 reserved2[0x200 - 0x28];
	u8 rpv[CCA_RSI_RPV_SIZE];
};

static_assert(offsetof(struct config_granule, rpv) == 0x200);

/*
 * The registers of a call, input and output. An initialiser of @x also clears the
 * registers that it does not name. Without that, an RMM that leaves a result
 * register unchanged would expose its old contents to user space.
 */
union rsi_call {
	struct arm_smccc_1_2_regs regs;
	u64 x[sizeof(struct arm_smccc_1_2_regs) / sizeof(u64)];
};

/* errno for each RSI status; any other status is -EIO. */
static const int errors[] = {
	[RSI_SUCCESS] = 0,
	[RSI_ERROR_INPUT] = -EINVAL,
	[RSI_ERROR_STATE] = -ESTALE,
};

static int rsi_error(u64 status)
{
	if (status == (u64)SMCCC_RET_NOT_SUPPORTED)
		return -EOPNOTSUPP;
	return status < ARRAY_SIZE(errors) ? errors[status] : -EIO;
}

static u64 trace_start(u64 function)
{
	trace_cca_rsi_enter(function);
	return trace_cca_rsi_exit_enabled() ? ktime_get_ns() : 0;
}

static void trace_end(u64 function, u64 status, u64 length, u64 start)
{
	trace_cca_rsi_exit(function, status, length, start ? ktime_get_ns() - start : 0);
}

/* Makes a call by this file's own code. */
static int rsi_call(union rsi_call *call)
{
	u64 function = call->x[0], start = trace_start(function);

	arm_smccc_1_2_smc(&call->regs, &call->regs);
	trace_end(function, call->x[0], 0, start);
	return rsi_error(call->x[0]);
}

static int version_request(unsigned long version, unsigned long *lower, unsigned long *higher)
{
	u64 start = trace_start(SMC_RSI_ABI_VERSION);
	u64 status = rsi_request_version(version, lower, higher);

	trace_end(SMC_RSI_ABI_VERSION, status, 0, start);
	return rsi_error(status);
}

/*
 * Finds the revision to use. The first request is the kernel's own, which has
 * succeeded before, and its answer names the highest revision that the RMM has.
 */
static int version_negotiate(struct cca_rsi_config *config)
{
	unsigned long lower, higher;
	int ret = version_request(RSI_ABI_VERSION, &lower, &higher);

	if (ret)
		return ret;
	config->abi_lower = lower;
	config->abi_higher = higher;
	config->abi = RSI_ABI_VERSION;
	config->present = CCA_RSI_CONFIG_P_ABI;
	if (config->abi < RSI_1_1 && higher >= RSI_1_1 && !version_request(RSI_1_1, NULL, NULL))
		config->abi = RSI_1_1;
	return 0;
}

/* An RMM without RSI_FEATURES has no features to report, so this cannot fail. */
static void features_read(struct cca_rsi_config *config)
{
	union rsi_call call = { .x = { SMC_RSI_FEATURES, FEATURE_REGISTER } };

	if (rsi_call(&call))
		return;
	config->features = call.x[1];
	config->present |= CCA_RSI_CONFIG_P_FEATURES;
}

static int realm_config_read(struct cca_rsi_config *config)
{
	/* kmalloc() aligns a power of two to its size, so this is aligned to a granule. */
	struct config_granule *granule __free(kfree) = kzalloc(RSI_GRANULE_SIZE, GFP_KERNEL);
	u64 start, status;

	if (!granule)
		return -ENOMEM;
	start = trace_start(SMC_RSI_REALM_CONFIG);
	status = rsi_get_realm_config((struct realm_config *)granule);
	trace_end(SMC_RSI_REALM_CONFIG, status, 0, start);
	if (status)
		return rsi_error(status);

	config->ipa_bits = granule->ipa_bits;
	config->hash_algo = granule->hash_algo;
	memcpy(config->rpv, granule->rpv, sizeof(config->rpv));
	if (config->abi < RSI_1_1)
		return 0;
	config->aux_planes = granule->aux_planes;
	config->gicv3_vtr = granule->gicv3_vtr;
	config->ats_plane = granule->ats_plane;
	config->present |= CCA_RSI_CONFIG_P_AUX_PLANES | CCA_RSI_CONFIG_P_GICV3_VTR |
			   CCA_RSI_CONFIG_P_ATS_PLANE;
	return 0;
}

/**
 * cca_rsi_config_read() - RSI_VERSION, RSI_FEATURES and RSI_REALM_CONFIG
 * @config: its abi_lower, abi_higher, ipa_bits, hash_algo and rpv are set, and the
 *	    fields from present on
 *
 * Return: 0, -ENOMEM, or an error as in cca_rsi.h
 */
int cca_rsi_config_read(struct cca_rsi_config *config)
{
	int ret = version_negotiate(config);

	if (ret)
		return ret;
	features_read(config);
	ret = realm_config_read(config);
	/*
	 * TF-RMM does not store the revision: its answers are the same after any request.
	 * The specification does not promise that, so the kernel's revision is requested
	 * again, for the calls that the kernel itself makes.
	 */
	if (config->abi != RSI_ABI_VERSION)
		version_request(RSI_ABI_VERSION, NULL, NULL);
	return ret;
}

/**
 * cca_rsi_measurement_read() - RSI_MEASUREMENT_READ
 * @index: 0 for RIM, 1..4 for REM0..REM3
 * @value: receives the register
 * @size: number of its bytes to copy, at most CCA_RSI_DIGEST_MAX
 *
 * Return: 0 or an error as in cca_rsi.h
 */
int cca_rsi_measurement_read(u32 index, u8 *value, size_t size)
{
	union rsi_call call = { .x = { SMC_RSI_MEASUREMENT_READ, index } };
	int ret = rsi_call(&call);

	if (!ret)
		memcpy(value, &call.x[1], size);
	return ret;
}

/**
 * cca_rsi_measurement_extend() - RSI_MEASUREMENT_EXTEND
 * @index: 1..4 for REM0..REM3
 * @digest: the register becomes H(register || digest)
 * @size: bytes in @digest, at most CCA_RSI_DIGEST_MAX
 *
 * Return: 0 or an error as in cca_rsi.h; after an error the register is unchanged
 */
int cca_rsi_measurement_extend(u32 index, const u8 *digest, size_t size)
{
	union rsi_call call = { .x = { SMC_RSI_MEASUREMENT_EXTEND, index, size } };

	memcpy(&call.x[3], digest, size);
	return rsi_call(&call);
}

/**
 * cca_rsi_token_init() - RSI_ATTESTATION_TOKEN_INIT
 * @challenge: CCA_RSI_CHALLENGE_SIZE bytes
 * @bound: receives the RMM's upper bound of the token's size
 *
 * Starts a token on this vCPU, and discards any that was in progress on it.
 *
 * Context: the caller stays on this CPU until its last cca_rsi_token_continue(), and
 * lets no other caller start a token there meanwhile
 * Return: 0 or an error as in cca_rsi.h
 */
int cca_rsi_token_init(const u8 *challenge, size_t *bound)
{
	union rsi_call call = { .x = { SMC_RSI_ATTESTATION_TOKEN_INIT } };
	int ret;

	memcpy(&call.x[1], challenge, CCA_RSI_CHALLENGE_SIZE);
	ret = rsi_call(&call);
	*bound = call.x[1];
	return ret;
}

/**
 * cca_rsi_token_continue() - RSI_ATTESTATION_TOKEN_CONTINUE
 * @granule: receives the next bytes of the token; RSI_GRANULE_SIZE bytes in the
 *	     linear map, aligned to that size
 * @len: receives the number of bytes written; 0 is normal while the RMM signs
 *
 * Return: 0 at the end of the token, CCA_RSI_INCOMPLETE before it, or an error as
 * in cca_rsi.h
 */
int cca_rsi_token_continue(u8 *granule, size_t *len)
{
	u64 start = trace_start(SMC_RSI_ATTESTATION_TOKEN_CONTINUE);
	u64 status =
		rsi_attestation_token_continue(virt_to_phys(granule), 0, RSI_GRANULE_SIZE, len);

	trace_end(SMC_RSI_ATTESTATION_TOKEN_CONTINUE, status, *len, start);
	return status == RSI_INCOMPLETE ? CCA_RSI_INCOMPLETE : rsi_error(status);
}

/**
 * cca_rsi_protected() - check that the host cannot change an area of memory
 * @start: its address
 * @size: its bytes
 *
 * The RMM makes RAM anything else only at the realm's request, so the answer stays
 * true while nothing in the realm asks for that.
 *
 * Return: true if all of it is protected RAM
 */
bool cca_rsi_protected(phys_addr_t start, size_t size)
{
	phys_addr_t top, end = start + size;
	enum ripas state;

	if (!size || end < start)
		return false;
	end = ALIGN(end, RSI_GRANULE_SIZE);
	for (start = ALIGN_DOWN(start, RSI_GRANULE_SIZE); start < end; start = top)
		if (rsi_ipa_state_get(start, end, &state, &top) != RSI_SUCCESS ||
		    state != RSI_RIPAS_RAM || top <= start)
			return false;
	return true;
}
