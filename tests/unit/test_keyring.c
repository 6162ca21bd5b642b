// SPDX-License-Identifier: Apache-2.0
/* Secrets in the keyring appear complete, with their final owner and mode, or not at all. */
#include "base/array.h"
#include "keyring_test.h"

#include <signal.h>
#include <sys/resource.h>

static void a_secret_has_its_owner_and_mode(void **state)
{
	struct stat st;

	(void)state;
	ring_open();
	assert_int_equal(put_as("x/y/z", 0640, 1001, 1002, "abc", 3), 0);
	st = stat_of("x/y/z");
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	assert_int_equal(st.st_uid, 1001);
	assert_int_equal(st.st_gid, 1002);
	assert_int_equal(st.st_nlink, 1);
	holds("x/y/z", "abc");
	assert_int_equal(stat_of("x").st_mode, S_IFDIR | 0755);
	assert_int_equal(stat_of("x/y").st_mode, S_IFDIR | 0755);
	assert_int_equal(put_as("empty", 0, 0, 0, NULL, 0), 0);
	assert_int_equal(stat_of("empty").st_mode, S_IFREG);
	assert_int_equal(stat_of("empty").st_size, 0);
	assert_int_equal(put_as("empty", 0, 0, 0, NULL, 0), 1);
}

static void only_changes_are_written(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		uid_t uid;
		gid_t gid;
	} changes[] = {
		{ "second", 0400, 0, 0 }, { "longer than it was", 0400, 0, 0 },
		{ "", 0400, 0, 0 },	  { "", 0440, 0, 0 },
		{ "", 0440, 7, 0 },	  { "", 0440, 7, 8 },
	};
	ino_t inode;

	(void)state;
	ring_open();
	assert_int_equal(put("a", "secret"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		inode = stat_of("a").st_ino;
		for (int again = 0; again < 2; again++) {
			assert_int_equal(put_as("a", changes[i].mode, changes[i].uid,
						changes[i].gid, changes[i].text,
						strlen(changes[i].text)),
					 again);
			assert_true((stat_of("a").st_ino == inode) == again);
			inode = stat_of("a").st_ino;
		}
		holds("a", changes[i].text);
		assert_int_equal(stat_of("a").st_mode, S_IFREG | changes[i].mode);
	}
}

static void an_open_file_keeps_the_old_secret(void **state)
{
	char text[16] = "";
	int fd;

	(void)state;
	ring_open();
	assert_int_equal(put("a", "old"), 0);
	fd = open(path_of("a"), O_RDONLY);
	assert_int_equal(put("a", "new one"), 0);
	assert_int_equal(read(fd, text, sizeof(text)), 3);
	assert_string_equal(text, "old");
	close(fd);
	holds("a", "new one");
	assert_int_equal(names("", true), 0);
}

static void links_are_not_followed(void **state)
{
	(void)state;
	ring_open();
	assert_int_equal(put("victim", "old"), 0);
	assert_int_equal(symlink("victim", path_of("link")), 0);
	assert_int_equal(put("link", "old"), 0); /* it replaces the link, so 0 and not 1 */
	assert_int_equal(stat_of("link").st_mode, S_IFREG | 0400);
	assert_int_equal(put("link", "new"), 0);
	holds("victim", "old");
	assert_int_equal(symlink(base, path_of("out")), 0);
	assert_int_equal(put("out/x", "new"), 0);
	assert_int_equal(stat_of("out").st_mode, S_IFDIR | 0755);
	assert_int_equal(stat_of("out/x").st_mode, S_IFREG | 0400);
	assert_int_equal(names("", true), 0);
}

static void bad_paths_are_refused(void **state)
{
	char name[300];

	(void)state;
	ring_open();
	assert_int_equal(put("a", "old"), 0);
	assert_int_equal(put("d/b", "old"), 0);
	put_refused("../x", "../x: contains '..' or another mount");
	put_refused("d/../../x", "d/../../x: contains '..' or another mount");
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(put(name, "x"), -1);
	assert_non_null(strstr(error.text, "File name too long"));
	name[270] = '/';
	assert_int_equal(put(name, "x"), -1);
	assert_non_null(strstr(error.text, "File name too long"));
	holds("a", "old");
	holds("d/b", "old");
}

/* --- failures --------------------------------------------------------------------------------- */

