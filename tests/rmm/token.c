/* SPDX-License-Identifier: Apache-2.0 */
/* RSI_ATTESTATION_TOKEN_INIT and _CONTINUE, with one operation per REC. */
#include "mem.h"
#include "rsi.h"

#define TOKEN_BOUND 0x1000  /* the upper bound of the size that TF-RMM reports */
#define GIVE_UP	    10000UL /* ms that a realm waits for the signer */
#define SEND_AGAIN  2000UL  /* ms until a request is repeated: hes may start late */

enum rsi_status token_init(struct rsi_call *call)
{
	struct realm *realm = call->realm;
	struct token *t = &call->rec->token;
	struct channel_request *r = &t->request;

	memset(t, 0, sizeof(*t));
	memcpy(r->challenge, &call->in[1], sizeof(r->challenge));
	memcpy(r->rpv, realm->rpv, sizeof(r->rpv));
	memcpy(r->measurement, realm->measurement, sizeof(r->measurement));
	memcpy(r->before, realm->before, sizeof(r->before));
	r->hash_algo = (uint8_t)realm->hash_algo;
	t->state = TOKEN_WAITING;
	t->seq = ++realm->seq;
	realm->ops->token_send(call->rec);
	call->x[1] = TOKEN_BOUND;
	return RSI_SUCCESS;
}

void token_answer(struct realm *realm, uint16_t rec, uint32_t seq, const void *bytes, uint32_t size)
{
	struct token *t = &realm->rec[rec % REC_MAX].token;

	if (rec >= realm->vcpus)
		return;
	realm->heard = realm->ops->now(); /* an answer that is too late is not silence */
	if (t->state != TOKEN_WAITING || t->seq != seq)
		return;
	if (!bytes || !size || size > sizeof(t->bytes)) {
		t->state = bytes && size ? TOKEN_OVERSIZE : TOKEN_REFUSED;
		return;
	}
	memcpy(t->bytes, bytes, size);
	t->size = size;
	t->state = TOKEN_READY;
}

/* ripas_set() ignores a page to destroy that is not in the realm's memory; page 0 is not. */
void token_fault(struct realm *realm, uint16_t rec, uint32_t seq, const struct channel_fault *fault)
{
	struct token *t = &realm->rec[rec % REC_MAX].token;
	uint64_t ipa = (uint64_t)fault->destroy * GRANULE;

	if (rec >= realm->vcpus || t->seq != seq)
		return;
	t->fault = *fault;
	t->since = realm->ops->now(); /* the token that a cleared fault held is still on its way */
	ripas_set(&realm->ripas, ipa, ipa + GRANULE, RIPAS_DESTROYED, true,
		  realm->ops->ripas_changed);
	realm->ops->ripas_sync();
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/*
 * The signer has not answered yet. Repeats the request from time to time and finally gives up. A
 * signer that answers other RECs may only be slow: then the realm waits up to twice as long.
 */
static enum rsi_status token_wait(const struct realm *realm, struct rec *rec)
{
	struct token *t = &rec->token;
	uint64_t patience = t->fault.patience ? t->fault.patience : GIVE_UP,
		 now = realm->ops->now();

	if (now - later(t->since, realm->heard) >= patience || now - t->since >= 2 * patience) {
		t->state = TOKEN_IDLE;
		return RSI_ERROR_UNKNOWN;
	}
	if (now - t->sent >= SEND_AGAIN) {
		t->sent = now;
		realm->ops->token_send(rec);
	}
	return RSI_INCOMPLETE;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Arguments: granule, offset, size */
static enum rsi_status token_copy(struct rsi_call *call)
{
	struct token *t = &call->rec->token;
	const struct channel_fault *fault = &t->fault;
	uint64_t end = t->size + fault->extra, size = call->in[3];
	uint8_t *page;
	enum rsi_status status = rsi_page(call->realm, call->in[1], &page);

	if (status)
		return status;
	if (fault->idle == CHANNEL_FOR_EVER || call->realm->ops->now() - t->since < fault->idle)
		return RSI_INCOMPLETE;
	if (fault->fail)
		end = less(end, fault->fail_after);
	size = less(fault->chunk ? less(size, fault->chunk) : size, end - less(end, t->copied));
	for (uint64_t i = 0; i < size; i++) /* extra bytes repeat the buffer from its start */
		page[call->in[2] + i] = t->bytes[t->copied++ % sizeof(t->bytes)];
	call->x[1] = size;
	if (t->copied < end || (fault->fail && size))
		return RSI_INCOMPLETE;
	t->state = TOKEN_IDLE;
	return fault->fail ? RSI_ERROR_UNKNOWN : RSI_SUCCESS;
}

/* As in TF-RMM, an EMPTY granule is refused only when the token is there. */
enum rsi_status token_continue(struct rsi_call *call)
{
	uint64_t ipa = call->in[1], offset = call->in[2], size = call->in[3];
	struct token *t = &call->rec->token;
	bool oversize;

	if (ipa % GRANULE || offset >= GRANULE || size > GRANULE - offset ||
	    !realm_is_protected(call->realm, ipa, ipa + GRANULE))
		return RSI_ERROR_INPUT;
	if (t->state == TOKEN_IDLE)
		return RSI_ERROR_STATE;
	if (!t->begun)
		t->since = t->sent = call->realm->ops->now();
	t->begun = true;
	call->realm->ops->token_poll(call->realm);
	if (t->state == TOKEN_WAITING)
		return token_wait(call->realm, call->rec);
	if (t->state == TOKEN_READY)
		return token_copy(call);
	oversize = t->state == TOKEN_OVERSIZE;
	t->state = TOKEN_IDLE;
	return oversize && call->realm->quirks & QUIRK_OVERSIZE_INPUT ? RSI_ERROR_INPUT :
									RSI_ERROR_UNKNOWN;
}
