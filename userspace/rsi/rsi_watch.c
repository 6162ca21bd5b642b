// SPDX-License-Identifier: Apache-2.0
#include "rsi_watch.h"

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "rsi_attributes.h"
#include "rsi_source.h"

#define WHERE	       "netlink " CCA_RSI_FAMILY_NAME
#define RECEIVE_BUFFER (1 << 20) /* bytes, some thousand notices */

struct rsi_watch {
	struct nl_sock *sock;
	int family;		   /* the number changes with each load of the module */
	struct rsi_notice *notice; /* to be set by the next message */
	bool taken;		   /* *notice or *e is set */
	struct error *e;
	bool failed; /* *e is set */
};

static const struct nla_policy log_policy[RSI_ATTRIBUTES + 1] = {
	[CCA_RSI_A_LOG_USED] = RSI_POLICY_UINT,
	[CCA_RSI_A_LOG_LIMIT] = RSI_POLICY_UINT,
};

static const struct nla_policy control_policy[CTRL_ATTR_MAX + 1] = {
	[CTRL_ATTR_FAMILY_NAME] = { .type = NLA_NUL_STRING },
};

static bool full_decode(struct nlattr *const attrs[], struct rsi_notice *notice)
{
	if (!attrs[CCA_RSI_A_LOG_USED] || !attrs[CCA_RSI_A_LOG_LIMIT])
		return false;
	notice->log_full = true;
	notice->log_used = rsi_attribute_uint(attrs[CCA_RSI_A_LOG_USED]);
	notice->log_limit = rsi_attribute_uint(attrs[CCA_RSI_A_LOG_LIMIT]);
	return true;
}

static bool extension_decode(struct nlattr *const attrs[], struct rsi_notice *notice)
{
	const struct nlattr *seq = attrs[CCA_RSI_A_MEASUREMENT_SEQ];
	const struct nlattr *digest = attrs[CCA_RSI_A_MEASUREMENT_DIGEST];

	if (!seq || !digest || !attrs[CCA_RSI_A_MEASUREMENT_INDEX] ||
	    !attrs[CCA_RSI_A_MEASUREMENT_EVENT_TYPE])
		return false;
	notice->seq = rsi_attribute_uint(seq);
	notice->index = nla_get_u32(attrs[CCA_RSI_A_MEASUREMENT_INDEX]);
	notice->type = nla_get_u32(attrs[CCA_RSI_A_MEASUREMENT_EVENT_TYPE]);
	notice->size = (size_t)nla_len(digest);
	memcpy(notice->digest, nla_data(digest), notice->size);
	return true;
}

static int watch_failed(struct rsi_watch *watch)
{
	watch->taken = watch->failed = true;
	return NL_STOP;
}

static int watch_over(struct rsi_watch *watch)
{
	error_set(watch->e, ERROR_NO_DRIVER,
		  WHERE ": the module was unloaded; start again "
			"after loading it");
	return watch_failed(watch);
}

/* A message about a family: only the end of this one matters. */
static int on_control(struct nl_msg *msg, struct rsi_watch *watch)
{
	struct nlattr *attrs[CTRL_ATTR_MAX + 1];

	if (genlmsg_hdr(nlmsg_hdr(msg))->cmd != CTRL_CMD_DELFAMILY ||
	    genlmsg_parse(nlmsg_hdr(msg), 0, attrs, CTRL_ATTR_MAX, control_policy) < 0 ||
	    !attrs[CTRL_ATTR_FAMILY_NAME] ||
	    nla_strcmp(attrs[CTRL_ATTR_FAMILY_NAME], CCA_RSI_FAMILY_NAME))
		return NL_SKIP;
	return watch_over(watch);
}

static const struct {
	uint8_t cmd;
	const struct nla_policy *policy;
	bool (*decode)(struct nlattr *const attrs[], struct rsi_notice *notice);
} notices[] = {
	{ CCA_RSI_CMD_MEASUREMENT_EXTEND_NTF, rsi_measurement_policy, extension_decode },
	{ CCA_RSI_CMD_LOG_FULL_NTF, log_policy, full_decode },
};

static int on_notice(struct nl_msg *msg, void *arg)
{
	struct nlattr *attrs[RSI_ATTRIBUTES + 1];
	struct rsi_watch *watch = arg;
	size_t i = 0;

	if (nlmsg_hdr(msg)->nlmsg_type == GENL_ID_CTRL)
		return on_control(msg, watch);
	while (i < ARRAY_SIZE(notices) && notices[i].cmd != genlmsg_hdr(nlmsg_hdr(msg))->cmd)
		i++;
	if (i == ARRAY_SIZE(notices))
		return NL_SKIP;
	*watch->notice = (struct rsi_notice){ 0 };
	if (genlmsg_parse(nlmsg_hdr(msg), 0, attrs, RSI_ATTRIBUTES, notices[i].policy) < 0 ||
	    !notices[i].decode(attrs, watch->notice)) {
		error_set(watch->e, ERROR_SYSTEM, WHERE ": malformed notification");
		return watch_failed(watch);
	}
	watch->taken = true;
	return NL_STOP;
}

/* Returns the number of @group, or an error of libnl. This requires another socket, because on one
 * that is a member of a group, notices can come between request and answer. */
static int group_resolve(const char *family, const char *group, int *family_id)
{
	struct nl_sock *sock = nl_socket_alloc();
	int ret = sock ? genl_connect(sock) : -NLE_NOMEM;

	if (ret >= 0)
		ret = *family_id = genl_ctrl_resolve(sock, family);
	if (ret >= 0)
		ret = genl_ctrl_resolve_grp(sock, family, group);
	nl_socket_free(sock);
	return ret;
}

/* Returns 0, or an error of libnl. */
static int watch_join(struct rsi_watch *watch)
{
	/* Join the controller's group first, so that the end of the family is never missed. */
	static const char *const groups[][2] = {
		{ "nlctrl", "notify" },
		{ CCA_RSI_FAMILY_NAME, CCA_RSI_MCGRP_EVENTS },
	};
	int ret = genl_connect(watch->sock);

	nl_socket_disable_seq_check(watch->sock);
	nl_socket_modify_cb(watch->sock, NL_CB_VALID, NL_CB_CUSTOM, on_notice, watch);
	nl_socket_set_buffer_size(watch->sock, RECEIVE_BUFFER, 0);
	for (size_t i = 0; ret >= 0 && i < ARRAY_SIZE(groups); i++) {
		ret = group_resolve(groups[i][0], groups[i][1], &watch->family);
		if (ret >= 0)
			ret = nl_socket_add_membership(watch->sock, ret);
	}
	return ret;
}

/* Notices were lost. Check whether the one about the end of the family was among them. */
static void watch_check(struct rsi_watch *watch)
{
	int family, ret = group_resolve(CCA_RSI_FAMILY_NAME, CCA_RSI_MCGRP_EVENTS, &family);

	if (ret == -NLE_OBJ_NOTFOUND || (ret >= 0 && family != watch->family))
		watch_over(watch);
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
		rsi_source_absent(NULL, e);
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
		if (ret == -NLE_NOMEM && !watch->taken) /* ENOBUFS */
			watch_check(watch);
		if (ret == -NLE_NOMEM || ret == -NLE_INTR)
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
