// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family cca-rsi: what its operations do, but for the dumps
 * of dump.c. Their names, and what is checked before they are called, come from
 * the specification Documentation/netlink/specs/cca-rsi.yaml.
 */

#include <linux/build_bug.h>

#include <net/genetlink.h>

#include "generated/netlink.h"
#include "netlink.h"
#include "realm.h"
#include "record.h"

static_assert(CCA_RSI_DIGEST_LEN_MAX == CCA_RSI_DIGEST_MAX);
static_assert(CCA_RSI_EVENT_LEN_MAX == CCA_REALM_EVENT_MAX);
static_assert(CCA_REALM_INDEX_MAX == CCA_RSI_INDEX_MAX);
static_assert(CCA_RSI_RPV_LEN == CCA_RSI_RPV_SIZE);

/* An empty answer to @info's request; @head takes its header. */
static struct sk_buff *reply_new(const struct genl_info *info, void **head)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);

	if (!skb)
		return NULL;
	*head = genlmsg_iput(skb, info);
	if (!*head) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

/* Sends @skb, or frees it if @full says that an attribute found no room. */
static int reply_send(struct sk_buff *skb, void *head, const struct genl_info *info, int full)
{
	if (full) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return genlmsg_reply(skb, (struct genl_info *)info);
}

static int config_put(struct sk_buff *skb)
{
	struct cca_rsi_config config;

	cca_realm_config(&config);
	return nla_put_u32(skb, CCA_RSI_A_CONFIG_ABI_LOWER, config.abi_lower) ||
	       nla_put_u32(skb, CCA_RSI_A_CONFIG_ABI_HIGHER, config.abi_higher) ||
	       nla_put_u32(skb, CCA_RSI_A_CONFIG_IPA_BITS, config.ipa_bits) ||
	       nla_put_u32(skb, CCA_RSI_A_CONFIG_HASH_ALGO, config.hash_algo) ||
	       nla_put_u32(skb, CCA_RSI_A_CONFIG_DIGEST_SIZE, config.digest_size) ||
	       nla_put_u32(skb, CCA_RSI_A_CONFIG_REGISTERS, config.registers) ||
	       nla_put_u32(skb, CCA_RSI_A_CONFIG_FLAGS, config.flags) ||
	       nla_put_u32(skb, CCA_RSI_A_CONFIG_EVENT_MAX, config.event_max) ||
	       nla_put_uint(skb, CCA_RSI_A_CONFIG_LOG_SEQ, config.log_seq) ||
	       nla_put(skb, CCA_RSI_A_CONFIG_RPV, sizeof(config.rpv), config.rpv);
}

/**
 * cca_rsi_nl_config_get_doit() - config-get
 * @skb: the request
 * @info: the request, parsed
 *
 * Return: 0 or an error
 */
int cca_rsi_nl_config_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	void *head;

	reply = reply_new(info, &head);
	if (!reply)
		return -ENOMEM;
	return reply_send(reply, head, info, config_put(reply));
}

static int measurement_put(struct sk_buff *skb, const struct cca_rsi_measurement *value)
{
	return nla_put_u32(skb, CCA_RSI_A_MEASUREMENT_INDEX, value->index) ||
	       nla_put(skb, CCA_RSI_A_MEASUREMENT_VALUE, value->size, value->value);
}

/**
 * cca_rsi_nl_measurement_get_doit() - measurement-get of one register
 * @skb: the request
 * @info: the request, parsed: INDEX
 *
 * Return: 0 or an error
 */
int cca_rsi_nl_measurement_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct cca_rsi_measurement value;
	struct sk_buff *reply;
	void *head;
	int ret;

	if (GENL_REQ_ATTR_CHECK(info, CCA_RSI_A_MEASUREMENT_INDEX))
		return -EINVAL;
	ret = cca_realm_measurements_read(nla_get_u32(info->attrs[CCA_RSI_A_MEASUREMENT_INDEX]), 1,
					  &value);
	if (ret)
		return ret;
	reply = reply_new(info, &head);
	if (!reply)
		return -ENOMEM;
	return reply_send(reply, head, info, measurement_put(reply, &value));
}

/**
 * cca_rsi_nl_measurement_get_dumpit() - measurement-get of all registers
 * @skb: takes the messages; all fit in the first one there is
 * @cb: the dump
 *
 * Return: bytes in @skb, 0 at the end, or an error
 */
