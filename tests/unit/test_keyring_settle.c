// SPDX-License-Identifier: Apache-2.0
/* A process takes over the keyring of an earlier one: what is declared stays, and nothing else. */
#include "base/array.h"
#include "keyring_test.h"

#include <sys/socket.h>
#include <sys/un.h>

/* The next process opens the keyring. */
static void ring_next(void)
{
	keyring_close(&ring);
	ring_open();
}

static void make(const char *file, const char *text)
{
	if (io_write_file(path_of(file), 0400, text, strlen(text), &error))
		fail_msg("%s", error.text);
}

static void make_directory(const char *name, uid_t uid)
{
	assert_int_equal(mkdir(path_of(name), 0755), 0);
	assert_int_equal(chmod(path_of(name), 0755), 0); /* whatever the umask is */
	assert_int_equal(chown(path_of(name), uid, uid), 0);
}

static void only_what_is_declared_stays(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat was, now;
	int fd;

	(void)state;
	ring_open();
	assert_int_equal(put("d/a", "kept"), 0);
	assert_int_equal(put("d/b", "of an old configuration"), 0);
	assert_int_equal(put("d/s/t/c", "of an old configuration"), 0);
	assert_int_equal(put("e/x", "of an old configuration"), 0);
	assert_int_equal(put("f", "kept"), 0);
	assert_int_equal(put("g", "of an old configuration"), 0);
	was = stat_of("d/a");
	ring_next();
	make_directory(".new", 7);
	make_directory(".new/d", 7);
	make(".new/d/old", "old");
	make_directory(".gen.12", 0);
	make(".gen.12/old", "old");
	make(".gen.0", "old");
	make(".status", "kept");
	assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
	assert_int_equal(mkfifo(path_of("d/pipe"), 0600), 0);
	assert_int_equal(symlink(base, path_of("link")), 0);
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	assert_true(strlen(path_of(".control")) < sizeof(address.sun_path));
	strcpy(address.sun_path, path_of(".control"));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_true(keyring_has(&ring, declare("d/a")));
	assert_true(keyring_has(&ring, declare("f")));
	assert_false(keyring_has(&ring, declare("h/new")));
	settle();
	holds("d/a", "kept");
	now = stat_of("d/a");
	assert_int_equal(now.st_ino, was.st_ino);
	holds("f", "kept");
	holds(".status", "kept");
	assert_int_equal(stat_of(".control").st_mode & S_IFMT, S_IFSOCK);
	assert_int_equal(names("", false), 2);
	assert_int_equal(names("", true), 2);
	assert_int_equal(names("d", false), 1);
	assert_int_equal(access(base, F_OK), 0);
	assert_int_equal(put("d/a", "kept"), 1);
}

/* Copies that realmkey-local reads: hidden, and yet declared. */
static void served_copies_are_files_like_others(void **state)
{
	struct stat was;
	int kept;

	(void)state;
	ring_open();
	assert_int_equal(put_as(".serve.db", 0400, 7, 8, "kept", 4), 0);
	assert_int_equal(put(".serve.old", "of an old configuration"), 0);
	assert_int_equal(put(".serve.", "of an old configuration"), 0);
	was = stat_of(".serve.db");
	assert_int_equal(was.st_mode, S_IFREG | 0400);
	assert_int_equal(was.st_uid, 7);
	ring_next();
	make(".served", "another program's");
	kept = declare_as(".serve.db", 0400, 7, 8);
	assert_true(keyring_has(&ring, kept));
	settle();
	assert_int_equal(names("", true), 2);
	holds(".served", "another program's");
	assert_int_equal(stat_of(".serve.db").st_ino, was.st_ino);
	assert_true(AS_KEEPER(keyring_same(&ring, kept, "kept", 4)));
	assert_false(AS_KEEPER(keyring_same(&ring, kept, "kepT", 4)));
	assert_int_equal(stage(kept, "kept"), 1);
	assert_int_equal(stage(kept, "new"), 0);
	commit();
	holds(".serve.db", "new");
	assert_int_equal(AS_KEEPER(keyring_stage_removal(&ring, kept, &error)), 0);
	commit();
	assert_int_equal(access(path_of(".serve.db"), F_OK), -1);
}

/* Files of other users, with modes that nobody else can read. */
static void what_is_there_is_taken_over(void **state)
{
	struct stat was, now;
	int a, b;

	(void)state;
	ring_open();
	assert_int_equal(put_as("d/a", 0000, 7, 8, "a", 1), 0);
	assert_int_equal(put_as("d/b", 0400, 9, 9, "b", 1), 0);
	was = stat_of("d/a");
	ring_next();
	a = declare_as("d/a", 0000, 7, 8);
	b = declare_as("d/b", 0400, 9, 9);
	settle();
	assert_int_equal(stage(a, "a"), 1);
	assert_int_equal(stage(b, "new"), 0);
	commit();
	holds("d/b", "new");
	holds("d/a", "a");
	now = stat_of("d/a");
	assert_int_equal(now.st_mode, S_IFREG);
	assert_int_equal(now.st_uid, 7);
	assert_int_equal(now.st_mtim.tv_nsec, was.st_mtim.tv_nsec);
}

