// SPDX-License-Identifier: Apache-2.0
/* The netlink requests and the handling of answers. Functions in this file fake the kernel. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/cca_rsi_netlink.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <string.h>

#include "rsi/rsi_netlink.h"

#define RECORD 7 /* the answer to an extension */

static struct {
	int error;	/* the answer to requests; 0: RECORD */
	int errors;	/* how many requests get @error; 0: all */
	int dump_error; /* how a dump ends after its first message */
	int empty;	/* how many messages without attributes come before a token */
	bool no_token;	/* such messages are all that a dump has */
	int sent;
	struct nl_msg *request; /* the last request */
	nl_recvmsg_msg_cb_t on_message, on_done;
	nl_recvmsg_err_cb_t on_error;
	void *arg;
} kernel;

int nl_socket_modify_cb(struct nl_sock *sock, enum nl_cb_type type, enum nl_cb_kind kind,
			nl_recvmsg_msg_cb_t function, void *arg)
{
	(void)sock;
	(void)kind;
	if (type == NL_CB_VALID)
		kernel.on_message = function;
	else if (type == NL_CB_ACK)
		kernel.on_done = function;
	kernel.arg = arg;
	return 0;
}

int nl_socket_modify_err_cb(struct nl_sock *sock, enum nl_cb_kind kind,
			    nl_recvmsg_err_cb_t function, void *arg)
{
	(void)sock;
	(void)kind;
	(void)arg;
	kernel.on_error = function;
	return 0;
}

int nl_send_auto(struct nl_sock *sock, struct nl_msg *msg)
{
	(void)sock;
	kernel.sent++;
	nlmsg_free(kernel.request);
	kernel.request = nlmsg_convert(nlmsg_hdr(msg));
	nlmsg_hdr(msg)->nlmsg_seq = (uint32_t)kernel.sent; /* as libnl does */
	return (int)nlmsg_hdr(msg)->nlmsg_len;
}

static void answer_record(void)
{
	struct nl_msg *msg = nlmsg_alloc();

	assert_non_null(genlmsg_put(msg, 0, 0, 20, 0, 0, CCA_RSI_CMD_MEASUREMENT_EXTEND, 1));
	assert_int_equal(nla_put_u32(msg, CCA_RSI_A_MEASUREMENT_SEQ, RECORD), 0);
	kernel.on_message(msg, kernel.arg);
	kernel.on_done(msg, kernel.arg);
	nlmsg_free(msg);
}

static void answer_empty(void)
{
	struct nl_msg *msg = nlmsg_alloc();

	assert_non_null(genlmsg_put(msg, 0, 0, 20, 0, 0, CCA_RSI_CMD_TOKEN_GET, 1));
	kernel.on_message(msg, kernel.arg);
	nlmsg_free(msg);
}

/* Answers with a token in one piece. */
static void answer_token(void)
{
	struct nl_msg *msg = nlmsg_alloc(), *done = nlmsg_alloc_simple(NLMSG_DONE, NLM_F_MULTI);
	int end = -kernel.dump_error;

	assert_non_null(genlmsg_put(msg, 0, 0, 20, 0, 0, CCA_RSI_CMD_TOKEN_GET, 1));
	assert_int_equal(nla_put_u32(msg, CCA_RSI_A_TOKEN_SIZE, 5), 0);
	assert_int_equal(nla_put_u32(msg, CCA_RSI_A_TOKEN_OFFSET, 0), 0);
	assert_int_equal(nla_put_u64(msg, CCA_RSI_A_TOKEN_LOG_SEQ, 9), 0);
	assert_int_equal(nla_put(msg, CCA_RSI_A_TOKEN_CHUNK, 5, "token"), 0);
	assert_int_equal(nlmsg_append(done, &end, sizeof(end), NLMSG_ALIGNTO), 0);
	for (int i = 0; i < kernel.empty; i++)
		answer_empty();
	if (!kernel.no_token)
		kernel.on_message(msg, kernel.arg);
	kernel.on_done(done, kernel.arg);
	nlmsg_free(msg);
	nlmsg_free(done);
}

