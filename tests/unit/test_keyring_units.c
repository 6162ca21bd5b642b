// SPDX-License-Identifier: Apache-2.0
/* The files of a unit of the keyring change together, and a reader can go on with the old ones. */
#include "base/array.h"
#include "keyring_test.h"

static struct stat stat_at(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		fail_msg("%s: %s", name, strerror(errno));
	return st;
}

static void same_file(const struct stat *a, const struct stat *b, bool same_inode)
{
	assert_int_equal(a->st_ino == b->st_ino, same_inode);
	assert_int_equal(a->st_mode, b->st_mode);
	assert_int_equal(a->st_uid, b->st_uid);
	assert_int_equal(a->st_gid, b->st_gid);
	assert_int_equal(a->st_size, b->st_size);
	assert_int_equal(a->st_mtim.tv_sec, b->st_mtim.tv_sec);
	assert_int_equal(a->st_mtim.tv_nsec, b->st_mtim.tv_nsec);
}

static int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void a_pair_changes_in_one_step(void **state)
{
	struct stat was, now;
	int cert, key;

	(void)state;
	ring_open();
	cert = declare_as("web/tls.crt", 0444, 1001, 1002);
	key = declare("web/private/tls.key");
	settle();
	assert_false(keyring_has(&ring, cert));
	assert_int_equal(stage(cert, "cert 1"), 0);
	assert_int_equal(stage(key, "key 1"), 0);
	assert_int_equal(names("", false), 0);
	commit();
	holds("web/tls.crt", "cert 1");
	holds("web/private/tls.key", "key 1");
	assert_int_equal(names("", true), 0);
	assert_true(keyring_has(&ring, cert) && keyring_has(&ring, key));
	was = stat_of("web/tls.crt");
	assert_int_equal(stage(key, "key 2"), 0);
	assert_int_equal(stage(cert, "cert 1"), 1);
	commit();
	holds("web/private/tls.key", "key 2");
	holds("web/tls.crt", "cert 1");
	now = stat_of("web/tls.crt");
	same_file(&was, &now, false);
	assert_int_equal(names("web", false), 2);
	assert_int_equal(names("web", true), 0);
}

static void what_is_the_same_is_not_touched(void **state)
{
	struct stat was, now;
	int a;

	(void)state;
	ring_open();
	a = declare("d/a");
	commit(); /* of nothing */
	assert_int_equal(stage(a, "secret"), 0);
	commit();
	was = stat_of("d");
	assert_int_equal(stage(a, "secret"), 1);
	commit();
	now = stat_of("d");
	same_file(&was, &now, true);
	assert_int_equal(names("", true), 0);
}

static void a_reader_that_holds_the_directory_keeps_the_old_files(void **state)
{
	char text[16] = "";
	int a, b, dir, fd;

	(void)state;
	ring_open();
	a = declare("d/a");
	b = declare("d/b");
	stage(a, "a 1");
	stage(b, "b 1");
	commit();
	dir = open(path_of("d"), O_RDONLY | O_DIRECTORY);
	stage(a, "a 2");
	stage(b, "b 2");
	commit();
	holds("d/b", "b 2");
	fd = openat(dir, "b", O_RDONLY);
	assert_int_equal(read(fd, text, sizeof(text)), 3);
	assert_string_equal(text, "b 1");
	assert_int_equal(stat_at(dir, "a").st_mode, S_IFREG | 0400);
	/* The next commit of another unit leaves it, one of this unit does not. */
	assert_int_equal(put("other/x", "1"), 0);
	assert_int_equal(put("other/x", "2"), 0);
	assert_int_equal(stat_at(dir, "a").st_nlink, 1);
	stage(a, "a 3");
	commit();
	assert_int_equal(faccessat(dir, "a", F_OK, 0), -1);
	assert_int_equal(names("", true), 2);
	close(fd);
	close(dir);
}

static void old_generations_end_after_a_minute(void **state)
{
	const int64_t now = 5000000;
	int i;

	(void)state;
	ring_open();
	assert_int_equal(AS_KEEPER(keyring_tidy(&ring, now) == INT64_MAX), true);
	i = declare("d/a");
	stage(i, "1");
	commit();
	assert_int_equal(AS_KEEPER(keyring_tidy(&ring, now) == INT64_MAX), true);
	stage(i, "2");
	commit();
	assert_int_equal(put("e/a", "1"), 0);
	assert_int_equal(AS_KEEPER(keyring_tidy(&ring, now) == now + KEYRING_OLD_MS), true);
	assert_int_equal(put("e/a", "2"), 0);
	assert_int_equal(AS_KEEPER(keyring_tidy(&ring, now + 10) == now + KEYRING_OLD_MS), true);
	assert_int_equal(AS_KEEPER(keyring_tidy(&ring, now + KEYRING_OLD_MS - 1) ==
				   now + KEYRING_OLD_MS),
			 true);
	assert_int_equal(names("", true), 2);
	assert_int_equal(AS_KEEPER(keyring_tidy(&ring, now + KEYRING_OLD_MS) ==
				   now + KEYRING_OLD_MS + 10),
			 true);
	assert_int_equal(names("", true), 1);
	stage(i, "3");
	commit();
	assert_int_equal(names("", true), 2);
	assert_int_equal(AS_KEEPER(keyring_tidy(&ring, INT64_MAX) == INT64_MAX), true);
	assert_int_equal(names("", true), 0);
	holds("d/a", "3");
	holds("e/a", "2");
}

static void removed(int index)
{
	if (AS_KEEPER(keyring_stage_removal(&ring, index, &error)))
		fail_msg("%s", error.text);
}

