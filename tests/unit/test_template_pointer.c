// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <malloc.h>
#include <string.h>

#include "base/array.h"
#include "template/pointer.h"

static int find(const char *json, const char *pointer, struct bytes *out, struct error *e)
{
	return pointer_find(json, strlen(json), pointer, strlen(pointer), out, e);
}

/* The examples of RFC 6901 section 5. */
static void test_rfc(void **state)
{
	static const char document[] =
		"{ \"foo\": [\"bar\", \"baz\"], \"\": 0, \"a/b\": 1, \"c%d\": 2, \"e^f\": 3, "
		"\"g|h\": 4, \"i\\\\j\": 5, \"k\\\"l\": 6, \" \": 7, \"m~n\": 8 }";
	static const struct {
		const char *pointer, *value;
	} cases[] = {
		{ "/foo", "[\"bar\", \"baz\"]" },
		{ "/foo/0", "bar" },
		{ "/", "0" },
		{ "/a~1b", "1" },
		{ "/c%d", "2" },
		{ "/e^f", "3" },
		{ "/g|h", "4" },
		{ "/i\\j", "5" },
		{ "/k\"l", "6" },
		{ "/ ", "7" },
		{ "/m~0n", "8" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytes out = BYTES_LOCKED_INIT;
		struct error e = ERROR_INIT;

		assert_true(pointer_valid(cases[i].pointer, strlen(cases[i].pointer)));
		assert_int_equal(find(document, cases[i].pointer, &out, &e), 0);
		assert_string_equal(bytes_text(&out), cases[i].value);
		bytes_free(&out);
	}
}

static void test_valid(void **state)
{
	static const char *const wrong[] = { "", "a", "a/", "/~", "/~a", "/a~2", " /a" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_false(pointer_valid(wrong[i], strlen(wrong[i])));
}

static void test_values(void **state)
{
	static const struct {
		const char *json, *value;
	} cases[] = {
		{ "{\"a\":\"\"}", "" },
		{ " [ { } , {\"b\":-0.1e+5} ] ", NULL },
		{ "{\"b\":[{\"a\":1}],\"a\" : \"\\u00e9\\ud83d\\ude00\\/\\b\" }",
		  "\xc3\xa9\xf0\x9f\x98\x80/\b" },
		{ "{\"\\u0061\":-0.1e+5}", "-0.1e+5" },
		{ "{\"ab\":1,\"a\":false,\"\":2}", "false" },
		{ "{\"a\":{\"a\":1,\"a\":2}}", "{\"a\":1,\"a\":2}" },
		{ "{\"b\":1,\"b\":2,\"a\":10E2}", "10E2" },
		{ "{\"a\":\"\xf4\x8f\xbf\xbf\xed\x9f\xbf\"}", "\xf4\x8f\xbf\xbf\xed\x9f\xbf" },
		{ "[1]", NULL },
		{ "\"a\"", NULL },
		{ "7", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytes out = BYTES_LOCKED_INIT;
		struct error e = ERROR_INIT;
		int ret = find(cases[i].json, "/a", &out, &e);

		assert_int_equal(ret, cases[i].value ? 0 : -1);
		assert_string_equal(ret < 0 ? e.text : bytes_text(&out),
				    ret < 0 ? "no member /a" : cases[i].value);
		bytes_free(&out);
	}
}

static void test_not_json(void **state)
{
	static const char *const cases[] = {
		"",
		" ",
		"{",
		"{\"a\":1",
		"{\"a\":1,}",
		"{\"a\" 1}",
		"{a:1}",
		"{\"a\":1}x",
		"{\"a\":1}{}",
		"{\"a\":01}",
		"{\"a\":1.}",
		"{\"a\":.5}",
		"{\"a\":1e}",
		"{\"a\":+1}",
		"{\"a\":-}",
		"{\"a\":True}",
		"{\"a\":nul}",
		"{\"a\":\"\n\"}",
		"{\"a\":\"\\x\"}",
		"{\"a\":\"\\u12g4\"}",
		"{\"a\":\"\\u123",
		"{\"a\":\"\\ud800\"}",
		"{\"a\":\"\\udc00\"}",
		"{\"a\":\"\\ud800\\u0041\"}",
		"{\"a\":\"\xff\"}",
		"{\"a\":\"\xc0\xaf\"}",
		"{\"a\":\"\xed\xa0\x80\"}",
		"{\"a\":\"\xf4\x90\x80\x80\"}",
		"{\"a\":\"\xe2\x82\"}",
		"{\"a\":\"\xe0\x80\x80\"}",
		"{\"a\":1]",
		"[1,]",
		"{\"a\":\"\\",
		"{\"a\":1,\"b\":[}",
		"{\"a\":1}\v",
		"\xef\xbb\xbf{\"a\":1}",
		"{\"a\":1,\"b\"",
		"{\"a\":1 \"b\":2}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytes out = BYTES_LOCKED_INIT;
		struct error e = ERROR_INIT;

		if (find(cases[i], "/a", &out, &e) == 0)
			fail_msg("accepted: %s", cases[i]);
		assert_string_equal(e.text, "not JSON, or nested deeper than 64 levels");
		assert_int_equal(out.len, 0);
		bytes_free(&out);
	}
}

static void test_nul(void **state)
{
	static const char json[] = "{\"a\":\"x\\u0000y\",\"b\":\"\0\"}";
	struct bytes out = BYTES_LOCKED_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(pointer_find(json, sizeof(json) - 1, "/a", 2, &out, &e), -1);
	assert_int_equal(pointer_find(json, 15, "/a", 2, &out, &e), -1);
	assert_int_equal(find("{\"a\":\"x\\u0000y\"}", "/a", &out, &e), 0);
	assert_int_equal(out.len, 3);
	assert_memory_equal(out.data, "x\0y", 3);
	bytes_free(&out);
}

/* A reader of the file would not know which of the two is meant. */
static void test_twice(void **state)
{
	static const char *const cases[] = {
		"{\"a\":{\"b\":1},\"a\":2}",
		"{\"a\":{\"b\":1,\"\\u0062\":1}}",
		"{\"a\":1,\"a\":{\"b\":1}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytes out = BYTES_LOCKED_INIT;
		struct error e = ERROR_INIT;

		assert_int_equal(find(cases[i], "/a/b", &out, &e), -1);
		assert_string_equal(e.text, "a member on the way to /a/b is there twice");
		assert_int_equal(out.len, 0);
		bytes_free(&out);
	}
}

static void test_depth(void **state)
{
	struct bytes json = BYTES_INIT, out = BYTES_LOCKED_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	for (int depth = 64; depth <= 65; depth++) {
		bytes_clear(&json);
		bytes_append_text(&json, "{\"a\":1,\"b\":");
		for (int i = 1; i < depth; i++)
			bytes_append_text(&json, "[");
		for (int i = 1; i < depth; i++)
			bytes_append_text(&json, "]");
		bytes_append_text(&json, "}");
		assert_int_equal(find(bytes_text(&json), "/a", &out, &e), depth == 64 ? 0 : -1);
	}
	bytes_free(&json);
	bytes_free(&out);
}

/* Nothing of a secret reaches the heap: it does not change. */
static void test_heap(void **state)
{
	static const char json[] = "{\"user\":[1,2,{\"password\":\"correct horse\"}]}";
	struct bytes out = BYTES_LOCKED_INIT;
	struct error e = ERROR_INIT;
	struct mallinfo2 before, after;

	(void)state;
	assert_int_equal(bytes_reserve(&out, 64, &e), 0);
	before = mallinfo2();
	assert_int_equal(find(json, "/user/2/password", &out, &e), 0);
	after = mallinfo2();
	assert_string_equal(bytes_text(&out), "correct horse");
	assert_int_equal(before.uordblks, after.uordblks);
	assert_int_equal(before.fordblks, after.fordblks);
	bytes_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc),    cmocka_unit_test(test_valid),
		cmocka_unit_test(test_values), cmocka_unit_test(test_not_json),
		cmocka_unit_test(test_nul),    cmocka_unit_test(test_twice),
		cmocka_unit_test(test_depth),  cmocka_unit_test(test_heap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
