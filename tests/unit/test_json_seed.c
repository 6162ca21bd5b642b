// SPDX-License-Identifier: Apache-2.0
/* Jansson's seed: this file defines getrandom() and json_object_seed() for the library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/types.h>

#include "base/json.h"

#define RANDOM 0x5eed

static bool random_works;
static int random_calls;
static size_t seed;

ssize_t __wrap_getrandom(void *out, size_t size, unsigned int flags);
void __wrap_json_object_seed(size_t value);

ssize_t __wrap_getrandom(void *out, size_t size, unsigned int flags)
{
	const size_t value = RANDOM;

	(void)flags;
	random_calls++;
	if (!random_works) {
		errno = ENOSYS;
		return -1;
	}
	memcpy(out, &value, size);
	return (ssize_t)size;
}

void __wrap_json_object_seed(size_t value)
{
	seed = value;
}

static void seeded_before_main(void **state)
{
	(void)state;
	assert_int_equal(random_calls, 1);
	assert_int_equal(seed, 0); /* it failed */
}

static void refuses_to_parse_without_a_seed(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	assert_null(json_parse("{}", 2, JSON_SMALL, "answer", ERROR_PROTOCOL, &e));
	assert_int_equal(e.kind, ERROR_SYSTEM);
	assert_string_equal(e.text, "cannot get random bytes");
}

static void seeded_by_getrandom_once(void **state)
{
	struct error e = ERROR_INIT;
	json_t *value;

	(void)state;
	random_works = true;
	random_calls = 0;
	for (int i = 0; i < 2; i++) {
		value = json_parse("{}", 2, JSON_SMALL, "answer", ERROR_PROTOCOL, &e);
		assert_non_null(value);
		json_decref(value);
	}
	assert_int_equal(random_calls, 1);
	assert_int_equal(seed, RANDOM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seeded_before_main),
		cmocka_unit_test(refuses_to_parse_without_a_seed),
		cmocka_unit_test(seeded_by_getrandom_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
