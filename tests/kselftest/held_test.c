// SPDX-License-Identifier: Apache-2.0
/*
 * While a token is held: the RMM makes no progress until the test ends that. A fake RMM is told
 * by its parameter. Otherwise, with HOLD=ask in the environment, this program prints "@hold" or
 * "@release", and the host does that (tests/kselftest/held) and then writes a line.
 */
#define _GNU_SOURCE
#include "client.h"
#include "door.h"
#include "eventlog.h"
#include "module.h"
#include "tap.h"
#include "token.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FAKE_FAULT   "/sys/module/cca_rsi/parameters/fault"
#define NO_PROGRESS  "4"
#define KILL_LIMIT   1.0 /* seconds; generous, because the machine may be emulated and busy */
#define CALL_LIMIT   5.0
#define READER_LIMIT 30.0   /* for all the calls of a reader */
#define TOKEN_LIMIT  30.0   /* for a token that is no longer held */
#define INTO_TOKEN   500000 /* microseconds after which a call has certainly begun its token */
#define EXTENDED     3

static uint8_t digest[CCA_RSI_DIGEST_MAX] = { 7 };

/* --- holding --------------------------------------------------------------------------------- */

static void fake_fault(const char *number)
{
	int fd = open(FAKE_FAULT, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, number, strlen(number)) < 0)
		tap_bail("cannot write " FAKE_FAULT ": %s", strerror(errno));
	close(fd);
}

static void host_ask(const char *line)
{
	char answer[16];

	printf("%s\n", line);
	fflush(stdout);
	if (!fgets(answer, sizeof(answer), stdin))
		tap_bail("the host does not answer %s", line);
}

static void hold(void)
{
	if (module_is_fake())
		fake_fault(NO_PROGRESS);
	else
		host_ask("@hold");
}

static void release(void)
{
	if (module_is_fake())
		fake_fault("0");
	else
		host_ask("@release");
}

static bool can_hold(void)
{
	const char *how = getenv("HOLD");

	return module_is_fake() || (how && strcmp(how, "ask") == 0);
}

/* --- readers --------------------------------------------------------------------------------- */

static bool config_read(void)
{
	struct cca_rsi_config config;

	return device_config(&config);
}

static bool registers_read(void)
{
	struct cca_rsi_measurement value;

	for (uint32_t i = 0; i < REGISTERS; i++) {
		if (!device_measurement(i, &value))
			return false;
	}
	return true;
}

static bool log_read(void)
{
	struct cca_rsi_config config;
	struct eventlog log;

	if (!device_config(&config) || !eventlog_read(&log, &config))
		return false;
	eventlog_free(&log);
	return true;
}

/* At the end of the log there is nothing to read, which is not a reason to wait for the token. */
static bool log_end_read(void)
{
	int fd = device_open(O_RDONLY | O_NONBLOCK);
	struct pollfd end = { .fd = fd, .events = POLLIN };
	uint8_t bytes[8192];
	ssize_t size;
	bool good;

	while ((size = read(fd, bytes, sizeof(bytes))) > 0)
		;
	good = (size == 0 || tap_errno(size, EAGAIN)) && poll(&end, 1, 0) >= 0;
	close(fd);
	return good;
}

static bool netlink_config(void)
{
	struct client client;
	bool good = client_open(&client) &&
		    client_call(&client, client_request(&client, CCA_RSI_CMD_CONFIG_GET, 0), NULL,
				NULL) == 0;

	client_close(&client);
	return good;
}

static bool netlink_registers(void)
{
	return netlink_dump(CCA_RSI_CMD_MEASUREMENT_GET);
}

static bool netlink_log(void)
{
	return netlink_dump(CCA_RSI_CMD_LOG_GET);
}

static bool device_extension(void)
{
	int fd = device_open(O_WRONLY);
	bool good = device_extend(fd, EXTENDED, digest) == 0;

	close(fd);
	return good;
}

static bool netlink_extension(void)
{
	return netlink_extend(EXTENDED, digest);
}

static const struct reader {
	const char *name;
	bool (*run)(void);
} readers[] = {
	{ "the configuration, device", config_read },
	{ "the configuration, netlink", netlink_config },
	{ "the registers, device", registers_read },
	{ "the registers, netlink", netlink_registers },
	{ "the registers, sysfs", sysfs_read },
	{ "the log, device", log_read },
	{ "the log's end, device, O_NONBLOCK", log_end_read },
	{ "the log, netlink", netlink_log },
	{ "an extension, device", device_extension },
	{ "an extension, netlink", netlink_extension },
};

/* Runs in a child, because a reader that waits for the token would wait until it is released. */
static bool readers_run(void *context)
{
	bool good = true;

	(void)context;
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		double took, began = seconds_now();
		bool done;

		tap_note("%s", readers[i].name);
		done = readers[i].run();
		took = seconds_now() - began;
		if (!done || took > CALL_LIMIT)
			tap_note("%s: %s after %.2f s", readers[i].name, done ? "done" : "failed",
				 took);
		good &= done && took <= CALL_LIMIT;
	}
	return good;
}

