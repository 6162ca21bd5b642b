// SPDX-License-Identifier: Apache-2.0
/* How a watcher handles notifications. Functions in this file fake the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/cca_rsi_netlink.h>
#include <linux/genetlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <string.h>

#include "rsi/rsi_watch.h"

#define FAMILY	     20
#define NOTIFY_GROUP 16
#define EVENTS_GROUP 19
#define MESSAGES_MAX 4

static struct {
	int family;			      /* 0: it does not exist */
	int joined[2];			      /* the groups, in this order */
	struct nl_msg *message[MESSAGES_MAX]; /* NULL: messages were lost */
	int messages, heard;
	nl_recvmsg_msg_cb_t on_message;
	void *arg;
} kernel;

int genl_connect(struct nl_sock *sock)
{
	(void)sock;
	return 0;
}

int genl_ctrl_resolve(struct nl_sock *sock, const char *name)
{
	(void)sock;
	if (!strcmp(name, "nlctrl"))
		return GENL_ID_CTRL;
	assert_string_equal(name, CCA_RSI_FAMILY_NAME);
	return kernel.family ? kernel.family : -NLE_OBJ_NOTFOUND;
}

int genl_ctrl_resolve_grp(struct nl_sock *sock, const char *family, const char *group)
{
	(void)sock;
	assert_string_equal(group, strcmp(family, "nlctrl") ? "events" : "notify");
	return strcmp(family, "nlctrl") ? EVENTS_GROUP : NOTIFY_GROUP;
}

int nl_socket_add_membership(struct nl_sock *sock, int group)
{
	(void)sock;
	kernel.joined[kernel.joined[0] != 0] = group;
	return 0;
}

int nl_socket_set_buffer_size(struct nl_sock *sock, int in, int out)
{
	(void)sock;
	(void)in;
	(void)out;
	return 0;
}

int nl_socket_modify_cb(struct nl_sock *sock, enum nl_cb_type type, enum nl_cb_kind kind,
			nl_recvmsg_msg_cb_t function, void *arg)
{
	(void)sock;
	(void)kind;
	if (type != NL_CB_VALID)
		return 0;
	kernel.on_message = function;
	kernel.arg = arg;
	return 0;
}

int nl_recvmsgs_default(struct nl_sock *sock)
{
	struct nl_msg *msg;

	(void)sock;
	assert_true(kernel.heard < kernel.messages);
	msg = kernel.message[kernel.heard++];
	if (!msg)
		return -NLE_NOMEM;
	kernel.on_message(msg, kernel.arg);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	kernel.family = FAMILY;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < kernel.messages; i++)
		nlmsg_free(kernel.message[i]);
	return 0;
}

static void say(struct nl_msg *msg)
{
	kernel.message[kernel.messages++] = msg;
}

static struct nl_msg *message(int family, uint8_t command)
{
	struct nl_msg *msg = nlmsg_alloc();

	assert_non_null(genlmsg_put(msg, 0, 0, family, 0, 0, command, 1));
	return msg;
}

static void say_extension(uint32_t seq)
{
	static const uint8_t digest[32];
	struct nl_msg *msg = message(FAMILY, CCA_RSI_CMD_MEASUREMENT_EXTEND_NTF);

	assert_int_equal(nla_put_u32(msg, CCA_RSI_A_MEASUREMENT_SEQ, seq), 0);
	assert_int_equal(nla_put_u32(msg, CCA_RSI_A_MEASUREMENT_INDEX, 2), 0);
	assert_int_equal(nla_put_u32(msg, CCA_RSI_A_MEASUREMENT_EVENT_TYPE, 13), 0);
	assert_int_equal(nla_put(msg, CCA_RSI_A_MEASUREMENT_DIGEST, 32, digest), 0);
	say(msg);
}

static void say_full(uint64_t used)
{
	struct nl_msg *msg = message(FAMILY, CCA_RSI_CMD_LOG_FULL_NTF);

	if (used)
		assert_int_equal(nla_put_u64(msg, CCA_RSI_A_LOG_USED, used), 0);
	assert_int_equal(nla_put_u32(msg, CCA_RSI_A_LOG_LIMIT, 1 << 20), 0);
	say(msg);
}

