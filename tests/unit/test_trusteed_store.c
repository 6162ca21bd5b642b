// SPDX-License-Identifier: Apache-2.0
/*
 * The state directory: a file is whole or not there, incomplete ones have no name that is served, and
 * what was written is on the disk. fsync(), rename() and fstatfs() are wrapped by the linker.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/io.h"
#include "trusteed/store/store.h"

static char directory[] = "/tmp/test_store.XXXXXX";
static char state_path[64];
static struct store store = STORE_INIT;
static struct bytes events; /* what was flushed and renamed, one line each, below the state */
static int flush_fails;	    /* the number of the flush that fails, from 1 */

int __wrap_fsync(int fd);
int __wrap_fstatfs(int fd, struct statfs *fs);
int __wrap_rename(const char *from, const char *to);
int __real_rename(const char *from, const char *to);

/* As if the state were on a disk. */
int __wrap_fstatfs(int fd, struct statfs *fs)
{
	(void)fd;
	*fs = (struct statfs){ 0 };
	return 0;
}

static const char *below_state(const char *path)
{
	return strncmp(path, state_path, strlen(state_path)) ? path : path + strlen(state_path);
}

int __wrap_fsync(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	assert_true(len > 0);
	path[len] = '\0';
	if (strstr(path, "/incomplete/"))
		snprintf(strstr(path, "/incomplete/"), 16, "/incomplete/*");
	bytes_printf(&events, "flush %s\n", below_state(path));
	if (flush_fails && --flush_fails == 0) {
		errno = EIO;
		return -1;
	}
	return 0;
}

int __wrap_rename(const char *from, const char *to)
{
	bytes_printf(&events, "rename to %s\n", below_state(to));
	return __real_rename(from, to);
}

static int setup(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/test_store.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(state_path, sizeof(state_path), "%s/state", directory);
	bytes_clear(&events);
	flush_fails = 0;
	return store_open(&store, state_path, &e);
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	store_close(&store);
	bytes_free(&events);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", state_path, name);
	return path;
}

static void holds(const char *name, const char *text)
{
	struct bytes in = BYTES_INIT;
	struct error e = ERROR_INIT;

	assert_int_equal(store_read(&store, name, 100, &in, &e), text ? 1 : 0);
	if (text)
		assert_string_equal(bytes_text(&in), text);
	bytes_free(&in);
}

/* How many files are in the state, in all. */
static int files(void)
{
	char command[160], text[16] = "";
	FILE *pipe;

	snprintf(command, sizeof(command), "find %s ! -type d | wc -l", state_path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_non_null(fgets(text, sizeof(text), pipe));
	pclose(pipe);
	return atoi(text);
}

static void a_write_is_on_the_disk_when_it_is_answered(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	assert_non_null(strstr(bytes_text(&events), "flush /tmp/test_store.")); /* a new state */
	for (int again = 0; again < 2; again++) {
		bytes_clear(&events);
		assert_int_equal(store_write(&store, "resources/a/b/c", "secret", 6, &e), 0);
		assert_string_equal(bytes_text(&events), "flush \n"
							 "flush /resources\n"
							 "flush /resources/a\n"
							 "flush /incomplete/*\n"
							 "rename to /resources/a/b/c\n"
							 "flush /resources/a/b\n");
	}
	bytes_clear(&events);
	assert_int_equal(store_write(&store, "policy", "deny-all\n", 9, &e), 0);
	assert_string_equal(bytes_text(&events),
			    "flush /incomplete/*\nrename to /policy\nflush \n");
	bytes_clear(&events);
	assert_int_equal(store_make(&store, "anchors", &e), 0);
	assert_string_equal(bytes_text(&events), "flush \n");
}

static void a_write_that_is_not_on_the_disk_is_refused(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(store_write(&store, "resources/a/b/c", "old", 3, &e), 0);
	for (int i = 1; i <= 5; i++) {
		flush_fails = i;
		assert_int_equal(store_write(&store, "resources/a/b/c", "new", 3, &e), -1);
		assert_int_equal(e.kind, ERROR_SYSTEM);
		holds("resources/a/b/c", i < 5 ? "old" : "new");
		assert_int_equal(files(), 1);
	}
}

static void leftovers_are_removed_at_the_start(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(store_write(&store, "resources/a/b/c.aBc123", "kept", 4, &e), 0);
	assert_int_equal(io_write_file(path_of("incomplete/aBc123"), 0600, "secret", 6, &e), 0);
	assert_int_equal(io_write_file(path_of("incomplete/.x"), 0600, "secret", 6, &e), 0);
	assert_int_equal(files(), 3);
	store_close(&store);
	assert_int_equal(store_open(&store, state_path, &e), 0);
	assert_int_equal(files(), 1);
	holds("resources/a/b/c.aBc123", "kept"); /* a resource may have any name */
	/* A start that cannot remove them is refused. */
	assert_int_equal(mkdir(path_of("incomplete/d"), 0700), 0);
	store_close(&store);
	assert_int_equal(store_open(&store, state_path, &e), -1);
	assert_non_null(strstr(e.text, "/incomplete/d: Is a directory"));
}

static void only_regular_files_are_replaced(void **state)
{
	struct error e = ERROR_INIT;
	struct stat st;

	(void)state;
	assert_int_equal(symlink("elsewhere", path_of("policy")), 0);
	assert_int_equal(store_write(&store, "policy", "deny-all\n", 9, &e), -1);
	assert_non_null(strstr(e.text, "/policy: not a regular file, so it is not replaced"));
	assert_int_equal(lstat(path_of("policy"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(mkdir(path_of("admin-token"), 0700), 0);
	assert_int_equal(store_write(&store, "admin-token", "x", 1, &e), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_write_is_on_the_disk_when_it_is_answered),
		TEST(a_write_that_is_not_on_the_disk_is_refused),
		TEST(leftovers_are_removed_at_the_start),
		TEST(only_regular_files_are_replaced),
	};

	return cmocka_run_group_tests_name("trusteed_store", tests, NULL, NULL);
}
