// SPDX-License-Identifier: Apache-2.0
/*
 * No call ends early because of a signal that the program handles, with and without SA_RESTART: a
 * timer sends one every millisecond. TOKENS_SIGNALLED: the number of tokens (3) by each door.
 */
#define _GNU_SOURCE
#include "client.h"
#include "door.h"
#include "eventlog.h"
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EVERY_NS    1000000
#define TOKENS	    3
#define TOKENS_MAX  10000
#define CALLS	    50
#define LIMIT	    300.0 /* seconds for all calls of a test, generous for an emulated machine */
#define EXTENDED    2
#define AT_LEAST    0.5 /* seconds for which calls are made */
#define MIN_SIGNALS 20

struct work {
	bool (*run)(void);
	int flags; /* SA_RESTART or 0 */
};

static volatile sig_atomic_t signals;

/* Signals that come during a call are delivered as one, which counts the others. */
static void signal_count(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	signals += 1 + info->si_overrun;
}

static bool timer_begin(int flags)
{
	const struct itimerspec often = { { 0, EVERY_NS }, { 0, EVERY_NS } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct sigaction action = { .sa_sigaction = signal_count, .sa_flags = flags | SA_SIGINFO };
	timer_t timer;

	return sigaction(SIGUSR1, &action, NULL) == 0 &&
	       timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 &&
	       timer_settime(timer, 0, &often, NULL) == 0;
}

/* Runs in a child, whose timer ends with it. */
static bool work_interrupted(void *context)
{
	const struct work *work = context;
	double began = seconds_now();
	bool good;

	if (!timer_begin(work->flags))
		return false;
	do
		good = work->run();
	while (good && seconds_now() - began < AT_LEAST);
	tap_note("%d signals in %.2f s, %s SA_RESTART", (int)signals, seconds_now() - began,
		 work->flags ? "with" : "without");
	return good && signals >= MIN_SIGNALS;
}

static bool interrupted(bool (*run)(void))
{
	static const int flags[] = { SA_RESTART, 0 };
	bool ended, good = true;
	pid_t child;

	for (size_t i = 0; good && i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct work work = { run, flags[i] };

		child = child_start(work_interrupted, &work);
		good = child_wait(child, LIMIT, &ended);
		if (!ended) {
			tap_note("the calls did not end in %.0f s", LIMIT);
			child_kill(child);
		}
		door_clean(child);
	}
	return good;
}

static bool tokens_get(enum door door)
{
	const char *text = getenv("TOKENS_SIGNALLED");
	long count = text ? strtol(text, NULL, 10) : TOKENS;

	for (long i = 0; i < count; i++) {
		if (!door_token(door))
			return false;
	}
	return count > 0 && count <= TOKENS_MAX;
}

static bool tokens_by_device(void)
{
	return tokens_get(DOOR_DEVICE);
}

static bool tokens_by_netlink(void)
{
	return tokens_get(DOOR_NETLINK);
}

static bool tokens_by_tsm(void)
{
	return tokens_get(DOOR_TSM);
}

static bool extensions(void)
{
	uint8_t digest[CCA_RSI_DIGEST_MAX] = { 9 };
	int device = device_open(O_WRONLY);
	bool good = true;

	for (int i = 0; good && i < CALLS; i++) {
		good = device_extend(device, EXTENDED, digest) == 0;
		if (!good)
			tap_note("an extension: %s", strerror(errno));
	}
	close(device);
	return good && netlink_extend(EXTENDED, digest) && netlink_extend(EXTENDED, digest);
}

static bool registers_read(void)
{
	struct cca_rsi_measurement value;
	bool good = true;

	for (uint32_t i = 0; good && i < CALLS; i++)
		good = device_measurement(i % REGISTERS, &value);
	for (int i = 0; good && i < 3; i++)
		good = netlink_dump(CCA_RSI_CMD_MEASUREMENT_GET) && sysfs_read();
	return good;
}

static bool log_read(void)
{
	struct cca_rsi_config config;
	bool good = true;

	for (int i = 0; good && i < 3; i++)
		good = eventlog_good(&config) && netlink_dump(CCA_RSI_CMD_LOG_GET);
	return good;
}

static void device_tokens(void)
{
	CHECK(interrupted(tokens_by_device));
}

static void netlink_tokens(void)
{
	CHECK(interrupted(tokens_by_netlink));
}

static void tsm_tokens(void)
{
	SKIP_IF(!door_exists(DOOR_TSM), "configfs-tsm is not here");
	CHECK(interrupted(tokens_by_tsm));
}

static void all_extensions(void)
{
	CHECK(interrupted(extensions));
}

static void all_registers(void)
{
	CHECK(interrupted(registers_read));
}

static void whole_log(void)
{
	CHECK(interrupted(log_read));
}

static const struct tap_test tests[] = {
	{ "signals every millisecond: tokens by the device", device_tokens },
	{ "signals every millisecond: tokens by netlink", netlink_tokens },
	{ "signals every millisecond: tokens by configfs-tsm", tsm_tokens },
	{ "signals every millisecond: extensions by device and netlink", all_extensions },
	{ "signals every millisecond: registers by device, netlink and sysfs", all_registers },
	{ "signals every millisecond: the log by device and netlink", whole_log },
};

TAP_MAIN(tests)
