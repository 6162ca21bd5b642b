// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations of the generic netlink family cca-rsi, except for the dumps in
 * dump.c. Their names, and the checks that are made before they are called, come
 * from the specification Documentation/netlink/specs/cca-rsi.yaml.
 */

#include <net/genetlink.h>

#include "cca_rsi.h"
#include "generated/netlink.h"

static_assert(CCA_RSI_DIGEST_LEN_MAX == CCA_RSI_DIGEST_MAX);
static_assert(CCA_RSI_RPV_LEN == CCA_RSI_RPV_SIZE);

/**
 * cca_netlink_put() - add a message to a buffer, or leave the buffer as it was
 * @skb: the buffer
 * @info: what the message answers
 * @fill: puts the message's attributes, and returns nonzero if there is no room for one
 * @what: for @fill
 *
 * Return: 0 or -EMSGSIZE
 */
int cca_netlink_put(struct sk_buff *skb, const struct genl_info *info,
		    int (*fill)(struct sk_buff *skb, const void *what), const void *what)
{
	void *head = genlmsg_iput(skb, info);

	if (!head || fill(skb, what)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

/**
 * cca_netlink_admin() - check that the caller may extend, attest and read the log
 * @skb: the request
 * @extack: receives the reason of a refusal
 *
 * A token is the realm's identity, and an extension cannot be undone, so these are
 * for root of the realm, as /dev/cca-rsi is: CAP_NET_ADMIN is often given to
 * containers. Both the sender and the process that opened the socket must have the
 * capability, so that no privileged program can be made to send a request for another.
 *
 * Return: 0 or -EPERM
 */
int cca_netlink_admin(struct sk_buff *skb, struct netlink_ext_ack *extack)
{
	if (netlink_capable(skb, CAP_SYS_ADMIN))
		return 0;
	NL_SET_ERR_MSG(extack, "CAP_SYS_ADMIN in the initial user namespace is required");
	return -EPERM;
}

DEFINE_FREE(nlmsg, struct sk_buff *, nlmsg_free(_T))

static int reply(struct genl_info *info, int (*fill)(struct sk_buff *skb, const void *what),
		 const void *what)
{
	struct sk_buff *skb __free(nlmsg) = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);

	if (!skb)
		return -ENOMEM;
	return cca_netlink_put(skb, info, fill, what) ?: genlmsg_reply(no_free_ptr(skb), info);
}

/* The attribute of a field that the RMM does not report is left out. */
static int field_put(struct sk_buff *skb, int attribute, u32 present, u64 value)
{
	return present ? nla_put_uint(skb, attribute, value) : 0;
}

static int config_fill(struct sk_buff *skb, const void *what)
{
	const struct cca_rsi_config *config = what;
	u32 present = config->present;

	/* clang-format off */
	return nla_put_u32(skb, CCA_RSI_A_CONFIG_ABI_LOWER, config->abi_lower) ||
	       nla_put_u32(skb, CCA_RSI_A_CONFIG_ABI_HIGHER, config->abi_higher) ||
	       nla_put_u32(skb, CCA_RSI_A_CONFIG_IPA_BITS, config->ipa_bits) ||
	       nla_put_u32(skb, CCA_RSI_A_CONFIG_HASH_ALGO, config->hash_algo) ||
	       nla_put_u32(skb, CCA_RSI_A_CONFIG_DIGEST_SIZE, config->digest_size) ||
	       nla_put_u32(skb, CCA_RSI_A_CONFIG_REGISTERS, config->registers) ||
	       nla_put_u32(skb, CCA_RSI_A_CONFIG_FLAGS, config->flags) ||
	       nla_put_u32(skb, CCA_RSI_A_CONFIG_EVENT_MAX, config->event_max) ||
	       nla_put_uint(skb, CCA_RSI_A_CONFIG_LOG_SEQ, config->log_seq) ||
	       nla_put(skb, CCA_RSI_A_CONFIG_RPV, sizeof(config->rpv), config->rpv) ||
	       field_put(skb, CCA_RSI_A_CONFIG_ABI, present & CCA_RSI_CONFIG_P_ABI, config->abi) ||
	       field_put(skb, CCA_RSI_A_CONFIG_FEATURES,
			 present & CCA_RSI_CONFIG_P_FEATURES, config->features) ||
	       field_put(skb, CCA_RSI_A_CONFIG_AUX_PLANES,
			 present & CCA_RSI_CONFIG_P_AUX_PLANES, config->aux_planes) ||
	       field_put(skb, CCA_RSI_A_CONFIG_GICV3_VTR,
			 present & CCA_RSI_CONFIG_P_GICV3_VTR, config->gicv3_vtr) ||
	       field_put(skb, CCA_RSI_A_CONFIG_ATS_PLANE,
			 present & CCA_RSI_CONFIG_P_ATS_PLANE, config->ats_plane);
	/* clang-format on */
}

/**
 * cca_rsi_nl_config_get_doit() - answer config-get
 * @skb: the request
 * @info: the parsed request
 *
 * Return: 0 or an error
 */
int cca_rsi_nl_config_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct cca_rsi_config config;

	cca_realm_config(&config);
	return reply(info, config_fill, &config);
}

