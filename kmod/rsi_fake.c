// SPDX-License-Identifier: GPL-2.0-only
/*
 * The functions of rsi.c without an RMM: for tests on any arm64 machine, never for
 * use. They have the same arguments and results, or fail as the module's parameters
 * request, which can be written while the module runs. Registers are extended with the
 * real hash. The tokens are not real, but come as the RMM's do, in pieces and with
 * pauses, and contain the challenge and the registers as CBOR byte strings.
 */

#include <crypto/sha2.h>

#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/percpu.h>

#include "cca_rsi.h"

#define BYTE_STRING_HEAD 2
#define FAKE_HEAD_MAX                                                                       \
	((BYTE_STRING_HEAD + CCA_RSI_DIGEST_MAX) * CCA_REALM_REGISTERS + BYTE_STRING_HEAD + \
	 CCA_RSI_CHALLENGE_SIZE)
#define FAKE_IPA_BITS 40
#define FAKE_RSI_1_1 0x10001
#define FAKE_VTR 0x90080003

enum fake_call {
	FAKE_NONE,
	FAKE_VERSION,
	FAKE_CONFIG,
	FAKE_READ,
	FAKE_EXTEND,
	FAKE_INIT,
	FAKE_CONTINUE,
	FAKE_FEATURES,
};

enum fake_fault {
	FAULT_NONE,
	FAULT_LENGTH,
	FAULT_ENDLESS,
	FAULT_EMPTY,
	FAULT_STUCK,
	FAULT_RULE,
};

static unsigned int seed = 1;
module_param(seed, uint, 0644);
MODULE_PARM_DESC(seed, "seed for the sizes of the pieces of a token; advances with each piece");

static unsigned int hash = CCA_RSI_HASH_SHA256;
module_param(hash, uint, 0444);
MODULE_PARM_DESC(hash, "the realm's algorithm as RSI numbers it");

static unsigned int rsi = RSI_ABI_VERSION;
module_param(rsi, uint, 0444);
MODULE_PARM_DESC(rsi, "highest RSI revision, major << 16 | minor; from 1.1 on there are planes");

static unsigned long features;
module_param(features, ulong, 0444);
MODULE_PARM_DESC(features, "RSI feature register 0");

static unsigned int aux_planes;
module_param(aux_planes, uint, 0444);
MODULE_PARM_DESC(aux_planes, "number of auxiliary planes, and the plane of devices, with RSI 1.1");

static unsigned int token_size;
module_param(token_size, uint, 0644);
MODULE_PARM_DESC(token_size, "bytes in a token; 0: a size derived from the challenge");

static unsigned long bound;
module_param(bound, ulong, 0644);
MODULE_PARM_DESC(bound, "upper bound to announce, correct or not; 0: a correct one");

static unsigned int fail_call;
module_param(fail_call, uint, 0644);
MODULE_PARM_DESC(fail_call, "the call that fails, an enum fake_call: 1 version ... 7 features");

static long fail_status;
module_param(fail_status, long, 0644);
MODULE_PARM_DESC(fail_status, "RSI status that fail_call returns");

static unsigned int fail_skip;
module_param(fail_skip, uint, 0644);
MODULE_PARM_DESC(fail_skip, "number of calls that succeed first; counts down");

static unsigned int fail_times;
module_param(fail_times, uint, 0644);
MODULE_PARM_DESC(fail_times, "number of calls that fail then; counts down");

static bool late;
module_param(late, bool, 0644);
MODULE_PARM_DESC(late, "sample the registers at the token's first piece, not at its start");

static unsigned int fault;
module_param(fault, uint, 0644);
MODULE_PARM_DESC(fault,
		 "1 too long a piece, 2 no end, 3 empty, 4 no progress, 5 other extend rule");

/* This taints the kernel, and modinfo shows it. */
MODULE_INFO(test, "Y");