static void another_mode_or_owner_is_set(void **state)
{
	struct stat was, now;
	int dir;

	(void)state;
	ring_open();
	assert_int_equal(put_as("d/a", 0444, 7, 8, "a", 1), 0);
	assert_int_equal(put_as("d/b", 0444, 7, 8, "b", 1), 0);
	assert_int_equal(put_as("f", 0444, 7, 8, "f", 1), 0);
	was = stat_of("d/a");
	dir = open(path_of("d"), O_RDONLY | O_DIRECTORY);
	ring_next();
	declare_as("d/a", 0400, 7, 9);
	declare_as("d/b", 0444, 7, 8);
	declare_as("f", 0444, 6, 8);
	settle();
	now = stat_of("d/a");
	assert_int_equal(now.st_mode, S_IFREG | 0400);
	assert_int_equal(now.st_gid, 9);
	assert_int_equal(now.st_mtim.tv_nsec, was.st_mtim.tv_nsec);
	assert_int_equal(stat_of("d/b").st_mode, S_IFREG | 0444);
	assert_int_equal(stat_of("f").st_uid, 6);
	holds("d/a", "a");
	holds("d/b", "b");
	holds("f", "f");
	/* The file that others could read is gone at once. */
	assert_int_equal(faccessat(dir, "a", F_OK, 0), -1);
	assert_int_equal(names("", true), 0);
	close(dir);
	assert_int_equal(put_as("d/a", 0400, 7, 9, "a", 1), 1);
}

/* A new configuration may have a directory where the old one had a file, or the reverse. */
static void a_file_and_a_directory_replace_each_other(void **state)
{
	static const char *const files[] = { "db", "db/a/password", "db/a", "db/a/b/c", "db" };

	(void)state;
	for (int settled = 0; settled < 2; settled++) {
		for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
			ring_open();
			declare(files[i]);
			if (settled)
				settle();
			assert_int_equal(put(files[i], files[i]), settled && i == 0);
			holds(files[i], files[i]);
			AS_KEEPER((int)keyring_tidy(&ring, INT64_MAX));
			assert_int_equal(names("", false), 1);
			assert_int_equal(names("", true), 0);
			keyring_close(&ring);
		}
	}
}

/* A declared name that is not a file is removed, because it would stay in the way. */
static void what_is_in_the_way_is_removed(void **state)
{
	(void)state;
	ring_open();
	assert_int_equal(put("d/a", "a"), 0);
	ring_next();
	assert_int_equal(mkfifo(path_of("p"), 0600), 0);
	make_directory("q", 0);
	make("q/x", "x");
	assert_int_equal(symlink("d", path_of("l")), 0);
	declare("d/a");
	declare("p");
	declare("q");
	declare("l/a");
	settle();
	assert_int_equal(names("", false), 1);
	assert_int_equal(put("l/a", "l"), 0);
	holds("d/a", "a");
	assert_int_equal(stat_of("l").st_mode, S_IFDIR | 0755);
}

/* A mount cannot be removed. The rest is, and the error names it. */
static void what_cannot_be_removed_is_an_error(void **state)
{
	(void)state;
	ring_open();
	make_directory("m", KEEPER);
	make("x", "old");
	assert_int_equal(mount("test", path_of("m"), "tmpfs", 0, NULL), 0);
	assert_int_equal(AS_KEEPER(keyring_settle(&ring, &error)), -1);
	expect_error("m: cannot remove: Device or resource busy");
	assert_int_equal(umount2(path_of("m"), MNT_DETACH), 0);
	assert_int_equal(names("", false), 1);
	settle();
	assert_int_equal(names("", false), 0);
}

/* A file that cannot be read is not one that is missing: it would be removed or lost at the next commit. */
static void an_unreadable_file_is_an_error(void **state)
{
	(void)state;
	ring_open();
	assert_int_equal(put_as("d/a", 0400, 7, 7, "a", 1), 0);
	ring_next();
	assert_int_equal(AS_KEEPER(keyring_declare(&ring, "d/a", 0400, 7, 7, &error)), -1);
	expect_error("d/a: Permission denied");
	assert_int_equal(ring.count, 0);
}

/* A mode that the configuration gave a secret is set, or the secret stays as it is with an error. */
static void settle_refused(void)
{
	MUST(!ring_try(keyring));
	MUST(keyring_declare(&ring, "d/a", 0440, 0, 0, &error) == 0);
	MUST(AS_KEEPER(keyring_settle(&ring, &error)) < 0);
	MUST(!strcmp(error.text, "d/a: cannot set mode 0440: Operation not permitted"));
}

static void a_failure_to_settle_keeps_the_secret(void **state)
{
	(void)state;
	ring_open();
	assert_int_equal(put("d/a", "a"), 0);
	keyring_close(&ring);
	child_run(SCMP_SYS(fchmod), 0440, EPERM, settle_refused);
	holds("d/a", "a");
	assert_int_equal(stat_of("d/a").st_mode, S_IFREG | 0400);
	assert_int_equal(names("", true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_what_is_declared_stays),
		TEST(served_copies_are_files_like_others),
		TEST(what_is_there_is_taken_over),
		TEST(another_mode_or_owner_is_set),
		TEST(a_file_and_a_directory_replace_each_other),
		TEST(what_is_in_the_way_is_removed),
		TEST(what_cannot_be_removed_is_an_error),
		TEST(an_unreadable_file_is_an_error),
		TEST(a_failure_to_settle_keeps_the_secret),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