/* Answers with a configuration, of which the last attributes are left out. */
static void answer_config(void)
{
	static const uint8_t rpv[CCA_RSI_RPV_LEN];
	struct nl_msg *msg = nlmsg_alloc();

	assert_non_null(genlmsg_put(msg, 0, 0, 20, 0, 0, CCA_RSI_CMD_CONFIG_GET, 1));
	for (int i = CCA_RSI_A_CONFIG_ABI_LOWER; i <= CCA_RSI_A_CONFIG_EVENT_MAX; i++)
		assert_int_equal(nla_put_u32(msg, i, i == CCA_RSI_A_CONFIG_DIGEST_SIZE ? 32 : 0),
				 0);
	assert_int_equal(nla_put(msg, CCA_RSI_A_CONFIG_RPV, sizeof(rpv), rpv), 0);
	assert_int_equal(nla_put_u32(msg, CCA_RSI_A_CONFIG_ABI, 0x10001), 0);
	assert_int_equal(nla_put_u64(msg, CCA_RSI_A_CONFIG_FEATURES, 1UL << 40), 0);
	assert_int_equal(nla_put_u32(msg, CCA_RSI_A_CONFIG_AUX_PLANES, 0), 0);
	kernel.on_message(msg, kernel.arg);
	kernel.on_done(msg, kernel.arg);
	nlmsg_free(msg);
}

int nl_recvmsgs_default(struct nl_sock *sock)
{
	struct nlmsgerr error = { .error = -kernel.error };

	(void)sock;
	if (!kernel.error || (kernel.errors && kernel.sent > kernel.errors)) {
		if (genlmsg_hdr(nlmsg_hdr(kernel.request))->cmd == CCA_RSI_CMD_TOKEN_GET)
			answer_token();
		else if (genlmsg_hdr(nlmsg_hdr(kernel.request))->cmd == CCA_RSI_CMD_CONFIG_GET)
			answer_config();
		else
			answer_record();
		return 0;
	}
	assert_int_equal(kernel.on_error(NULL, &error, kernel.arg), NL_STOP);
	return -NLE_FAILURE;
}

static int teardown(void **state)
{
	(void)state;
	nlmsg_free(kernel.request);
	memset(&kernel, 0, sizeof(kernel));
	return 0;
}

static struct rsi rsi = { .source = &rsi_source_netlink };
static const uint8_t digest[64];

/* Extends with the longest digest and an event of @size bytes. */
static int extend(const void *data, size_t size, uint64_t *seq, struct error *e)
{
	const struct rsi_event event = { .type = 13, .data = data, .size = size };

	*e = (struct error)ERROR_INIT;
	return rsi_source_netlink.extend(&rsi, 1, digest, sizeof(digest), &event, seq, e);
}

static void the_longest_event_fits(void **state)
{
	static uint8_t data[CCA_RSI_EVENT_LEN_MAX];
	struct nlattr *attrs[17], *event;
	struct error e;
	uint64_t seq;

	(void)state;
	memset(data, 'x', sizeof(data));
	for (size_t size = sizeof(data) - 256; size <= sizeof(data); size++) {
		assert_int_equal(extend(data, size, &seq, &e), 0);
		assert_int_equal(seq, RECORD);
		assert_int_equal(genlmsg_parse(nlmsg_hdr(kernel.request), 0, attrs, 16, NULL), 0);
		event = attrs[CCA_RSI_A_MEASUREMENT_EVENT];
		assert_int_equal(nla_len(event), size);
		assert_memory_equal(nla_data(event), data, size);
	}
}

/* Each request needs a new number, because libnl matches answers by it. */
static void a_request_cancelled_by_a_signal_is_repeated(void **state)
{
	struct error e;
	uint64_t seq;

	(void)state;
	kernel.error = ECANCELED;
	kernel.errors = 3;
	assert_int_equal(extend("abc", 3, &seq, &e), 0);
	assert_int_equal(seq, RECORD);
	assert_int_equal(kernel.sent, 4);
	assert_int_equal(nlmsg_hdr(kernel.request)->nlmsg_seq, NL_AUTO_SEQ);
}

