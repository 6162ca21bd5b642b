// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/cca-rsi.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink.h"

#include <uapi/linux/cca_rsi_netlink.h>

/* CCA_RSI_CMD_MEASUREMENT_GET - do */
static const struct nla_policy cca_rsi_measurement_get_nl_policy[CCA_RSI_A_MEASUREMENT_INDEX + 1] = {
	[CCA_RSI_A_MEASUREMENT_INDEX] = NLA_POLICY_MAX(NLA_U32, CCA_RSI_INDEX_MAX),
};

/* CCA_RSI_CMD_MEASUREMENT_EXTEND - do */
static const struct nla_policy cca_rsi_measurement_extend_nl_policy[CCA_RSI_A_MEASUREMENT_EVENT + 1] = {
	[CCA_RSI_A_MEASUREMENT_INDEX] = NLA_POLICY_MAX(NLA_U32, CCA_RSI_INDEX_MAX),
	[CCA_RSI_A_MEASUREMENT_DIGEST] = NLA_POLICY_MAX_LEN(CCA_RSI_DIGEST_LEN_MAX),
	[CCA_RSI_A_MEASUREMENT_EVENT_TYPE] = { .type = NLA_U32, },
	[CCA_RSI_A_MEASUREMENT_EVENT] = NLA_POLICY_MAX_LEN(CCA_RSI_EVENT_LEN_MAX),
};

/* CCA_RSI_CMD_TOKEN_GET - dump */
static const struct nla_policy cca_rsi_token_get_nl_policy[CCA_RSI_A_TOKEN_CHALLENGE + 1] = {
	[CCA_RSI_A_TOKEN_CHALLENGE] = NLA_POLICY_EXACT_LEN(CCA_RSI_CHALLENGE_LEN),
};

/* CCA_RSI_CMD_LOG_GET - dump */
static const struct nla_policy cca_rsi_log_get_nl_policy[CCA_RSI_A_MEASUREMENT_SEQ + 1] = {
	[CCA_RSI_A_MEASUREMENT_SEQ] = { .type = NLA_UINT, },
};

/* Ops table for cca_rsi */
static const struct genl_split_ops cca_rsi_nl_ops[] = {
	{
		.cmd	= CCA_RSI_CMD_CONFIG_GET,
		.doit	= cca_rsi_nl_config_get_doit,
		.flags	= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= CCA_RSI_CMD_MEASUREMENT_GET,
		.doit		= cca_rsi_nl_measurement_get_doit,
		.policy		= cca_rsi_measurement_get_nl_policy,
		.maxattr	= CCA_RSI_A_MEASUREMENT_INDEX,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= CCA_RSI_CMD_MEASUREMENT_GET,
		.dumpit	= cca_rsi_nl_measurement_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= CCA_RSI_CMD_MEASUREMENT_EXTEND,
		.doit		= cca_rsi_nl_measurement_extend_doit,
		.policy		= cca_rsi_measurement_extend_nl_policy,
		.maxattr	= CCA_RSI_A_MEASUREMENT_EVENT,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= CCA_RSI_CMD_TOKEN_GET,
		.start		= cca_rsi_nl_token_get_start,
		.dumpit		= cca_rsi_nl_token_get_dumpit,
		.done		= cca_rsi_nl_token_get_done,
		.policy		= cca_rsi_token_get_nl_policy,
		.maxattr	= CCA_RSI_A_TOKEN_CHALLENGE,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= CCA_RSI_CMD_LOG_GET,
		.start		= cca_rsi_nl_log_get_start,
		.dumpit		= cca_rsi_nl_log_get_dumpit,
		.policy		= cca_rsi_log_get_nl_policy,
		.maxattr	= CCA_RSI_A_MEASUREMENT_SEQ,
		.flags		= GENL_CMD_CAP_DUMP,
	},
};

static const struct genl_multicast_group cca_rsi_nl_mcgrps[] = {
	[CCA_RSI_NLGRP_EVENTS] = { "events", },
};

struct genl_family cca_rsi_nl_family __ro_after_init = {
	.name		= CCA_RSI_FAMILY_NAME,
	.version	= CCA_RSI_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= cca_rsi_nl_ops,
	.n_split_ops	= ARRAY_SIZE(cca_rsi_nl_ops),
	.mcgrps		= cca_rsi_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(cca_rsi_nl_mcgrps),
};
