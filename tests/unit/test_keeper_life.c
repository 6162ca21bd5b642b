// SPDX-License-Identifier: Apache-2.0
/* What the keeper does with secrets after their first delivery: refreshing, units, staleness, taking over. */
#include "base/array.h"
#include "keeper_secrets.h"

/* Two secrets that change together, and two others. */
static int setup(void **state)
{
	static char *const names[] = { (char *)"cert", (char *)"key", (char *)"password",
				       (char *)"banner" };
	static char *const paths[] = { (char *)"tls/cert", (char *)"tls/key", (char *)"db/password",
				       (char *)"banner" };

	(void)state;
	secrets_make(names, paths, 100 * MINUTES);
	return 0;
}

static void pass_with(uint32_t random)
{
	world.asked[0] = world.put[0] = '\0';
	keeper_run(&keeper, now);
	assert_null(keeper_age(&keeper, now));
	keeper_plan(&keeper, now, random);
}

static void pass(void)
{
	pass_with(UINT32_MAX);
}

static void pass_when_due(void)
{
	assert_true(keeper_next(&keeper) != RETRY_NEVER);
	now = keeper_next(&keeper);
	pass();
}

static void asked(const char *resources)
{
	assert_string_equal(world.asked, resources);
}

static void put(const char *commits)
{
	assert_string_equal(world.put, commits);
}

static void log_is(const char *text)
{
	assert_string_equal(bytes_text(&logged), text);
	assert_null(strstr(bytes_text(&logged), SECRET));
	bytes_clear(&logged);
}

#define PAIR "tls/cert:400:10:20 tls/key:400:10:20 |"

static void each_secret_is_requested_again_before_its_interval_ends(void **state)
{
	(void)state;
	pass();
	asked("0123");
	put(PAIR "db/password:400:10:20 |banner:400:10:20 |");
	assert_int_equal(keeper_next(&keeper) - now, 80 * MINUTES);
	now = keeper_next(&keeper);
	pass_with(0);
	asked("0123");
	put(""); /* nothing has changed, so nothing is written */
	assert_int_equal(keeper_next(&keeper) - now, 50 * MINUTES);
	now = keeper_next(&keeper) - 1;
	pass();
	asked("");
}

static void a_changed_secret_is_written_and_the_others_are_not(void **state)
{
	(void)state;
	pass();
	bytes_clear(&logged);
	world.value[2] = 1;
	pass_when_due();
	put("db/password:400:10:20 |");
	log_is("I password: changed: db/password\n");
	assert_string_equal(world.file[2].content, SECRET "1");
	assert_int_equal(secrets[2].version, 2);
	assert_int_equal(secrets[2].changed, now);
	assert_int_equal(secrets[3].version, 1);
	assert_int_equal(secrets[3].success, now);
	assert_true(secrets[3].changed < now);
}

/* A certificate and its key. */
static void a_unit_changes_in_one_step(void **state)
{
	(void)state;
	pass();
	world.value[0] = world.value[1] = 1;
	pass_when_due();
	put(PAIR);
}

static void a_unit_stays_as_it_is_if_one_of_it_cannot_be_confirmed(void **state)
{
	(void)state;
	pass();
	bytes_clear(&logged);
	world.value[0] = 1;
	error_set_transient(&world.answer[1], ERROR_NETWORK, "HTTP 500");
	pass_when_due();
	asked("0123");
	put("");
	assert_string_equal(world.file[0].content, SECRET "0");
	assert_true(keeper_ready(&keeper));
	log_is("W key: not refreshed, the value of 4800 s ago stays: HTTP 500\n"
	       "W cert: not refreshed, the value of 4800 s ago stays: waits for key, because they change "
	       "together: HTTP 500\n");
	world.value[1] = 1;
	world.answer[1] = (struct error)ERROR_INIT;
	pass_when_due();
	asked("01");
	put(PAIR);
}

/* Only one of the two is due: the other one is requested only because something changes. */
static void a_unit_is_requested_as_a_whole_if_one_of_it_changes(void **state)
{
	(void)state;
	pass();
	keeper_hurry(&keeper, 0, true);
	pass();
	asked("0");
	world.value[0] = world.value[1] = 1;
	keeper_hurry(&keeper, 0, true);
	pass();
	asked("01");
	put(PAIR);
}

static void a_secret_that_is_never_refreshed_does_not_stop_its_unit(void **state)
{
	(void)state;
	configs[1].refresh = 0;
	pass();
	error_set(&world.answer[1], ERROR_NOT_FOUND, "HTTP 404");
	world.value[0] = 1;
	pass_when_due();
	asked("023");
	put("tls/cert:400:10:20 |");
}

/* The first delivery: there is nothing yet that would not match. */
static void a_missing_secret_does_not_stop_its_unit(void **state)
{
	(void)state;
	error_set(&world.answer[1], ERROR_POLICY, "denied");
	pass();
	put("tls/cert:400:10:20 |db/password:400:10:20 |banner:400:10:20 |");
	world.answer[1] = (struct error)ERROR_INIT;
	world.value[0] = world.value[1] = 1;
	pass_when_due(); /* what is delivered late must match what is there */
	asked("10");
	put(PAIR);
}

