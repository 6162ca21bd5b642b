// SPDX-License-Identifier: Apache-2.0
/* Owners of secrets, and how long the keeper waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/array.h"
#include "keeper/backoff.h"
#include "keeper/owner.h"

static void users_by_name_and_number(void **state)
{
	static const char *const wrong[] = { "",	   "-1",	 "+1",
					     "4294967294", "4294967295", "99999999999",
					     "0x1",	   "1 ",	 "no-such-user-or-group" };
	struct error error = ERROR_INIT;
	uid_t uid;
	gid_t gid;

	(void)state;
	assert_int_equal(owner_user(NULL, &uid, &error), 0);
	assert_int_equal(uid, 0);
	assert_int_equal(owner_user("4294967293", &uid, &error), 0);
	assert_int_equal(uid, 4294967293);
	assert_int_equal(owner_user("root", &uid, &error), 0);
	assert_int_equal(uid, 0);
	assert_int_equal(owner_group(NULL, &gid, &error), 0);
	assert_int_equal(gid, 0);
	assert_int_equal(owner_group("0000000012", &gid, &error), 0);
	assert_int_equal(gid, 12);
	assert_int_equal(owner_group("root", &gid, &error), 0);
	assert_int_equal(gid, 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(owner_user(wrong[i], &uid, &error), -1);
		assert_int_equal(error.kind, ERROR_CONFIG);
		assert_int_equal(owner_group(wrong[i], &gid, &error), -1);
	}
	assert_string_equal(error.text, "no group 'no-such-user-or-group'");
}

static void waiting_doubles_up_to_a_maximum(void **state)
{
	(void)state;
	for (unsigned int failures = 0; failures < 100; failures++) {
		uint32_t bound = failures < 2 ? 1000 :
				 failures > 9 ? 300000 :
						1000U << (failures - 1);

		assert_int_equal(backoff_ms(failures, UINT32_MAX), bound - 1);
		assert_int_equal(backoff_ms(failures, UINT32_C(1) << 31), bound / 2);
		assert_int_equal(backoff_ms(failures, 0), 100);
	}
	assert_int_equal(backoff_ms(UINT32_MAX, UINT32_MAX), 299999);
}

/* Realms that have failed often retry at times that are spread over the whole maximum wait. */
static void jitter_covers_the_maximum_wait(void **state)
{
	uint32_t before = 0;

	(void)state;
	for (uint32_t i = 1; i < 256; i++) {
		uint32_t wait = backoff_ms(30, i << 24);

		assert_true(wait > before && wait - before < 300000 / 250);
		before = wait;
	}
	assert_true(before > 298000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_by_name_and_number),
		cmocka_unit_test(waiting_doubles_up_to_a_maximum),
		cmocka_unit_test(jitter_covers_the_maximum_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
