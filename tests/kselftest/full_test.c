// SPDX-License-Identifier: Apache-2.0
/* A log that is nearly full is announced by netlink: once, and again after its maximum was raised. */
#define _GNU_SOURCE
#include "client.h"
#include "device.h"
#include "module.h"
#include "nearly_full.h"
#include "tap.h"

#include <fcntl.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <string.h>
#include <unistd.h>

#define LIMIT 16384

/* The notifications since they were counted last, and what the last log-full-ntf said */
static struct {
	int extensions;
	int full;
	int full_after; /* the number of extensions before it */
	uint64_t used;
	uint64_t limit;
} heard;

static struct client listener;

static uint64_t attribute(struct nlattr *attr)
{
	if (!attr)
		return 0;
	return nla_len(attr) == 8 ? nla_get_u64(attr) : nla_get_u32(attr);
}

static int on_notification(struct nl_msg *msg, void *context)
{
	struct genlmsghdr *head = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *attrs[CLIENT_ATTRS + 1];

	(void)context;
	if (genlmsg_parse(nlmsg_hdr(msg), 0, attrs, CLIENT_ATTRS, NULL))
		return NL_OK;
	heard.extensions += head->cmd == CCA_RSI_CMD_MEASUREMENT_EXTEND_NTF;
	if (head->cmd != CCA_RSI_CMD_LOG_FULL_NTF)
		return NL_OK;
	heard.full++;
	heard.full_after = heard.extensions;
	heard.used = attribute(attrs[CCA_RSI_A_LOG_USED]);
	heard.limit = attribute(attrs[CCA_RSI_A_LOG_LIMIT]);
	return NL_OK;
}

static bool listener_join(void)
{
	int group;

	if (!client_open(&listener))
		return false;
	nl_socket_set_nonblocking(listener.sock);
	group = genl_ctrl_resolve_grp(listener.sock, CCA_RSI_FAMILY_NAME, "events");
	nl_socket_modify_cb(listener.sock, NL_CB_VALID, NL_CB_CUSTOM, on_notification, NULL);
	return group >= 0 && nl_socket_add_membership(listener.sock, group) == 0;
}

/* Takes them often, because the buffer of the socket has room for a few only. */
static void notifications_take(void)
{
	while (nl_recvmsgs_default(listener.sock) == 0)
		;
}

/* Fills the log up to seven eighths of @limit. Only the last extension is announced as filling it. */
static bool filling_is_announced(uint64_t limit)
{
	int extensions;

	memset(&heard, 0, sizeof(heard));
	extensions = nearly_full_fill(limit, notifications_take);
	return extensions > 0 && heard.extensions == extensions && heard.full == 1 &&
	       heard.full_after == extensions && heard.limit == limit &&
	       heard.used == nearly_full_size();
}

static void announced_once(void)
{
	uint8_t digest[CCA_RSI_DIGEST_MAX] = { 0 };
	int writer;

	CHECK(module_reload("log_max=16384") && listener_join());
	CHECK(filling_is_announced(LIMIT));
	memset(&heard, 0, sizeof(heard));
	writer = device_open(O_WRONLY);
	CHECK(device_extend(writer, 2, digest) == 0 && device_extend(writer, 3, digest) == 0);
	close(writer);
	notifications_take();
	CHECK(heard.extensions == 2 && heard.full == 0);
}

static void announced_again(void)
{
	CHECK(nearly_full_raise(2 * LIMIT));
	CHECK(filling_is_announced(2 * LIMIT));
	client_close(&listener);
	CHECK(module_reload(""));
}

static const struct tap_test tests[] = {
	{ "listeners learn once that seven eighths of the log are used", announced_once },
	{ "they learn it again after log_max has been raised", announced_again },
};

TAP_MAIN(tests)
