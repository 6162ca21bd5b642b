/* SPDX-License-Identifier: Apache-2.0 */
#include "rsi.h"

#include "mem.h"

#define EXTEND_MAX		64
#define HOST_CALL_ALIGN		256	/* and size: imm, then 31 registers from byte 8 on */
#define CHANGE_DESTROYED	1	/* flag of IPA_STATE_SET */

enum { RSI_ACCEPT, RSI_REJECT };

/* RsiRealmConfig */
struct realm_config {
	uint64_t ipa_width;
	uint64_t hash_algo;
	uint8_t pad[0x200 - 16];
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

static enum rsi_status version(struct rsi_call *call)
{
	call->x[1] = RSI_VERSION_1_0;
	call->x[2] = RSI_VERSION_1_0;
	return call->in[1] == RSI_VERSION_1_0 ? RSI_SUCCESS : RSI_ERROR_INPUT;
}

/* No optional feature, whichever register is asked for. */
static enum rsi_status features(struct rsi_call *call)
{
	call->x[1] = 0;
	return RSI_SUCCESS;
}

static enum rsi_status measurement_read(struct rsi_call *call)
{
	uint64_t index = call->in[1];

	memset(&call->x[1], 0, HASH_MAX);
	if (index >= REALM_MEASUREMENTS)
		return RSI_ERROR_INPUT;
	memcpy(&call->x[1], call->realm->measurement[index], HASH_MAX);
	return RSI_SUCCESS;
}

/* TF-RMM's rule, REM = H(REM || value): unlike the specification's it pads neither of the two. */
static enum rsi_status measurement_extend(struct rsi_call *call)
{
	enum hash_algo algo = call->realm->hash_algo;
	uint64_t index = call->in[1], size = call->in[2];
	_Alignas(8) uint8_t text[HASH_MAX + EXTEND_MAX];
	uint8_t *rem;

	if (index < 1 || index >= REALM_MEASUREMENTS)
		return RSI_ERROR_INPUT;
	if (size > EXTEND_MAX)
		return RSI_ERROR_INPUT;
	rem = call->realm->measurement[index];
	memcpy(text, rem, hash_size(algo));
	memcpy(text + hash_size(algo), &call->in[3], size);
	hash_bytes(algo, text, hash_size(algo) + size, rem);
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
	memcpy(c->rpv, realm->rpv, sizeof(c->rpv));
	return RSI_SUCCESS;
}

static bool range_is_valid(const struct rsi_call *call)
{
	uint64_t base = call->in[1], top = call->in[2];

	return !(base % GRANULE) && !(top % GRANULE) && realm_is_protected(call->realm, base, top);
}

/* base, top, RIPAS, flags. The host grants whatever lies in memory, a batch at a time. */
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

/* The bench's host knows no calls: as KVM does, it puts SMCCC's NOT_SUPPORTED into gprs[0]. */
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
	memcpy(&call->x[1], &call->in[1], 3 * sizeof(uint64_t));	/* all but x0 stay */
	return RSI_SUCCESS;
}

static enum rsi_status (*const commands[])(struct rsi_call *call) = {
	version, features, measurement_read, measurement_extend, token_init, token_continue,
	config, ipa_state_set, ipa_state_get, host_call,
};

bool rsi_execute(struct realm *realm, struct rec *rec, uint64_t *x)
{
	struct rsi_call call = { .realm = realm, .rec = rec, .x = x };
	uint32_t index = (uint32_t)x[0] - RSI_FID_FIRST;
	enum rsi_status status;

	memcpy(call.in, x, sizeof(call.in));
	memset(&x[1], 0, 3 * sizeof(*x));
	if (index >= ARRAY_SIZE(commands)) {
		x[0] = SMC_UNKNOWN;
		return true;
	}
	status = commands[index](&call);
	if (status == RSI_FAULT)
		memcpy(x, call.in, sizeof(call.in));
	else
		x[0] = status;
	return status != RSI_FAULT;
}
