// SPDX-License-Identifier: Apache-2.0
/* rim_tree.c: what it reads from a device tree, what it refuses, and what it changes. */
#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rim/rim_tree.h"

#define ROOM 4096

static struct rim_tree facts;
static struct error e;

static void number(void *fdt, const char *name, uint64_t n)
{
	assert_int_equal(fdt_property_u64(fdt, name, n), 0);
}

/* Begins a realm's device tree with @cpus CPUs and 1 GiB; the node /chosen is still open. */
static void *tree_begin(struct bytes *tree, unsigned int cpus)
{
	const uint64_t reg[2] = { cpu_to_fdt64(0x40000000), cpu_to_fdt64(0x40000000) };
	char name[16];
	void *fdt;

	assert_int_equal(bytes_resize(tree, ROOM, &(struct error)ERROR_INIT), 0);
	fdt = tree->data;
	assert_int_equal(fdt_create(fdt, ROOM), 0);
	assert_int_equal(fdt_finish_reservemap(fdt), 0);
	fdt_begin_node(fdt, "");
	fdt_property_u32(fdt, "#address-cells", 2);
	fdt_property_u32(fdt, "#size-cells", 2);
	fdt_begin_node(fdt, "memory@40000000");
	fdt_property_string(fdt, "device_type", "memory");
	fdt_property(fdt, "reg", reg, sizeof(reg));
	fdt_end_node(fdt);
	fdt_begin_node(fdt, "cpus");
	for (unsigned int i = 0; i < cpus; i++) {
		snprintf(name, sizeof(name), "cpu@%x", i);
		fdt_begin_node(fdt, name);
		fdt_property_u32(fdt, "reg", i);
		fdt_end_node(fdt);
	}
	fdt_begin_node(fdt, "idle-states");
	fdt_end_node(fdt);
	fdt_end_node(fdt);
	fdt_begin_node(fdt, "chosen");
	return fdt;
}

static void tree_end(struct bytes *tree, void *fdt)
{
	fdt_end_node(fdt);
	fdt_end_node(fdt);
	assert_int_equal(fdt_finish(fdt), 0);
	assert_int_equal(bytes_resize(tree, fdt_totalsize(fdt), &(struct error)ERROR_INIT), 0);
}

static struct bytes tree_make(unsigned int cpus)
{
	struct bytes tree = BYTES_INIT;
	void *fdt = tree_begin(&tree, cpus);

	fdt_property_string(fdt, "bootargs", "console=ttyAMA0");
	number(fdt, "linux,initrd-start", 0x48000000);
	number(fdt, "linux,initrd-end", 0x48000000);
	tree_end(&tree, fdt);
	return tree;
}

static void refuses(struct bytes *tree, const char *why)
{
	e = (struct error)ERROR_INIT;
	assert_int_equal(rim_tree_read(&facts, tree, &e), -1);
	assert_int_equal(e.kind, ERROR_INPUT);
	if (!strstr(e.text, why))
		fail_msg("'%s' does not contain '%s'", e.text, why);
}

