// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink operations whose answers are too long for one message. A dump is
 * consistent: a token is complete before its first chunk is sent, and the existing
 * records of the log do not change.
 *
 * The kernel calls the start of a dump, and fills its first buffer, while the request
 * is sent and generic netlink holds its cb_lock, on which other families wait. It
 * fills the later buffers in recvmsg(), when only the socket is locked. A token takes
 * long, so it is made there.
 */

#include <linux/sizes.h>

#include <net/genetlink.h>

#include "cca_rsi.h"
#include "generated/netlink.h"

#define CHUNK_SIZE 3072
#define RECORD_MESSAGE_SIZE SZ_8K

static_assert(CCA_RSI_CHALLENGE_LEN == CCA_RSI_CHALLENGE_SIZE);
static_assert((u32)MLOG_EVENT == CCA_RSI_RECORD_KIND_EVENT);
static_assert((u32)MLOG_BASE == CCA_RSI_RECORD_KIND_BASE);
static_assert((u32)MLOG_FOREIGN == CCA_RSI_RECORD_KIND_FOREIGN);
static_assert((u32)MLOG_BOOT == CCA_RSI_RECORD_KIND_BOOT);
static_assert(CCA_RSI_EVENT_LEN_MAX + SZ_1K < RECORD_MESSAGE_SIZE);

/*
 * Progress of a dump
 * @begun: token-get: the message without a chunk has been sent
 * @token: token-get: the whole token, NULL until it has been made
 * @offset: token-get: the number of its bytes that have been sent
 * @next: log-get: the next record to send
 * @end: log-get: the number of records when the dump began, where it stops
 */
struct dump {
	bool begun;
	struct cca_token *token;
	size_t offset;
	const struct mlog_record *next;
	u64 end;
};

static struct dump *dump_of(struct netlink_callback *cb)
{
	NL_ASSERT_CTX_FITS(struct dump);
	return (struct dump *)cb->ctx;
}

/**
 * cca_rsi_nl_token_get_start() - check the request for a token
 * @cb: the dump
 *
 * Return: 0, -EPERM or -EINVAL
 */
int cca_rsi_nl_token_get_start(struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);
	int ret = cca_netlink_admin(cb->skb, info->extack);

	if (ret)
		return ret;
	return GENL_REQ_ATTR_CHECK(info, CCA_RSI_A_TOKEN_CHALLENGE) ? -EINVAL : 0;
}

/* The request, and so the challenge in it, exists until the dump ends. */
static int token_make(struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);
	struct cca_token *token = cca_token_make(nla_data(info->attrs[CCA_RSI_A_TOKEN_CHALLENGE]));

	if (IS_ERR(token))
		return PTR_ERR(token);
	dump_of(cb)->token = token;
	return 0;
}

static size_t chunk_size(const struct dump *dump)
{
	return min_t(size_t, CHUNK_SIZE, dump->token->size - dump->offset);
}

/* The first message has no attributes. It says only that the dump has begun. */
static int chunk_fill(struct sk_buff *skb, const void *what)
{
	const struct dump *dump = what;
	const struct cca_token *token = dump->token;

	if (!token)
		return 0;
	return nla_put_u32(skb, CCA_RSI_A_TOKEN_SIZE, token->size) ||
	       nla_put_u32(skb, CCA_RSI_A_TOKEN_OFFSET, dump->offset) ||
	       nla_put_uint(skb, CCA_RSI_A_TOKEN_LOG_SEQ, token->log_seq) ||
	       nla_put(skb, CCA_RSI_A_TOKEN_CHUNK, chunk_size(dump), token->data + dump->offset);
}

/**
 * cca_rsi_nl_token_get_dumpit() - make the token, and send its next chunks
 * @skb: receives as many chunks as fit; the first time, the message without one
 * @cb: the dump
 *
 * Return: bytes in @skb, 0 at the end, or an error, also of cca_token_make()
 */
