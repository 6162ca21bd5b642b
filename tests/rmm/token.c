/* SPDX-License-Identifier: Apache-2.0 */
/* RSI_ATTESTATION_TOKEN_INIT and _CONTINUE; one operation a REC. */
#include "mem.h"
#include "rsi.h"

#define TOKEN_BOUND	0x1000		/* what TF-RMM gives as the token's upper bound */
#define GIVE_UP		10000UL		/* ms that a realm waits for the signer */
#define SEND_AGAIN	2000UL		/* ms; the signer may have come up since */

enum rsi_status token_init(struct rsi_call *call)
{
	struct realm *realm = call->realm;
	struct token *t = &call->rec->token;
	struct channel_request *r = &t->request;

	memset(t, 0, sizeof(*t));
	memcpy(r->challenge, &call->in[1], sizeof(r->challenge));
	memcpy(r->rpv, realm->rpv, sizeof(r->rpv));
	memcpy(r->measurement, realm->measurement, sizeof(r->measurement));
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

	if (rec >= realm->vcpus || t->state != TOKEN_WAITING || t->seq != seq)
		return;
	realm->heard = realm->ops->now();
	if (!bytes || !size || size > sizeof(t->bytes)) {
		t->state = bytes && size ? TOKEN_OVERSIZE : TOKEN_REFUSED;
		return;
	}
	memcpy(t->bytes, bytes, size);
	t->size = size;
	t->state = TOKEN_READY;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/*
 * The signer has not answered yet: ask it again now and then, and not for ever. While it answers
 * other RECs, this one's turn is still to come.
 */
static enum rsi_status token_wait(const struct realm *realm, struct rec *rec)
{
	struct token *t = &rec->token;
	uint64_t now = realm->ops->now();

	if (!t->since)
		t->since = t->sent = now;
	if (now - later(t->since, realm->heard) >= GIVE_UP) {
		t->state = TOKEN_IDLE;
		return RSI_ERROR_UNKNOWN;
	}
	if (now - later(t->sent, realm->heard) >= SEND_AGAIN) {
		t->sent = now;
		realm->ops->token_send(rec);
	}
	return RSI_INCOMPLETE;
}

/* granule, offset, size */
static enum rsi_status token_copy(struct rsi_call *call)
{
	struct token *t = &call->rec->token;
	uint64_t left = t->size - t->copied, size = call->in[3] < left ? call->in[3] : left;
	enum rsi_status status;
	uint8_t *page;

	status = rsi_page(call->realm, call->in[1], &page);
	if (status)
		return status;
	memcpy(page + call->in[2], t->bytes + t->copied, size);
	t->copied += (uint32_t)size;
	call->x[1] = size;
	if (t->copied < t->size)
		return RSI_INCOMPLETE;
	t->state = TOKEN_IDLE;
	return RSI_SUCCESS;
}

/* A granule that is EMPTY is refused only once the token is there. */
enum rsi_status token_continue(struct rsi_call *call)
{
	uint64_t ipa = call->in[1], offset = call->in[2], size = call->in[3];
	struct token *t = &call->rec->token;
	bool oversize;

	if (ipa % GRANULE || offset >= GRANULE || size > GRANULE - offset)
		return RSI_ERROR_INPUT;
	if (!realm_is_protected(call->realm, ipa, ipa + GRANULE))
		return RSI_ERROR_INPUT;
	if (t->state == TOKEN_IDLE)
		return RSI_ERROR_STATE;
	call->realm->ops->token_poll(call->realm);
	if (t->state == TOKEN_WAITING)
		return token_wait(call->realm, call->rec);
	if (t->state == TOKEN_READY)
		return token_copy(call);
	oversize = t->state == TOKEN_OVERSIZE;
	t->state = TOKEN_IDLE;
	if (oversize && call->realm->quirks & QUIRK_OVERSIZE_INPUT)
		return RSI_ERROR_INPUT;
	return RSI_ERROR_UNKNOWN;
}