static int measurement_fill(struct sk_buff *skb, const void *what)
{
	const struct cca_rsi_measurement *value = what;

	return nla_put_u32(skb, CCA_RSI_A_MEASUREMENT_INDEX, value->index) ||
	       nla_put(skb, CCA_RSI_A_MEASUREMENT_VALUE, value->size, value->value);
}

/**
 * cca_rsi_nl_measurement_get_doit() - answer measurement-get for one register
 * @skb: the request
 * @info: the parsed request: INDEX
 *
 * Return: 0 or an error
 */
int cca_rsi_nl_measurement_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *index = info->attrs[CCA_RSI_A_MEASUREMENT_INDEX];
	struct cca_rsi_measurement value;

	if (GENL_REQ_ATTR_CHECK(info, CCA_RSI_A_MEASUREMENT_INDEX))
		return -EINVAL;
	return cca_realm_measurements_read(nla_get_u32(index), 1, &value)
		       ?: reply(info, measurement_fill, &value);
}

/**
 * cca_rsi_nl_measurement_get_dumpit() - answer measurement-get for all registers
 * @skb: receives the messages, all of which fit
 * @cb: the dump
 *
 * Return: 0, which ends the dump, or an error
 */
int cca_rsi_nl_measurement_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct cca_rsi_measurement values[CCA_REALM_REGISTERS];
	u32 i;
	int ret = cca_realm_measurements_read(0, CCA_REALM_REGISTERS, values);

	for (i = 0; !ret && i < CCA_REALM_REGISTERS; i++)
		ret = cca_netlink_put(skb, genl_info_dump(cb), measurement_fill, &values[i]);
	return ret;
}

/* cca_realm_extend() checks this too, but cannot report a reason. */
static int extend_check(const struct genl_info *info, const struct cca_rsi_extend *arg)
{
	struct nlattr *const *attrs = info->attrs;

	if (!arg->index)
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[CCA_RSI_A_MEASUREMENT_INDEX],
				    "RIM cannot be extended");
	else if (arg->digest_size != cca_realm.hash->digest_size)
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[CCA_RSI_A_MEASUREMENT_DIGEST],
				    "digest does not have the size of the realm's hash");
	else if (arg->event_type == CCA_RSI_EV_NO_ACTION)
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[CCA_RSI_A_MEASUREMENT_EVENT_TYPE],
				    "EV_NO_ACTION cannot be the type of an extension");
	else
		return 0;
	return -EINVAL;
}

static int seq_fill(struct sk_buff *skb, const void *seq)
{
	return nla_put_uint(skb, CCA_RSI_A_MEASUREMENT_SEQ, *(const u64 *)seq);
}

/**
 * cca_rsi_nl_measurement_extend_doit() - answer measurement-extend
 * @skb: the request
 * @info: the parsed request: INDEX, DIGEST, EVENT_TYPE, optionally EVENT
 *
 * Return: 0, or an error; then the register is unchanged, unless only the answer
 * could not be delivered
 */