static void a_unit_that_cannot_be_put_into_place_stays_due(void **state)
{
	(void)state;
	world.no_commit = true;
	pass();
	assert_false(keeper_ready(&keeper));
	assert_int_equal(keeper_failure(&keeper)->kind, ERROR_DELIVERY);
	world.no_commit = false;
	pass_when_due();
	asked("0123");
	assert_true(keeper_ready(&keeper));
}

/* Each refreshed secret costs a request. A record in the event log is for what is delivered. */
static void only_what_changes_is_recorded(void **state)
{
	(void)state;
	settings.config.measure_register = 3;
	pass();
	world.recorded[0] = '\0';
	pass_when_due();
	asked("0123");
	assert_string_equal(world.recorded, "");
	world.log_full = true;
	world.value[0] = 1;
	pass_when_due();
	assert_string_equal(world.recorded, "3 r/t/0 a0");
	put("");
	assert_int_equal(secrets[0].error.kind, ERROR_DELIVERY);
}

static void a_stale_secret_is_kept_by_default(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		configs[i].stale_after = 200 * MINUTES;
	pass();
	bytes_clear(&logged);
	world.ear_lost = true;
	for (int i = 0; i < 4; i++)
		error_set_transient(&world.answer[i], ERROR_NETWORK, "no connection");
	while (secrets[3].state == STATUS_DELIVERED)
		pass_when_due();
	assert_int_equal(now, 1200 * MINUTES);
	assert_true(keeper_ready(&keeper));
	assert_non_null(
		strstr(bytes_text(&logged),
		       "W banner: stale, because the KBS has not confirmed it for 12000 s; it is "
		       "kept: no connection\n"));
	bytes_clear(&logged);
	pass_when_due(); /* the warning comes again with each failure */
	assert_non_null(strstr(bytes_text(&logged), "W cert: not refreshed, the value of 12"));
	for (int i = 0; i < 4; i++)
		world.answer[i] = (struct error)ERROR_INIT;
	pass_when_due();
	assert_int_equal(secrets[3].state, STATUS_DELIVERED);
	put("");
}

static void a_stale_secret_is_removed_if_configured(void **state)
{
	(void)state;
	configs[2].stale_after = 200 * MINUTES;
	configs[2].on_stale = CONFIG_STALE_REMOVE;
	pass();
	error_set(&world.answer[2], ERROR_POLICY, "denied");
	while (secrets[2].state == STATUS_DELIVERED)
		pass_when_due();
	assert_int_equal(secrets[2].state, STATUS_REMOVED);
	put("-db/password:400:10:20 |");
	assert_false(keeper_ready(&keeper));
	assert_int_equal(keeper_failure(&keeper)->kind, ERROR_POLICY);
	world.answer[2] = (struct error)ERROR_INIT;
	pass_when_due();
	assert_true(keeper_ready(&keeper));
	put("db/password:400:10:20 |");
}

static void a_stale_secret_is_a_failure_if_configured(void **state)
{
	const struct error *failure = NULL;

	(void)state;
	configs[2].stale_after = 200 * MINUTES;
	configs[2].on_stale = CONFIG_STALE_FAIL;
	pass();
	error_set(&world.answer[2], ERROR_NOT_FOUND, "HTTP 404");
	while (!failure) {
		assert_true(keeper_next(&keeper) <= 1200 * MINUTES);
		now = keeper_next(&keeper);
		world.asked[0] = '\0';
		keeper_run(&keeper, now);
		failure = keeper_age(&keeper, now);
		keeper_plan(&keeper, now, UINT32_MAX);
	}
	assert_int_equal(now, 1200 * MINUTES);
	assert_int_equal(failure->kind, ERROR_NOT_FOUND);
	assert_string_equal(world.file[2].content, SECRET "0");
}

/* --- requests -------------------------------------------------------------------------------- */

static void one_secret_can_be_requested_at_once(void **state)
{
	(void)state;
	pass();
	keeper_hurry(&keeper, 3, false); /* it is there, and not due */
	pass();
	asked("");
	keeper_hurry(&keeper, 3, true);
	pass();
	asked("3");
	keeper_hurry(&keeper, -1, true);
	pass();
	asked("0123");
}

static int calls;

static void between(void *context)
{
	assert_ptr_equal(context, &calls);
	calls++;
}

static void the_supervisor_is_heard_between_two_requests(void **state)
{
	(void)state;
	keeper.between = between;
	keeper.context = &calls;
	calls = 0;
	pass();
	assert_int_equal(calls, 4);
}

/* --- another process ------------------------------------------------------------------------- */

static void begin_with_status(void)
{
	secrets_next();
}

/* The keeper ends, and another one begins with the same keyring. */
static void begin_again(void)
{
	keeper_publish(&keeper, now);
	begin_with_status();
}