/* --- tokens ---------------------------------------------------------------------------------- */

static bool child_token(void *context)
{
	return door_token(*(enum door *)context);
}

/* The registers in the token are those after the first log_seq records of the log. */
static bool log_accounts_for(const struct cca_rsi_token *arg, const uint8_t *token)
{
	uint8_t value[CCA_RSI_DIGEST_MAX];
	struct cca_rsi_config config;
	struct eventlog log;
	bool good;

	if (!device_config(&config) || !eventlog_read(&log, &config))
		return false;
	good = arg->log_seq <= log.count && arg->log_seq >= REGISTERS - 1;
	for (uint32_t i = 1; good && i < REGISTERS; i++) {
		eventlog_register(&log, arg->log_seq, i, value);
		good = token_has_register(token, arg->size, i, value, config.digest_size);
	}
	eventlog_free(&log);
	return good;
}

static bool child_exact_token(void *context)
{
	struct cca_rsi_token arg = { .fd = -1 };
	uint8_t *token = malloc(TOKEN_ROOM);
	int device = device_open(O_RDONLY);
	bool good;

	(void)context;
	challenge_random(arg.challenge);
	good = token && ioctl(device, CCA_RSI_TOKEN, &arg) == 0 &&
	       read(arg.fd, token, TOKEN_ROOM) == (ssize_t)arg.size &&
	       token_carries(token, arg.size, arg.challenge) && log_accounts_for(&arg, token);
	free(token);
	return good;
}

/* A token is held by @work in a child, while others read and extend. */
static bool read_beside(bool (*work)(void *), void *context)
{
	bool ended, held, read, reader_ended, good;
	pid_t child, reader;

	hold();
	child = child_start(work, context);
	usleep(INTO_TOKEN);
	reader = child_start(readers_run, NULL);
	read = child_wait(reader, READER_LIMIT, &reader_ended);
	if (!reader_ended)
		tap_note("this one still waits");
	held = !child_wait(child, 0, &ended) && !ended;
	release();
	if (!reader_ended)
		child_kill(reader);
	good = ended || child_wait(child, TOKEN_LIMIT, &ended);
	if (!ended)
		child_kill(child);
	door_clean(child);
	tap_note("held: %d, all read: %d, the token is right: %d", held, read, good);
	return held && read && good;
}

static void readers_beside_device(void)
{
	CHECK(read_beside(child_exact_token, NULL));
}

static void readers_beside_netlink(void)
{
	enum door door = DOOR_NETLINK;

	CHECK(read_beside(child_token, &door));
}

static void readers_beside_tsm(void)
{
	enum door door = DOOR_TSM;

	SKIP_IF(!door_exists(DOOR_TSM), "configfs-tsm is not here");
	CHECK(read_beside(child_token, &door));
}

/*
 * Kills a process in the middle of a token by @door, and with @waiting also one that waits for its
 * turn. Both end soon, and the next token is right.
 */
static bool killed_in(enum door door, bool waiting)
{
	enum door second = waiting ? DOOR_NETLINK : DOOR_DEVICE;
	double took = 0, took_waiting = 0;
	pid_t child, other = 0;
	bool ended;

	hold();
	child = child_start(child_token, &door);
	usleep(INTO_TOKEN);
	if (waiting) {
		other = child_start(child_token, &second);
		usleep(INTO_TOKEN);
		took_waiting = child_kill(other);
	}
	child_wait(child, 0, &ended);
	if (!ended)
		took = child_kill(child);
	door_clean(child);
	release();
	tap_note("killed within %.3f s, a waiting one %.3f s", took, took_waiting);
	return !ended && took < KILL_LIMIT && took_waiting < KILL_LIMIT &&
	       door_token(DOOR_DEVICE) && door_token(DOOR_NETLINK);
}

static void killed_by_device(void)
{
	CHECK(killed_in(DOOR_DEVICE, false));
}

static void killed_by_netlink(void)
{
	CHECK(killed_in(DOOR_NETLINK, false));
}

static void killed_by_tsm(void)
{
	SKIP_IF(!door_exists(DOOR_TSM), "configfs-tsm is not here");
	CHECK(killed_in(DOOR_TSM, false));
}

static void killed_in_line(void)
{
	CHECK(killed_in(DOOR_DEVICE, true));
}

static const struct tap_test tests[] = {
	{ "while the device makes a token, no reader and no extension waits",
	  readers_beside_device },
	{ "while netlink makes a token, no reader and no extension waits", readers_beside_netlink },
	{ "while configfs-tsm makes a token, no reader and no extension waits",
	  readers_beside_tsm },
	{ "SIGKILL ends a caller in the middle of a token, by the device", killed_by_device },
	{ "SIGKILL ends a caller in the middle of a token, by netlink", killed_by_netlink },
	{ "SIGKILL ends a caller in the middle of a token, by configfs-tsm", killed_by_tsm },
	{ "SIGKILL ends a caller that waits for its turn", killed_in_line },
};

int main(void)
{
	if (!can_hold())
		return tap_skip_all("readers while a token is held",
				    "this RMM cannot be told to hold one");
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
