/* SPDX-License-Identifier: Apache-2.0 */
#include "rsi.h"

#include "base/array.h"
#include "mem.h"

#define EXTEND_MAX	   64
#define MEM_GET_PERM_VALUE 0x10 /* relative to RSI_FID_FIRST; a command of RSI 1.1 */
#define PERM_ALL	   0xf
#define FEATURE_DA	   1
#define HOST_CALL_ALIGN	   256 /* also the size: imm, 31 registers from byte 8 */
#define CHANGE_DESTROYED   1   /* a flag of IPA_STATE_SET */

enum { RSI_ACCEPT, RSI_REJECT };

/* RsiRealmConfig */
struct realm_config {
	uint64_t ipa_width;
	uint64_t hash_algo;
	uint64_t num_aux_planes; /* this field and the next are of RSI 1.1 */
	uint64_t gicv3_vtr;
	uint8_t pad[0x200 - 32];
	uint8_t rpv[64];
};

enum rsi_status rsi_page(struct realm *realm, uint64_t ipa, uint8_t **page)
{
	enum ripas state = ripas_at(&realm->ripas, ipa);

	if (state == RIPAS_EMPTY)
		return RSI_ERROR_INPUT;
	if (state == RIPAS_DESTROYED)
		return RSI_FAULT;
	*page = realm->ops->page(ipa);
	return RSI_SUCCESS;
}

static bool quirk(const struct rsi_call *call, enum quirk which)
{
	return call->realm->quirks & which;
}

static enum rsi_status version(struct rsi_call *call)
{
	uint64_t asked = call->in[1];
	uint64_t highest = quirk(call, QUIRK_RSI_1_1) ? RSI_VERSION_1_1 : RSI_VERSION_1_0;
	bool offered = asked >= RSI_VERSION_1_0 && asked <= highest;

	call->x[1] = offered ? asked : highest;
	call->x[2] = highest;
	return offered ? RSI_SUCCESS : RSI_ERROR_INPUT;
}

static enum rsi_status features(struct rsi_call *call)
{
	if (call->in[1] == 0 && quirk(call, QUIRK_FEATURE_DA))
		call->x[1] = FEATURE_DA;
	return RSI_SUCCESS;
}

static enum rsi_status measurement_read(struct rsi_call *call)
{
	bool keeps = quirk(call, QUIRK_READ_KEEPS);
	size_t size = keeps ? hash_size(call->realm->hash_algo) : HASH_SIZE_MAX;
	uint64_t index = call->in[1];

	if (!keeps)
		memset(&call->x[1], 0, HASH_SIZE_MAX);
	if (index >= REALM_MEASUREMENTS)
		return RSI_ERROR_INPUT;
	call->x[8] = 0;
	memcpy(&call->x[1], call->realm->measurement[index], size);
	return RSI_SUCCESS;
}

/*
 * TF-RMM computes REM = H(REM || value) over the bytes that each has. The specification fills both
 * with zeros to 64 bytes. The two agree only for SHA-512 with a value of 64 bytes.
 */
void rsi_rem_extend(struct realm *realm, uint64_t index, const void *value, size_t size)
{
	uint8_t *rem = realm->measurement[index];
	enum hash_algorithm algo = realm->hash_algo;
	_Alignas(8) uint8_t text[HASH_SIZE_MAX + EXTEND_MAX];
	bool fill = realm->quirks & QUIRK_REM_SPEC;
	size_t old = fill ? HASH_SIZE_MAX : hash_size(algo);

	memset(text, 0, sizeof(text));
	memcpy(text, rem, old);
	memcpy(text + old, value, size);
	hash_bytes(algo, text, fill ? sizeof(text) : old + size, rem);
}

static enum rsi_status measurement_extend(struct rsi_call *call)
{
	uint64_t index = call->in[1], size = call->in[2];

	if (index < 1 || index >= REALM_MEASUREMENTS || size > EXTEND_MAX)
		return RSI_ERROR_INPUT;
	memcpy(call->realm->before, call->realm->measurement[1], sizeof(call->realm->before));
	rsi_rem_extend(call->realm, index, &call->in[3], size);
	return RSI_SUCCESS;
}

static enum rsi_status config(struct rsi_call *call)
{
	struct realm *realm = call->realm;
	uint64_t ipa = call->in[1];
	struct realm_config *c;
	enum rsi_status status;
	uint8_t *page;

