// SPDX-License-Identifier: Apache-2.0
/* Extensions as they happen: the multicast group "events" of generic netlink family "cca-rsi". */
#include <linux/cca_rsi_netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "rsi_source.h"

#define WHERE "netlink " CCA_RSI_FAMILY_NAME
#define ATTRIBUTES 16
#define RECEIVE_BUFFER (1 << 20)	/* bytes, some thousand notices */

struct rsi_watch {
	struct nl_sock *sock;
	struct rsi_notice *notice;	/* where the next one goes */
	bool taken;
	struct error *e;
	bool failed;			/* *e is set */
};

static const struct nla_policy policy[ATTRIBUTES + 1] = {
	[CCA_RSI_A_MEASUREMENT_INDEX] = { .type = NLA_U32 },
	[CCA_RSI_A_MEASUREMENT_DIGEST] = { .minlen = 1, .maxlen = CCA_RSI_DIGEST_LEN_MAX },
	[CCA_RSI_A_MEASUREMENT_EVENT_TYPE] = { .type = NLA_U32 },
	[CCA_RSI_A_MEASUREMENT_SEQ] = { .minlen = 4, .maxlen = 8 },
};

static bool notice_decode(struct nlattr *const attrs[], struct rsi_notice *notice)
{
	const struct nlattr *seq = attrs[CCA_RSI_A_MEASUREMENT_SEQ];
	const struct nlattr *digest = attrs[CCA_RSI_A_MEASUREMENT_DIGEST];

	if (!seq || !digest || !attrs[CCA_RSI_A_MEASUREMENT_INDEX] ||
	    !attrs[CCA_RSI_A_MEASUREMENT_EVENT_TYPE])
		return false;
	notice->seq = nla_len(seq) == 8 ? nla_get_u64(seq) : nla_get_u32(seq);
	notice->index = nla_get_u32(attrs[CCA_RSI_A_MEASUREMENT_INDEX]);
	notice->type = nla_get_u32(attrs[CCA_RSI_A_MEASUREMENT_EVENT_TYPE]);
	notice->size = (size_t)nla_len(digest);
	memcpy(notice->digest, nla_data(digest), notice->size);
	return true;
}

static int on_notice(struct nl_msg *msg, void *arg)
{
	struct nlattr *attrs[ATTRIBUTES + 1];
	struct rsi_watch *watch = arg;

	if (genlmsg_hdr(nlmsg_hdr(msg))->cmd != CCA_RSI_CMD_MEASUREMENT_EXTEND_NTF)
		return NL_SKIP;
	if (genlmsg_parse(nlmsg_hdr(msg), 0, attrs, ATTRIBUTES, policy) < 0 ||
	    !notice_decode(attrs, watch->notice)) {
		error_set(watch->e, ERROR_SYSTEM, WHERE ": malformed notification");
		watch->failed = true;
	}
	watch->taken = true;
	return NL_STOP;
}

/* 0, or an error of libnl. */
static int watch_join(struct rsi_watch *watch)
{
	int ret = genl_connect(watch->sock), group;

	if (ret < 0)
		return ret;
	group = genl_ctrl_resolve_grp(watch->sock, CCA_RSI_FAMILY_NAME, CCA_RSI_MCGRP_EVENTS);
	if (group < 0)
		return group;
	nl_socket_disable_seq_check(watch->sock);
	nl_socket_modify_cb(watch->sock, NL_CB_VALID, NL_CB_CUSTOM, on_notice, watch);
	nl_socket_set_buffer_size(watch->sock, RECEIVE_BUFFER, 0);
	return nl_socket_add_membership(watch->sock, group);
}

struct rsi_watch *rsi_watch_open(struct error *e)
{
	struct rsi_watch *watch = calloc(1, sizeof(*watch));
	int ret;

	if (watch)
		watch->sock = nl_socket_alloc();
	if (!watch || !watch->sock) {
		free(watch);
		error_set_memory(e);
		return NULL;
	}
	ret = watch_join(watch);
	if (ret >= 0)
		return watch;
	if (ret == -NLE_OBJ_NOTFOUND)
		rsi_absent(NULL, e);
	else
		error_set(e, ERROR_SYSTEM, WHERE ": %s", nl_geterror(ret));
	rsi_watch_close(watch);
	return NULL;
}

int rsi_watch_next(struct rsi_watch *watch, struct rsi_notice *notice, struct error *e)
{
	int ret = 0;

	watch->notice = notice;
	watch->taken = watch->failed = false;
	watch->e = e;
	while (!watch->taken && ret >= 0) {
		ret = nl_recvmsgs_default(watch->sock);
		if (ret == -NLE_NOMEM || ret == -NLE_INTR)	/* ENOBUFS: some were lost */
			ret = 0;
	}
	if (watch->failed)
		return -1;
	return ret < 0 ? error_set(e, ERROR_SYSTEM, WHERE ": %s", nl_geterror(ret)) : 0;
}

void rsi_watch_close(struct rsi_watch *watch)
{
	if (!watch)
		return;
	nl_socket_free(watch->sock);
	free(watch);
}
