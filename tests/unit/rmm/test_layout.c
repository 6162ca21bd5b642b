/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"
#include "layout.h"
#include "quirk.h"

static struct layout good(void)
{
	struct layout l = {
		.magic = LAYOUT_MAGIC,
		.version = LAYOUT_VERSION,
		.vcpus = 1,
		.ram_size = LAYOUT_RAM_SIZE,
		.count = 3,
		.entry_ipa = 0x40200000,
		.dtb_ipa = 0x4fe00000,
		.range = {
			{ 0x40200000, 50000000 },
			{ 0x48000000, 4097 },
			{ 0x4fe00000, 1 },
		},
	};

	return l;
}

static void accepts(const struct layout *l)
{
	const char *fault = layout_check(l);

	if (fault)
		fail_msg("refused: %s", fault);
}

static void refuses(const struct layout *l, const char *field)
{
	const char *fault = layout_check(l);

	assert_non_null(fault);
	if (strncmp(fault, field, strlen(field)))
		fail_msg("layout_check() returned \"%s\" for a bad %s", fault, field);
}

#define REFUSES(field, change) \
	do { \
		struct layout l = good(); \
		change; \
		refuses(&l, field); \
	} while (0)

#define ACCEPTS(change) \
	do { \
		struct layout l = good(); \
		change; \
		accepts(&l); \
	} while (0)

static void header_bounds(void **state)
{
	(void)state;
	ACCEPTS();
	ACCEPTS(l.vcpus = 8; l.hash_algo = 2);
	REFUSES("magic", l.magic ^= 1UL << 63);
	REFUSES("version", l.version = 0);
	REFUSES("version", l.version = 1);
	REFUSES("version", l.version = 2);
	REFUSES("version", l.version = 4);
	REFUSES("hash_algo", l.hash_algo = 3);
	REFUSES("vcpus", l.vcpus = 0);
	REFUSES("vcpus", l.vcpus = 9);
	REFUSES("count", l.count = 0);
	REFUSES("count", l.count = LAYOUT_MAX_RANGES + 1);
	REFUSES("count", l.count = UINT32_MAX);
	ACCEPTS(l.extend[LAYOUT_MAX_EXTENDS - 1].index = 4);
	REFUSES("extend", l.extend[LAYOUT_MAX_EXTENDS - 1].index = 5);
}

static void machine_bounds(void **state)
{
	(void)state;
	ACCEPTS(l.ram_size = 0x10000000); /* 256 MiB end just after the tree */
	REFUSES("ram_size", l.ram_size = 0);
	REFUSES("ram_size", l.ram_size = LAYOUT_RAM_SIZE + LAYOUT_RAM_STEP);
	REFUSES("ram_size", l.ram_size = 1UL << 63);
	REFUSES("ram_size", l.ram_size -= 4096);
	REFUSES("range", l.ram_size = 0x0fe00000); /* the tree begins just after it */
	ACCEPTS(l.flavour = LAYOUT_RMM_2_0);
	REFUSES("flavour", l.flavour = LAYOUT_FLAVOURS);
	REFUSES("flavour", l.flavour = UINT32_MAX);
	ACCEPTS(l.quirks = QUIRK_ALL);
	REFUSES("quirks", l.quirks = QUIRK_ALL + 1);
	REFUSES("quirks", l.quirks = 1U << 31);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(layout_flavours[LAYOUT_RMM_1_0], "1.0");
	assert_string_equal(layout_flavours[LAYOUT_TFRMM_0_9], "tfrmm-0.9");
	assert_string_equal(layout_flavours[LAYOUT_RMM_2_0], "2.0");
}

static void start_lies_in_a_range(void **state)
{
	(void)state;
	ACCEPTS(l.entry_ipa = 0x40200000 + 50000000 - 4; l.dtb_ipa = 0x48001000);
	REFUSES("entry_ipa", l.entry_ipa += 2);
	REFUSES("entry_ipa", l.entry_ipa = 0x40200000 - 4);
	REFUSES("entry_ipa", l.entry_ipa = 0x40200000 + 50000000);
	REFUSES("entry_ipa", l.entry_ipa = 0);
	REFUSES("dtb_ipa", l.dtb_ipa += 4);
	REFUSES("dtb_ipa", l.dtb_ipa += 8);
	REFUSES("dtb_ipa", l.dtb_ipa = 0x140200000);
}

static void range_bounds(void **state)
{
	const uint64_t end = LAYOUT_RAM_BASE + LAYOUT_RAM_SIZE;

	(void)state;
	ACCEPTS(l.range[1].ipa = 0x40200000 + 50003968);
	ACCEPTS(l.range[2].size = end - 0x4fe00000);
	REFUSES("range", l.range[1].ipa += 1);
	REFUSES("range", l.range[1].size = 0);
	REFUSES("range", l.range[0].ipa = LAYOUT_RAM_BASE - 4096);
	REFUSES("range", l.range[2].ipa = end);
	REFUSES("range", l.range[2].size = end - 0x4fe00000 + 1);
	REFUSES("range", l.range[2].size = UINT64_MAX);
	REFUSES("range", l.range[2].ipa = 0x48001000); /* in the last page of the previous range */
	REFUSES("range", l.range[2].ipa = 0x41000000);
	REFUSES("range", l.range[1].ipa = l.range[0].ipa);
}

static void the_rest_is_zero(void **state)
{
	(void)state;
	REFUSES("range", l.range[3].ipa = 1);
	REFUSES("range", l.range[LAYOUT_MAX_RANGES - 1].size = 1);
	REFUSES("range", l.reserved = 1);
}

static void a_full_page(void **state)
{
	struct layout l = good();

	(void)state;
	l.count = LAYOUT_MAX_RANGES;
	l.dtb_ipa = l.entry_ipa;
	assert_int_equal(LAYOUT_MAX_RANGES, 230);
	for (uint64_t i = 0; i < l.count; i++)
		l.range[i] = (struct layout_range){ 0x40200000 + i * 8192, 8192 };
	accepts(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_bounds), cmocka_unit_test(machine_bounds),
		cmocka_unit_test(names),	 cmocka_unit_test(start_lies_in_a_range),
		cmocka_unit_test(range_bounds),	 cmocka_unit_test(the_rest_is_zero),
		cmocka_unit_test(a_full_page),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