	if (ipa % GRANULE || !realm_is_protected(realm, ipa, ipa + GRANULE))
		return RSI_ERROR_INPUT;
	status = rsi_page(realm, ipa, &page);
	if (status)
		return status;
	memset(page, 0, GRANULE);
	c = (struct realm_config *)page;
	c->ipa_width = realm->ipa_bits;
	c->hash_algo = realm->hash_algo;
	if (realm->hash_algo == HASH_SHA384 && quirk(call, QUIRK_SHA384_AS_SHA512))
		c->hash_algo = HASH_SHA512;
	if (quirk(call, QUIRK_GICV3_VTR))
		c->gicv3_vtr = realm->gicv3_vtr;
	memcpy(c->rpv, realm->rpv, sizeof(c->rpv));
	return RSI_SUCCESS;
}

static bool range_is_valid(const struct rsi_call *call)
{
	uint64_t base = call->in[1], top = call->in[2];

	return !(base % GRANULE) && !(top % GRANULE) && realm_is_protected(call->realm, base, top);
}

/* Arguments: base, top, RIPAS, flags. The host grants all changes in memory, a batch at a time. */
static enum rsi_status ipa_state_set(struct rsi_call *call)
{
	struct realm *realm = call->realm;
	const uint64_t *in = call->in;
	uint64_t *x = call->x;

	if (in[3] > RIPAS_RAM || !range_is_valid(call))
		return RSI_ERROR_INPUT;
	x[1] = ripas_set(&realm->ripas, in[1], in[2], (enum ripas)in[3], in[4] & CHANGE_DESTROYED,
			 realm->ops->ripas_changed);
	x[2] = x[1] == in[1] ? RSI_REJECT : RSI_ACCEPT;
	realm->ops->ripas_sync();
	return RSI_SUCCESS;
}

static enum rsi_status ipa_state_get(struct rsi_call *call)
{
	enum ripas state;

	if (!range_is_valid(call))
		return RSI_ERROR_INPUT;
	call->x[1] = ripas_get(&call->realm->ripas, call->in[1], call->in[2], &state);
	call->x[2] = state;
	return RSI_SUCCESS;
}

/* The bench has no host calls. Like KVM for an unknown one, it sets gprs[0] to NOT_SUPPORTED. */
static enum rsi_status host_call(struct rsi_call *call)
{
	uint64_t ipa = call->in[1], unsupported = SMC_UNKNOWN;
	enum rsi_status status;
	uint8_t *page;

	if (ipa % HOST_CALL_ALIGN || !realm_is_protected(call->realm, ipa, ipa + HOST_CALL_ALIGN))
		return RSI_ERROR_INPUT;
	status = rsi_page(call->realm, ipa & ~(GRANULE - 1UL), &page);
	if (status)
		return status;
	memcpy(page + ipa % GRANULE + 8, &unsupported, sizeof(unsupported));
	memcpy(&call->x[1], &call->in[1], 3 * sizeof(uint64_t)); /* only x0 changes */
	return RSI_SUCCESS;
}

/* Arguments: plane, index. Without planes the realm is plane 0, which has all permissions. */
static enum rsi_status mem_get_perm_value(struct rsi_call *call)
{
	if (call->in[1] || call->in[2])
		return RSI_ERROR_INPUT;
	call->x[1] = PERM_ALL;
	return RSI_SUCCESS;
}

static enum rsi_status unknown(struct rsi_call *call)
{
	(void)call;
	return RSI_UNKNOWN;
}

typedef enum rsi_status rsi_command(struct rsi_call *call);

static rsi_command *command_find(const struct realm *realm, uint64_t fid)
{
	static rsi_command *const commands[] = {
		version,	features, measurement_read, measurement_extend, token_init,
		token_continue, config,	  ipa_state_set,    ipa_state_get,	host_call,
	};
	uint32_t index = (uint32_t)fid - RSI_FID_FIRST;

	if (index == MEM_GET_PERM_VALUE && realm->quirks & QUIRK_PERM_VALUE)
		return mem_get_perm_value;
	return index < ARRAY_SIZE(commands) ? commands[index] : unknown;
}

bool rsi_execute(struct realm *realm, struct rec *rec, uint64_t *x)
{
	struct rsi_call call = { .realm = realm, .rec = rec, .x = x };
	enum rsi_status status;

	memcpy(call.in, x, sizeof(call.in));
	memset(&x[1], 0, 3 * sizeof(*x));
	status = command_find(realm, x[0])(&call);
	if (status == RSI_FAULT)
		memcpy(x, call.in, sizeof(call.in));
	else
		x[0] = status == RSI_UNKNOWN ? SMC_UNKNOWN : status;
	return status != RSI_FAULT;
}
