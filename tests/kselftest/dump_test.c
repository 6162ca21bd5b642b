// SPDX-License-Identifier: Apache-2.0
/*
 * Dumps by netlink: where they end, what a caller gets that reads them slowly or not at all, and
 * the memory that they leave.
 */
#define _GNU_SOURCE
#include "client.h"
#include "device.h"
#include "eventlog.h"
#include "module.h"
#include "tap.h"
#include "token.h"

#include <fcntl.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Records that fill a message each, so that most of the dump is still to be made */
#define LONG_RECORDS 24
#define TOKENS	     150
/* In kB; TOKENS that are left have 4 kB or more each. */
#define LEFT_MAX    300
#define MEMORY_WAIT 10 /* seconds until freed memory is back */

static struct client client;
static struct cca_rsi_config config;

static int extend(int fd, const void *event, uint32_t size)
{
	struct cca_rsi_extend arg = {
		.index = 1,
		.digest_size = config.digest_size,
		.event_type = 13,
		.event_size = size,
		.event = (uintptr_t)event,
	};

	return ioctl(fd, CCA_RSI_EXTEND, &arg);
}

struct counted {
	size_t records;
	uint64_t last;
	int device; /* if it is not -1, each record is followed by an extension */
};

static bool record_count(struct nlattr **attrs, void *context)
{
	struct nlattr *seq = attrs[CCA_RSI_A_MEASUREMENT_SEQ];
	struct counted *counted = context;

	if (!seq)
		return false;
	counted->last = nla_len(seq) == 8 ? nla_get_u64(seq) : nla_get_u32(seq);
	counted->records++;
	return counted->device < 0 || extend(counted->device, NULL, 0) == 0;
}

/* The records that are appended while the dump is sent are not part of it. */
static void log_ends_where_it_ended(void)
{
	static const uint8_t event[4096];
	struct counted counted = { .device = device_open(O_RDWR) };
	uint64_t before;

	for (size_t i = 0; i < LONG_RECORDS; i++)
		CHECK(extend(counted.device, event, sizeof(event)) == 0);
	CHECK(device_config(&config));
	before = config.log_seq;
	CHECK(client_call(&client, client_request(&client, CCA_RSI_CMD_LOG_GET, NLM_F_DUMP),
			  record_count, &counted) == 0);
	CHECK(counted.records == before && counted.last == before - 1);
	CHECK(eventlog_good(&config) && config.log_seq == 2 * before);
	counted = (struct counted){ .device = -1 };
	CHECK(client_call(&client, client_request(&client, CCA_RSI_CMD_LOG_GET, NLM_F_DUMP),
			  record_count, &counted) == 0);
	CHECK(counted.records == 2 * before);
	close(counted.device);
}

static int token_get(struct client *with)
{
	static uint8_t token[TOKEN_ROOM];
	uint8_t challenge[CHALLENGE_SIZE];
	size_t size;

	challenge_random(challenge);
	return client_token(with, challenge, sizeof(challenge), token, &size);
}

/* Requests a token and closes the socket after @answers messages. */
static bool token_abandon(int answers)
{
	struct nl_msg *request;
	uint8_t challenge[CHALLENGE_SIZE], bytes[16384];
	struct client other;
	bool good;

	if (!client_open(&other))
		return false;
	challenge_random(challenge);
	request = client_request(&other, CCA_RSI_CMD_TOKEN_GET, NLM_F_DUMP);
	nla_put(request, CCA_RSI_A_TOKEN_CHALLENGE, sizeof(challenge), challenge);
	good = nl_send_auto(other.sock, request) > 0;
	for (int i = 0; good && i < answers; i++)
		good = recv(nl_socket_get_fd(other.sock), bytes, sizeof(bytes), 0) > 0;
	nlmsg_free(request);
	client_close(&other);
	return good;
}

static bool tokens_get(size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (i % 2 ? token_get(&client) != 0 : !token_abandon((int)(i / 2) % 3))
			return false;
	return true;
}

static void tokens_are_freed(void)
{
	long before, after;

	CHECK(tokens_get(TOKENS / 2));
	before = kernel_memory();
	CHECK(tokens_get(TOKENS));
	after = kernel_memory();
	for (int i = 0; i < MEMORY_WAIT && after - before > LEFT_MAX; i++) {
		sleep(1);
		after = kernel_memory();
	}
	tap_note("kernel memory: %ld kB before, %ld kB after %d tokens", before, after, TOKENS);
	SKIP_IF(kernel_keeps_freed(),
		"KASAN keeps freed memory in quarantine; kmemleak checks this instead");
	CHECK(after - before <= LEFT_MAX);
}

static const struct tap_test tests[] = {
	{ "a dump of the log has the records that there were when it began",
	  log_ends_where_it_ended },
	{ "tokens that were dumped, or whose dump was abandoned, are freed", tokens_are_freed },
};

int main(void)
{
	if (!client_open(&client))
		tap_bail("there is no netlink family " CCA_RSI_FAMILY_NAME);
	if (!device_config(&config))
		tap_bail("cannot read the configuration");
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