static void files_are_removed(void **state)
{
	int a, b, f, dir;

	(void)state;
	ring_open();
	a = declare("d/a");
	b = declare("d/s/b");
	f = declare("f");
	stage(a, "1");
	stage(b, "1");
	commit();
	stage(f, "1");
	commit();
	removed(b);
	stage(a, "2");
	assert_true(keyring_has(&ring, b));
	commit();
	assert_false(keyring_has(&ring, b));
	holds("d/a", "2");
	assert_int_equal(names("d", false), 1);
	dir = open(path_of("d"), O_RDONLY | O_DIRECTORY);
	removed(a);
	commit();
	assert_int_equal(stat_at(dir, "a").st_size, 1);
	close(dir);
	removed(f);
	commit();
	assert_int_equal(names("", false), 0);
	assert_false(keyring_has(&ring, a) || keyring_has(&ring, f));
	assert_int_equal(AS_KEEPER(keyring_stage_removal(&ring, a, &error)), 1);
	assert_int_equal(stage(a, "3"), 0);
	commit();
	holds("d/a", "3");
	AS_KEEPER((int)keyring_tidy(&ring, INT64_MAX));
	assert_int_equal(names("", true), 0);
}

static void an_abandoned_stage_leaves_nothing(void **state)
{
	int a, b, f, open_files;

	(void)state;
	ring_open();
	a = declare("d/a");
	b = declare("d/b");
	f = declare("f");
	assert_int_equal(put("d/a", "old"), 0);
	open_files = descriptors();
	AS_KEEPER((keyring_abandon(&ring), 0));
	stage(a, "new");
	stage(b, "new");
	removed(a);
	assert_int_equal(AS_KEEPER(keyring_stage(&ring, f, "x", 1, &error)), -1);
	expect_error("f: 'd/a' is staged and not committed");
	AS_KEEPER((keyring_abandon(&ring), 0));
	assert_int_equal(descriptors(), open_files);
	assert_int_equal(names("", true), 0);
	commit();
	holds("d/a", "old");
	assert_int_equal(names("d", false), 1);
	assert_int_equal(stage(f, "x"), 0);
	assert_int_equal(stage(f, "y"), 0); /* the last one is staged */
	commit();
	holds("f", "y");
}

static void descriptors_do_not_grow(void **state)
{
	char text[16];
	int file[4], open_files;

	(void)state;
	ring_open();
	open_files = descriptors();
	file[0] = declare("d/0");
	file[1] = declare("d/1");
	file[2] = declare("d/2");
	file[3] = declare("f");
	assert_int_equal(descriptors(), open_files);
	for (int i = 0; i < 40; i++) {
		for (int j = 0; j < 4; j++) {
			snprintf(text, sizeof(text), "%d", i / (j + 1));
			if (j == 3)
				commit();
			stage(file[j], text);
		}
		commit();
		assert_int_equal(descriptors(), open_files + 4);
	}
	keyring_close(&ring);
	assert_int_equal(descriptors(), open_files - 1);
}

static int publish(const char *text)
{
	return AS_KEEPER(keyring_publish(&ring, ".status", 0640, text, strlen(text), &error));
}

static void publish_without(int call, int failure, const char *text)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		MUST(!refuse(call, failure));
		MUST(publish("newest") < 0);
		MUST(!strcmp(error.text, text));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void a_hidden_file_is_published(void **state)
{
	struct stat st;
	int fd;

	(void)state;
	ring_open();
	assert_int_equal(publish("first"), 0);
	fd = open(path_of(".status"), O_RDONLY);
	assert_int_equal(publish("second"), 0);
	holds(".status", "second");
	st = stat_of(".status");
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	assert_int_equal(st.st_uid, KEEPER);
	assert_int_equal(fstat(fd, &st) || st.st_size != 5 || st.st_nlink, 0);
	close(fd);
	publish_without(SCMP_SYS(renameat), EACCES, ".status: cannot rename: Permission denied");
	publish_without(SCMP_SYS(write), ENOSPC,
			".status: the keyring is full (No space left on device); set a larger "
			"[keyring] size, or size= of its mount unit");
	holds(".status", "second");
	assert_int_equal(names("", true), 1);
	assert_int_equal(mkdir(path_of(".gen.0"), 0700), 0); /* of a process that was killed */
	assert_int_equal(chown(path_of(".gen.0"), KEEPER, KEEPER), 0);
	assert_int_equal(publish("third"), 0);
	holds(".status", "third");
	assert_int_equal(names("", true), 1);
}

static void a_touch_is_seen(void **state)
{
	const struct timespec past[2] = { { 0 } };

	(void)state;
	ring_open();
	assert_int_equal(AS_KEEPER((keyring_touch(&ring, ".status"), 0)), 0); /* there is none */
	assert_int_equal(publish("first"), 0);
	assert_int_equal(utimensat(AT_FDCWD, path_of(".status"), past, 0), 0);
	assert_int_equal(AS_KEEPER((keyring_touch(&ring, ".status"), 0)), 0);
	assert_true(stat_of(".status").st_mtime > 0);
	holds(".status", "first");
	assert_int_equal(names("", true), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pair_changes_in_one_step),
		TEST(what_is_the_same_is_not_touched),
		TEST(a_reader_that_holds_the_directory_keeps_the_old_files),
		TEST(old_generations_end_after_a_minute),
		TEST(files_are_removed),
		TEST(an_abandoned_stage_leaves_nothing),
		TEST(descriptors_do_not_grow),
		TEST(a_hidden_file_is_published),
		TEST(a_touch_is_seen),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