int cca_rsi_nl_measurement_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct cca_rsi_measurement values[CCA_REALM_REGISTERS];
	unsigned int i;
	void *head;
	int ret;

	if (cb->args[0])
		return 0;
	ret = cca_realm_measurements_read(0, CCA_REALM_REGISTERS, values);
	if (ret)
		return ret;
	for (i = 0; i < CCA_REALM_REGISTERS; i++) {
		head = genlmsg_iput(skb, genl_info_dump(cb));
		if (!head || measurement_put(skb, &values[i]))
			return -EMSGSIZE;
		genlmsg_end(skb, head);
	}
	cb->args[0] = 1;
	return skb->len;
}

static int extend_check(struct genl_info *info)
{
	const struct nlattr *index, *digest, *type;

	if (GENL_REQ_ATTR_CHECK(info, CCA_RSI_A_MEASUREMENT_INDEX) ||
	    GENL_REQ_ATTR_CHECK(info, CCA_RSI_A_MEASUREMENT_DIGEST) ||
	    GENL_REQ_ATTR_CHECK(info, CCA_RSI_A_MEASUREMENT_EVENT_TYPE))
		return -EINVAL;
	index = info->attrs[CCA_RSI_A_MEASUREMENT_INDEX];
	if (!nla_get_u32(index)) {
		NL_SET_ERR_MSG_ATTR(info->extack, index, "RIM cannot be extended");
		return -EINVAL;
	}
	digest = info->attrs[CCA_RSI_A_MEASUREMENT_DIGEST];
	if (nla_len(digest) != cca_realm_digest_size()) {
		NL_SET_ERR_MSG_ATTR(info->extack, digest,
				    "digest is not as long as the realm's hash");
		return -EINVAL;
	}
	type = info->attrs[CCA_RSI_A_MEASUREMENT_EVENT_TYPE];
	if (nla_get_u32(type) == CCA_RSI_EV_NO_ACTION) {
		NL_SET_ERR_MSG_ATTR(info->extack, type, "EV_NO_ACTION is not for an extension");
		return -EINVAL;
	}
	return 0;
}

static void extend_event(const struct genl_info *info, struct cca_event *event)
{
	const struct nlattr *digest = info->attrs[CCA_RSI_A_MEASUREMENT_DIGEST];
	const struct nlattr *data = info->attrs[CCA_RSI_A_MEASUREMENT_EVENT];

	*event = (struct cca_event){
		.index = nla_get_u32(info->attrs[CCA_RSI_A_MEASUREMENT_INDEX]),
		.type = nla_get_u32(info->attrs[CCA_RSI_A_MEASUREMENT_EVENT_TYPE]),
		.digest = nla_data(digest),
		.digest_size = nla_len(digest),
		.data = data ? nla_data(data) : NULL,
		.size = data ? nla_len(data) : 0,
	};
}

/**
 * cca_rsi_nl_measurement_extend_doit() - measurement-extend
 * @skb: the request
 * @info: the request, parsed: INDEX, DIGEST, EVENT_TYPE, perhaps EVENT
 *
 * Return: 0 or an error; the register is unchanged then
 */
int cca_rsi_nl_measurement_extend_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct cca_event event;
	struct sk_buff *reply;
	void *head;
	u64 seq;
	int ret;

	ret = extend_check(info);
	if (ret)
		return ret;
	extend_event(info, &event);
	/* Before the extension: what cannot be undone must not fail for want of an answer. */
	reply = reply_new(info, &head);
	if (!reply)
		return -ENOMEM;
	ret = cca_realm_extend(&event, &seq);
	if (ret) {
		nlmsg_free(reply);
		return ret;
	}
	return reply_send(reply, head, info, nla_put_uint(reply, CCA_RSI_A_MEASUREMENT_SEQ, seq));
}

/**
 * cca_netlink_init() - open the door netlink
 *
 * Return: 0 or an error of genl_register_family()
 */
int __init cca_netlink_init(void)
{
	/* There is one realm, whatever the network namespace; the generator cannot say so. */
	cca_rsi_nl_family.netnsok = false;
	return genl_register_family(&cca_rsi_nl_family);
}

/**
 * cca_netlink_exit() - shut it
 */
void cca_netlink_exit(void)
{
	genl_unregister_family(&cca_rsi_nl_family);
}
