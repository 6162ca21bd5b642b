/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EL2's address space, by a table walk. map.S contains only data, so it can be assembled here as
 * well. Its tables then point to each other at this program's addresses.
 */
#include "fake.h"
#include "machine.h"

#define TABLES	    0x0000fffffffff000UL
#define BLOCK_OF(l) (1UL << (39 - 9 * (l)))
#define NONE	    0UL

extern const uint64_t map[512];

/* Returns the leaf entry for @va, or NONE. @start is set to the first address of the entry. */
static uint64_t walk(uint64_t va, uint64_t *start)
{
	const uint64_t *table = map;

	for (unsigned int level = 1; level <= 3; level++) {
		uint64_t size = BLOCK_OF(level), entry = table[va / size % 512];

		*start = va / size * size;
		if (!(entry & 1))
			return NONE;
		if (level == 3 || !(entry & 2)) {
			assert_int_equal(entry & 3, level == 3 ? 3 : 1);
			return entry;
		}
		table = (const uint64_t *)(entry & TABLES);
	}
	return NONE;
}

static bool executable(uint64_t entry)
{
	return entry && !(entry & 1UL << 54);
}

static bool writable(uint64_t entry)
{
	return entry && !(entry & 1UL << 7);
}

static unsigned int memory_type(uint64_t entry)
{
	return entry >> 2 & 7;
}

static void is(uint64_t va, bool write, bool execute, bool device)
{
	uint64_t start, entry = walk(va, &start);

	assert_int_not_equal(entry, NONE);
	assert_int_equal(writable(entry), write);
	assert_int_equal(executable(entry), execute);
	assert_int_equal(memory_type(entry), device);
}

static void is_not_there(uint64_t va)
{
	uint64_t start;

	assert_int_equal(walk(va, &start), NONE);
}

/*
 * Each page of the first 8 GiB has its own address, is accessed, and not both writable and
 * executable.
 */
static void all_pages(void **state)
{
	uint64_t pages = 0;

	(void)state;
	for (uint64_t va = 0, start; va < 8UL << 30; va += GRANULE) {
		uint64_t entry = walk(va, &start);

		if (!entry)
			continue;
		pages++;
		assert_int_equal(entry & TABLES, start);
		assert_false(writable(entry) && executable(entry));
		assert_int_equal(entry >> 10 & 1, 1);
		assert_int_equal(entry >> 6 & 1, 1);
		if (memory_type(entry) == 0)
			assert_int_equal(entry >> 8 & 3, 3);
	}
	/* text, constants, data, 8 stacks of 3, the rest; .bss, layout, UARTs; realm memory */
	assert_int_equal(pages, 32 + 32 + 16 + 24 + 400 + 5 * 512 + 512 * 512);
}

static void the_rmm(void **state)
{
	(void)state;
	is(0x100000000, false, true, false);
	is(0x10001ffff, false, true, false);
	is(0x100020000, false, false, false);
	is(0x10003ffff, false, false, false);
	is(0x100040000, true, false, false);
	is(0x1007fffff, true, false, false);
	is_not_there(0x100800000);
	is_not_there(0xffffffff);
	for (uint64_t i = 0; i < 8; i++) {
		is_not_there(0x100050000 + i * 0x4000);
		is(0x100051000 + i * 0x4000, true, false, false);
		is(0x100053ff8 + i * 0x4000, true, false, false);
	}
}

static void the_rest(void **state)
{
	(void)state;
	is(UART0, true, false, true);
	is(UART1, true, false, true);
	is_not_there(0);
	is_not_there(GIC_BASE);
	is_not_there(VIRTIO_BASE);
	is(LAYOUT_PA, false, false, false);
	is(LAYOUT_RAM_BASE + LAYOUT_PA_OFFSET, true, false, false);
	is(LAYOUT_RAM_BASE + LAYOUT_RAM_SIZE + LAYOUT_PA_OFFSET - 1, true, false, false);
	is_not_there(LAYOUT_RAM_BASE + LAYOUT_RAM_SIZE + LAYOUT_PA_OFFSET);
	is_not_there(IPA_SHARED | LAYOUT_RAM_BASE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_pages),
		cmocka_unit_test(the_rmm),
		cmocka_unit_test(the_rest),
	};

	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
