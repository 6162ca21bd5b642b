// SPDX-License-Identifier: Apache-2.0
/* realmkey status, against a keyring of the test's. */
#include "secrets_world.h"

#include <fcntl.h>

#include "base/json.h"
#include "cli/secrets/local.h"

#define KEYRING "--keyring", scratch("keyring")

static void table(void **state)
{
	char wanted[256];

	(void)state;
	world_publish_state(STATUS_DELIVERED, ERROR_NONE);
	CLI("status", KEYRING);
	cli_went_well();
	cli_printed("realmkeyd: stopped, ready, as of 0s ago; KBS https://kbs.example\n"
		    "NAME      STATE      REQUIRED  UNCHANGED  CONFIRMED  NEXT    PATH\n"
		    "database  delivered  yes       1h         1m 1s      1m 2");
	snprintf(wanted, sizeof(wanted), "  %s/db/password\nextra     missing    no        -  ",
		 scratch("keyring"));
	cli_printed(wanted);
	CLI("status", KEYRING, "database");
	cli_went_well();
	assert_null(strstr(bytes_text(&cli.out), "extra"));
}

static void exit_status(void **state)
{
	static const struct {
		enum status_state state;
		enum error_kind kind;
		int all, named, optional;
	} cases[] = {
		{ STATUS_DELIVERED, ERROR_NONE, 0, 0, 10 },
		{ STATUS_DELIVERED, ERROR_NETWORK, 0, 0, 10 },
		{ STATUS_STALE, ERROR_NETWORK, 5, 5, 10 },
		{ STATUS_STALE, ERROR_NONE, 10, 10, 10 },
		{ STATUS_MISSING, ERROR_POLICY, 8, 8, 10 },
		{ STATUS_MISSING, ERROR_NONE, 10, 10, 10 },
		{ STATUS_REMOVED, ERROR_NOT_FOUND, 9, 9, 10 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world_publish_state(cases[i].state, cases[i].kind);
		assert_int_equal(CLI("status", KEYRING), cases[i].all);
		assert_int_equal(cli.err.len, 0);
		assert_int_equal(CLI("status", KEYRING, "--json"), cases[i].all);
		assert_int_equal(CLI("status", KEYRING, "database"), cases[i].named);
		assert_int_equal(CLI("status", KEYRING, "extra"), cases[i].optional);
		assert_int_equal(CLI("status", KEYRING, "--metrics"), 0);
	}
	cli_printed("realmkey_ready 0\n");
}

static void last_error(void **state)
{
	(void)state;
	world_publish_state(STATUS_STALE, ERROR_NETWORK);
	CLI("status", KEYRING);
	assert_int_equal(cli.code, 5);
	cli_printed("not ready");
	cli_printed("\ndatabase: 5s ago: it did not work\n");
}

static void no_daemon(void **state)
{
	(void)state;
	CLI("status", KEYRING);
	cli_refused(LOCAL_EXIT_ABSENT, "status",
		    "no status there: realmkeyd has not started since boot");
	CLI("status", "--json", "--keyring", scratch("none"));
	cli_refused(LOCAL_EXIT_ABSENT, "status", "realmkeyd has not started since boot");
	CLI("status", KEYRING, "--metrics");
	cli_went_well();
	cli_printed("realmkey_up 0\n");
	cli_printed("# EOF\n");
	close(world_listen());
}

static double member(const json_t *object, const char *name)
{
	assert_true(json_is_number(json_object_get(object, name)));
	return json_number_value(json_object_get(object, name));
}

static void json(void **state)
{
	const json_t *secrets, *first, *failure;
	struct error e = ERROR_INIT;
	json_t *value;
	int listener;

	(void)state;
	world_publish_state(STATUS_STALE, ERROR_NETWORK);
	listener = world_listen();
	CLI("status", KEYRING, "--json");
	close(listener);
	value = json_parse(cli.out.data, cli.out.len, JSON_SMALL, "output", ERROR_INPUT, &e);
	assert_non_null(value);
	assert_string_equal(json_string_value(json_object_get(value, "daemon")), "running");
	assert_true(json_is_false(json_object_get(value, "ready")));
	assert_string_equal(json_string_value(json_object_get(value, "kbs")),
			    "https://kbs.example");
	assert_true(json_is_null(json_object_get(value, "ear-expiry")));
	assert_true(member(value, "status-age") < 30);
	assert_int_equal(member(json_object_get(value, "failures"), "tls"), 0);
	secrets = json_object_get(value, "secrets");
	assert_int_equal(json_array_size(secrets), 2);
	first = json_array_get(secrets, 0);
	assert_string_equal(json_string_value(json_object_get(first, "state")), "stale");
	assert_int_equal(json_array_size(json_object_get(first, "paths")), 1);
	assert_string_equal(json_string_value(json_object_get(first, "path")),
			    json_string_value(json_array_get(json_object_get(first, "paths"), 0)));
	assert_true(json_is_null(json_object_get(first, "key")));
	assert_int_equal((int)member(first, "age") / 60, 60);
	assert_int_equal((int)member(first, "last-success") / 60, 1);
	assert_true(member(first, "next-refresh") <= 90);
	assert_int_equal(member(first, "attempts"), 3);
	failure = json_object_get(first, "last-error");
	assert_string_equal(json_string_value(json_object_get(failure, "kind")), "network");
	assert_string_equal(json_string_value(json_object_get(failure, "text")), "it did not work");
	assert_true(json_is_null(json_object_get(json_array_get(secrets, 1), "last-success")));
	assert_true(json_is_null(json_object_get(json_array_get(secrets, 1), "last-error")));
	json_decref(value);
	CLI("status", KEYRING, "--json", "extra");
	assert_null(strstr(bytes_text(&cli.out), "\"database\""));
}

/* A textfile is replaced, never written to: a reader that has it open keeps the old one. */
static void textfile(void **state)
{
	struct bytes old = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct stat st;
	int fd;

	(void)state;
	world_publish_state(STATUS_DELIVERED, ERROR_NONE);
	scratch_write("realmkey.prom", "old\n", 4);
	fd = open(scratch("realmkey.prom"), O_RDONLY | O_CLOEXEC);
	CLI("status", KEYRING, "--metrics", "--output", scratch("realmkey.prom"));
	cli_went_well();
	assert_int_equal(cli.out.len, 0);
	assert_int_equal(io_read_all(fd, 64, "old", &old, &e), 0);
	assert_string_equal(bytes_text(&old), "old\n");
	close(fd);
	bytes_clear(&old);
	assert_int_equal(io_read_file(scratch("realmkey.prom"), 1 << 20, &old, &e), 0);
	assert_non_null(
		strstr(bytes_text(&old), "realmkey_secret_age_seconds{name=\"database\"} 6"));
	assert_string_equal(bytes_text(&old) + old.len - 6, "# EOF\n");
	bytes_free(&old);
	assert_int_equal(stat(scratch("realmkey.prom"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	CLI("status", KEYRING, "--metrics", "--output", scratch("none/realmkey.prom"));
	cli_refused(1, "status", "none/realmkey.prom");
}

static void usage(void **state)
{
	(void)state;
	world_publish_state(STATUS_DELIVERED, ERROR_NONE);
	CLI("status", "--json", "--metrics");
	cli_refused(2, "status", "--json, --metrics and --follow exclude each other");
	CLI("status", "--output", "f");
	cli_refused(2, "status", "--output needs --metrics");
	CLI("status", "--count", "1");
	cli_refused(2, "status", "--count needs --follow");
	CLI("status", "--metrics", "database");
	cli_refused(2, "status", "--metrics accepts no NAME");
	CLI("status", KEYRING, "nothing");
	cli_refused(2, "status", "no secret 'nothing' in the configuration");
	scratch_write("keyring/" STATUS_FILE, "{", 1);
	CLI("status", KEYRING);
	cli_refused(12, "status", "status: not JSON");
}

/* A daemon that delivers, stops and starts again. */
static void follow(void **state)
{
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		usleep(400000);
		world_publish_state(STATUS_MISSING, ERROR_POLICY);
		usleep(400000);
		world_publish_state(STATUS_DELIVERED, ERROR_NONE);
		usleep(400000);
		unlink(scratch("keyring/" STATUS_FILE));
		usleep(400000);
		world_publish_state(STATUS_DELIVERED, ERROR_NONE);
		usleep(400000);
		world_publish_state(STATUS_STALE, ERROR_NETWORK);
		_exit(0);
	}
	CLI("status", KEYRING, "--follow", "--count", "6");
	cli_went_well();
	world_served(pid);
	cli_printed("{\"event\":\"failed\",\"time\":");
	cli_printed(",\"name\":\"database\",\"file\":\"db/password\",\"version\":0,\"kind\":"
		    "\"policy\",\"error\":\"it did not work\"}\n{\"event\":\"delivered\",");
	cli_printed("\n{\"event\":\"ready\",");
	cli_printed("\n{\"event\":\"stale\",");
	cli_printed("\n{\"event\":\"not-ready\",");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(table, world_begin),
		cmocka_unit_test_setup(exit_status, world_begin),
		cmocka_unit_test_setup(last_error, world_begin),
		cmocka_unit_test_setup(no_daemon, world_begin),
		cmocka_unit_test_setup(json, world_begin),
		cmocka_unit_test_setup(textfile, world_begin),
		cmocka_unit_test_setup(usage, world_begin),
		cmocka_unit_test_setup(follow, world_begin),
	};

	return cmocka_run_group_tests(tests, world_make, world_remove);
}