int cca_rsi_nl_token_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);
	struct dump *dump = dump_of(cb);
	int ret;

	/* This call holds cb_lock. A message ends it before the token is made. */
	if (!dump->begun) {
		dump->begun = true;
		return cca_netlink_put(skb, info, chunk_fill, dump) ?: skb->len;
	}
	ret = dump->token ? 0 : token_make(cb);
	if (ret)
		return ret;
	while (dump->offset < dump->token->size) {
		if (cca_netlink_put(skb, info, chunk_fill, dump))
			return skb->len ?: -EMSGSIZE;
		dump->offset += chunk_size(dump);
	}
	return skb->len;
}

/**
 * cca_rsi_nl_token_get_done() - free the token when the dump ends, complete or not
 * @cb: the dump
 *
 * Return: 0
 */
int cca_rsi_nl_token_get_done(struct netlink_callback *cb)
{
	kvfree(dump_of(cb)->token);
	return 0;
}

/**
 * cca_rsi_nl_log_get_start() - find the record where the dump begins
 * @cb: the dump, whose request may have SEQ
 *
 * Return: 0, -EPERM, -EINTR, or an error of mlog_audit()
 */
int cca_rsi_nl_log_get_start(struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);
	const struct nlattr *seq = info->attrs[CCA_RSI_A_MEASUREMENT_SEQ];
	u64 first = seq ? nla_get_uint(seq) : 0;
	struct dump *dump = dump_of(cb);
	int ret = cca_netlink_admin(cb->skb, info->extack);

	if (ret)
		return ret;
	/* -ENOSPC: a foreign record could not be added, but the log can still be read. */
	ret = mlog_audit_now(&cca_log);
	if (ret < 0 && ret != -ENOSPC)
		return ret;
	/* The longest record does not fit into a message of the default size. */
	cb->min_dump_alloc = RECORD_MESSAGE_SIZE;
	dump->end = mlog_seq(&cca_log);
	dump->next = mlog_next(&cca_log, cca_log.head);
	while (dump->next && dump->next->seq < first)
		dump->next = mlog_next(&cca_log, dump->next);
	return 0;
}

/*
 * A base or foreign record has the register's value, which follows the signature. An
 * event of firmware can be too long for a message, and is left out then.
 */
static int event_put(struct sk_buff *skb, const struct mlog_record *record)
{
	size_t size = cca_realm.hash->digest_size;

	if (record->kind == MLOG_BASE || record->kind == MLOG_FOREIGN)
		return nla_put(skb, CCA_RSI_A_MEASUREMENT_VALUE, size,
			       record->event + CCA_RSI_LOG_SIGNATURE_SIZE);
	if (nla_put(skb, CCA_RSI_A_MEASUREMENT_DIGEST, size, record->digest))
		return -EMSGSIZE;
	return record->event_size > CCA_RSI_EVENT_LEN_MAX
		       ? 0
		       : nla_put(skb, CCA_RSI_A_MEASUREMENT_EVENT, record->event_size,
				 record->event);
}

static int record_fill(struct sk_buff *skb, const void *what)
{
	const struct mlog_record *record = what;

	return nla_put_uint(skb, CCA_RSI_A_MEASUREMENT_SEQ, record->seq) ||
	       nla_put_u32(skb, CCA_RSI_A_MEASUREMENT_KIND, record->kind) ||
	       nla_put_u32(skb, CCA_RSI_A_MEASUREMENT_INDEX, record->index) ||
	       nla_put_u32(skb, CCA_RSI_A_MEASUREMENT_EVENT_TYPE, record->event_type) ||
	       event_put(skb, record);
}

/**
 * cca_rsi_nl_log_get_dumpit() - send the next records of the log
 * @skb: receives as many records as fit
 * @cb: the dump
 *
 * Return: bytes in @skb, 0 at the end, or an error
 */
int cca_rsi_nl_log_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dump *dump = dump_of(cb);

	while (dump->next && dump->next->seq < dump->end) {
		if (cca_netlink_put(skb, genl_info_dump(cb), record_fill, dump->next))
			return skb->len ?: -EMSGSIZE;
		dump->next = mlog_next(&cca_log, dump->next);
	}
	return skb->len;
}