/* A call that a commit makes, and the error when it fails. */
static const struct failure {
	int call;
	unsigned int count; /* 1: only with @second */
	uint64_t second;
	int failure;
	const char *file, *text;
} failures[] = {
	{ SCMP_SYS(renameat2), 0, 0, EPERM, "d/x", "cannot replace 'd': Operation not permitted" },
	{ SCMP_SYS(renameat), 0, 0, EPERM, "f", "cannot rename: Operation not permitted" },
	{ SCMP_SYS(fchown), 1, 7, EPERM, "d/x",
	  "d/x: cannot set owner 7:8: Operation not permitted" },
	{ SCMP_SYS(fchown), 1, 7, EPERM, "f", "f: cannot set owner 7:8: Operation not permitted" },
	{ SCMP_SYS(fchmod), 1, 0440, EPERM, "d/x",
	  "d/x: cannot set mode 0440: Operation not permitted" },
	{ SCMP_SYS(utimensat), 0, 0, EPERM, "d/x",
	  "d/y: cannot set the time: Operation not permitted" },
	{ SCMP_SYS(pread64), 0, 0, EIO, "d/x",
	  "d/y: cannot read the present file: Input/output error" },
	{ SCMP_SYS(write), 0, 0, ENOSPC, "d/x",
	  "d/x: the keyring is full (No space left on device); set a larger [keyring] size, or size= of its mount unit" },
	{ SCMP_SYS(mkdirat), 0, 0, ENOSPC, "d/x",
	  "d/x: the keyring is full (No space left on device); set a larger [keyring] size, or size= of its mount unit" },
};

static _Noreturn void failure_try(const struct failure *f)
{
	MUST(!ring_try(keyring));
	declare_as("d/x", 0440, 7, 8);
	declare("d/y");
	declare_as("f", 0440, 7, 8);
	MUST(!refuse_if(f->call, f->count, f->second, f->failure));
	MUST(put_as(f->file, 0440, 7, 8, "new", 3) < 0);
	if (strcmp(error.text, f->text)) {
		fprintf(stderr, "# '%s' is not '%s'\n", error.text, f->text);
		_exit(3);
	}
	MUST(!ring.unit);
	_exit(0);
}

static void a_failure_leaves_the_old_secret(void **state)
{
	int status, failed = 0;
	pid_t pid;

	(void)state;
	ring_open();
	assert_int_equal(put_as("d/x", 0440, 7, 8, "old", 3), 0);
	assert_int_equal(put("d/y", "old"), 0);
	assert_int_equal(put_as("f", 0440, 7, 8, "old", 3), 0);
	AS_KEEPER((int)keyring_tidy(&ring, INT64_MAX));
	keyring_close(&ring);
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		pid = fork();
		if (pid == 0)
			failure_try(&failures[i]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status) {
			fprintf(stderr, "# failure %zu, '%s': status %#x\n", i, failures[i].text,
				status);
			failed++;
		}
		holds("d/x", "old");
		holds("d/y", "old");
		holds("f", "old");
		assert_int_equal(stat_of("d/x").st_uid, 7);
		assert_int_equal(names("", true), 0);
		assert_int_equal(names("", false), 2);
	}
	assert_int_equal(failed, 0);
}

/* Old generations make room, and then the new secret is refused. */
static void a_full_keyring_keeps_the_old_secrets(void **state)
{
	const size_t large = 6 << 20;
	char *text = malloc(2 * large);

	(void)state;
	ring_open();
	memset(text, 'a', 2 * large);
	for (int i = 0; i < 3; i++) {
		*text = (char)('0' + i);
		assert_int_equal(put_as("d/a", 0400, 0, 0, text, large), 0);
	}
	assert_int_equal(stat_of("d/a").st_size, large);
	assert_int_equal(names("", true), 1);
	if (put_as("d/a", 0400, 0, 0, text, 2 * large) == -1) {
		expect_error("d/a: the keyring is full (No space left on device); "
			     "set a larger [keyring] size, or size= of its mount unit");
		assert_int_equal(stat_of("d/a").st_size, large);
		assert_int_equal(names("", true), 0);
	} /* otherwise it is a ramfs, which has no size limit */
	assert_int_equal(put("d/a", "small"), 0);
	holds("d/a", "small");
	free(text);
}

