// SPDX-License-Identifier: Apache-2.0
/* The netlink family returns what the device returns, and refuses bad requests with a reason. */
#define _GNU_SOURCE
#include "client.h"
#include "device.h"
#include "eventlog.h"
#include "tap.h"
#include "token.h"

#include <fcntl.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define ROUNDS 25
/* Offsets of the attributes in extend_request(): headers of 16 and 4 bytes, 4 for each attribute */
#define INDEX_AT  20u
#define DIGEST_AT 28u
#define TYPE_AT	  (DIGEST_AT + 4 + config.digest_size)
/* Two tokens over one challenge differ only in their two signatures, of at most P-384. */
#define SIGNATURE_MAX 96
#define SIGNATURES    2

static struct client client;
static struct cca_rsi_config config;

/* --- answers --------------------------------------------------------------------------------- */

static bool u32_is(struct nlattr **attrs, int type, uint32_t expected)
{
	return attrs[type] && nla_len(attrs[type]) == 4 && nla_get_u32(attrs[type]) == expected;
}

/* A "uint" has four bytes or eight. */
static bool uint_is(struct nlattr **attrs, int type, uint64_t expected)
{
	if (attrs[type] && nla_len(attrs[type]) == 8)
		return nla_get_u64(attrs[type]) == expected;
	return expected <= UINT32_MAX && u32_is(attrs, type, (uint32_t)expected);
}

static bool bytes_are(struct nlattr **attrs, int type, const uint8_t *expected, size_t size)
{
	return attrs[type] && (size_t)nla_len(attrs[type]) == size &&
	       memcmp(nla_data(attrs[type]), expected, size) == 0;
}

/* A field that is not present has no attribute. */
static bool field_is(struct nlattr **attrs, int type, uint32_t bit, uint64_t expected)
{
	return config.present & bit ? uint_is(attrs, type, expected) : !attrs[type] && !expected;
}

static bool config_same(struct nlattr **attrs, void *context)
{
	(void)context;
	return u32_is(attrs, CCA_RSI_A_CONFIG_ABI_LOWER, config.abi_lower) &&
	       u32_is(attrs, CCA_RSI_A_CONFIG_ABI_HIGHER, config.abi_higher) &&
	       u32_is(attrs, CCA_RSI_A_CONFIG_IPA_BITS, config.ipa_bits) &&
	       u32_is(attrs, CCA_RSI_A_CONFIG_HASH_ALGO, config.hash_algo) &&
	       u32_is(attrs, CCA_RSI_A_CONFIG_DIGEST_SIZE, config.digest_size) &&
	       u32_is(attrs, CCA_RSI_A_CONFIG_REGISTERS, config.registers) &&
	       u32_is(attrs, CCA_RSI_A_CONFIG_FLAGS, config.flags) &&
	       u32_is(attrs, CCA_RSI_A_CONFIG_EVENT_MAX, config.event_max) &&
	       uint_is(attrs, CCA_RSI_A_CONFIG_LOG_SEQ, config.log_seq) &&
	       bytes_are(attrs, CCA_RSI_A_CONFIG_RPV, config.rpv, sizeof(config.rpv)) &&
	       field_is(attrs, CCA_RSI_A_CONFIG_ABI, CCA_RSI_CONFIG_P_ABI, config.abi) &&
	       field_is(attrs, CCA_RSI_A_CONFIG_FEATURES, CCA_RSI_CONFIG_P_FEATURES,
			config.features) &&
	       field_is(attrs, CCA_RSI_A_CONFIG_AUX_PLANES, CCA_RSI_CONFIG_P_AUX_PLANES,
			config.aux_planes) &&
	       field_is(attrs, CCA_RSI_A_CONFIG_GICV3_VTR, CCA_RSI_CONFIG_P_GICV3_VTR,
			config.gicv3_vtr) &&
	       field_is(attrs, CCA_RSI_A_CONFIG_ATS_PLANE, CCA_RSI_CONFIG_P_ATS_PLANE,
			config.ats_plane);
}

