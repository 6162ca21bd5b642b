// SPDX-License-Identifier: Apache-2.0
/* The files of a unit of the keyring change together, and what is not declared is removed. */
#include "base/array.h"
#include "keyring_test.h"

#include <dirent.h>

static void ring_settle(void)
{
	if (keyring_settle(&ring, &error))
		fail_msg("%s", error.text);
}

static int declare(const char *file)
{
	int index = keyring_declare(&ring, file, 0400, 0, 0, &error);

	if (index < 0)
		fail_msg("%s", error.text);
	return index;
}

static int stage(int index, const char *text)
{
	int ret = keyring_stage(&ring, index, text, strlen(text), &error);

	if (ret < 0)
		fail_msg("%s", error.text);
	return ret;
}

static void commit(void)
{
	if (keyring_commit(&ring, &error))
		fail_msg("%s", error.text);
}

/* Names in the directory @name of the keyring. */
static int entries(const char *name)
{
	DIR *dir = opendir(path_of(name));
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static void a_pair_changes_in_one_step(void **state)
{
	struct stat was, now;
	int cert, key;

	(void)state;
	ring_open();
	cert = declare("web/tls.crt");
	key = declare("web/tls.key");
	ring_settle();
	assert_false(keyring_has(&ring, cert));
	assert_int_equal(stage(cert, "cert 1"), 0);
	assert_int_equal(stage(key, "key 1"), 0);
	assert_int_equal(access(path_of("web"), F_OK), -1);
	commit();
	holds("web/tls.crt", "cert 1");
	holds("web/tls.key", "key 1");
	assert_int_equal(entries(""), 1);
	assert_int_equal(stage(cert, "cert 1"), 1);
	was = stat_of("web/tls.crt");
	assert_int_equal(stage(key, "key 2"), 0);
	commit();
	holds("web/tls.crt", "cert 1");
	holds("web/tls.key", "key 2");
	now = stat_of("web/tls.crt");
	assert_int_not_equal(now.st_ino, was.st_ino);
	assert_memory_equal(&now.st_mtim, &was.st_mtim, sizeof(was.st_mtim));
	assert_true(keyring_has(&ring, cert));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pair_changes_in_one_step),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
