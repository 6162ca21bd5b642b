// SPDX-License-Identifier: Apache-2.0
/*
 * The CBOR reader: its results and its errors. It does not allocate what a length merely declares.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "cca/cbor_tree.h"

static int hex_parse(const char *hex, struct bytes *raw, struct cbor_tree *tree, struct error *e)
{
	*e = (struct error)ERROR_INIT;
	assert_int_equal(decode_hex(hex, strlen(hex), "test", raw, e), 0);
	return cbor_tree_parse(raw->data, raw->len, tree, e);
}

static void expect_fault(const char *hex, const char *word)
{
	struct bytes raw = BYTES_INIT;
	struct cbor_tree tree;
	struct error e;

	if (hex_parse(hex, &raw, &tree, &e) == 0)
		fail_msg("%s was accepted", hex);
	assert_int_equal(e.kind, ERROR_INPUT);
	if (!strstr(e.text, word))
		fail_msg("%s: \"%s\" does not contain \"%s\"", hex, e.text, word);
	assert_null(tree.node);
	bytes_free(&raw);
}

static void test_not_well_formed(void **state)
{
	static const struct {
		const char *hex, *word;
	} table[] = {
		{ "", "truncated" },	      { "18", "truncated" },
		{ "82", "truncated" },	      { "8201", "truncated" },
		{ "a101", "truncated" },      { "4401", "truncated" },
		{ "d2", "truncated" },	      { "d901", "truncated" },
		{ "c1", "truncated" },	      { "0000", "trailing" },
		{ "8000", "trailing" },	      { "d20000", "trailing" },
		{ "1c", "not CBOR" },	      { "fc", "not CBOR" },
		{ "1f", "not CBOR" },	      { "3f", "not CBOR" },
		{ "df", "not CBOR" },	      { "5c", "not CBOR" },
		{ "9d", "not CBOR" },	      { "f8ff", "not CBOR" },
		{ "f814", "not CBOR" },	      { "e0", "not CBOR" },
		{ "f3", "not CBOR" },	      { "f93c", "truncated" },
		{ "fa3f8000", "truncated" },  { "1b00000000000000", "truncated" },
		{ "4100ff", "trailing" },     { "6261", "truncated" },
		{ "5f4100ff", "indefinite" }, { "7f6100ff", "indefinite" },
		{ "9fff", "indefinite" },     { "bfff", "indefinite" },
		{ "ff", "indefinite" },	      { "81ff", "indefinite" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		expect_fault(table[i].hex, table[i].word);
}

/* ASan ends the test if one of these lengths is allocated. */
static void test_declared_lengths(void **state)
{
	(void)state;
	expect_fault("9bffffffffffffffff", "truncated");
	expect_fault("9b000000ffffffffff", "truncated");
	expect_fault("9a0010000000", "truncated");
	expect_fault("bbffffffffffffffff", "truncated");
	expect_fault("bb8000000000000001", "truncated");
	expect_fault("bb7fffffffffffffff", "truncated");
	expect_fault("5bffffffffffffffff", "truncated");
	expect_fault("7b7fffffffffffffff00", "truncated");
	expect_fault("819a7fffffff00", "truncated");
}

static void test_duplicate_keys(void **state)
{
	(void)state;
	expect_fault("a201000100", "duplicate");
	expect_fault("a20100180100", "duplicate"); /* the same number in a longer encoding */
	expect_fault("a220003800f6", "duplicate");
	expect_fault("a24161004161f6", "duplicate");
	expect_fault("a26161006161f6", "duplicate");
	expect_fault("a240004000", "duplicate");
	expect_fault("a2820102008201020f", "duplicate");
	expect_fault("81a1d2a20200020000", "duplicate");
	expect_fault("a2f400f400", "duplicate");
	/* Numbers of all widths that are equal: 1.5, the smallest half, infinity, -0.0. */
	expect_fault("a2f93e0000fa3fc0000000", "duplicate");
	expect_fault("a2f93e0000fb3ff800000000000000", "duplicate");
	expect_fault("a2f9000100fb3e7000000000000000", "duplicate");
	expect_fault("a2f97c0000fa7f80000000", "duplicate");
	expect_fault("a2f9800000fb800000000000000000", "duplicate");
	expect_fault("a2f97bff00fa477fe00000", "duplicate");
}

