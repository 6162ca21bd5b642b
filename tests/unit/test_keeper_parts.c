// SPDX-License-Identifier: Apache-2.0
/* Owners of secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/array.h"
#include "config/owner.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_by_name_and_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
