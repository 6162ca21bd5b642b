/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyring_test: a keyring for each test. The process has its own mount namespace, with a tmpfs
 * below which keyrings are mounted. All mounts disappear with the process.
 */
#ifndef TESTS_KEYRING_TEST_H
#define TESTS_KEYRING_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "refuse.h"
#include "base/bytes.h"
#include "base/io.h"
#include "keyring/keyring.h"

static char base[] = "/tmp/test_keyring.XXXXXX";
static char keyring[64];
static const char *obstacle; /* the reason why tests cannot run here, or NULL */
static struct keyring ring = KEYRING_INIT;
static struct error error;

static inline void namespace_make(void)
{
	if (geteuid() != 0)
		obstacle = "not root";
	else if (unshare(CLONE_NEWNS))
		obstacle = "cannot make a mount namespace";
	else if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) && errno != EINVAL)
		obstacle = "cannot make mounts private"; /* EINVAL: in a chroot, / is not a mount */
	else if (!mkdtemp(base) || mount("test", base, "tmpfs", 0, "mode=0755"))
		obstacle = "cannot mount a tmpfs";
}

static inline int group_setup(void **state)
{
	(void)state;
	namespace_make();
	if (obstacle)
		print_message("# skipped, these tests cannot run here: %s\n", obstacle);
	return 0;
}

static inline int group_teardown(void **state)
{
	(void)state;
	umount2(base, MNT_DETACH);
	return rmdir(base) && !obstacle ? -1 : 0;
}

/* Each test has its own path. */
static inline int setup(void **state)
{
	static int tests;

	(void)state;
	snprintf(keyring, sizeof(keyring), "%s/run%d/keyring", base, ++tests);
	umask(077);
	error = (struct error)ERROR_INIT;
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	keyring_close(&ring);
	umount2(keyring, MNT_DETACH);
	return 0;
}

static inline void ring_open(void)
{
	if (obstacle)
		skip();
	if (keyring_open(&ring, keyring, 0, geteuid(), getegid(), &error))
		fail_msg("%s", error.text);
}

/* Asserts the error's text; "@" in @text stands for the keyring's path. */
static inline void expect_error(const char *text)
{
	struct bytes wanted = BYTES_INIT;
	const char *at = strchr(text, '@');

	if (at)
		bytes_printf(&wanted, "%.*s%s%s", (int)(at - text), text, keyring, at + 1);
	else
		bytes_append_text(&wanted, text);
	assert_string_equal(error.text, bytes_text(&wanted));
	assert_int_equal(error.kind, ERROR_DELIVERY);
	bytes_free(&wanted);
}

static inline void open_refused(const char *path, const char *text)
{
	assert_int_equal(keyring_open(&ring, path, 0, geteuid(), getegid(), &error), -1);
	assert_int_equal(ring.dir, -1);
	expect_error(text);
}

static inline const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", keyring, name);
	return path;
}

/* Put a secret with owner root:root and mode 0400. */
static inline int put(const char *file, const char *text)
{
	return keyring_put(&ring, file, 0400, 0, 0, text, strlen(text), &error);
}

static inline void put_refused(const char *file, const char *text)
{
	assert_int_equal(put(file, "secret"), -1);
	expect_error(text);
	assert_int_equal(access(path_of(".new"), F_OK), -1);
}

static inline void holds(const char *file, const char *text)
{
	struct bytes got = BYTES_INIT;

	if (io_read_file(path_of(file), 65536, &got, &error))
		fail_msg("%s", error.text);
	assert_string_equal(bytes_text(&got), text);
	bytes_free(&got);
}

static inline struct stat stat_of(const char *file)
{
	struct stat st;

	if (lstat(path_of(file), &st))
		fail_msg("%s: %s", path_of(file), strerror(errno));
	return st;
}

/*
 * Runs @function in a child in which system call @call with second argument @second fails with
 * @failure.
 */
static inline void child_run(int call, unsigned long second, int failure, void (*function)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (refuse_if(call, 1, second, failure))
			_exit(1);
		function();
		_exit(0); /* not reached after a failed assertion */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define MUST(truth) \
	do { \
		if (!(truth)) { \
			print_error("line %d: %s: %s\n", __LINE__, #truth, error.text); \
			_exit(2); \
		} \
	} while (0)

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
