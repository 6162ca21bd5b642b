// SPDX-License-Identifier: Apache-2.0
/* The names of resources, and the queries after them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "kbs/kbs.h"

static void test_resource_paths(void **state)
{
	static const struct {
		const char *text, *path, *words;
	} cases[] = {
		{ "default/key/1", "default/key/1", NULL },
		{ "kbs:///default/key/1", "default/key/1", NULL },
		{ "_a/-b/c.d..e", "_a/-b/c.d..e", NULL },
		{ "", NULL, "repository is empty" },
		{ "a", NULL, "not repository/type/tag" },
		{ "a/b", NULL, "not repository/type/tag" },
		{ "a/b/c/d", NULL, "not repository/type/tag" },
		{ "a/b/c/", NULL, "not repository/type/tag" },
		{ "/a/b", NULL, "repository is empty" },
		{ "a//b", NULL, "type is empty" },
		{ "a/b/", NULL, "tag is empty" },
		{ "a/.b/c", NULL, "type '.b' begins with '.'" },
		{ "a/../c", NULL, "type '..' begins with '.'" },
		{ "a/b/c d", NULL, "tag 'c d' has a character" },
		{ "a/b?/c", NULL, "type 'b?' has a character" },
		{ "a/b/c\n", NULL, "has a character" },
		{ "kbs://host/a/b/c", NULL, "repository 'kbs:' has" },
		{ "\303\244/b/c", NULL, "has a character" },
	};
	char path[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;
		int ret = kbs_resource_path(cases[i].text, path, sizeof(path), &e);

		assert_int_equal(ret, cases[i].path ? 0 : -1);
		if (cases[i].path)
			assert_string_equal(path, cases[i].path);
		else if (e.kind != ERROR_USAGE || !strstr(e.text, cases[i].words))
			fail_msg("%s: %s", cases[i].text, e.text);
	}
}

static void test_resource_path_length(void **state)
{
	char text[80], path[64];
	struct error e = ERROR_INIT;

	(void)state;
	snprintf(text, sizeof(text), "a/b/%059d", 0);
	assert_int_equal(kbs_resource_path(text, path, sizeof(path), &e), 0);
	snprintf(text, sizeof(text), "a/b/%060d", 0);
	assert_int_equal(kbs_resource_path(text, path, sizeof(path), &e), -1);
	assert_int_equal(e.kind, ERROR_USAGE);
}

static void test_resource_requests(void **state)
{
	static const struct {
		const char *text, *path, *words;
	} cases[] = {
		{ "kbs:///a/b/c", "a/b/c", NULL },
		{ "kbs:///a/b/c?version=2", "a/b/c?version=2", NULL },
		{ "a/b/c?v", "a/b/c?v", NULL },
		{ "a/b/c?v=", "a/b/c?v=", NULL },
		{ "a/b/c?v=1&w=%20%C3%a9&x.y-z_~=", "a/b/c?v=1&w=%20%C3%a9&x.y-z_~=", NULL },
		{ "a/b/c?", NULL, "query ''" },
		{ "a/b/c?=1", NULL, "at '=1'" },
		{ "a/b/c?v=1&", NULL, "at ''" },
		{ "a/b/c?v=1&&w", NULL, "at '&w'" },
		{ "a/b/c?v=1=2", NULL, "at '=2'" },
		{ "a/b/c?v=a b", NULL, "at ' b'" },
		{ "a/b/c?v=a/b", NULL, "at '/b'" },
		{ "a/b/c?v=/../x", NULL, "at '/../x'" },
		{ "a/b/c?v?w", NULL, "at '?w'" },
		{ "a/b/c?v#w", NULL, "at '#w'" },
		{ "a/b/c?v=%", NULL, "at '%'" },
		{ "a/b/c?v=%4", NULL, "at '%4'" },
		{ "a/b/c?v=%g0", NULL, "at '%g0'" },
		{ "a/b/c?v=%00", NULL, "at '%00'" },
		{ "a/b/c?v=%0d%0a", NULL, "at '%0d%0a'" },
		{ "a/b/c?v=%7F", NULL, "at '%7F'" },
		{ "a/b/c?\303\244", NULL, "query" },
		{ "a/b/c?v=1\r\nX: y", NULL, "query" },
		{ "a/b?v=1/c", NULL, "not repository/type/tag" },
		{ "a/b?v=1", NULL, "not repository/type/tag" },
		{ "?v=1", NULL, "repository is empty" },
	};
	char path[KBS_REQUEST_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;
		int ret = kbs_resource_request(cases[i].text, path, sizeof(path), &e);

		if (ret != (cases[i].path ? 0 : -1) || (ret == 0 && strcmp(path, cases[i].path)))
			fail_msg("%s: %d %s", cases[i].text, ret, e.text);
		if (ret < 0 && (e.kind != ERROR_USAGE || !strstr(e.text, cases[i].words)))
			fail_msg("%s: %s", cases[i].text, e.text);
	}
}

static void test_resource_request_length(void **state)
{
	char text[KBS_REQUEST_SIZE + 8], path[KBS_REQUEST_SIZE];
	struct error e = ERROR_INIT;

	(void)state;
	snprintf(text, sizeof(text), "a/b/%0251d?v=%0252d", 0, 0);
	assert_int_equal(strlen(text), 510);
	assert_int_equal(kbs_resource_request(text, path, sizeof(path), &e), 0);
	snprintf(text, sizeof(text), "a/b/%0251d?v=%0254d", 0, 0);
	assert_int_equal(strlen(text), 512);
	assert_int_equal(kbs_resource_request(text, path, sizeof(path), &e), -1);
	assert_non_null(strstr(e.text, "512 bytes, over 511"));
	e = (struct error)ERROR_INIT;
	snprintf(text, sizeof(text), "a/b/%0252d", 0);
	assert_int_equal(kbs_resource_request(text, path, sizeof(path), &e), -1);
	assert_non_null(strstr(e.text, "256 bytes, over 255"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resource_paths),
		cmocka_unit_test(test_resource_path_length),
		cmocka_unit_test(test_resource_requests),
		cmocka_unit_test(test_resource_request_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
