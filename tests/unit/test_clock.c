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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_any_time),
		cmocka_unit_test(a_clock_before_a_known_time_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