/* @context: the register that must come next */
static bool measurement_same(struct nlattr **attrs, void *context)
{
	struct cca_rsi_measurement value;
	uint32_t *next = context;

	return device_measurement(*next, &value) &&
	       u32_is(attrs, CCA_RSI_A_MEASUREMENT_INDEX, (*next)++) &&
	       bytes_are(attrs, CCA_RSI_A_MEASUREMENT_VALUE, value.value, value.size);
}

static bool has_seq(struct nlattr **attrs, void *context)
{
	bool *answered = context;

	*answered = true;
	return attrs[CCA_RSI_A_MEASUREMENT_SEQ] != NULL;
}

/* --- requests -------------------------------------------------------------------------------- */

static int config_get(client_answer *answer)
{
	return client_call(&client, client_request(&client, CCA_RSI_CMD_CONFIG_GET, 0), answer,
			   NULL);
}

static int measurement_get(uint32_t index)
{
	struct nl_msg *request = client_request(&client, CCA_RSI_CMD_MEASUREMENT_GET, 0);

	nla_put_u32(request, CCA_RSI_A_MEASUREMENT_INDEX, index);
	return client_call(&client, request, measurement_same, &index);
}

static struct nl_msg *extend_request(uint32_t index, const uint8_t *digest, size_t size)
{
	struct nl_msg *request = client_request(&client, CCA_RSI_CMD_MEASUREMENT_EXTEND, 0);

	nla_put_u32(request, CCA_RSI_A_MEASUREMENT_INDEX, index);
	nla_put(request, CCA_RSI_A_MEASUREMENT_DIGEST, (int)size, digest);
	nla_put_u32(request, CCA_RSI_A_MEASUREMENT_EVENT_TYPE, 13);
	return request;
}

/* --- tests ----------------------------------------------------------------------------------- */

static void same_config(void)
{
	CHECK(config_get(config_same) == 0);
}

static void same_registers(void)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < REGISTERS; i++)
		CHECK(measurement_get(i) == 0);
	CHECK(client_call(&client, client_request(&client, CCA_RSI_CMD_MEASUREMENT_GET, NLM_F_DUMP),
			  measurement_same, &next) == 0);
	CHECK(next == REGISTERS);
}

static void wrong_register_refused(void)
{
	CHECK_ERRNO(measurement_get(REGISTERS), ERANGE);
	CHECK_ERRNO(measurement_get(UINT32_MAX), ERANGE);
	CHECK_ERRNO(client_call(&client, client_request(&client, CCA_RSI_CMD_MEASUREMENT_GET, 0),
				NULL, NULL),
		    EINVAL);
}

static void unknown_attribute_refused(void)
{
	struct nl_msg *request = client_request(&client, CCA_RSI_CMD_MEASUREMENT_GET, 0);

	nla_put_u32(request, CCA_RSI_A_MEASUREMENT_INDEX, 0);
	nla_put_u32(request, CCA_RSI_A_MEASUREMENT_SEQ, 0);
	CHECK_ERRNO(client_call(&client, request, NULL, NULL), EINVAL);
}

static void extension_follows_rule(void)
{
	struct cca_rsi_measurement before, after;
	uint8_t digest[64], expected[64], event[4096] = { 0 };
	struct nl_msg *request;
	bool answered = false;

	memset(digest, 0x5a, sizeof(digest));
	CHECK(device_measurement(3, &before));
	register_after(&config, before.value, digest, expected);
	request = extend_request(3, digest, config.digest_size);
	CHECK(nla_put(request, CCA_RSI_A_MEASUREMENT_EVENT, sizeof(event), event) == 0);
	CHECK(client_call(&client, request, has_seq, &answered) == 0 && answered);
	CHECK(device_measurement(3, &after));
	CHECK(memcmp(after.value, expected, config.digest_size) == 0);
}

static void rim_refused_with_reason(void)
{
	uint8_t digest[64] = { 0 };

	CHECK_ERRNO(client_call(&client, extend_request(0, digest, config.digest_size), NULL, NULL),
		    EINVAL);
	CHECK(strstr(client.message, "RIM") != NULL && client.offset == INDEX_AT);
}

