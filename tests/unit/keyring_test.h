/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyring_test: a keyring for each test. The process has its own mount namespace, with a tmpfs
 * below which keyrings are mounted. All mounts disappear with the process.
 *
 * The keyring belongs to KEEPER. What changes it runs as that user with CAP_CHOWN alone, as the keeper does;
 * the rest of a test is root.
 */
#ifndef TESTS_KEYRING_TEST_H
#define TESTS_KEYRING_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "refuse.h"
#include "base/bytes.h"
#include "base/io.h"
#include "keyring/keyring.h"

#define KEEPER 4711

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

/* Be the user @uid, who has CAP_CHOWN alone unless that is root. */
static inline void become(uid_t uid)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];

	if (setegid(uid) || seteuid(uid) || prctl(PR_SET_DUMPABLE, 1) ||
	    syscall(SYS_capget, &header, sets))
		fail_msg("cannot become %u: %s", uid, strerror(errno));
	if (uid == 0)
		return;
	sets[0].effective = 1U << CAP_CHOWN;
	sets[1].effective = 0;
	if (syscall(SYS_capset, &header, sets))
		fail_msg("cannot keep CAP_CHOWN: %s", strerror(errno));
}

/* The value of @call, which the keeper does. */
#define AS_KEEPER(call) \
	({ \
		int value_; \
		become(KEEPER); \
		value_ = (call); \
		become(0); \
		value_; \
	})

static inline int ring_try(const char *path)
{
	return keyring_open(&ring, path, 0, KEEPER, KEEPER, &error);
}

static inline void ring_open(void)
{
	if (obstacle)
		skip();
	if (ring_try(keyring))
		fail_msg("%s", error.text);
}

static inline int declare_as(const char *file, mode_t mode, uid_t uid, gid_t gid)
{
	int index = keyring_declare(&ring, file, mode, uid, gid, &error);

	if (index < 0)
		fail_msg("%s", error.text);
	return index;
}

static inline int declare(const char *file)
{
	return declare_as(file, 0400, 0, 0);
}

static inline void settle(void)
{
	if (AS_KEEPER(keyring_settle(&ring, &error)))
		fail_msg("%s", error.text);
}

static inline int stage(int index, const char *text)
{
	int ret = AS_KEEPER(keyring_stage(&ring, index, text, strlen(text), &error));

	if (ret < 0)
		fail_msg("%s", error.text);
	return ret;
}

static inline void commit(void)
{
	if (AS_KEEPER(keyring_commit(&ring, &error)))
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
	assert_int_equal(ring_try(path), -1);
	assert_int_equal(ring.dir, -1);
	expect_error(text);
}

static inline const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", keyring, name);
	return path;
}

/* Stage and commit @file, which is declared if it is not yet, or declared anew. Returns what
 * keyring_stage() or keyring_commit() does. */
static inline int put_as(const char *file, mode_t mode, uid_t uid, gid_t gid, const void *data,
			 size_t len)
{
	size_t i = 0;
	int ret;

	while (i < ring.count && strcmp(ring.file[i].name, file))
		i++;
	if (i == ring.count && keyring_declare(&ring, file, mode, uid, gid, &error) < 0)
		return -1;
	ring.file[i].mode = mode;
	ring.file[i].uid = uid;
	ring.file[i].gid = gid;
	ret = AS_KEEPER(keyring_stage(&ring, (int)i, data, len, &error));
	return ret ? ret : AS_KEEPER(keyring_commit(&ring, &error));
}

/* Put a secret with owner root:root and mode 0400. */
static inline int put(const char *file, const char *text)
{
	return put_as(file, 0400, 0, 0, text, strlen(text));
}

/* Names in the directory @name of the keyring, without hidden ones or those that are not. */
static inline int names(const char *name, bool hidden)
{
	DIR *dir = opendir(path_of(name));
	struct dirent *entry;
	int count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			count += (*entry->d_name == '.') == hidden;
	closedir(dir);
	return count;
}

static inline void put_refused(const char *file, const char *text)
{
	assert_int_equal(put(file, "secret"), -1);
	expect_error(text);
	assert_int_equal(names("", true), 0);
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
			fprintf(stderr, "# line %d: %s: %s\n", __LINE__, #truth, error.text); \
			_exit(2); \
		} \
	} while (0)

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