static void a_new_keeper_takes_over_what_is_there(void **state)
{
	int64_t next;

	(void)state;
	error_set(&world.answer[3], ERROR_NOT_FOUND, "HTTP 404");
	pass();
	world.value[2] = 1;
	pass_when_due();
	next = secrets[0].due;
	now += MINUTES;
	bytes_clear(&logged);
	begin_again();
	assert_true(keeper_ready(&keeper));
	log_is("I 3 of 4 secrets are in the keyring already\n");
	assert_int_equal(secrets[0].due, next);
	assert_true(secrets[0].success && secrets[0].success < now);
	assert_int_equal(secrets[3].state, STATUS_MISSING);
	pass();
	asked("3");
}

static void another_resource_for_the_same_file_is_not_there(void **state)
{
	(void)state;
	pass();
	keeper_publish(&keeper, now);
	configs[2].resource = (char *)"r/t/5";
	secrets_next();
	assert_int_equal(secrets[2].state, STATUS_MISSING);
	assert_int_equal(secrets[1].state, STATUS_DELIVERED);
}

/* The files of the old resources stay until both new ones are there, and are not mistaken for them later. */
static void a_unit_with_other_resources_changes_in_one_step(void **state)
{
	(void)state;
	pass();
	keeper_publish(&keeper, now);
	configs[0].resource = (char *)"r/t/2";
	configs[1].resource = (char *)"r/t/3";
	world.value[2] = world.value[3] = 1;
	error_set(&world.answer[3], ERROR_NOT_FOUND, "HTTP 404");
	begin_with_status();
	pass();
	put("");
	for (int i = 0; i < 2; i++)
		assert_int_equal(secrets[i].state, STATUS_MISSING);
	begin_again();
	for (int i = 0; i < 2; i++)
		assert_int_equal(secrets[i].state, STATUS_MISSING);
	assert_false(keeper_ready(&keeper));
	world.answer[3] = (struct error)ERROR_INIT;
	pass();
	put(PAIR);
}

/* As left by a version that published nothing. */
static void a_file_of_unknown_age_is_there_and_due(void **state)
{
	(void)state;
	pass();
	world.published.len = 0;
	secrets_next();
	assert_true(keeper_ready(&keeper));
	pass();
	asked("0123");
	put("");
}

static void a_malformed_status_is_not_used(void **state)
{
	(void)state;
	pass();
	bytes_clear(&logged);
	bytes_set(&world.published, "{", 1);
	secrets_next();
	assert_non_null(
		strstr(bytes_text(&logged), "W the status of an earlier process is not used: "));
	assert_true(keeper_ready(&keeper));
}

/* Otherwise the service would fail again and again. */
static void what_was_stale_before_counts_as_missing(void **state)
{
	(void)state;
	configs[2].stale_after = 200 * MINUTES;
	configs[2].on_stale = CONFIG_STALE_FAIL;
	pass();
	now += 300 * MINUTES;
	error_set(&world.answer[2], ERROR_NOT_FOUND, "HTTP 404");
	begin_again();
	assert_false(keeper_ready(&keeper));
	pass(); /* does not fail */
	world.answer[2] = (struct error)ERROR_INIT;
	pass_when_due();
	assert_true(keeper_ready(&keeper));
	put("");
}

static void a_shorter_interval_counts_at_once(void **state)
{
	(void)state;
	pass();
	configs[0].refresh = 10 * MINUTES;
	configs[1].refresh = 0;
	begin_again();
	assert_int_equal(secrets[0].due, now + 10 * MINUTES);
	assert_int_equal(secrets[1].due, RETRY_NEVER);
	assert_int_equal(secrets[2].due, now + 80 * MINUTES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, secrets_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_secret_is_requested_again_before_its_interval_ends),
		TEST(a_changed_secret_is_written_and_the_others_are_not),
		TEST(a_unit_changes_in_one_step),
		TEST(a_unit_stays_as_it_is_if_one_of_it_cannot_be_confirmed),
		TEST(a_unit_is_requested_as_a_whole_if_one_of_it_changes),
		TEST(a_secret_that_is_never_refreshed_does_not_stop_its_unit),
		TEST(a_missing_secret_does_not_stop_its_unit),
		TEST(a_unit_that_cannot_be_put_into_place_stays_due),
		TEST(only_what_changes_is_recorded),
		TEST(a_stale_secret_is_kept_by_default),
		TEST(a_stale_secret_is_removed_if_configured),
		TEST(a_stale_secret_is_a_failure_if_configured),
		TEST(one_secret_can_be_requested_at_once),
		TEST(the_supervisor_is_heard_between_two_requests),
		TEST(a_new_keeper_takes_over_what_is_there),
		TEST(another_resource_for_the_same_file_is_not_there),
		TEST(a_unit_with_other_resources_changes_in_one_step),
		TEST(a_file_of_unknown_age_is_there_and_due),
		TEST(a_malformed_status_is_not_used),
		TEST(what_was_stale_before_counts_as_missing),
		TEST(a_shorter_interval_counts_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
