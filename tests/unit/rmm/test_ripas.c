/* SPDX-License-Identifier: Apache-2.0 */
/* The RIPAS walk: how far one call goes, what it changes, and what stops it. */
#include "fake.h"
#include "ripas.h"

#define BASE  0x40000000UL
#define COUNT (3 * RIPAS_BATCH)
#define TOP   (BASE + COUNT * GRANULE)

static uint8_t states[COUNT];
static struct ripas_map map = { .base = BASE, .size = COUNT * GRANULE, .state = states };
static uint64_t changes, last;

static int setup(void **state)
{
	(void)state;
	memset(states, RIPAS_RAM, sizeof(states));
	changes = last = 0;
	return 0;
}

static void changed(uint64_t ipa, enum ripas to)
{
	assert_int_equal(ripas_at(&map, ipa), to);
	assert_true(ipa > last);
	last = ipa;
	changes++;
}

static uint64_t set(uint64_t base, uint64_t top, enum ripas to, bool destroyed)
{
	return ripas_set(&map, base, top, to, destroyed, changed);
}

static void changes_only_the_range(void **state)
{
	(void)state;
	assert_int_equal(set(BASE + GRANULE, BASE + 3 * GRANULE, RIPAS_EMPTY, false),
			 BASE + 3 * GRANULE);
	assert_int_equal(changes, 2);
	assert_int_equal(ripas_at(&map, BASE), RIPAS_RAM);
	assert_int_equal(ripas_at(&map, BASE + GRANULE), RIPAS_EMPTY);
	assert_int_equal(ripas_at(&map, BASE + 2 * GRANULE), RIPAS_EMPTY);
	assert_int_equal(ripas_at(&map, BASE + 3 * GRANULE), RIPAS_RAM);
}

static void granules_in_that_state_are_unchanged(void **state)
{
	(void)state;
	states[1] = RIPAS_EMPTY;
	assert_int_equal(set(BASE, BASE + 4 * GRANULE, RIPAS_RAM, false), BASE + 4 * GRANULE);
	assert_int_equal(changes, 1);
	assert_int_equal(last, BASE + GRANULE);
}

static void progress_is_partial(void **state)
{
	uint64_t at = BASE;
	int calls = 0;

	(void)state;
	while (at < TOP) {
		uint64_t stop = set(at, TOP, RIPAS_EMPTY, false);

		assert_int_equal(stop - at, RIPAS_BATCH * GRANULE);
		assert_int_equal(changes, (stop - BASE) / GRANULE);
		at = stop;
		calls++;
	}
	assert_int_equal(calls, 3);
	assert_int_equal(ripas_at(&map, TOP - GRANULE), RIPAS_EMPTY);
}

static void destroyed_stops(void **state)
{
	(void)state;
	states[5] = RIPAS_DESTROYED;
	assert_int_equal(set(BASE, TOP, RIPAS_EMPTY, false), BASE + 5 * GRANULE);
	assert_int_equal(set(BASE + 5 * GRANULE, TOP, RIPAS_RAM, false), BASE + 5 * GRANULE);
	assert_int_equal(changes, 5);
	assert_int_equal(states[5], RIPAS_DESTROYED);
	assert_int_equal(set(BASE + 5 * GRANULE, BASE + 7 * GRANULE, RIPAS_RAM, true),
			 BASE + 7 * GRANULE);
	assert_int_equal(states[5], RIPAS_RAM);
	assert_int_equal(changes, 6);
}

static void nothing_outside_memory_becomes_ram(void **state)
{
	(void)state;
	assert_int_equal(set(0, GRANULE, RIPAS_RAM, true), 0);
	assert_int_equal(set(TOP, TOP + GRANULE, RIPAS_RAM, true), TOP);
	assert_int_equal(set(TOP - GRANULE, TOP + GRANULE, RIPAS_RAM, true), TOP);
	assert_int_equal(changes, 0);
}

static void outside_memory_is_empty_already(void **state)
{
	(void)state;
	assert_int_equal(set(0, BASE, RIPAS_EMPTY, false), BASE);
	assert_int_equal(set(TOP, TOP + (1UL << 30), RIPAS_EMPTY, false), TOP + (1UL << 30));
	assert_int_equal(changes, 0);
	assert_int_equal(set(0, BASE + GRANULE, RIPAS_EMPTY, false), BASE + GRANULE);
	assert_int_equal(changes, 1);
	assert_int_equal(set(TOP - GRANULE, TOP + GRANULE, RIPAS_EMPTY, false), TOP + GRANULE);
	assert_int_equal(changes, 2);
}

static void get_reports_where_a_state_ends(void **state)
{
	enum ripas found;

	(void)state;
	states[2] = RIPAS_EMPTY;
	states[3] = RIPAS_DESTROYED;
	assert_int_equal(ripas_get(&map, BASE, TOP, &found), BASE + 2 * GRANULE);
	assert_int_equal(found, RIPAS_RAM);
	assert_int_equal(ripas_get(&map, BASE + 2 * GRANULE, TOP, &found), BASE + 3 * GRANULE);
	assert_int_equal(found, RIPAS_EMPTY);
	assert_int_equal(ripas_get(&map, BASE + 3 * GRANULE, TOP, &found), BASE + 4 * GRANULE);
	assert_int_equal(found, RIPAS_DESTROYED);
	assert_int_equal(ripas_get(&map, BASE + 4 * GRANULE, TOP, &found), TOP);
	assert_int_equal(found, RIPAS_RAM);
	assert_int_equal(ripas_get(&map, BASE, BASE + GRANULE, &found), BASE + GRANULE);
}

static void get_outside_memory(void **state)
{
	enum ripas found;

	(void)state;
	assert_int_equal(ripas_get(&map, 0, 1UL << 32, &found), BASE);
	assert_int_equal(found, RIPAS_EMPTY);
	assert_int_equal(ripas_get(&map, 0, GRANULE, &found), GRANULE);
	assert_int_equal(ripas_get(&map, TOP, 1UL << 32, &found), 1UL << 32);
	assert_int_equal(found, RIPAS_EMPTY);
	/* EMPTY memory and the EMPTY granules around it are one range. */
	memset(states, RIPAS_EMPTY, sizeof(states));
	assert_int_equal(ripas_get(&map, 0, 1UL << 32, &found), 1UL << 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(changes_only_the_range, setup),
		cmocka_unit_test_setup(granules_in_that_state_are_unchanged, setup),
		cmocka_unit_test_setup(progress_is_partial, setup),
		cmocka_unit_test_setup(destroyed_stops, setup),
		cmocka_unit_test_setup(nothing_outside_memory_becomes_ram, setup),
		cmocka_unit_test_setup(outside_memory_is_empty_already, setup),
		cmocka_unit_test_setup(get_reports_where_a_state_ends, setup),
		cmocka_unit_test_setup(get_outside_memory, setup),
	};

	return cmocka_run_group_tests_name("ripas", tests, NULL, NULL);
}
