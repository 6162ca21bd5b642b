// SPDX-License-Identifier: Apache-2.0
/*
 * Many tokens from all CPUs at once, by device and netlink: each must be whole and over its own
 * challenge. The RMM keeps one token in progress per CPU, so a mix-up would show here. TOKENS= is
 * the total number.
 */
#define _GNU_SOURCE
#include "crowd.h"
#include "device.h"
#include "tap.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TOKENS_DEFAULT 200
/* Two on each CPU, so that a missing lock mixes up their tokens */
#define MEMBERS_EACH 2

static struct crowd crowd;

static long seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static size_t tokens_wanted(void)
{
	const char *text = getenv("TOKENS");
	unsigned long count = text ? strtoul(text, NULL, 10) : 0;

	return count ? count : TOKENS_DEFAULT;
}

static void progress_show(size_t wanted, long began)
{
	long shown = began;

	while (atomic_load(&crowd.running)) {
		usleep(100000);
		if (seconds() - shown < 5)
			continue;
		shown = seconds();
		tap_note("%zu of %zu tokens, %ld s", crowd_tokens(&crowd), wanted, shown - began);
	}
}

static void each_its_own(void)
{
	size_t wanted = tokens_wanted();
	int cpus = crowd_cpus();
	long began = seconds();

	crowd.size = (size_t)cpus * MEMBERS_EACH;
	if (crowd.size > CROWD_MAX)
		crowd.size = CROWD_MAX;
	crowd.quota = (wanted + crowd.size - 1) / crowd.size;
	CHECK(crowd_begin(&crowd));
	progress_show(crowd.quota * crowd.size, began);
	CHECK(crowd_end(&crowd));
	CHECK(crowd_tokens(&crowd) == crowd.quota * crowd.size);
	tap_note("%zu tokens from %zu threads on %d CPUs in %ld s, 0 failures",
		 crowd_tokens(&crowd), crowd.size, cpus, seconds() - began);
}

static void from_each_cpu(void)
{
	for (size_t i = 0; i < crowd.size; i++) {
		CHECK(atomic_load(&crowd.members[i].tokens) == crowd.quota);
		CHECK(atomic_load(&crowd.members[i].elsewhere) == 0);
	}
}

static const struct tap_test tests[] = {
	{ "tokens from all CPUs at once are whole and over their own challenges", each_its_own },
	{ "each CPU made its share of the tokens", from_each_cpu },
};

TAP_MAIN(tests)