static void digest_size_refused_with_reason(void)
{
	uint8_t digest[65] = { 0 };

	CHECK_ERRNO(client_call(&client, extend_request(1, digest, 20), NULL, NULL), EINVAL);
	CHECK(strstr(client.message, "digest") != NULL && client.offset == DIGEST_AT);
	CHECK_ERRNO(client_call(&client, extend_request(1, digest, 0), NULL, NULL), EINVAL);
	CHECK_ERRNO(client_call(&client, extend_request(1, digest, 65), NULL, NULL), ERANGE);
}

static void extension_needs_its_parts(void)
{
	struct nl_msg *request = client_request(&client, CCA_RSI_CMD_MEASUREMENT_EXTEND, 0);
	uint8_t digest[64] = { 0 }, event[4097] = { 0 };
	struct cca_rsi_measurement before, after;

	CHECK(device_measurement(1, &before));
	nla_put_u32(request, CCA_RSI_A_MEASUREMENT_INDEX, 1);
	CHECK_ERRNO(client_call(&client, request, NULL, NULL), EINVAL);
	request = extend_request(1, digest, config.digest_size);
	nla_put(request, CCA_RSI_A_MEASUREMENT_EVENT, sizeof(event), event);
	CHECK_ERRNO(client_call(&client, request, NULL, NULL), ERANGE);
	CHECK(device_measurement(1, &after));
	CHECK(memcmp(&before, &after, sizeof(before)) == 0);
}

static void no_action_refused_with_reason(void)
{
	struct nl_msg *request = client_request(&client, CCA_RSI_CMD_MEASUREMENT_EXTEND, 0);
	uint8_t digest[64] = { 0 };

	nla_put_u32(request, CCA_RSI_A_MEASUREMENT_INDEX, 1);
	nla_put(request, CCA_RSI_A_MEASUREMENT_DIGEST, (int)config.digest_size, digest);
	nla_put_u32(request, CCA_RSI_A_MEASUREMENT_EVENT_TYPE, CCA_RSI_EV_NO_ACTION);
	CHECK_ERRNO(client_call(&client, request, NULL, NULL), EINVAL);
	CHECK(strstr(client.message, "EV_NO_ACTION") != NULL);
	CHECK(client.offset == TYPE_AT);
}

/* The record that a dump of the log must return next */
struct expected {
	const struct eventlog *log;
	uint64_t next;
};

static bool record_same(struct nlattr **attrs, void *context)
{
	struct expected *expected = context;
	const struct record *record = &expected->log->records[expected->next];
	bool event = record->kind == KIND_EVENT || record->kind == KIND_BOOT;

	return expected->next < expected->log->count &&
	       uint_is(attrs, CCA_RSI_A_MEASUREMENT_SEQ, expected->next++) &&
	       u32_is(attrs, CCA_RSI_A_MEASUREMENT_KIND, record->kind) &&
	       u32_is(attrs, CCA_RSI_A_MEASUREMENT_INDEX, record->index) &&
	       u32_is(attrs, CCA_RSI_A_MEASUREMENT_EVENT_TYPE, record->type) &&
	       bytes_are(attrs, event ? CCA_RSI_A_MEASUREMENT_DIGEST : CCA_RSI_A_MEASUREMENT_VALUE,
			 record->digest, config.digest_size) &&
	       (!event ||
		bytes_are(attrs, CCA_RSI_A_MEASUREMENT_EVENT, record->event, record->size));
}

static int log_get(struct expected *expected)
{
	struct nl_msg *request = client_request(&client, CCA_RSI_CMD_LOG_GET, NLM_F_DUMP);

	if (expected->next)
		nla_put_u32(request, CCA_RSI_A_MEASUREMENT_SEQ, (uint32_t)expected->next);
	return client_call(&client, request, record_same, expected);
}

