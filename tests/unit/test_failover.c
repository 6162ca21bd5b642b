// SPDX-License-Identifier: Apache-2.0
/* Which KBS a handshake uses, for how long a failed one is avoided, and that no state of the page that workers share
 * leads elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "kbs/failover.h"

static void test_order(void **state)
{
	struct failover f = { 0 };

	(void)state;
	assert_int_equal(failover_pick(&f, 3, 1000), 0);
	failover_failed(&f, 0, 1000, 0);
	assert_int_equal(failover_pick(&f, 3, 1000), 1);
	failover_failed(&f, 1, 1000, 0);
	assert_int_equal(failover_pick(&f, 3, 1000), 2);
	assert_int_equal(failover_pick(&f, 3, 1000 + FAILOVER_FIRST / 2), 0);
	failover_worked(&f, 1);
	assert_int_equal(failover_pick(&f, 3, 1000), 1);
	assert_int_equal(failover_pick(&f, 1, 1000), 0);
}

/* If all are avoided, the one whose time ends first is tried. */
static void test_all_avoided(void **state)
{
	struct failover f = { 0 };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		failover_failed(&f, i, 1000, UINT32_MAX);
	failover_failed(&f, 0, 1000, UINT32_MAX);
	assert_int_equal(failover_pick(&f, 3, 1000), 1);
	failover_failed(&f, 1, 1001, UINT32_MAX);
	assert_int_equal(failover_pick(&f, 3, 1001), 2);
}

static void test_how_long(void **state)
{
	static const int64_t bounds[] = { 30000, 60000, 120000, 240000, 480000, 600000, 600000 };

	(void)state;
	for (int random = 0; random < 2; random++) {
		struct failover f = { 0 };

		for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
			failover_failed(&f, 2, 5, random ? UINT32_MAX : 0);
			assert_in_range(f.server[2].until - 5,
					bounds[i] / 2 + (random ? bounds[i] / 2 - 1 : 0),
					random ? bounds[i] : bounds[i] / 2);
		}
		f.server[2].failures = UINT32_MAX;
		failover_failed(&f, 2, 5, 0);
		assert_int_equal(f.server[2].failures, UINT32_MAX);
		assert_int_equal(f.server[2].until, 5 + FAILOVER_MAX / 2);
	}
}

static void test_current(void **state)
{
	struct failover f = { .current = 2 };

	(void)state;
	assert_int_equal(failover_current(&f, 3, 0), 1);
	failover_failed(&f, 1, 0, 0);
	assert_int_equal(failover_current(&f, 3, 0), 1);
	f.current = 0;
	assert_int_equal(failover_current(&f, 3, 0), 0);
	f.current = 4;
	assert_int_equal(failover_current(&f, 3, 0), 0);
	f.current = UINT32_MAX;
	assert_int_equal(failover_current(&f, 3, 0), 0);
}

/* What a worker that was taken over may have left. */
static void test_hostile_state(void **state)
{
	static const uint8_t fill[] = { 0x00, 0x7f, 0x80, 0xff };
	static const int64_t times[] = { 0, 1, 1LL << 40 };

	(void)state;
	for (size_t i = 0; i < sizeof(fill); i++)
		for (size_t t = 0; t < 3; t++) {
			struct failover f;

			memset(&f, fill[i], sizeof(f));
			for (size_t count = 1; count <= FAILOVER_SERVERS_MAX; count++) {
				assert_in_range(failover_pick(&f, count, times[t]), 0, count - 1);
				assert_in_range(failover_current(&f, count, times[t]), 0,
						count - 1);
			}
			/* No time that far away counts. */
			f.server[0].until = times[t] + FAILOVER_MAX + 1;
			f.server[1].until = times[t] + 1;
			assert_int_equal(failover_pick(&f, 2, times[t]), 0);
		}
}

static void test_causes(void **state)
{
	static const int there[] = { 408, 429, 500, 502, 503, 599 };
	static const int decided[] = { 200, 204, 302, 400, 401, 403, 404, 413, 499, 600, 999 };

	(void)state;
	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
		assert_true(failover_status(there[i]));
	for (size_t i = 0; i < sizeof(decided) / sizeof(decided[0]); i++)
		assert_false(failover_status(decided[i]));
	assert_true(failover_kind(ERROR_NETWORK) && failover_kind(ERROR_TLS) &&
		    failover_kind(ERROR_PROTOCOL));
	assert_false(failover_kind(ERROR_POLICY) || failover_kind(ERROR_ATTESTATION) ||
		     failover_kind(ERROR_SYSTEM) || failover_kind(ERROR_INPUT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),	      cmocka_unit_test(test_all_avoided),
		cmocka_unit_test(test_how_long),      cmocka_unit_test(test_current),
		cmocka_unit_test(test_hostile_state), cmocka_unit_test(test_causes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
