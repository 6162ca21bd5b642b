// SPDX-License-Identifier: Apache-2.0
/* What the keeper decides about each kind of failure: whether and when it tries again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/array.h"
#include "keeper/secrets/retry.h"

#define LATE	UINT32_MAX /* random numbers: the longest wait, the shortest */
#define EARLY	0
#define MINUTES 60000

/* Every kind of failure, and what is to happen. */
static const struct {
	enum error_kind kind;
	int64_t first_least, first_most, last_least, last_most; /* ms; RETRY_NEVER */
	bool common;
} kinds[] = {
	{ ERROR_SYSTEM, 100, 1000, 100, 5 * MINUTES, false },
	{ ERROR_USAGE, RETRY_NEVER, RETRY_NEVER, RETRY_NEVER, RETRY_NEVER, false },
	{ ERROR_CONFIG, RETRY_NEVER, RETRY_NEVER, RETRY_NEVER, RETRY_NEVER, false },
	{ ERROR_NO_REALM, RETRY_NEVER, RETRY_NEVER, RETRY_NEVER, RETRY_NEVER, true },
	{ ERROR_NETWORK, 100, 1000, 100, 5 * MINUTES, false },
	{ ERROR_TLS, 100, 1000, 100, 5 * MINUTES, true },
	{ ERROR_ATTESTATION, 100, 1000, 100, 5 * MINUTES, false },
	{ ERROR_POLICY, 5 * MINUTES, 10 * MINUTES, 5 * MINUTES, 10 * MINUTES, false },
	{ ERROR_NOT_FOUND, 100, 1000, 100, 5 * MINUTES, false },
	{ ERROR_DELIVERY, 100, 1000, 100, 60 * MINUTES, false },
	{ ERROR_PROTOCOL, 100, 1000, 100, 5 * MINUTES, false },
	{ ERROR_INPUT, 100, 1000, 100, 5 * MINUTES, false },
	{ ERROR_NO_DRIVER, RETRY_NEVER, RETRY_NEVER, RETRY_NEVER, RETRY_NEVER, true },
	{ ERROR_ANY, 100, 1000, 100, 5 * MINUTES, false }, /* none: as ERROR_SYSTEM */
};

static int64_t due(enum error_kind kind, unsigned int failures, int64_t now, uint32_t random)
{
	const struct error e = { .kind = kind };

	return retry_due(&e, failures, now, random);
}

/* A wait that is random below a bound is at most the bound - 1. */
static int64_t most(int64_t bound)
{
	return bound == RETRY_NEVER ? bound : bound - 1;
}

static void each_kind_of_failure(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		enum error_kind kind = kinds[i].kind;

		assert_int_equal(kind, i + 1); /* none is forgotten */
		assert_int_equal(due(kind, 1, 0, EARLY), kinds[i].first_least);
		assert_int_equal(due(kind, 1, 0, LATE), most(kinds[i].first_most));
		assert_int_equal(due(kind, UINT32_MAX, 0, EARLY), kinds[i].last_least);
		assert_int_equal(due(kind, UINT32_MAX, 0, LATE), most(kinds[i].last_most));
		assert_int_equal(retry_is_common(kind), kinds[i].common);
	}
}

static void only_what_needs_a_person_here_is_permanent(void **state)
{
	int permanent = 0;

	(void)state;
	for (int kind = ERROR_NONE; kind <= ERROR_ANY; kind++)
		permanent += due((enum error_kind)kind, 1, 0, EARLY) == RETRY_NEVER;
	assert_int_equal(permanent, 4);
}

static void waiting_doubles_up_to_a_maximum(void **state)
{
	(void)state;
	for (unsigned int failures = 0; failures < 100; failures++) {
		int64_t bound = failures < 2 ? 1000 :
				failures > 9 ? 5 * MINUTES :
					       1000 << (failures - 1);

		assert_int_equal(due(ERROR_NETWORK, failures, 0, LATE), bound - 1);
		assert_int_equal(due(ERROR_NETWORK, failures, 7, UINT32_C(1) << 31),
				 7 + 100 + (bound - 100) / 2);
		assert_int_equal(due(ERROR_NETWORK, failures, 7, EARLY), 107);
	}
}

/* Realms that have failed often retry at times that are spread over the whole maximum wait. */
static void jitter_covers_the_maximum_wait(void **state)
{
	int64_t before = 100;

	(void)state;
	for (uint32_t i = 1; i < 256; i++) {
		int64_t wait = due(ERROR_NETWORK, 30, 0, i << 24);

		assert_true(wait > before && wait - before < 300000 / 250);
		before = wait;
	}
	assert_true(before > 298000);
}

/* Of a proxy, for instance, which may be configured wrongly for a moment. */
static void a_denial_that_is_not_of_the_policy_is_tried_again_soon(void **state)
{
	const struct error e = { .kind = ERROR_POLICY, .transient = true };

	(void)state;
	assert_int_equal(retry_due(&e, 1, 0, LATE), 999);
}

/* Each wait is later by what the KBS asked for, up to our own longest. */
static void a_kbs_that_asks_for_time_gets_it(void **state)
{
	static const struct {
		enum error_kind kind;
		unsigned int seconds;
		int64_t later; /* ms */
	} cases[] = {
		{ ERROR_NETWORK, 0, 0 },
		{ ERROR_NETWORK, 7, 7000 },
		{ ERROR_NETWORK, 299, 299000 },
		{ ERROR_NETWORK, 301, 5 * MINUTES },
		{ ERROR_NETWORK, UINT32_MAX, 5 * MINUTES },
		{ ERROR_POLICY, 86400, 10 * MINUTES },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct error e = { .kind = cases[i].kind, .wait = cases[i].seconds };

		assert_int_equal(retry_due(&e, 1, 5, LATE) - due(cases[i].kind, 1, 5, LATE),
				 cases[i].later);
	}
}

static void asking_for_time_does_not_revive_a_permanent_failure(void **state)
{
	const struct error e = { .kind = ERROR_NO_REALM, .wait = 7 };

	(void)state;
	assert_int_equal(retry_due(&e, 1, 0, LATE), RETRY_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_failure),
		cmocka_unit_test(only_what_needs_a_person_here_is_permanent),
		cmocka_unit_test(waiting_doubles_up_to_a_maximum),
		cmocka_unit_test(a_denial_that_is_not_of_the_policy_is_tried_again_soon),
		cmocka_unit_test(jitter_covers_the_maximum_wait),
		cmocka_unit_test(a_kbs_that_asks_for_time_gets_it),
		cmocka_unit_test(asking_for_time_does_not_revive_a_permanent_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
