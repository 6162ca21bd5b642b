// SPDX-License-Identifier: GPL-2.0-only

#include <linux/arm-smccc.h>
#include <linux/io.h>
#include <linux/ktime.h>

#include <asm/rsi.h>

#include "cca_rsi.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

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

static int rsi_call(union rsi_call *call)
{
	u64 function = call->x[0], start = 0;

	trace_cca_rsi_enter(function);
	if (trace_cca_rsi_exit_enabled())
		start = ktime_get_ns();
	arm_smccc_1_2_smc(&call->regs, &call->regs);
	trace_cca_rsi_exit(function, call->x[0],
			   function == SMC_RSI_ATTESTATION_TOKEN_CONTINUE ? call->x[1] : 0,
			   start ? ktime_get_ns() - start : 0);

	if (call->x[0] == (u64)SMCCC_RET_NOT_SUPPORTED)
		return -EOPNOTSUPP;
	return call->x[0] < ARRAY_SIZE(errors) ? errors[call->x[0]] : -EIO;
}

/**
 * cca_rsi_config_read() - RSI_VERSION and RSI_REALM_CONFIG
 * @config: its abi_lower, abi_higher, ipa_bits, hash_algo and rpv are set
 *
 * Return: 0, -ENOMEM, or an error as in cca_rsi.h
 */
int cca_rsi_config_read(struct cca_rsi_config *config)
{
	/* kmalloc() aligns a power of two to its size, so this is aligned to a granule. */
	struct realm_config *granule __free(kfree) = kzalloc(RSI_GRANULE_SIZE, GFP_KERNEL);
	union rsi_call version = { .x = { SMC_RSI_ABI_VERSION, RSI_ABI_VERSION } };
	union rsi_call call = { .x = { SMC_RSI_REALM_CONFIG } };
	int ret;

	if (!granule)
		return -ENOMEM;
	call.x[1] = virt_to_phys(granule);
	ret = rsi_call(&version) ?: rsi_call(&call);
	if (ret)
		return ret;

	config->abi_lower = version.x[1];
	config->abi_higher = version.x[2];
	config->ipa_bits = granule->ipa_bits;
	/* The kernel declares 64 bits where the RMM writes 8. */
	config->hash_algo = (u8)granule->hash_algo;
	memcpy(config->rpv, granule->rpv, sizeof(config->rpv));
	return 0;
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
	union rsi_call call = { .x = { SMC_RSI_ATTESTATION_TOKEN_CONTINUE, virt_to_phys(granule), 0,
				       RSI_GRANULE_SIZE } };
	int ret = rsi_call(&call);

	*len = call.x[1];
	return call.x[0] == RSI_INCOMPLETE ? CCA_RSI_INCOMPLETE : ret;
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