int cca_rsi_nl_measurement_extend_doit(struct sk_buff *skb, struct genl_info *info)
{
	/* Allocated first: an extension cannot be undone if there is no memory for the answer. */
	struct sk_buff *answer __free(nlmsg) = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	struct nlattr *const *attrs = info->attrs;
	const struct nlattr *event = attrs[CCA_RSI_A_MEASUREMENT_EVENT];
	struct cca_rsi_extend arg = { .event_size = event ? nla_len(event) : 0 };
	int ret = cca_netlink_admin(skb, info->extack);

	if (ret)
		return ret;
	if (!answer)
		return -ENOMEM;
	if (GENL_REQ_ATTR_CHECK(info, CCA_RSI_A_MEASUREMENT_INDEX) ||
	    GENL_REQ_ATTR_CHECK(info, CCA_RSI_A_MEASUREMENT_DIGEST) ||
	    GENL_REQ_ATTR_CHECK(info, CCA_RSI_A_MEASUREMENT_EVENT_TYPE))
		return -EINVAL;
	arg.index = nla_get_u32(attrs[CCA_RSI_A_MEASUREMENT_INDEX]);
	arg.event_type = nla_get_u32(attrs[CCA_RSI_A_MEASUREMENT_EVENT_TYPE]);
	arg.digest_size =
		nla_memcpy(arg.digest, attrs[CCA_RSI_A_MEASUREMENT_DIGEST], sizeof(arg.digest));
	return extend_check(info, &arg) ?:
	       cca_realm_extend(&arg, event ? nla_data(event) : NULL) ?:
	       cca_netlink_put(answer, info, seq_fill, &arg.seq) ?:
	       genlmsg_reply(no_free_ptr(answer), info);
}

/* The event itself is left out, because anyone may listen. */
static int note_fill(struct sk_buff *skb, const void *what)
{
	const struct mlog_record *record = what;
	size_t size = cca_realm.hash->digest_size;

	return nla_put_uint(skb, CCA_RSI_A_MEASUREMENT_SEQ, record->seq) ||
	       nla_put_u32(skb, CCA_RSI_A_MEASUREMENT_INDEX, record->index) ||
	       nla_put_u32(skb, CCA_RSI_A_MEASUREMENT_EVENT_TYPE, record->event_type) ||
	       nla_put(skb, CCA_RSI_A_MEASUREMENT_DIGEST, size, record->digest);
}

static int full_fill(struct sk_buff *skb, const void *used)
{
	return nla_put_uint(skb, CCA_RSI_A_LOG_USED, *(const u64 *)used) ||
	       nla_put_uint(skb, CCA_RSI_A_LOG_LIMIT, READ_ONCE(cca_log.max));
}

/* A notification that is lost, for example for lack of memory, leaves a gap in seq. */
static void notify(u8 cmd, int (*fill)(struct sk_buff *skb, const void *what), const void *what)
{
	struct sk_buff *skb __free(nlmsg) = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	struct genl_info info;

	genl_info_init_ntf(&info, &cca_rsi_nl_family, cmd);
	if (skb && !cca_netlink_put(skb, &info, fill, what))
		genlmsg_multicast(&cca_rsi_nl_family, no_free_ptr(skb), 0, CCA_RSI_NLGRP_EVENTS,
				  GFP_KERNEL);
}

/* Announces once that the log is nearly full, and again if it is after log_max was raised. */
static void full_notify(void)
{
	static unsigned long announced;
	u64 used = mlog_used(&cca_log);

	if (used <= mlog_quota(&cca_log))
		clear_bit(0, &announced);
	else if (!test_and_set_bit(0, &announced))
		notify(CCA_RSI_CMD_LOG_FULL_NTF, full_fill, &used);
}

static int extension_notify(struct notifier_block *block, unsigned long action, void *record)
{
	if (!genl_has_listeners(&cca_rsi_nl_family, &init_net, CCA_RSI_NLGRP_EVENTS))
		return NOTIFY_DONE;
	notify(CCA_RSI_CMD_MEASUREMENT_EXTEND_NTF, note_fill, record);
	full_notify();
	return NOTIFY_OK;
}

static struct notifier_block extension_block = { .notifier_call = extension_notify };

/**
 * cca_netlink_init() - register the netlink family
 *
 * Return: 0 or an error of genl_register_family()
 */
int cca_netlink_init(void)
{
	int ret;

	/* All network namespaces are in the same realm; the generator has no option for that. */
	cca_rsi_nl_family.netnsok = false;
	/* Before the family, so that each extension by netlink is announced */
	blocking_notifier_chain_register(&cca_log.notifier, &extension_block);
	ret = genl_register_family(&cca_rsi_nl_family);
	if (ret)
		blocking_notifier_chain_unregister(&cca_log.notifier, &extension_block);
	return ret;
}

/**
 * cca_netlink_exit() - unregister the netlink family
 */
void cca_netlink_exit(void)
{
	genl_unregister_family(&cca_rsi_nl_family);
	blocking_notifier_chain_unregister(&cca_log.notifier, &extension_block);
}

MODULE_ALIAS_GENL_FAMILY(CCA_RSI_FAMILY_NAME);