/* The longest events, which fill a message each, are among them. */
static void same_log(void)
{
	static const uint64_t from[] = { 0, 1, 4, 7, 30 };
	uint8_t digest[64] = { 1 }, event[4096] = { 2 };
	struct expected expected;
	struct nl_msg *request;
	struct eventlog log;

	for (size_t i = 0; i < 30; i++) {
		request = extend_request(1 + (uint32_t)i % 4, digest, config.digest_size);
		nla_put(request, CCA_RSI_A_MEASUREMENT_EVENT, i % 5 ? (int)i * 10 : 4096, event);
		CHECK(client_call(&client, request, NULL, NULL) == 0);
	}
	CHECK(eventlog_read(&log, &config) && eventlog_replays(&log));
	for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		expected = (struct expected){ .log = &log, .next = from[i] };
		CHECK(log_get(&expected) == 0 && expected.next == log.count);
	}
	expected.next = log.count + 100;
	CHECK(log_get(&expected) == 0 && expected.next == log.count + 100);
	eventlog_free(&log);
}

/* The expected contents of the next notification */
struct notified {
	uint64_t seq;
	uint32_t index;
	const uint8_t *digest;
	int count;
};

static int on_notification(struct nl_msg *msg, void *context)
{
	struct genlmsghdr *head = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *attrs[CLIENT_ATTRS + 1];
	struct notified *notified = context;

	if (head->cmd == CCA_RSI_CMD_MEASUREMENT_EXTEND_NTF &&
	    genlmsg_parse(nlmsg_hdr(msg), 0, attrs, CLIENT_ATTRS, NULL) == 0 &&
	    uint_is(attrs, CCA_RSI_A_MEASUREMENT_SEQ, notified->seq + (uint64_t)notified->count) &&
	    u32_is(attrs, CCA_RSI_A_MEASUREMENT_INDEX, notified->index) &&
	    bytes_are(attrs, CCA_RSI_A_MEASUREMENT_DIGEST, notified->digest, config.digest_size) &&
	    attrs[CCA_RSI_A_MEASUREMENT_EVENT_TYPE] && !attrs[CCA_RSI_A_MEASUREMENT_EVENT])
		notified->count++;
	return NL_OK;
}

/* There is one for each extension, by either interface, and none for a refused one. */
static void listeners_notified(void)
{
	uint8_t digest[64] = { 7 };
	struct notified notified = { .index = 2, .digest = digest };
	int writer = device_open(O_WRONLY), group;
	struct client listener;

	CHECK(client_open(&listener));
	nl_socket_set_nonblocking(listener.sock);
	group = genl_ctrl_resolve_grp(listener.sock, CCA_RSI_FAMILY_NAME, "events");
	CHECK(group >= 0 && nl_socket_add_membership(listener.sock, group) == 0);
	nl_socket_modify_cb(listener.sock, NL_CB_VALID, NL_CB_CUSTOM, on_notification, &notified);
	CHECK(device_config(&config));
	notified.seq = config.log_seq;
	CHECK(device_extend(writer, 2, digest) == 0);
	CHECK_ERRNO(device_extend(writer, 0, digest), EINVAL);
	CHECK(client_call(&client, extend_request(2, digest, config.digest_size), NULL, NULL) == 0);
	CHECK(device_extend(writer, 2, digest) == 0);
	while (nl_recvmsgs_default(listener.sock) == 0)
		;
	CHECK(notified.count == 3);
	client_close(&listener);
	close(writer);
}

/* Counts the places, each of a signature's size, in which the two differ. */
static unsigned int places_differing(const uint8_t *a, const uint8_t *b, size_t size)
{
	unsigned int places = 0;

	for (size_t i = 0; i < size; i++) {
		if (a[i] == b[i])
			continue;
		places++;
		i += SIGNATURE_MAX - 1;
	}
	return places;
}

