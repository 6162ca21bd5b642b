// SPDX-License-Identifier: Apache-2.0
/* The policies in Rego that a trusteed keeps: set, listed, removed, and read after a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "trusteed/store/policies.h"
#include "trusteed/store/store.h"

#define TEXT "package policy\n\ndefault allow := false\n"

static char directory[64];
static struct store store = STORE_INIT;
static struct policies policies = POLICIES_INIT;

static void open_all(void)
{
	struct error e = ERROR_INIT;
	char path[80];

	snprintf(path, sizeof(path), "%s/state", directory);
	if (store_open(&store, path, &e) < 0 || policies_load(&policies, &store, &e) < 0)
		fail_msg("%s", e.text);
}

static int setup(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/test_policies.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	open_all();
	return 0;
}

static void close_all(void)
{
	policies_free(&policies);
	store_close(&store);
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	close_all();
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static int set(enum policies_kind kind, const char *id, const char *text, struct error *e)
{
	struct bytes bytes = BYTES_INIT;
	int ret;

	*e = (struct error)ERROR_INIT;
	bytes_append_text(&bytes, text);
	ret = policies_set(&policies, &store, kind, id, &bytes, e);
	bytes_free(&bytes);
	return ret;
}

/* Check that the policy @id is @text, or, if that is NULL, that there is none. */
static void holds(enum policies_kind kind, const char *id, const char *text)
{
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;

	assert_int_equal(policies_text(&policies, kind, id, &out, &e), text ? 1 : 0);
	assert_string_equal(bytes_text(&out), text ? text : "");
	bytes_free(&out);
}

static void a_policy_is_kept_by_kind_and_id(void **state)
{
	struct error e = ERROR_INIT;
	json_t *list;

	(void)state;
	assert_int_equal(set(POLICIES_ATTESTATION, "default_cpu", TEXT, &e), 0);
	assert_int_equal(set(POLICIES_RESOURCE, "team.a-1", TEXT "# a\n", &e), 0);
	for (int again = 0; again < 2; again++) {
		holds(POLICIES_ATTESTATION, "default_cpu", TEXT);
		holds(POLICIES_RESOURCE, "default_cpu", NULL);
		holds(POLICIES_RESOURCE, "team.a-1", TEXT "# a\n");
		holds(POLICIES_ATTESTATION, "team.a-1", NULL);
		close_all();
		open_all();
	}
	list = policies_list(&policies, POLICIES_RESOURCE, &e);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_array_get(list, 0)), "team.a-1");
	json_decref(list);
}

static void a_policy_is_replaced_and_removed(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(set(POLICIES_RESOURCE, "a", TEXT, &e), 0);
	assert_int_equal(set(POLICIES_RESOURCE, "a", "package policy\n", &e), 0);
	holds(POLICIES_RESOURCE, "a", "package policy\n");
	assert_int_equal(policies_set(&policies, &store, POLICIES_RESOURCE, "a", NULL, &e), 0);
	holds(POLICIES_RESOURCE, "a", NULL);
	close_all();
	open_all();
	holds(POLICIES_RESOURCE, "a", NULL);
	/* There is none to remove. */
	assert_int_equal(policies_set(&policies, &store, POLICIES_RESOURCE, "a", NULL, &e), 0);
}

static void an_id_is_no_path(void **state)
{
	static const char *const ids[] = {
		"",	    ".",
		"..",	    ".hidden",
		"a/b",	    "/a",
		"a b",	    "a\n",
		"\xc3\xa4", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg",
	};
	struct error e = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		if (set(POLICIES_RESOURCE, ids[i], TEXT, &e) == 0)
			fail_msg("'%s'", ids[i]);
		assert_int_equal(e.kind, ERROR_INPUT);
		assert_non_null(strstr(e.text, "policy_id"));
	}
	assert_int_equal(set(POLICIES_RESOURCE,
			     "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg",
			     TEXT, &e),
			 0);
	close_all();
	open_all();
	holds(POLICIES_RESOURCE, "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg",
	      TEXT);
}

static void what_is_no_text_or_too_much_is_refused(void **state)
{
	struct error e = ERROR_INIT;
	struct bytes text = BYTES_INIT;
	char id[16];

	(void)state;
	assert_int_equal(set(POLICIES_RESOURCE, "a", "\xff", &e), -1);
	assert_int_equal(e.kind, ERROR_INPUT);
	assert_non_null(strstr(e.text, "UTF-8"));
	assert_int_equal(bytes_resize(&text, POLICIES_TEXT_MAX + 1, &e), 0);
	memset(text.data, ' ', text.len);
	assert_int_equal(policies_set(&policies, &store, POLICIES_RESOURCE, "a", &text, &e), -1);
	assert_int_equal(e.kind, ERROR_INPUT);
	bytes_truncate(&text, POLICIES_TEXT_MAX);
	assert_int_equal(policies_set(&policies, &store, POLICIES_RESOURCE, "a", &text, &e), 0);
	bytes_free(&text);
	for (int i = 1; i < POLICIES_MAX; i++) {
		snprintf(id, sizeof(id), "id-%d", i);
		assert_int_equal(set(POLICIES_RESOURCE, id, TEXT, &e), 0);
	}
	assert_int_equal(set(POLICIES_RESOURCE, "more", TEXT, &e), -1);
	assert_non_null(strstr(e.text, "256 policies"));
	/* One that is there can still be replaced. */
	assert_int_equal(set(POLICIES_RESOURCE, "a", TEXT, &e), 0);
	close_all();
	open_all();
	holds(POLICIES_RESOURCE, "id-255", TEXT);
}

/* What is no policy stops the start: it is not known which access it was to deny. */
static void a_file_that_is_no_policy_is_refused(void **state)
{
	static const struct {
		const char *name, *text;
	} files[] = {
		{ "a b.rego", TEXT },
		{ "a.rego", "\xff" },
		{ "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg.rego", TEXT },
	};
	struct error e = ERROR_INIT;
	char path[256];

	(void)state;
	assert_int_equal(set(POLICIES_RESOURCE, "good", TEXT, &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct policies other = POLICIES_INIT;

		snprintf(path, sizeof(path), "%s/state/policies/resource/%s", directory,
			 files[i].name);
		assert_int_equal(
			io_write_file(path, 0600, files[i].text, strlen(files[i].text), &e), 0);
		assert_int_equal(policies_load(&other, &store, &e), -1);
		assert_int_equal(e.kind, ERROR_CONFIG);
		assert_non_null(strstr(e.text, files[i].name));
		e = (struct error)ERROR_INIT;
		policies_free(&other);
		unlink(path);
	}
	/* Other files are not ours. */
	snprintf(path, sizeof(path), "%s/state/policies/resource/README", directory);
	assert_int_equal(io_write_file(path, 0600, "\xff", 1, &e), 0);
	close_all();
	open_all();
	holds(POLICIES_RESOURCE, "good", TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_policy_is_kept_by_kind_and_id, setup, teardown),
		cmocka_unit_test_setup_teardown(a_policy_is_replaced_and_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(an_id_is_no_path, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_text_or_too_much_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_file_that_is_no_policy_is_refused, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("trusteed_policies", tests, NULL, NULL);
}
