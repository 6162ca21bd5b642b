// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink operations whose answers are too long for one message. A dump
 * cannot tear: a token is made before its first chunk is sent, and a part of the
 * log that is there does not change.
 */

#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <net/genetlink.h>

#include <uapi/linux/cca_rsi.h>

#include "generated/netlink.h"
#include "log.h"
#include "realm.h"
#include "token.h"

#define CHUNK_SIZE		3072
#define RECORD_MESSAGE_SIZE	SZ_8K

static_assert(CCA_RSI_CHALLENGE_LEN == CCA_RSI_CHALLENGE_SIZE);
static_assert(CCA_REALM_EVENT_MAX + SZ_1K < RECORD_MESSAGE_SIZE);

struct token_dump {
	struct cca_token token;
	size_t offset;
};

static struct token_dump *token_dump(struct netlink_callback *cb)
{
	NL_ASSERT_CTX_FITS(struct token_dump);
	return (struct token_dump *)cb->ctx;
}

/**
 * cca_rsi_nl_token_get_start() - make the token that the dump will carry
 * @cb: the dump
 *
 * Return: 0 or an error
 */
int cca_rsi_nl_token_get_start(struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);

	if (GENL_REQ_ATTR_CHECK(info, CCA_RSI_A_TOKEN_CHALLENGE))
		return -EINVAL;
	return cca_token_make(nla_data(info->attrs[CCA_RSI_A_TOKEN_CHALLENGE]),
			      &token_dump(cb)->token);
}

static int chunk_put(struct sk_buff *skb, struct netlink_callback *cb, size_t size)
{
	const struct token_dump *dump = token_dump(cb);
	void *head = genlmsg_iput(skb, genl_info_dump(cb));

	if (!head)
		return -EMSGSIZE;
	if (nla_put_u32(skb, CCA_RSI_A_TOKEN_SIZE, dump->token.size) ||
	    nla_put_u32(skb, CCA_RSI_A_TOKEN_OFFSET, dump->offset) ||
	    nla_put_uint(skb, CCA_RSI_A_TOKEN_LOG_SEQ, dump->token.log_seq) ||
	    nla_put(skb, CCA_RSI_A_TOKEN_CHUNK, size, dump->token.data + dump->offset)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

/**
 * cca_rsi_nl_token_get_dumpit() - the next chunks of the token
 * @skb: takes as many as there is room for
 * @cb: the dump
 *
 * Return: bytes in @skb, 0 at the end, or an error
 */
int cca_rsi_nl_token_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct token_dump *dump = token_dump(cb);
	size_t size;

	while (dump->offset < dump->token.size) {
		size = min_t(size_t, CHUNK_SIZE, dump->token.size - dump->offset);
		if (chunk_put(skb, cb, size))
			return skb->len ?: -EMSGSIZE;
		dump->offset += size;
	}
	return skb->len;
}

/**
 * cca_rsi_nl_token_get_done() - the dump is over, or given up
 * @cb: the dump
 *
 * Return: 0
 */
int cca_rsi_nl_token_get_done(struct netlink_callback *cb)
{
	kvfree(token_dump(cb)->token.data);
	return 0;
}

struct log_dump {
	const struct cca_record *next;
	u64 end;
};

static struct log_dump *log_dump(struct netlink_callback *cb)
{
	NL_ASSERT_CTX_FITS(struct log_dump);
	return (struct log_dump *)cb->ctx;
}

/**
 * cca_rsi_nl_log_get_start() - find the record where the dump begins
 * @cb: the dump; perhaps SEQ
 *
 * Return: 0, -EINTR, or an error of cca_realm_audit()
 */
int cca_rsi_nl_log_get_start(struct netlink_callback *cb)
{
	const struct nlattr *seq = genl_info_dump(cb)->attrs[CCA_RSI_A_MEASUREMENT_SEQ];
	const struct cca_record *record;
	u64 first = seq ? nla_get_uint(seq) : 0;
	int ret;

	/* A log without room for one more finding can still be read. */
	ret = cca_realm_audit_now();
	if (ret < 0 && ret != -ENOSPC)
		return ret;
	/* The longest record is longer than the usual message. */
	cb->min_dump_alloc = RECORD_MESSAGE_SIZE;
	log_dump(cb)->end = cca_log_seq();
	record = cca_log_next(cca_log_next(NULL));
	while (record && record->seq < first)
		record = cca_log_next(record);
	log_dump(cb)->next = record;
	return 0;
}

static int event_put(struct sk_buff *skb, const struct cca_event *event)
{
	if (event->kind != CCA_RSI_RECORD_KIND_EVENT)
		return nla_put(skb, CCA_RSI_A_MEASUREMENT_VALUE, event->digest_size, event->digest);
	return nla_put(skb, CCA_RSI_A_MEASUREMENT_DIGEST, event->digest_size, event->digest) ||
	       nla_put(skb, CCA_RSI_A_MEASUREMENT_EVENT, event->size, event->data);
}

static int record_put(struct sk_buff *skb, struct netlink_callback *cb,
		      const struct cca_record *record)
{
	void *head = genlmsg_iput(skb, genl_info_dump(cb));
	struct cca_event event;

	if (!head)
		return -EMSGSIZE;
	cca_log_event(record, &event);
	if (nla_put_uint(skb, CCA_RSI_A_MEASUREMENT_SEQ, record->seq) ||
	    nla_put_u32(skb, CCA_RSI_A_MEASUREMENT_KIND, event.kind) ||
	    nla_put_u32(skb, CCA_RSI_A_MEASUREMENT_INDEX, event.index) ||
	    nla_put_u32(skb, CCA_RSI_A_MEASUREMENT_EVENT_TYPE, event.type) ||
	    event_put(skb, &event)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

/**
 * cca_rsi_nl_log_get_dumpit() - the next records of the log
 * @skb: takes as many as there is room for
 * @cb: the dump
 *
 * Return: bytes in @skb, 0 at the end, or an error
 */
int cca_rsi_nl_log_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct log_dump *dump = log_dump(cb);

	while (dump->next && dump->next->seq < dump->end) {
		if (record_put(skb, cb, dump->next))
			return skb->len ?: -EMSGSIZE;
		dump->next = cca_log_next(dump->next);
	}
	return skb->len;
}