static void test_distinct_keys(void **state)
{
	static const char *const table[] = {
		"a201002000", "a241610061610f", "a2616100626161f6", "a2820102008201030f",
		"a0",	      "a2f400f500",	"a2a00080f6",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct bytes raw = BYTES_INIT;
		struct cbor_tree tree;
		struct error e;

		if (hex_parse(table[i], &raw, &tree, &e) < 0)
			fail_msg("%s: %s", table[i], e.text);
		assert_int_equal(tree.node[0].span, tree.count);
		cbor_tree_free(&tree);
		bytes_free(&raw);
	}
}

static void test_depth(void **state)
{
	uint8_t nested[4000];
	struct cbor_tree tree;
	struct error e = ERROR_INIT;

	(void)state;
	memset(nested, 0x81, sizeof(nested));
	nested[CBOR_TREE_DEPTH_MAX] = 0;
	assert_int_equal(cbor_tree_parse(nested, CBOR_TREE_DEPTH_MAX + 1, &tree, &e), 0);
	cbor_tree_free(&tree);
	nested[CBOR_TREE_DEPTH_MAX] = 0x81;
	nested[CBOR_TREE_DEPTH_MAX + 1] = 0;
	assert_int_equal(cbor_tree_parse(nested, CBOR_TREE_DEPTH_MAX + 2, &tree, &e), -1);
	assert_non_null(strstr(e.text, "nested"));
	nested[sizeof(nested) - 1] = 0;
	assert_int_equal(cbor_tree_parse(nested, sizeof(nested), &tree, &e), -1);
	memset(nested, 0xd2, sizeof(nested)); /* tags are nested too */
	assert_int_equal(cbor_tree_parse(nested, sizeof(nested), &tree, &e), -1);
}

/* Parses an array of @count zeros. */
static int zeros_parse(uint16_t count, struct cbor_tree *tree)
{
	uint8_t *raw = calloc(1, 3 + (size_t)count);
	struct error e = ERROR_INIT;
	int ret;

	raw[0] = 0x99;
	raw[1] = (uint8_t)(count >> 8);
	raw[2] = (uint8_t)count;
	ret = cbor_tree_parse(raw, 3 + (size_t)count, tree, &e);
	if (ret < 0)
		assert_non_null(strstr(e.text, "more than 4096 items"));
	free(raw);
	return ret;
}

static void test_count(void **state)
{
	struct cbor_tree tree;

	(void)state;
	assert_int_equal(zeros_parse(CBOR_TREE_NODES_MAX - 1, &tree), 0);
	assert_int_equal(tree.count, CBOR_TREE_NODES_MAX);
	cbor_tree_free(&tree);
	assert_int_equal(zeros_parse(CBOR_TREE_NODES_MAX, &tree), -1);
	assert_int_equal(zeros_parse(60000, &tree), -1);
}

static const struct cbor_node *element(const struct cbor_node *array, unsigned int index)
{
	const struct cbor_node *at = cbor_node_child(array);

	while (index-- > 0)
		at = cbor_node_next(at);
	return at;
}