static void say_family(uint8_t command, const char *name)
{
	struct nl_msg *msg = message(GENL_ID_CTRL, command);

	assert_int_equal(nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, name), 0);
	say(msg);
}

static struct rsi_watch *watch_open(void)
{
	struct error e = ERROR_INIT;
	struct rsi_watch *watch = rsi_watch_open(&e);

	assert_non_null(watch);
	return watch;
}

static void ends(struct rsi_watch *watch)
{
	struct rsi_notice notice;
	struct error e = ERROR_INIT;

	assert_int_equal(rsi_watch_next(watch, &notice, &e), -1);
	assert_int_equal(e.kind, ERROR_NO_DRIVER);
	assert_non_null(strstr(e.text, "the module was unloaded"));
	rsi_watch_close(watch);
}

static void extensions_until_the_module_is_unloaded(void **state)
{
	struct rsi_watch *watch = watch_open();
	struct rsi_notice notice;
	struct error e = ERROR_INIT;

	(void)state;
	say_extension(8);
	say_family(CTRL_CMD_DELFAMILY, CCA_RSI_FAMILY_NAME);
	assert_int_equal(rsi_watch_next(watch, &notice, &e), 0);
	assert_int_equal(notice.seq, 8);
	assert_int_equal(notice.index, 2);
	ends(watch);
}

/* Otherwise the family could disappear between the two without a notification. */
static void the_group_of_the_controller_is_joined_first(void **state)
{
	(void)state;
	rsi_watch_close(watch_open());
	assert_int_equal(kernel.joined[0], NOTIFY_GROUP);
	assert_int_equal(kernel.joined[1], EVENTS_GROUP);
}

static void other_families_are_ignored(void **state)
{
	struct rsi_watch *watch = watch_open();
	struct rsi_notice notice;
	struct error e = ERROR_INIT;

	(void)state;
	say_family(CTRL_CMD_DELFAMILY, "cca-rsi2");
	say_family(CTRL_CMD_NEWFAMILY, CCA_RSI_FAMILY_NAME);
	say(message(GENL_ID_CTRL, CTRL_CMD_DELFAMILY));
	say_extension(9);
	assert_int_equal(rsi_watch_next(watch, &notice, &e), 0);
	assert_int_equal(notice.seq, 9);
	rsi_watch_close(watch);
}

static void a_log_that_is_nearly_full_is_reported(void **state)
{
	struct rsi_watch *watch = watch_open();
	struct rsi_notice notice;
	struct error e = ERROR_INIT;

	(void)state;
	say_full(1000000);
	say_extension(10);
	say_full(0);
	assert_int_equal(rsi_watch_next(watch, &notice, &e), 0);
	assert_true(notice.log_full);
	assert_int_equal(notice.log_used, 1000000);
	assert_int_equal(notice.log_limit, 1 << 20);
	assert_int_equal(rsi_watch_next(watch, &notice, &e), 0);
	assert_false(notice.log_full);
	assert_int_equal(notice.seq, 10);
	assert_int_equal(rsi_watch_next(watch, &notice, &e), -1);
	assert_non_null(strstr(e.text, "malformed"));
	rsi_watch_close(watch);
}

static void lost_messages_are_tolerated(void **state)
{
	struct rsi_watch *watch = watch_open();
	struct rsi_notice notice;
	struct error e = ERROR_INIT;

	(void)state;
	say(NULL);
	say_extension(900);
	assert_int_equal(rsi_watch_next(watch, &notice, &e), 0);
	assert_int_equal(notice.seq, 900);
	rsi_watch_close(watch);
}

/* If the lost messages include the end, the family is gone, or back with another number. */
static void lost_messages_may_include_the_end(void **state)
{
	static const int families[] = { 0, FAMILY + 1 };

	for (int i = 0; i < 2; i++) {
		struct rsi_watch *watch;

		setup(state);
		watch = watch_open();
		kernel.family = families[i];
		say(NULL);
		ends(watch);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(extensions_until_the_module_is_unloaded),
		TEST(the_group_of_the_controller_is_joined_first),
		TEST(other_families_are_ignored),
		TEST(a_log_that_is_nearly_full_is_reported),
		TEST(lost_messages_are_tolerated),
		TEST(lost_messages_may_include_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
