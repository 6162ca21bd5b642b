// SPDX-License-Identifier: Apache-2.0
/*
 * Many tokens, from each CPU at once and by two doors: each whole, each over its own challenge. The RMM
 * keeps one token in progress per CPU, so what mixes them up shows here. TOKENS=: how many in all.
 */
#define _GNU_SOURCE
#include "crowd.h"
#include "device.h"
#include "tap.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TOKENS_DEFAULT 200
/* On each CPU: what is not locked is mixed up by two that share one. */
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

static void progress_tell(size_t wanted, long began)
{
	long told = began;

	while (atomic_load(&crowd.running)) {
		usleep(100000);
		if (seconds() - told < 5)
			continue;
		told = seconds();
		tap_note("%zu of %zu tokens, %ld s", crowd_tokens(&crowd), wanted, told - began);
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
	progress_tell(crowd.quota * crowd.size, began);
	CHECK(crowd_end(&crowd));
	CHECK(crowd_tokens(&crowd) == crowd.quota * crowd.size);
	tap_note("%zu tokens from %zu threads on %d CPUs in %ld s, 0 failures", crowd_tokens(&crowd), crowd.size,
		 cpus, seconds() - began);
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
	{ "each CPU had its share of them", from_each_cpu },
};

TAP_MAIN(tests)
