// SPDX-License-Identifier: Apache-2.0
/*
 * CPUs are switched off and on while tokens and extensions are made on all of them. A token is
 * pinned to its CPU, so none fails and no two are mixed up. ROUNDS= is how often each CPU is
 * switched off.
 */
#define _GNU_SOURCE
#include "crowd.h"
#include "device.h"
#include "eventlog.h"
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS_DEFAULT 3
#define TRIES	       600

static int cpus;
static struct cca_rsi_config config;

static unsigned int rounds_wanted(void)
{
	const char *text = getenv("ROUNDS");
	unsigned long count = text ? strtoul(text, NULL, 10) : 0;

	return count ? (unsigned int)count : ROUNDS_DEFAULT;
}

static int cpu_file(int cpu, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	return open(path, flags | O_CLOEXEC);
}

/* Switches a CPU off or on; it may be busy for a moment. */
static bool cpu_switch(int cpu, bool on)
{
	int fd = cpu_file(cpu, O_WRONLY), error = 0;

	for (int i = 0; fd >= 0 && i < TRIES; i++) {
		if (write(fd, on ? "1" : "0", 1) == 1) {
			close(fd);
			return true;
		}
		error = errno;
		usleep(10000);
	}
	tap_note("cannot switch CPU %d %s: %s", cpu, on ? "on" : "off", strerror(error));
	close(fd);
	return false;
}

/* Waits until the thread of a CPU that is off begins a token on another CPU. */
static bool work_moves(struct crowd_member *member)
{
	size_t before = atomic_load(&member->elsewhere);

	for (int wait = 0; wait < TRIES; wait++) {
		if (atomic_load(&member->elsewhere) > before + 1)
			return true;
		usleep(50000);
	}
	tap_note("CPU %d is off and its thread does not go on", member->cpu);
	return false;
}

static bool cpus_switch(struct crowd *crowd)
{
	unsigned int rounds = rounds_wanted();
	bool moved;

	for (unsigned int i = 0; i < rounds; i++)
		for (int cpu = 1; cpu < cpus; cpu++) {
			if (!cpu_switch(cpu, false))
				return false;
			moved = work_moves(&crowd->members[cpu]);
			if (!cpu_switch(cpu, true) || !moved)
				return false;
		}
	return true;
}

static void work_goes_on(void)
{
	static struct crowd crowd = { .extending = true };
	size_t elsewhere = 0;
	bool good;

	crowd.size = (size_t)cpus;
	CHECK(crowd_begin(&crowd));
	good = cpus_switch(&crowd);
	CHECK(crowd_end(&crowd));
	CHECK(good);
	for (size_t i = 0; i < crowd.size; i++)
		elsewhere += atomic_load(&crowd.members[i].elsewhere);
	tap_note(
		"%zu tokens and %zu extensions while CPUs were switched, %zu of them on another CPU than intended",
		crowd_tokens(&crowd), crowd_extensions(&crowd), elsewhere);
	CHECK(crowd_tokens(&crowd) > 0 && elsewhere > 0);
}

static void all_are_back(void)
{
	CHECK(crowd_cpus() == cpus);
}

static void log_still_replays(void)
{
	struct eventlog log;
	bool good;

	CHECK(device_config(&config) && eventlog_read(&log, &config));
	good = eventlog_replays(&log);
	eventlog_free(&log);
	CHECK(good);
}

static const struct tap_test tests[] = {
	{ "tokens and extensions go on while CPUs go off and on", work_goes_on },
	{ "all CPUs are back", all_are_back },
	{ "the log leads to the registers", log_still_replays },
};

int main(void)
{
	int fd = cpu_file(1, O_WRONLY);

	cpus = crowd_cpus();
	if (fd < 0 || cpus < 2)
		return tap_skip_all("CPU hotplug", "this machine cannot switch a second CPU off");
	close(fd);
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
