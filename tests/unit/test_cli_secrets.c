// SPDX-License-Identifier: Apache-2.0
/* realmkey wait, refresh, reload and plan, against a keyring of the test's. */
#include "secrets_world.h"

#include "cli/secrets/local.h"
#include "cli/secrets/wait.h"

#define KEYRING "--keyring", scratch("keyring")

static int64_t elapsed(int64_t since)
{
	return clock_boot_ms() - since;
}

/* --- wait ------------------------------------------------------------------------------------ */

static void wait_returns_at_once(void **state)
{
	const int64_t began = clock_boot_ms();

	(void)state;
	world_publish_state(STATUS_DELIVERED, ERROR_NONE);
	CLI("wait", KEYRING);
	cli_went_well();
	assert_int_equal(cli.out.len, 0);
	CLI("wait", "database", KEYRING);
	cli_went_well();
	assert_true(elapsed(began) < 3000);
	/* A stale secret is in the keyring. */
	world_publish_state(STATUS_STALE, ERROR_NETWORK);
	CLI("wait", "database", KEYRING);
	cli_went_well();
}

static void wait_times_out(void **state)
{
	pid_t listener;

	(void)state;
	world_publish_state(STATUS_MISSING, ERROR_POLICY);
	listener = world_listen(); /* a realmkeyd that runs */
	CLI("wait", KEYRING, "--timeout", "1s");
	cli_refused(8, "wait",
		    "still waiting for database (it did not work) when the time was over\n");
	CLI("wait", KEYRING, "--timeout", "0", "extra", "database");
	cli_refused(10, "wait", "still waiting for extra, database (it did not work) when");
	/* Only required secrets are awaited without names. */
	world_publish_state(STATUS_DELIVERED, ERROR_NONE);
	CLI("wait", KEYRING, "--timeout", "0");
	cli_went_well();
	CLI("wait", KEYRING, "--timeout", "0", "extra");
	cli_refused(10, "wait", "still waiting for extra when");
	/* With on_stale = fail it is not ready, although the secret is there. */
	world_publish_state(STATUS_STALE, ERROR_NETWORK);
	CLI("wait", KEYRING, "--timeout", "0");
	cli_refused(5, "wait", "still waiting for database (it did not work) when");
	close(listener);
}

static void wait_notices_a_change(void **state)
{
	const int64_t began = clock_boot_ms();
	pid_t pid;

	(void)state;
	world_publish_state(STATUS_MISSING, ERROR_NONE);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		usleep(500000);
		world_publish_state(STATUS_DELIVERED, ERROR_NONE);
		_exit(0);
	}
	CLI("wait", KEYRING, "--timeout", "20s");
	cli_went_well();
	/* Before the bound at which it would look again anyway, two seconds. */
	assert_true(elapsed(began) >= 500 && elapsed(began) < 2000);
	world_served(pid);
}

static void wait_for_no_daemon(void **state)
{
	(void)state;
	CLI("wait", KEYRING, "--timeout", "0");
	cli_refused(LOCAL_EXIT_ABSENT, "wait",
		    "still waiting for realmkeyd when the time was over; "
		    "realmkeyd is not running");
	CLI("wait", "--keyring", scratch("none"), "--timeout", "0");
	cli_refused(LOCAL_EXIT_ABSENT, "wait", "realmkeyd is not running");
	/* A socket whose process ended. */
	close(world_listen());
	world_publish_state(STATUS_MISSING, ERROR_POLICY);
	CLI("wait", KEYRING, "--timeout", "0");
	cli_refused(LOCAL_EXIT_ABSENT, "wait", "database (it did not work)");
}

/* Half a minute without a daemon, in which a restart is not an absence. */
static void wait_gives_up_in_time(void **state)
{
	int64_t since = 0;

	(void)state;
	assert_false(wait_gives_up(true, 1000, &since));
	assert_false(wait_gives_up(true, 1000 + WAIT_ABSENT_MS - 1, &since));
	assert_true(wait_gives_up(true, 1000 + WAIT_ABSENT_MS, &since));
	assert_false(wait_gives_up(false, 1000 + WAIT_ABSENT_MS, &since));
	assert_false(wait_gives_up(true, 1000 + 2 * WAIT_ABSENT_MS, &since));
	assert_true(wait_gives_up(true, 1000 + 3 * WAIT_ABSENT_MS, &since));
}

static void wait_refuses(void **state)
{
	(void)state;
	world_publish_state(STATUS_DELIVERED, ERROR_NONE);
	CLI("wait", KEYRING, "databse");
	cli_refused(2, "wait", "no secret 'databse' in the configuration");
	CLI("wait", "--timeout", "1w", KEYRING);
	cli_refused(2, "wait", "--timeout: '1w' is not a duration");
	CLI("wait", "--timeout", "-1", KEYRING);
	cli_refused(2, "wait", "--timeout: '-1' is not a duration");
	CLI("wait", "--timeout", "3651d", KEYRING);
	cli_refused(2, "wait", "--timeout: '3651d' is more than 3650d");
	scratch_write("keyring/" STATUS_FILE, "{\"version\":1}", 13);
	CLI("wait", KEYRING);
	cli_refused(12, "wait", "/keyring: status: now: missing");
	assert_int_equal(unlink(scratch("keyring/" STATUS_FILE)), 0);
	assert_int_equal(symlink("/etc/passwd", scratch("keyring/" STATUS_FILE)), 0);
	CLI("wait", KEYRING);
	cli_refused(1, "wait", "/keyring/" STATUS_FILE);
}