static void a_refused_request_is_not_repeated(void **state)
{
	struct error e;
	uint64_t seq;

	(void)state;
	kernel.error = ENOSPC;
	assert_int_equal(extend("abc", 3, &seq, &e), -1);
	assert_string_equal(e.text,
			    "netlink cca-rsi: the event log is full, and nothing is extended "
			    "without a record");
	assert_int_equal(kernel.sent, 1);
}

static int token_get(struct bytes *token, uint64_t *records, struct error *e)
{
	static const uint8_t challenge[REALM_CHALLENGE_SIZE];

	*e = (struct error)ERROR_INIT;
	bytes_clear(token);
	return rsi_token_get(&rsi, challenge, token, records, e);
}

static void a_token_has_the_number_of_records(void **state)
{
	struct bytes token = BYTES_INIT;
	struct error e;
	uint64_t records = 0;

	(void)state;
	assert_int_equal(token_get(&token, &records, &e), 0);
	assert_int_equal(records, 9);
	assert_string_equal(bytes_text(&token), "token");
	bytes_free(&token);
}

/* Since a token is made off generic netlink's lock, a message without attributes comes first. */
static void a_token_follows_the_acceptance_of_its_request(void **state)
{
	struct bytes token = BYTES_INIT;
	struct error e;
	uint64_t records = 0;

	(void)state;
	kernel.empty = 1;
	assert_int_equal(token_get(&token, &records, &e), 0);
	assert_int_equal(records, 9);
	assert_string_equal(bytes_text(&token), "token");
	kernel.no_token = true;
	assert_int_equal(token_get(&token, &records, &e), -1);
	assert_int_equal(e.kind, ERROR_SYSTEM);
	kernel.dump_error = EBUSY;
	assert_int_equal(token_get(&token, &records, &e), -1);
	assert_int_equal(e.kind, ERROR_NO_DRIVER);
	bytes_free(&token);
}

static void a_lack_of_privilege_names_the_capability(void **state)
{
	struct error e;
	uint64_t seq;

	(void)state;
	kernel.error = EPERM;
	assert_int_equal(extend("abc", 3, &seq, &e), -1);
	assert_int_equal(e.kind, ERROR_SYSTEM);
	assert_non_null(strstr(e.text, "CAP_SYS_ADMIN"));
}

/* A partial dump is neither used as an answer nor continued by another dump. */
static void a_dump_that_fails_half_way_is_an_error(void **state)
{
	static const int errors[] = { EMSGSIZE, EIO, ECANCELED };
	struct bytes token = BYTES_INIT;
	struct error e;

	(void)state;
	for (int i = 0; i < 3; i++) {
		kernel.sent = 0;
		kernel.dump_error = errors[i];
		assert_int_equal(token_get(&token, NULL, &e), -1);
		assert_int_equal(e.kind, ERROR_SYSTEM);
		assert_int_equal(kernel.sent, 1);
	}
	bytes_free(&token);
}

static void an_attribute_that_is_left_out_is_absent(void **state)
{
	struct error e = ERROR_INIT;
	struct rsi_config config;

	(void)state;
	assert_int_equal(rsi_config_get(&rsi, &config, &e), 0);
	assert_true(config.abi.present && config.features.present && config.aux_planes.present);
	assert_int_equal(config.abi.value, 0x10001);
	assert_int_equal(config.features.value, 1UL << 40);
	assert_int_equal(config.aux_planes.value, 0);
	assert_false(config.gicv3_vtr.present || config.ats_plane.present);
}

#define TEST(function) cmocka_unit_test_teardown(function, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_longest_event_fits),
		TEST(a_request_cancelled_by_a_signal_is_repeated),
		TEST(a_refused_request_is_not_repeated),
		TEST(a_token_has_the_number_of_records),
		TEST(a_token_follows_the_acceptance_of_its_request),
		TEST(a_lack_of_privilege_names_the_capability),
		TEST(a_dump_that_fails_half_way_is_an_error),
		TEST(an_attribute_that_is_left_out_is_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