/* The token in progress, one per vCPU as in the RMM */
struct fake_token {
	u8 head[FAKE_HEAD_MAX];
	u8 challenge[CCA_RSI_CHALLENGE_SIZE];
	size_t head_size;
	size_t size;
	size_t sent;
	bool running;
};

static DEFINE_PER_CPU(struct fake_token, tokens);
static u8 registers[CCA_REALM_REGISTERS][CCA_RSI_DIGEST_MAX];

static const struct fake_hash {
	size_t size;
	void (*digest)(const u8 *data, size_t size, u8 *result);
} hashes[] = {
	[CCA_RSI_HASH_SHA256] = { SHA256_DIGEST_SIZE, sha256 },
	[CCA_RSI_HASH_SHA512] = { SHA512_DIGEST_SIZE, sha512 },
	[CCA_RSI_HASH_SHA384] = { SHA384_DIGEST_SIZE, sha384 },
};

static const struct fake_hash *hash_used(void)
{
	return &hashes[hash < ARRAY_SIZE(hashes) ? hash : CCA_RSI_HASH_SHA256];
}

static u32 random_below(u32 limit)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % limit;
}

/* Returns the result of a valid @call: 0 unless the parameters request a failure. */
static int call_status(enum fake_call call)
{
	if (fail_call != call || !fail_times)
		return 0;
	if (fail_skip) {
		fail_skip--;
		return 0;
	}
	fail_times--;
	switch (fail_status) {
	case RSI_SUCCESS:
		return 0;
	case RSI_ERROR_INPUT:
		return -EINVAL;
	case RSI_ERROR_STATE:
		return -ESTALE;
	case SMCCC_RET_NOT_SUPPORTED:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}

/* Sets the fields that RSI 1.0 or the requested failure may lack. */
static void config_present_set(struct cca_rsi_config *config)
{
	config->abi = min(rsi, FAKE_RSI_1_1);
	config->present = CCA_RSI_CONFIG_P_ABI;
	if (!call_status(FAKE_FEATURES)) {
		config->features = features;
		config->present |= CCA_RSI_CONFIG_P_FEATURES;
	}
	if (rsi < FAKE_RSI_1_1)
		return;
	config->aux_planes = aux_planes;
	config->gicv3_vtr = FAKE_VTR;
	config->ats_plane = aux_planes;
	config->present |= CCA_RSI_CONFIG_P_AUX_PLANES | CCA_RSI_CONFIG_P_GICV3_VTR |
			   CCA_RSI_CONFIG_P_ATS_PLANE;
}

int cca_rsi_config_read(struct cca_rsi_config *config)
{
	int ret = call_status(FAKE_VERSION) ?: call_status(FAKE_CONFIG);

	if (ret)
		return ret;
	pr_warn("the RSI of this build is a fake, for tests only\n");
	config->abi_lower = RSI_ABI_VERSION;
	config->abi_higher = rsi;
	config_present_set(config);
	config->ipa_bits = FAKE_IPA_BITS;
	config->hash_algo = hash;
	memset(config->rpv, 0, sizeof(config->rpv));
	memcpy(config->rpv, "a fake realm", strlen("a fake realm"));
	hash_used()->digest(config->rpv, sizeof(config->rpv), registers[0]);
	return 0;
}

int cca_rsi_measurement_read(u32 index, u8 *value, size_t size)
{
	int ret = call_status(FAKE_READ);

	lockdep_assert_held(&cca_log.lock);
	if (ret)
		return ret;
	if (index >= CCA_REALM_REGISTERS || size > CCA_RSI_DIGEST_MAX)
		return -EINVAL;
	/* An RMM may leave anything beyond a register's value. */
	memset(value, 0xa5, size);
	memcpy(value, registers[index], min(size, hash_used()->size));
	return 0;
}

int cca_rsi_measurement_extend(u32 index, const u8 *digest, size_t size)
{
	u8 joined[2 * CCA_RSI_DIGEST_MAX];
	size_t width = hash_used()->size;
	int ret = call_status(FAKE_EXTEND);

	lockdep_assert_held(&cca_log.lock);
	if (ret)
		return ret;
	if (!index || index >= CCA_REALM_REGISTERS || size > CCA_RSI_DIGEST_MAX)
		return -EINVAL;
	memcpy(joined, registers[index], width);
	memcpy(joined + width, digest, size);
	hash_used()->digest(joined, width + size, registers[index]);
	registers[index][0] ^= fault == FAULT_RULE;
	return 0;
}

static void head_add(struct fake_token *token, const u8 *bytes, size_t size)
{
	u8 *end = token->head + token->head_size;

	end[0] = 0x58;
	end[1] = size;
	memcpy(end + BYTE_STRING_HEAD, bytes, size);
	token->head_size += BYTE_STRING_HEAD + size;
}

static void registers_sample(struct fake_token *token)
{
	unsigned int i;

	token->head_size = 0;
	head_add(token, token->challenge, sizeof(token->challenge));
	for (i = 0; i < CCA_REALM_REGISTERS; i++)
		head_add(token, registers[i], hash_used()->size);
}

int cca_rsi_token_init(const u8 *challenge, size_t *announced)
{
	/* this_cpu_ptr() warns about a caller that is not pinned. */
	struct fake_token *token = this_cpu_ptr(&tokens);
	int ret = call_status(FAKE_INIT);

	lockdep_assert_held(&cca_token_lock);
	lockdep_assert_held(&cca_log.lock);
	token->running = !ret;
	if (ret)
		return ret;
	memcpy(token->challenge, challenge, sizeof(token->challenge));
	registers_sample(token);
	token->sent = 0;
	token->size = token_size ?: 4000 + challenge[0] * 16 + challenge[1];
	token->size = max(token->size, token->head_size);
	*announced = bound ?: token->size + random_below(100);
	return 0;
}

/* Depends on challenge and position, to reveal pieces that are lost, doubled or another token's */
static u8 token_byte(const struct fake_token *token, size_t at)
{
	if (at < token->head_size)
		return token->head[at];
	return token->challenge[at % sizeof(token->challenge)] ^ (at / sizeof(token->challenge));
}

/* Writes the next @len bytes of the token. */
static int token_send(struct fake_token *token, u8 *to, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		to[i] = token_byte(token, token->sent++);
	token->running = token->sent != token->size;
	return token->running ? CCA_RSI_INCOMPLETE : 0;
}

static int token_fault(struct fake_token *token, u8 *to, size_t size, size_t *len)
{
	switch (fault) {
	case FAULT_LENGTH:
		*len = size + 1;
		return CCA_RSI_INCOMPLETE;
	case FAULT_ENDLESS:
		*len = size;
		token->size = token->sent + size + 1;
		return token_send(token, to, size);
	case FAULT_EMPTY:
		return 0;
	default:
		return CCA_RSI_INCOMPLETE;
	}
}

int cca_rsi_token_continue(u8 *granule, size_t *len)
{
	struct fake_token *token = this_cpu_ptr(&tokens);
	int ret = call_status(FAKE_CONTINUE);
	size_t size = RSI_GRANULE_SIZE;

	lockdep_assert_held(&cca_token_lock);
	*len = 0;
	if (ret)
		return ret;
	if (!IS_ALIGNED((unsigned long)granule, RSI_GRANULE_SIZE))
		return -EINVAL;
	if (!token->running)
		return -ESTALE;
	if (fault && fault != FAULT_RULE)
		return token_fault(token, granule, size, len);
	if (late && !token->sent)
		registers_sample(token);
	/* As if an interrupt had stopped the RMM */
	if (!random_below(3))
		return CCA_RSI_INCOMPLETE;
	if (random_below(2))
		size = min(size, 1 + random_below(1000));
	*len = min(size, token->size - token->sent);
	return token_send(token, granule, *len);
}

bool cca_rsi_protected(phys_addr_t start, size_t size)
{
	return size && start + size > start;
}
