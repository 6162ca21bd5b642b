// SPDX-License-Identifier: Apache-2.0
/*
 * The input is what a kernel answers over netlink, to the request that its first byte selects. Each
 * message is a byte with its kind, a byte with the command, two bytes with a length, and that much of
 * attributes. Functions of libnl that would use a socket are defined here.
 */
#include <errno.h>
#include <linux/cca_rsi_netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "fuzz.h"
#include "rsi/rsi_netlink.h"
#include "rsi/rsi_source.h"
#include "rsi/rsi_watch.h"

#define FAMILY	     20
#define MESSAGES_MAX 64

static struct {
	struct part input;
	int messages;
	nl_recvmsg_msg_cb_t on_message, on_done;
	nl_recvmsg_err_cb_t on_error;
	void *arg, *error_arg;
} kernel;

/* --- libnl ------------------------------------------------------------------------------------ */

int nl_socket_modify_cb(struct nl_sock *sock, enum nl_cb_type type, enum nl_cb_kind kind,
			nl_recvmsg_msg_cb_t function, void *arg)
{
	(void)sock;
	(void)kind;
	if (type == NL_CB_VALID)
		kernel.on_message = function;
	else
		kernel.on_done = function;
	kernel.arg = arg;
	return 0;
}

int nl_socket_modify_err_cb(struct nl_sock *sock, enum nl_cb_kind kind,
			    nl_recvmsg_err_cb_t function, void *arg)
{
	(void)sock;
	(void)kind;
	kernel.on_error = function;
	kernel.error_arg = arg;
	return 0;
}

int nl_send_auto(struct nl_sock *sock, struct nl_msg *msg)
{
	(void)sock;
	return (int)nlmsg_hdr(msg)->nlmsg_len;
}

int genl_connect(struct nl_sock *sock)
{
	(void)sock;
	return 0;
}

int genl_ctrl_resolve(struct nl_sock *sock, const char *name)
{
	(void)sock;
	(void)name;
	return FAMILY;
}

int genl_ctrl_resolve_grp(struct nl_sock *sock, const char *family, const char *group)
{
	(void)sock;
	(void)family;
	(void)group;
	return 1;
}

int nl_socket_add_membership(struct nl_sock *sock, int group)
{
	(void)sock;
	(void)group;
	return 0;
}

int nl_socket_set_buffer_size(struct nl_sock *sock, int rx, int tx)
{
	(void)sock;
	(void)rx;
	(void)tx;
	return 0;
}

/* A message whose payload is @payload, after a generic header if it has a @command. */
static void message_deliver(nl_recvmsg_msg_cb_t function, uint16_t type, int command,
			    struct part payload)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_MULTI);
	const struct genlmsghdr header = { .cmd = (uint8_t)command, .version = 1 };

	must(msg != NULL);
	if (command >= 0)
		must(nlmsg_append(msg, (void *)&header, sizeof(header), NLMSG_ALIGNTO) == 0);
	if (payload.size)
		must(nlmsg_append(msg, (void *)payload.data, payload.size, NLMSG_ALIGNTO) == 0);
	if (function)
		function(msg, kernel.arg);
	nlmsg_free(msg);
}

int nl_recvmsgs_default(struct nl_sock *sock)
{
	uint64_t kind = part_number(&kernel.input, 1) % 6;
	int command = (int)part_number(&kernel.input, 1);
	struct part payload = part_take(&kernel.input, part_number(&kernel.input, 2) % 3000);
	struct nlmsgerr error = { 0 };

	(void)sock;
	if (!kernel.input.size || kernel.messages++ == MESSAGES_MAX)
		kind = 3;
	switch (kind) {
	case 0:
	case 1:
		message_deliver(kernel.on_message, FAMILY, command, payload);
		return 0;
	case 2:
		message_deliver(kernel.on_message, GENL_ID_CTRL, command, payload);
		return 0;
	case 3:
		message_deliver(kernel.on_done, NLMSG_DONE, -1, payload);
		return kernel.messages > MESSAGES_MAX || !kernel.input.size ? -NLE_FAILURE : 0;
	case 4:
		error.error = -(command & 127);
		if (kernel.on_error)
			kernel.on_error(NULL, &error, kernel.error_arg);
		return -NLE_FAILURE;
	default:
		return command & 1 ? -NLE_NOMEM : -NLE_INTR;
	}
}

/* --- requests --------------------------------------------------------------------------------- */

static struct rsi rsi = { .source = &rsi_source_netlink, .family = FAMILY };

static void config_try(void)
{
	struct rsi_config config;
	struct error e = ERROR_INIT;
	int ret = rsi_config_get(&rsi, &config, &e);

	must_explain(ret, &e);
	must(ret < 0 || config.hash);
}

static void measurement_try(void)
{
	uint8_t value[HASH_SIZE_MAX];
	struct error e = ERROR_INIT;
	size_t size = 0;
	int ret = rsi_measurement_get(&rsi, 1, value, &size, &e);

	must_explain(ret, &e);
	must(ret < 0 || (size && size <= HASH_SIZE_MAX));
}

static void extend_try(void)
{
	static const uint8_t digest[HASH_SIZE_MAX];
	const struct rsi_event event = { .type = 13, .data = "event", .size = 5 };
	struct error e = ERROR_INIT;
	uint64_t seq;

	must_explain(rsi_measurement_extend(&rsi, 1, digest, sizeof(digest), &event, &seq, &e), &e);
}

static void log_try(void)
{
	struct bytes log = BYTES_INIT;
	struct error e = ERROR_INIT;

	must_explain(rsi_log_get(&rsi, &log, &e), &e);
	bytes_free(&log);
}

static void token_try(void)
{
	static const uint8_t challenge[REALM_CHALLENGE_SIZE];
	struct bytes token = BYTES_INIT;
	struct error e = ERROR_INIT;
	uint64_t records;
	int ret = rsi_token_get(&rsi, challenge, &token, &records, &e);

	must_explain(ret, &e);
	must(ret < 0 || (token.len && token.len <= RSI_TOKEN_MAX));
	bytes_free(&token);
}

static void watch_try(void)
{
	struct error e = ERROR_INIT;
	struct rsi_watch *watch = rsi_watch_open(&e);
	struct rsi_notice notice;

	must(watch != NULL);
	while (rsi_watch_next(watch, &notice, &e) == 0)
		must(notice.log_full ? !notice.size : notice.size && notice.size <= HASH_SIZE_MAX);
	must_explain(-1, &e);
	rsi_watch_close(watch);
}

static void (*const requests[])(void) = {
	config_try, measurement_try, extend_try, log_try, token_try, watch_try,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.input = (struct part){ data, size };
	requests[part_number(&kernel.input, 1) % (sizeof(requests) / sizeof(requests[0]))]();
	return 0;
}