static void apply(struct bytes *tree, const struct rim_tree_edit *edit)
{
	assert_int_equal(rim_tree_read(&facts, tree, &e), 0);
	if (rim_tree_apply(tree, &facts, edit, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(rim_tree_read(&facts, tree, &e), 0);
	assert_int_equal(fdt_totalsize(tree->data), tree->len);
}

static const void *chosen(const struct bytes *tree, const char *name, int *len)
{
	return fdt_getprop(tree->data, fdt_path_offset(tree->data, "/chosen"), name, len);
}

static void reads_a_tree(void **state)
{
	struct bytes tree = tree_make(3), args = BYTES_INIT;

	(void)state;
	assert_int_equal(rim_tree_read(&facts, &tree, &e), 0);
	assert_int_equal(facts.ram_base, 0x40000000);
	assert_int_equal(facts.ram_size, 0x40000000);
	assert_int_equal(facts.cpus, 3);
	assert_false(facts.has_initrd);
	rim_tree_bootargs(&tree, &args);
	assert_string_equal(bytes_text(&args), "console=ttyAMA0");
	bytes_free(&args);
	bytes_free(&tree);
}

static void refuses_other_data(void **state)
{
	struct bytes tree = BYTES_INIT, whole = tree_make(1);

	(void)state;
	refuses(&tree, "not a device tree");
	for (size_t len = 1; len < whole.len; len += 7) {
		bytes_set(&tree, whole.data, len);
		refuses(&tree, "not a device tree");
	}
	bytes_free(&tree);
	bytes_free(&whole);
}

static void refuses_seeds_and_missing_cpus(void **state)
{
	struct bytes tree = BYTES_INIT;
	void *fdt;

	(void)state;
	fdt = tree_begin(&tree, 1);
	number(fdt, "kaslr-seed", 1);
	tree_end(&tree, fdt);
	refuses(&tree, "kaslr-seed");
	fdt = tree_begin(&tree, 1);
	number(fdt, "rng-seed", 1);
	tree_end(&tree, fdt);
	refuses(&tree, "rng-seed");
	fdt = tree_begin(&tree, 0);
	tree_end(&tree, fdt);
	refuses(&tree, "/cpus");
	bytes_free(&tree);
}

static void refuses_other_memory(void **state)
{
	struct bytes tree = BYTES_INIT;
	void *fdt = tree_begin(&tree, 1);

	(void)state;
	fdt_property_string(fdt, "device_type", "memory"); /* a second memory node */
	tree_end(&tree, fdt);
	refuses(&tree, "more than one");
	bytes_free(&tree);
	tree = tree_make(1);
	fdt_setprop_inplace_u32(tree.data, 0, "#size-cells", 1);
	refuses(&tree, "memory: reg");
	bytes_free(&tree);
}

static void without_a_change_the_tree_is_the_same(void **state)
{
	struct bytes tree = tree_make(2), before = BYTES_INIT;
	const struct rim_tree_edit same = {
		.ram_size = 0x40000000, .cpus = 2, .cmdline = "", .cmdline_append = true
	};
	const struct rim_tree_edit said = { .ram_size = 0x40000000,
					    .cpus = 2,
					    .cmdline = "console=ttyAMA0" };

	(void)state;
	bytes_resize(&tree, tree.len + 100, &(struct error)ERROR_INIT); /* padding of a VMM */
	bytes_set(&before, tree.data, tree.len);
	assert_int_equal(rim_tree_read(&facts, &tree, &e), 0);
	assert_int_equal(rim_tree_apply(&tree, &facts, &same, &e), 0);
	assert_int_equal(rim_tree_apply(&tree, &facts, &said, &e), 0);
	assert_true(bytes_equal(tree.data, tree.len, before.data, before.len));
	bytes_free(&tree);
	bytes_free(&before);
}

static void makes_the_requested_changes(void **state)
{
	struct bytes tree = tree_make(4);
	const struct rim_tree_edit edit = {
		.ram_size = 0x20000000,
		.cpus = 2,
		.cmdline = "a b",
		.cmdline_append = true,
		.initrd_start = 0x48000000,
		.initrd_end = 0x48001389,
	};
	int len;

	(void)state;
	apply(&tree, &edit);
	assert_int_equal(facts.ram_size, 0x20000000);
	assert_int_equal(facts.cpus, 2);
	assert_true(facts.has_initrd);
	assert_true(fdt_path_offset(tree.data, "/cpus/cpu@1") > 0);
	assert_true(fdt_path_offset(tree.data, "/cpus/idle-states") > 0);
	assert_string_equal(chosen(&tree, "bootargs", &len), "console=ttyAMA0 a b");
	assert_int_equal(len, 20);
	assert_int_equal(fdt64_to_cpu(*(const fdt64_t *)chosen(&tree, "linux,initrd-end", &len)),
			 0x48001389);
	bytes_free(&tree);
}

/* The bytes after a value are measured, so they are always zero. */
static void padding_is_zero(void **state)
{
	static const char *const lines[] = { "",    "x",    "xy",
					     "xyz", "wxyz", "a longer line than it was" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct bytes tree = tree_make(2);
		const struct rim_tree_edit edit = { .ram_size = 0x40000000,
						    .cpus = 2,
						    .cmdline = lines[i] };
		const char *value;
		int len;

		apply(&tree, &edit);
		value = chosen(&tree, "bootargs", &len);
		assert_string_equal(value, lines[i]);
		for (; len % 4; len++)
			assert_int_equal(value[len], 0);
		bytes_free(&tree);
	}
}

static void a_tree_without_chosen(void **state)
{
	const struct rim_tree_edit none = { .ram_size = 0x40000000, .cpus = 1 };
	const struct rim_tree_edit some = { .ram_size = 0x40000000,
					    .cpus = 1,
					    .cmdline = "quiet",
					    .initrd_start = 0x48000000,
					    .initrd_end = 0x48000001 };
	struct bytes tree = tree_make(1);
	int len;

	(void)state;
	fdt_del_node(tree.data, fdt_path_offset(tree.data, "/chosen"));
	fdt_pack(tree.data);
	bytes_resize(&tree, fdt_totalsize(tree.data), &(struct error)ERROR_INIT);
	apply(&tree, &none);
	assert_true(fdt_path_offset(tree.data, "/chosen") < 0);
	apply(&tree, &some);
	assert_string_equal(chosen(&tree, "bootargs", &len), "quiet");
	assert_true(facts.has_initrd);
	bytes_free(&tree);
}

static void more_cpus_than_in_the_tree(void **state)
{
	struct bytes tree = tree_make(2);
	const struct rim_tree_edit edit = { .ram_size = 0x40000000, .cpus = 3 };

	(void)state;
	assert_int_equal(rim_tree_read(&facts, &tree, &e), 0);
	assert_int_equal(rim_tree_apply(&tree, &facts, &edit, &e), -1);
	assert_non_null(strstr(e.text, "3 CPUs"));
	bytes_free(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_tree),
		cmocka_unit_test(refuses_other_data),
		cmocka_unit_test(refuses_seeds_and_missing_cpus),
		cmocka_unit_test(refuses_other_memory),
		cmocka_unit_test(without_a_change_the_tree_is_the_same),
		cmocka_unit_test(makes_the_requested_changes),
		cmocka_unit_test(padding_is_zero),
		cmocka_unit_test(a_tree_without_chosen),
		cmocka_unit_test(more_cpus_than_in_the_tree),
	};

	return cmocka_run_group_tests_name("rim_tree", tests, NULL, NULL);
}
