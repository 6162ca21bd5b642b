// SPDX-License-Identifier: Apache-2.0
/* Which actions of realmkey-hooks follow from which secrets, in which order, how often, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "hooks/plan.h"

#define NOW INT64_C(1000000)

static struct config_hook of_a[] = {
	{ CONFIG_RELOAD, (char[]){ "nginx.service" }, 0 },
	{ CONFIG_RESTART, (char[]){ "app.service" }, 0 },
};
static struct config_hook of_b[] = {
	{ CONFIG_SIGNAL, (char[]){ "nginx.service" }, SIGHUP },
	{ CONFIG_RELOAD, (char[]){ "nginx.service" }, 0 },
	{ CONFIG_SIGNAL, (char[]){ "nginx.service" }, SIGUSR2 },
	{ CONFIG_RESTART, (char[]){ "nginx.service" }, 0 },
};
static struct config_secret secrets[] = {
	{ .name = (char[]){ "a" }, .hook = of_a, .hooks = ARRAY_SIZE(of_a) },
	{ .name = (char[]){ "none" } },
	{ .name = (char[]){ "b" }, .hook = of_b, .hooks = ARRAY_SIZE(of_b) },
};
static const struct config config = { .secret = secrets, .count = ARRAY_SIZE(secrets) };

static struct plan plan;

static int set_up(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	return plan_make(&plan, &config, &e);
}

static int tear_down(void **state)
{
	(void)state;
	plan_free(&plan);
	return 0;
}

static void change(uint32_t number, int64_t now)
{
	assert_true(plan_changed(&plan, number, now));
}

/* The actions that are due at @now, which are then done: "reload nginx.service 0", one after another. */
static void assert_due(int64_t now, const char *expected)
{
	char got[512] = "";
	struct plan_action *action;

	while ((action = plan_due(&plan, now))) {
		size_t len = strlen(got);

		snprintf(got + len, sizeof(got) - len, "%s%s %s %d", len ? ", " : "",
			 plan_verb(action->hook), action->hook->unit, action->hook->signal);
		plan_done(action);
	}
	assert_string_equal(got, expected);
}

static void test_distinct(void **state)
{
	(void)state;
	/* Six are configured; the reload of nginx is one. */
	assert_int_equal(plan.actions, 5);
	assert_int_equal(plan_wait(&plan, NOW), -1);
	assert_null(plan_due(&plan, NOW));
}

static void test_numbers(void **state)
{
	(void)state;
	assert_false(plan_changed(&plan, ARRAY_SIZE(secrets), NOW));
	assert_false(plan_changed(&plan, UINT32_MAX, NOW));
	change(1, NOW);
	assert_int_equal(plan_wait(&plan, NOW), -1);
}

static void test_once_in_order(void **state)
{
	(void)state;
	change(2, NOW);
	change(0, NOW);
	change(2, NOW);
	assert_int_equal(plan_wait(&plan, NOW), PLAN_QUIET);
	assert_due(NOW + PLAN_QUIET - 1, "");
	assert_due(NOW + PLAN_QUIET,
		   "reload nginx.service 0, restart app.service 0, signal nginx.service 1, "
		   "signal nginx.service 12, restart nginx.service 0");
	assert_due(NOW + PLAN_QUIET, "");
	assert_int_equal(plan_wait(&plan, NOW), -1);
	change(0, NOW + 1000);
	assert_due(NOW + 1000 + PLAN_QUIET, "reload nginx.service 0, restart app.service 0");
}

/* What changes in one pass is done together. */
static void test_together(void **state)
{
	(void)state;
	change(0, NOW);
	change(2, NOW + PLAN_QUIET - 1);
	change(1, NOW + PLAN_QUIET + 1);
	assert_due(NOW + 2 * PLAN_QUIET, "");
	assert_due(NOW + 2 * PLAN_QUIET + 1,
		   "reload nginx.service 0, restart app.service 0, signal nginx.service 1, "
		   "signal nginx.service 12, restart nginx.service 0");
}

/* Each change postpones, but not for ever. */
static void test_quiet(void **state)
{
	int64_t now = NOW;

	(void)state;
	for (; now < NOW + PLAN_LATEST; now += PLAN_QUIET / 2) {
		change(0, now);
		assert_null(plan_due(&plan, now));
	}
	assert_int_equal(plan_wait(&plan, now), 0);
	assert_due(now, "reload nginx.service 0, restart app.service 0");
	/* The next begins anew. */
	change(0, now);
	assert_int_equal(plan_wait(&plan, now), PLAN_QUIET);
}

static void test_failures(void **state)
{
	static const struct {
		uint32_t random;
		int64_t wait[PLAN_TRIES - 1];
	} rows[] = {
		{ 0, { 500, 1000, 2000, 4000, 8000 } },
		{ UINT32_MAX, { 999, 1999, 3999, 7999, 15999 } },
	};

	(void)state;
	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		int64_t now = NOW + PLAN_QUIET;

		change(0, NOW);
		plan_done(&plan.action[1]);
		for (size_t i = 0; i < PLAN_TRIES - 1; i++) {
			struct plan_action *action = plan_due(&plan, now);

			assert_ptr_equal(action, &plan.action[0]);
			assert_int_equal(plan_failed(action, now, rows[row].random),
					 rows[row].wait[i]);
			assert_int_equal(plan_wait(&plan, now), rows[row].wait[i]);
			assert_null(plan_due(&plan, now + rows[row].wait[i] - 1));
			now += rows[row].wait[i];
		}
		assert_int_equal(plan_failed(plan_due(&plan, now), now, 0), -1);
		assert_int_equal(plan_wait(&plan, now), -1);
	}
}

/* A change between two tries: it is due soon, and has all tries. */
static void test_changed_again(void **state)
{
	int64_t now = NOW + PLAN_LATEST * 2;

	(void)state;
	change(0, NOW);
	plan_done(&plan.action[1]);
	for (unsigned int i = 0; i < PLAN_TRIES - 1; i++)
		assert_true(plan_failed(&plan.action[0], now, 0) > 0);
	change(0, now);
	assert_int_equal(plan_wait(&plan, now), PLAN_QUIET);
	assert_int_equal(plan.action[0].failures, 0);
	/* Another secret does not postpone a further try. */
	plan_done(&plan.action[1]);
	assert_true(plan_failed(&plan.action[0], now, 0) > 0);
	change(1, now + 100);
	assert_int_equal(plan_wait(&plan, now), PLAN_RETRY / 2);
	change(0, now);
	assert_int_equal(plan_failed(&plan.action[0], now, 0), PLAN_RETRY / 2);
}

static void test_no_hooks(void **state)
{
	const struct config empty = { .secret = &secrets[1], .count = 1 };
	struct plan none = PLAN_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(plan_make(&none, &empty, &e), 0);
	assert_int_equal(none.actions, 0);
	assert_true(plan_changed(&none, 0, NOW));
	assert_false(plan_changed(&none, 1, NOW));
	assert_int_equal(plan_wait(&none, NOW), -1);
	plan_free(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_distinct, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_once_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_quiet, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_failures, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_changed_again, set_up, tear_down),
		cmocka_unit_test(test_no_hooks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