static void same_token(void)
{
	static uint8_t by_netlink[TOKEN_ROOM], by_device[TOKEN_ROOM];
	uint8_t challenge[CHALLENGE_SIZE];
	size_t size, device_size;

	challenge_random(challenge);
	CHECK(client_token(&client, challenge, sizeof(challenge), by_netlink, &size) == 0);
	CHECK(token_carries(by_netlink, size, challenge));
	CHECK(device_token(challenge, by_device, &device_size));
	CHECK(device_size == size);
	CHECK(places_differing(by_netlink, by_device, size) <= SIGNATURES);
}

static void challenge_size_refused(void)
{
	static uint8_t token[TOKEN_ROOM];
	uint8_t challenge[CHALLENGE_SIZE + 1] = { 0 };
	size_t size;

	CHECK_ERRNO(client_token(&client, challenge, CHALLENGE_SIZE - 1, token, &size), ERANGE);
	CHECK_ERRNO(client_token(&client, challenge, CHALLENGE_SIZE + 1, token, &size), ERANGE);
	CHECK_ERRNO(client_call(&client, client_request(&client, CCA_RSI_CMD_TOKEN_GET, NLM_F_DUMP),
				NULL, NULL),
		    EINVAL);
}

/* Requests a token and closes the socket without reading an answer. */
static void dump_abandoned(void)
{
	static uint8_t token[TOKEN_ROOM];
	uint8_t challenge[CHALLENGE_SIZE];
	struct nl_msg *request;
	struct client other;
	size_t size;

	for (int i = 0; i < 8; i++) {
		CHECK(client_open(&other));
		challenge_random(challenge);
		request = client_request(&other, CCA_RSI_CMD_TOKEN_GET, NLM_F_DUMP);
		nla_put(request, CCA_RSI_A_TOKEN_CHALLENGE, sizeof(challenge), challenge);
		CHECK(nl_send_auto(other.sock, request) > 0);
		nlmsg_free(request);
		client_close(&other);
	}
	CHECK(client_token(&client, challenge, sizeof(challenge), token, &size) == 0);
	CHECK(token_carries(token, size, challenge));
}