/* The heads of all sizes, and their limits. */
static void test_heads(void **state)
{
	static const struct {
		const char *hex;
		enum cbor_node_kind kind;
		uint64_t value;
	} table[] = {
		{ "00", CBOR_NODE_UINT, 0 },
		{ "17", CBOR_NODE_UINT, 23 },
		{ "1818", CBOR_NODE_UINT, 24 },
		{ "19ffff", CBOR_NODE_UINT, 0xffff },
		{ "1a12345678", CBOR_NODE_UINT, 0x12345678 },
		{ "1b123456789abcdef0", CBOR_NODE_UINT, 0x123456789abcdef0 },
		{ "3bffffffffffffffff", CBOR_NODE_NINT, UINT64_MAX },
		{ "40", CBOR_NODE_BYTES, 0 },
		{ "580101", CBOR_NODE_BYTES, 1 },
		{ "5b000000000000000101", CBOR_NODE_BYTES, 1 },
		{ "60", CBOR_NODE_TEXT, 0 },
		{ "80", CBOR_NODE_ARRAY, 0 },
		{ "a0", CBOR_NODE_MAP, 0 },
		{ "c000", CBOR_NODE_TAG, 0 },
		{ "d9018f00", CBOR_NODE_TAG, 399 },
		{ "f4", CBOR_NODE_SIMPLE, CBOR_SIMPLE_FALSE },
		{ "f7", CBOR_NODE_SIMPLE, CBOR_SIMPLE_UNDEFINED },
		{ "f90000", CBOR_NODE_FLOAT, 0 },
		{ "f9c000", CBOR_NODE_FLOAT, 0xc000000000000000 },
		{ "fabf800000", CBOR_NODE_FLOAT, 0xbff0000000000000 },
		{ "fb400921fb54442d18", CBOR_NODE_FLOAT, 0x400921fb54442d18 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct bytes raw = BYTES_INIT;
		struct cbor_tree tree;
		struct error e;

		if (hex_parse(table[i].hex, &raw, &tree, &e) < 0)
			fail_msg("%s: %s", table[i].hex, e.text);
		assert_int_equal(tree.node[0].kind, table[i].kind);
		assert_int_equal(tree.node[0].value, table[i].value);
		cbor_tree_free(&tree);
		bytes_free(&raw);
	}
}

/* [1, -2, h'0304', "ab", [5, [6]], {7: 8, -1: 9}, 18([]), true, null, 1.5] */
static void test_nodes(void **state)
{
	struct bytes raw = BYTES_INIT;
	struct cbor_tree tree;
	struct error e;
	int64_t number;

	(void)state;
	assert_int_equal(hex_parse("8a0121420304626162820581"
				   "06a207082009d280f5f6f93e00",
				   &raw, &tree, &e),
			 0);
	assert_int_equal(tree.node[0].kind, CBOR_NODE_ARRAY);
	assert_true(cbor_node_integer(element(tree.node, 0), &number) && number == 1);
	assert_true(cbor_node_integer(element(tree.node, 1), &number) && number == -2);
	assert_int_equal(element(tree.node, 2)->kind, CBOR_NODE_BYTES);
	assert_ptr_equal(element(tree.node, 2)->data, raw.data + 4);
	assert_memory_equal(element(tree.node, 3)->data, "ab", 2);
	assert_int_equal(element(tree.node, 4)->span, 4);
	assert_null(cbor_map_find(element(tree.node, 5), 6));
	assert_int_equal(cbor_map_find(element(tree.node, 5), 7)->value, 8);
	assert_int_equal(cbor_map_find(element(tree.node, 5), -1)->value, 9);
	assert_int_equal(element(tree.node, 6)->value, 18);
	assert_false(cbor_node_integer(element(tree.node, 7), &number));
	assert_int_equal(element(tree.node, 8)->value, CBOR_SIMPLE_NULL);
	assert_int_equal(element(tree.node, 9)->kind, CBOR_NODE_FLOAT);
	cbor_tree_free(&tree);
	bytes_free(&raw);
}

static void integer_expect(const char *hex, bool fits, int64_t expected)
{
	struct bytes raw = BYTES_INIT;
	struct cbor_tree tree;
	struct error e;
	int64_t number = 0;

	assert_int_equal(hex_parse(hex, &raw, &tree, &e), 0);
	assert_int_equal(cbor_node_integer(tree.node, &number), fits);
	if (fits)
		assert_true(number == expected);
	cbor_tree_free(&tree);
	bytes_free(&raw);
}

static void test_integers(void **state)
{
	(void)state;
	integer_expect("1b000000000000000a", true, 10);
	integer_expect("1b7fffffffffffffff", true, INT64_MAX);
	integer_expect("1b8000000000000000", false, 0);
	integer_expect("3b7fffffffffffffff", true, INT64_MIN);
	integer_expect("3bffffffffffffffff", false, 0);
	integer_expect("3a000000ff", true, -256);
	integer_expect("3900ff", true, -256);
	integer_expect("19d1ca", true, 53706);
	integer_expect("1a0000acca", true, 44234);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_well_formed), cmocka_unit_test(test_declared_lengths),
		cmocka_unit_test(test_duplicate_keys),	cmocka_unit_test(test_distinct_keys),
		cmocka_unit_test(test_depth),		cmocka_unit_test(test_count),
		cmocka_unit_test(test_heads),		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_integers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
