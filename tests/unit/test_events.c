// SPDX-License-Identifier: Apache-2.0
/* Which events follow from two statuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "status/events.h"

#define ABSENT STATUS_STATES /* not in the configuration */

static struct status_secret secret_in(enum status_state state, int64_t changed)
{
	return (struct status_secret){ .name = (char *)"a",
				       .file = (char *)"d/f",
				       .state = state,
				       .changed = changed,
				       .version = (uint64_t)changed };
}

/* The names of the events between two states of one secret, each followed by a space. */
static void events_between(struct status_secret from, struct status_secret to, const char *wanted)
{
	const struct status old = { .secret = &from, .count = from.state != ABSENT };
	const struct status new = { .now = 7, .secret = &to, .count = to.state != ABSENT };
	struct bytes out = BYTES_INIT, names = BYTES_INIT;
	struct error e = ERROR_INIT;
	size_t lines = 0, counted = 0;

	assert_int_equal(events_print(&old, &new, NULL, 0, &out, &lines, &e), 0);
	for (const char *at = bytes_text(&out); (at = strstr(at, "{\"event\":\"")); counted++) {
		at += strlen("{\"event\":\"");
		bytes_printf(&names, "%.*s ", (int)strcspn(at, "\""), at);
	}
	assert_string_equal(bytes_text(&names), wanted);
	assert_int_equal(lines, counted);
	bytes_free(&out);
	bytes_free(&names);
}

static void every_transition(void **state)
{
	/* From the row to the column: missing, delivered, stale, removed, absent. */
	static const char *const same[5][5] = {
		{ "", "delivered ", "stale ", "", "" },
		{ "removed ", "", "stale ", "removed ", "removed " },
		{ "removed ", "delivered ", "", "removed ", "removed " },
		{ "", "delivered ", "stale ", "", "" },
		{ "", "delivered ", "stale ", "", "" },
	};
	static const char *const changed[5][5] = {
		{ "", "delivered ", "stale ", "", "" },
		{ "removed ", "changed ", "changed stale ", "removed ", "removed " },
		{ "removed ", "changed delivered ", "changed ", "removed ", "removed " },
		{ "", "delivered ", "stale ", "", "" },
		{ "", "delivered ", "stale ", "", "" },
	};

	(void)state;
	for (int i = 0; i < 5; i++) {
		for (int k = 0; k < 5; k++) {
			const struct status_secret from = secret_in((enum status_state)i, 5);

			events_between(from, secret_in((enum status_state)k, 5), same[i][k]);
			events_between(from, secret_in((enum status_state)k, 6), changed[i][k]);
			/* A keeper that was started again does not know when. */
			events_between(from, secret_in((enum status_state)k, 0), same[i][k]);
		}
	}
}

static void failures(void **state)
{
	struct status_secret from = secret_in(STATUS_DELIVERED, 5), to = from;

	(void)state;
	to.failed_at = 6;
	to.failures = 1;
	to.kind = ERROR_NETWORK;
	to.error = (char *)"x";
	events_between(from, to, "failed ");
	events_between(to, to, "");
	from.failures = 100; /* of an earlier keeper */
	events_between(from, to, "failed ");
	to.state = STATUS_STALE;
	events_between(from, to, "failed stale ");
	to.state = STATUS_REMOVED;
	events_between(from, to, "failed removed ");
	from.state = ABSENT;
	events_between(from, to, "failed ");
	to.failed_at = 0;
	events_between(from, to, "");
}

static void lines_as_documented(void **state)
{
	struct status_secret from[] = { secret_in(STATUS_DELIVERED, 5), { 0 } };
	struct status_secret to[] = { secret_in(STATUS_DELIVERED, 6), { 0 } };
	static const char *const only_b[] = { "b" };
	struct status old = { .ready = true, .secret = from, .count = 2 };
	struct status new = { .now = 36, .secret = to, .count = 2 };
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;
	size_t lines = 0;

	(void)state;
	from[1] = secret_in(STATUS_MISSING, 0);
	from[1].name = (char *)"b";
	to[1] = from[1];
	to[1].failed_at = 30;
	to[1].kind = ERROR_POLICY;
	to[1].error = (char *)"de\"nied";
	assert_int_equal(events_print(&old, &new, NULL, 0, &out, &lines, &e), 0);
	assert_string_equal(
		bytes_text(&out),
		"{\"event\":\"changed\",\"time\":36,\"name\":\"a\",\"file\":\"d/f\",\"version\":6}\n"
		"{\"event\":\"failed\",\"time\":36,\"name\":\"b\",\"file\":\"d/f\",\"version\":0,"
		"\"kind\":\"policy\",\"error\":\"de\\\"nied\"}\n"
		"{\"event\":\"not-ready\",\"time\":36}\n");
	assert_int_equal(lines, 3);
	/* Of one secret only. */
	bytes_clear(&out);
	assert_int_equal(events_print(&old, &new, only_b, 1, &out, &lines, &e), 0);
	assert_int_equal(lines, 4);
	assert_memory_equal(out.data, "{\"event\":\"failed\"", 17);
	/* And back. */
	bytes_clear(&out);
	new.ready = true;
	old.ready = false;
	assert_int_equal(events_print(&new, &old, NULL, 0, &out, &lines, &e), 0);
	assert_string_equal(bytes_text(&out), "{\"event\":\"not-ready\",\"time\":0}\n");
	bytes_clear(&out);
	new.count = old.count = 0;
	assert_int_equal(events_print(&old, &new, NULL, 0, &out, &lines, &e), 0);
	assert_string_equal(bytes_text(&out), "{\"event\":\"ready\",\"time\":36}\n");
	bytes_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_transition),
		cmocka_unit_test(failures),
		cmocka_unit_test(lines_as_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