/* --- refresh, reload ------------------------------------------------------------------------- */

static void requests(void **state)
{
	pid_t pid;

	(void)state;
	pid = world_serve("refresh due", "0 ");
	CLI("refresh", KEYRING);
	cli_went_well();
	assert_int_equal(cli.out.len, 0);
	world_served(pid);
	pid = world_serve("refresh now database", "0 database: unchanged");
	CLI("refresh", "--now", "database", KEYRING);
	cli_went_well();
	assert_string_equal(bytes_text(&cli.out), "database: unchanged\n");
	world_served(pid);
	pid = world_serve("refresh due database", "8 database: denied by policy");
	CLI("refresh", "database", KEYRING);
	cli_refused(8, "refresh", "database: denied by policy");
	world_served(pid);
	pid = world_serve("reload", "3 f.conf:1: one\nf.conf:2: two");
	CLI("reload", KEYRING);
	assert_int_equal(cli.code, 3);
	assert_int_equal(cli.out.len, 0);
	assert_string_equal(bytes_text(&cli.err),
			    "realmkey: reload: f.conf:1: one\nrealmkey: reload: f.conf:2: two\n");
	world_served(pid);
}

static void requests_refused(void **state)
{
	int listener;
	pid_t pid;

	(void)state;
	CLI("reload", KEYRING);
	cli_refused(LOCAL_EXIT_ABSENT, "reload",
		    "realmkeyd is not running (systemctl start realmkeyd)");
	CLI("refresh", "--keyring", scratch("none"));
	cli_refused(LOCAL_EXIT_ABSENT, "refresh", "realmkeyd is not running");
	pid = world_serve("reload", NULL);
	CLI("reload", KEYRING);
	cli_refused(11, "reload", "closed the connection without an answer");
	world_served(pid);
	pid = world_serve("reload", "not a number");
	CLI("reload", KEYRING);
	assert_int_not_equal(cli.code, 0);
	assert_int_equal(cli.out.len, 0);
	world_served(pid);
	listener = world_listen();
	CLI("reload", KEYRING, "--timeout", "1");
	cli_refused(1, "reload", "realmkeyd has not answered; it goes on with the request");
	CLI("refresh", KEYRING, "a name");
	cli_refused(2, "refresh", "'a name' is not the name of a secret");
	CLI("refresh", KEYRING, "a123456789b123456789c123456789d123456789e123456789");
	cli_refused(2, "refresh", "is not the name of a secret");
	close(listener);
}

/* An answer cannot move the cursor of a terminal. */
static void answers_are_cleaned(void **state)
{
	pid_t pid;

	(void)state;
	pid = world_serve("reload", "0 a\x1b[2Jb\nc");
	CLI("reload", KEYRING);
	cli_went_well();
	assert_null(strchr(bytes_text(&cli.out), '\x1b'));
	cli_printed("b\nc\n");
	world_served(pid);
}

/* --- durations ------------------------------------------------------------------------------- */

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "0", 0 },
		{ "90", 90000 },
		{ "90s", 90000 },
		{ "5m", 300000 },
		{ "1h", 3600000 },
		{ "2d", 172800000 },
		{ "-1", -1 },
		{ "", -1 },
		{ "s", -1 },
		{ "1.5h", -1 },
		{ "1 h", -1 },
		{ "1hh", -1 },
		{ "+1", -1 },
		{ " 1", -1 },
		{ "1ms", -1 },
		{ "0x10", -1 },
		{ "3650d", 315360000000 },
		{ "315360001", -1 },
		{ "99999999999999999999d", -1 },
	};
	struct error e = ERROR_INIT;
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ms = -1;
		if (local_duration(cases[i].text, "x", &ms, &e) < 0)
			assert_int_equal(e.kind, ERROR_USAGE);
		assert_int_equal(ms, cases[i].ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(wait_returns_at_once, world_begin),
		cmocka_unit_test_setup(wait_times_out, world_begin),
		cmocka_unit_test_setup(wait_notices_a_change, world_begin),
		cmocka_unit_test_setup(wait_for_no_daemon, world_begin),
		cmocka_unit_test_setup(wait_gives_up_in_time, world_begin),
		cmocka_unit_test_setup(wait_refuses, world_begin),
		cmocka_unit_test_setup(requests, world_begin),
		cmocka_unit_test_setup(requests_refused, world_begin),
		cmocka_unit_test_setup(answers_are_cleaned, world_begin),
		cmocka_unit_test_setup(durations, world_begin),
	};

	return cmocka_run_group_tests(tests, world_make, world_remove);
}