/* Runs @body in a child, which may change its user and its namespaces. */
static bool in_child(bool (*body)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		client_close(&client);
		_exit(body() ? 0 : 1);
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

static bool child_without_privilege(void)
{
	uint8_t bytes[CHALLENGE_SIZE] = { 0 }, *token = malloc(TOKEN_ROOM);
	size_t size;

	return token && device_config(&config) && setuid(NOBODY) == 0 && client_open(&client) &&
	       config_get(config_same) == 0 &&
	       client_call(&client,
			   client_request(&client, CCA_RSI_CMD_MEASUREMENT_GET, NLM_F_DUMP), NULL,
			   NULL) == 0 &&
	       tap_errno(client_call(&client,
				     client_request(&client, CCA_RSI_CMD_LOG_GET, NLM_F_DUMP), NULL,
				     NULL),
			 EPERM) &&
	       tap_errno(client_call(&client, extend_request(1, bytes, config.digest_size), NULL,
				     NULL),
			 EPERM) &&
	       tap_errno(client_token(&client, bytes, sizeof(bytes), token, &size), EPERM);
}

static void unprivileged_may_look_only(void)
{
	CHECK(in_child(child_without_privilege));
}

/* The group's number, which is no secret. Joining it from another namespace may succeed or fail. */
static int group;

static bool child_elsewhere(void)
{
	struct nl_sock *sock = nl_socket_alloc();
	uint8_t digest[64] = { 8 };
	int writer = device_open(O_WRONLY);
	char bytes[256];

	if (unshare(CLONE_NEWNET) || client_open(&client) || !sock || genl_connect(sock))
		return false;
	nl_socket_add_membership(sock, group);
	return device_extend(writer, 1, digest) == 0 &&
	       tap_errno(recv(nl_socket_get_fd(sock), bytes, sizeof(bytes), MSG_DONTWAIT), EAGAIN);
}

static void other_namespaces_see_nothing(void)
{
	group = genl_ctrl_resolve_grp(client.sock, CCA_RSI_FAMILY_NAME, "events");
	CHECK(group >= 0);
	CHECK(in_child(child_elsewhere));
}

/* The child has all capabilities, but in its own user namespace. */
static bool child_in_user_namespace(void)
{
	uint8_t bytes[CHALLENGE_SIZE] = { 0 }, *token = malloc(TOKEN_ROOM);
	size_t size;

	return token && client_open(&client) && config_get(config_same) == 0 &&
	       tap_errno(client_call(&client,
				     client_request(&client, CCA_RSI_CMD_LOG_GET, NLM_F_DUMP), NULL,
				     NULL),
			 EPERM) &&
	       tap_errno(client_call(&client, extend_request(1, bytes, config.digest_size), NULL,
				     NULL),
			 EPERM) &&
	       tap_errno(client_token(&client, bytes, sizeof(bytes), token, &size), EPERM);
}

static bool child_enters_user_namespace(void)
{
	return unshare(CLONE_NEWUSER) == 0 && child_in_user_namespace();
}

static void root_of_a_container_may_look_only(void)
{
	SKIP_IF(access("/proc/self/ns/user", F_OK), "this kernel has no user namespaces");
	CHECK(device_config(&config) && in_child(child_enters_user_namespace));
}

/* Makes tokens by netlink (if @by_netlink is set) or the device; returns the number of mistakes. */
static void *thread_tokens(void *by_netlink)
{
	uint8_t challenge[CHALLENGE_SIZE], *token = malloc(TOKEN_ROOM);
	intptr_t mistakes = 0;
	struct client own;
	size_t size;
	bool good;

	if (!token || !client_open(&own))
		return (void *)1;
	for (int i = 0; i < ROUNDS; i++) {
		challenge_random(challenge);
		good = by_netlink ?
			       client_token(&own, challenge, sizeof(challenge), token, &size) == 0 :
			       device_token(challenge, token, &size);
		if (!good || !token_carries(token, size, challenge))
			mistakes++;
	}
	client_close(&own);
	free(token);
	return (void *)mistakes;
}

static void both_at_once(void)
{
	pthread_t threads[4];
	intptr_t mistakes = 0;
	void *result;

	for (size_t i = 0; i < 4; i++)
		CHECK(pthread_create(&threads[i], NULL, thread_tokens, i % 2 ? &client : NULL) ==
		      0);
	for (size_t i = 0; i < 4; i++) {
		CHECK(pthread_join(threads[i], &result) == 0);
		mistakes += (intptr_t)result;
	}
	CHECK(mistakes == 0);
}

static const struct tap_test tests[] = {
	{ "config-get returns what the device returns", same_config },
	{ "measurement-get, for one and all, returns what the device returns", same_registers },
	{ "a register that does not exist is refused", wrong_register_refused },
	{ "an attribute of another operation is refused", unknown_attribute_refused },
	{ "measurement-extend makes H(register || digest)", extension_follows_rule },
	{ "extending RIM is refused with a reason", rim_refused_with_reason },
	{ "a digest of another size is refused with a reason", digest_size_refused_with_reason },
	{ "an extension as EV_NO_ACTION is refused with a reason", no_action_refused_with_reason },
	{ "log-get, from any record on, returns what the device returns", same_log },
	{ "listeners get a notification of each extension and no other", listeners_notified },
	{ "an extension requires its attributes and limits its event", extension_needs_its_parts },
	{ "token-get returns the token that the device returns", same_token },
	{ "a challenge of another size is refused", challenge_size_refused },
	{ "an abandoned dump has no effect on the next", dump_abandoned },
	{ "without privilege: configuration and registers only", unprivileged_may_look_only },
	{ "root of a user namespace: configuration and registers only",
	  root_of_a_container_may_look_only },
	{ "other network namespaces have neither family nor notifications",
	  other_namespaces_see_nothing },
	{ "netlink and device at once: each its own token", both_at_once },
};

int main(void)
{
	if (!client_open(&client))
		tap_bail("there is no netlink family " CCA_RSI_FAMILY_NAME);
	if (!device_config(&config))
		tap_bail("cannot read the configuration");
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
