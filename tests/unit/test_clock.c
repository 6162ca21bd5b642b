// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"

static void prints_any_time(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01 00:00:00 UTC" },
		{ -1, "1970-01-01 00:00:00 UTC" },
		{ 1835395200, "2028-02-29 00:00:00 UTC" },
		{ INT64_MAX, "9999-12-31 23:59:59 UTC" },
	};
	char text[CLOCK_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		clock_print(cases[i].seconds, text);
		assert_string_equal(text, cases[i].text);
	}
}

/* A clock is wrong if it reads less than a time that has passed. */
static void a_clock_before_a_known_time_is_wrong(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	error_set_transient(&e, ERROR_TLS, "expired");
	clock_learn(clock_wall_s() - 60);
	assert_false(clock_doubt(&e));
	assert_int_equal(clock_explain(&e), -1);
	assert_ptr_equal(strstr(e.text, "expired; this machine's clock reads 20"), e.text);
	assert_null(strstr(e.text, "wrong"));
	clock_learn(INT64_MAX); /* cannot be */
	assert_false(clock_doubt(&e));
	clock_learn(INT64_C(4102444800)); /* 2100 */
	clock_learn(1);
	assert_true(clock_doubt(&e));
	assert_non_null(strstr(e.text, "; the clock is wrong: it is later than "
				       "2100-01-01 00:00:00 UTC"));
	assert_int_equal(e.kind, ERROR_TLS);
	assert_true(e.transient);
}

static void reads_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: none */
	} cases[] = {
		{ "0", 0 },
		{ "90", 90000 },
		{ "2m", 120000 },
		{ "0000000000001h", 3600000 },
		{ "106751991167d", INT64_C(106751991167) * 86400000 },
		{ "106751991168d", INT64_MAX },
		{ "18446744073709551617s", INT64_MAX },
		{ "", -1 },
		{ "d", -1 },
		{ "-1", -1 },
		{ "1 s", -1 },
		{ "1hh", -1 },
		{ "1k", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t ms = -1;

		assert_int_equal(clock_duration(cases[i].text, &ms), cases[i].ms >= 0);
		assert_int_equal(ms, cases[i].ms);
	}
}

static void prints_durations(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{ 0, "0s" },	       { -5, "0s" },
		{ 999, "0s" },	       { 61000, "1m 1s" },
		{ 60000, "1m" },       { 3600000, "1h" },
		{ 5400000, "1h 30m" }, { 3659000, "1h" },
		{ 90061000, "1d 1h" }, { INT64_MAX, "106751991167d 7h" },
	};
	struct bytes text = BYTES_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bytes_clear(&text);
		clock_duration_print(cases[i].ms, &text);
		assert_string_equal(bytes_text(&text), cases[i].text);
	}
	bytes_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_any_time),
		cmocka_unit_test(a_clock_before_a_known_time_is_wrong),
		cmocka_unit_test(reads_durations),
		cmocka_unit_test(prints_durations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
