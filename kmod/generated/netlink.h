/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/cca-rsi.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#ifndef _LINUX_CCA_RSI_GEN_H
#define _LINUX_CCA_RSI_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/cca_rsi_netlink.h>

int cca_rsi_nl_token_get_start(struct netlink_callback *cb);
int cca_rsi_nl_log_get_start(struct netlink_callback *cb);
int cca_rsi_nl_token_get_done(struct netlink_callback *cb);

int cca_rsi_nl_config_get_doit(struct sk_buff *skb, struct genl_info *info);
int cca_rsi_nl_measurement_get_doit(struct sk_buff *skb,
				    struct genl_info *info);
int cca_rsi_nl_measurement_get_dumpit(struct sk_buff *skb,
				      struct netlink_callback *cb);
int cca_rsi_nl_measurement_extend_doit(struct sk_buff *skb,
				       struct genl_info *info);
int cca_rsi_nl_token_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int cca_rsi_nl_log_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);

enum {
	CCA_RSI_NLGRP_EVENTS,
};

extern struct genl_family cca_rsi_nl_family;

#endif /* _LINUX_CCA_RSI_GEN_H */