/* A child is killed in the middle of a write, by a file-size limit, which is deterministic. */
static void a_killed_writer_leaves_no_partial_file(void **state)
{
	const struct rlimit limit = { 4096, 4096 };
	char text[10000];
	int status;
	pid_t pid;

	(void)state;
	ring_open();
	assert_int_equal(put("a", "old"), 0);
	keyring_close(&ring);
	memset(text, 'x', sizeof(text));
	pid = fork();
	if (pid == 0) {
		MUST(!ring_try(keyring));
		MUST(!setrlimit(RLIMIT_FSIZE, &limit) && signal(SIGXFSZ, SIG_DFL) != SIG_ERR);
		put_as("a", 0400, 0, 0, text, sizeof(text));
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
	holds("a", "old");
	assert_int_equal(stat_of(".gen.1").st_size, 4096);
	assert_int_equal(stat_of(".gen.1").st_mode, S_IFREG);
	ring_open();
	declare("a");
	settle();
	assert_int_equal(names("", true), 0);
	holds("a", "old");
	assert_int_equal(put("a", "new"), 0);
}

/* --- what others do meanwhile ----------------------------------------------------------------- */

static _Noreturn void meddle(void)
{
	char path[128], text[4096] = "";

	snprintf(path, sizeof(path), "%s/d/a", keyring);
	for (;;) {
		int fd = open(path, O_RDWR);

		if (fd < 0)
			continue;
		if (ftruncate(fd, 0) || write(fd, text, sizeof(text)) < 0 || ftruncate(fd, 1 << 20))
			_exit(1);
		close(fd);
	}
}

/* The owner of a secret may truncate the file at any time. The keeper must not fail for that. */
static void an_owner_may_truncate_the_file(void **state)
{
	struct bytes zeros = BYTES_INIT;
	char text[16];
	int status;
	pid_t pid;

	(void)state;
	ring_open();
	assert_int_equal(bytes_resize(&zeros, 1 << 20, &(struct error)ERROR_INIT), 0);
	assert_int_equal(put_as("d/a", 0600, 7, 7, zeros.data, zeros.len), 0);
	pid = fork();
	if (pid == 0)
		meddle();
	for (int i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "%d", i);
		if (put_as("d/a", 0600, 7, 7, zeros.data, zeros.len) < 0 || put("d/b", text))
			fail_msg("%s", error.text);
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	bytes_free(&zeros);
}

/* A file that its owner has changed is not the one that was put there. */
static void what_an_owner_writes_is_kept_until_the_secret_comes(void **state)
{
	int fd;

	(void)state;
	ring_open();
	assert_int_equal(put_as("d/a", 0600, 7, 7, "secret", 6), 0);
	fd = open(path_of("d/a"), O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "mine", 4), 4);
	close(fd);
	assert_int_equal(put("d/b", "new"), 0);
	holds("d/a", "mine");
	assert_int_equal(put_as("d/a", 0600, 7, 7, "secret", 6), 0);
	holds("d/a", "secret");
}

/* What root removes or replaces by hand is not there, and other files do not bring it back. */
static void a_removed_file_is_missing(void **state)
{
	char to[128];
	int a, b;

	(void)state;
	ring_open();
	a = declare("d/a");
	b = declare("d/b");
	snprintf(to, sizeof(to), "%s", path_of("d/b"));
	assert_int_equal(put("d/a", "old"), 0);
	assert_int_equal(put("d/b", "old"), 0);
	assert_true(keyring_has(&ring, a));
	assert_int_equal(unlink(path_of("d/a")), 0);
	assert_false(keyring_has(&ring, a));
	assert_int_equal(AS_KEEPER(keyring_stage_removal(&ring, a, &error)), 1);
	assert_int_equal(put("d/b", "new"), 0);
	assert_int_equal(access(path_of("d/a"), F_OK), -1);
	assert_int_equal(put("d/a", "old"), 0);
	assert_int_equal(rename(path_of("d/a"), to), 0);
	assert_false(keyring_has(&ring, a) || keyring_has(&ring, b));
	assert_int_equal(put("d/b", "new"), 0);
	assert_int_equal(put("d/a", "old"), 0);
	holds("d/a", "old");
	holds("d/b", "new");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_secret_has_its_owner_and_mode),
		TEST(only_changes_are_written),
		TEST(an_open_file_keeps_the_old_secret),
		TEST(links_are_not_followed),
		TEST(bad_paths_are_refused),
		TEST(a_failure_leaves_the_old_secret),
		TEST(a_full_keyring_keeps_the_old_secrets),
		TEST(a_killed_writer_leaves_no_partial_file),
		TEST(an_owner_may_truncate_the_file),
		TEST(what_an_owner_writes_is_kept_until_the_secret_comes),
		TEST(a_removed_file_is_missing),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
