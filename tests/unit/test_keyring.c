// SPDX-License-Identifier: Apache-2.0
/* Secrets in the keyring appear complete, with their final owner and mode, or not at all. */
#include "base/array.h"
#include "keyring_test.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

static void a_secret_has_its_owner_and_mode(void **state)
{
	struct stat st;

	(void)state;
	ring_open();
	assert_int_equal(keyring_put(&ring, "x/y/z", 0640, 1001, 1002, "abc", 3, &error), 0);
	st = stat_of("x/y/z");
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	assert_int_equal(st.st_uid, 1001);
	assert_int_equal(st.st_gid, 1002);
	assert_int_equal(st.st_nlink, 1);
	holds("x/y/z", "abc");
	assert_int_equal(stat_of("x").st_mode, S_IFDIR | 0755);
	assert_int_equal(stat_of("x/y").st_mode, S_IFDIR | 0755);
	assert_int_equal(keyring_put(&ring, "empty", 0, 0, 0, NULL, 0, &error), 0);
	assert_int_equal(stat_of("empty").st_mode, S_IFREG);
	assert_int_equal(stat_of("empty").st_size, 0);
	assert_int_equal(keyring_put(&ring, "empty", 0, 0, 0, NULL, 0, &error), 1);
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
			assert_int_equal(keyring_put(&ring, "a", changes[i].mode, changes[i].uid,
						     changes[i].gid, changes[i].text,
						     strlen(changes[i].text), &error),
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
	put_refused("out/x", "out/x: contains a symbolic link");
	put_refused("out/x/y", "out/x/y: contains a symbolic link");
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
	put_refused("d/..", "d/..: contains '..' or another mount");
	put_refused("", ": cannot rename: No such file or directory");
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(put(name, "x"), -1);
	assert_non_null(strstr(error.text, "File name too long"));
	name[270] = '/';
	assert_int_equal(put(name, "x"), -1);
	assert_non_null(strstr(error.text, "File name too long"));
	assert_int_equal(access(path_of(".new"), F_OK), -1);
	holds("a", "old");
	holds("d/b", "old");
}

static int entries(void)
{
	DIR *dir = opendir(keyring);
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

/* A new configuration may have a directory where the old one had a file, or the reverse. */
static void a_file_and_a_directory_replace_each_other(void **state)
{
	(void)state;
	ring_open();
	assert_int_equal(put("db", "old"), 0);
	assert_int_equal(put("db/a/password", "new"), 0);
	assert_int_equal(put("db/b", "too"), 0);
	holds("db/a/password", "new");
	assert_int_equal(stat_of("db").st_mode, S_IFDIR | 0755);
	assert_int_equal(stat_of("db/a").st_mode, S_IFDIR | 0755);
	assert_int_equal(stat_of("db/a/password").st_mode, S_IFREG | 0400);
	assert_int_equal(put("db/a/password", "new"), 1);
	assert_int_equal(put("db/b/c", "nested"), 0);
	holds("db/b/c", "nested");
	assert_int_equal(put("db", "a file again"), 0);
	holds("db", "a file again");
	assert_int_equal(stat_of("db").st_mode, S_IFREG | 0400);
	assert_int_equal(entries(), 1);
}

/* Only what realmkeyd put there is replaced. */
static void what_is_not_ours_stays_in_the_way(void **state)
{
	(void)state;
	ring_open();
	assert_int_equal(mkfifo(path_of("p"), 0600), 0);
	put_refused("p/x", "p/x: Not a directory");
	assert_int_equal(stat_of("p").st_mode & S_IFMT, S_IFIFO);
	assert_int_equal(put("m/x", "old"), 0);
	assert_int_equal(mount("test", path_of("m"), "tmpfs", 0, NULL), 0);
	put_refused("m", "m: cannot replace 'm': Device or resource busy");
	assert_int_equal(umount2(path_of("m"), MNT_DETACH), 0);
	holds("m/x", "old");
}

static void exchange_refused(void)
{
	MUST(!keyring_open(&ring, keyring, 0, geteuid(), getegid(), &error));
	MUST(put("f/x", "new") < 0);
	MUST(!strcmp(error.text, "f/x: cannot replace 'f': Operation not permitted"));
	MUST(put("d", "new") < 0);
	MUST(access(path_of(".new"), F_OK) < 0);
}

static void a_failed_exchange_leaves_the_old_secret(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	ring_open();
	assert_int_equal(put("f", "old"), 0);
	assert_int_equal(put("d/x", "old"), 0);
	keyring_close(&ring);
	pid = fork();
	if (pid == 0) {
		MUST(!refuse(SCMP_SYS(renameat2), EPERM));
		exchange_refused();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	holds("f", "old");
	holds("d/x", "old");
	assert_int_equal(entries(), 2);
}

/* A keeper that was killed between the exchange and the removal leaves old secrets as ".new". */
static void a_leftover_tree_is_removed_at_the_start(void **state)
{
	(void)state;
	ring_open();
	assert_int_equal(put("a", "kept"), 0);
	keyring_close(&ring);
	assert_int_equal(mkdir(path_of(".new"), 0755), 0);
	assert_int_equal(mkdir(path_of(".new/d"), 0755), 0);
	assert_int_equal(chown(path_of(".new/d"), 7, 7), 0);
	assert_int_equal(io_write_file(path_of(".new/d/old"), 0400, "old", 3, &error), 0);
	ring_open();
	assert_int_equal(entries(), 1);
	holds("a", "kept");
}

static void put_for_another(void)
{
	MUST(!keyring_open(&ring, keyring, 0, geteuid(), getegid(), &error));
	MUST(keyring_put(&ring, "a", 0400, 7, 8, "new", 3, &error) < 0);
	MUST(!strcmp(error.text, "a: cannot set owner 7:8: Operation not permitted"));
	MUST(error.kind == ERROR_DELIVERY && access(path_of(".new"), F_OK) < 0);
}

static void a_failure_leaves_the_old_secret(void **state)
{
	struct bytes large = BYTES_INIT;

	(void)state;
	ring_open();
	assert_int_equal(put("a", "old"), 0);
	assert_int_equal(bytes_resize(&large, 17 << 20, &(struct error)ERROR_INIT), 0);
	if (keyring_put(&ring, "a", 0400, 0, 0, large.data, large.len, &error) == -1) {
		expect_error("a: the keyring is full (No space left on device); "
			     "remount it with a larger size=");
		holds("a", "old");
	} /* otherwise it is a ramfs, which has no size limit */
	assert_int_equal(access(path_of(".new"), F_OK), -1);
	bytes_free(&large);
	assert_int_equal(put("a", "old, or as good"), 0);
	keyring_close(&ring);
	child_run(SCMP_SYS(fchown), 7, EPERM, put_for_another);
	holds("a", "old, or as good");
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
		MUST(!keyring_open(&ring, keyring, 0, geteuid(), getegid(), &error));
		MUST(!setrlimit(RLIMIT_FSIZE, &limit) && signal(SIGXFSZ, SIG_DFL) != SIG_ERR);
		keyring_put(&ring, "a", 0400, 0, 0, text, sizeof(text), &error);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
	holds("a", "old");
	assert_int_equal(stat_of(".new").st_size, 4096);
	ring_open();
	assert_int_equal(access(path_of(".new"), F_OK), -1);
	holds("a", "old");
	assert_int_equal(put("a", "new"), 0);
}

/* --- readers during changes ------------------------------------------------------------------- */

static const struct version {
	mode_t mode;
	uid_t uid;
	gid_t gid;
	int fill;
	size_t len;
} versions[] = {
	{ 0400, 1001, 1002, 'A', 300000 },
	{ 0444, 2001, 2002, 'B', 17 },
	{ 0000, 0, 0, 'C', 70000 },
};

#define VERSIONS (ARRAY_SIZE(versions))
#define LARGEST	 300000

struct watch {
	atomic_bool stop;
	atomic_size_t seen[VERSIONS], wrong;
};

static bool version_whole(const struct version *v, const struct stat *st, const char *text,
			  size_t len)
{
	if (st->st_mode != (S_IFREG | v->mode) || st->st_uid != v->uid || st->st_gid != v->gid ||
	    (size_t)st->st_size != v->len || len != v->len)
		return false;
	return text[0] == v->fill && !memcmp(text, text + 1, len - 1);
}

static void look(struct watch *watch, int fd, char *text)
{
	struct error unread = ERROR_INIT;
	struct stat st;

	if (fstat(fd, &st) || st.st_size > LARGEST ||
	    io_read_full(fd, text, (size_t)st.st_size, &unread)) {
		watch->wrong++;
		return;
	}
	for (size_t i = 0; i < VERSIONS; i++)
		if (version_whole(&versions[i], &st, text, (size_t)st.st_size)) {
			watch->seen[i]++;
			return;
		}
	watch->wrong++;
}

static void *watch_run(void *arg)
{
	struct watch *watch = arg;
	char *text = malloc(LARGEST), path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/d/watched", keyring);
	while (!atomic_load(&watch->stop)) {
		fd = open(path, O_RDONLY);
		if (fd < 0)
			watch->wrong++; /* the file must never be missing */
		else
			look(watch, fd, text);
		if (fd >= 0)
			close(fd);
	}
	free(text);
	return NULL;
}

static void version_put(const struct version *v, const char *file)
{
	char *text = malloc(v->len);

	memset(text, v->fill, v->len);
	if (keyring_put(&ring, file, v->mode, v->uid, v->gid, text, v->len, &error))
		fail_msg("%s", error.text);
	free(text);
}

static bool all_seen(const struct watch *watch)
{
	return watch->seen[0] && watch->seen[1] && watch->seen[2];
}

static void a_reader_never_sees_a_partial_secret(void **state)
{
	struct watch watch = { 0 };
	pthread_t thread;

	(void)state;
	ring_open();
	version_put(&versions[VERSIONS - 1], "d/watched");
	assert_int_equal(pthread_create(&thread, NULL, watch_run, &watch), 0);
	/* At least 3000 changes; more if the reader has not seen each version yet. */
	for (size_t i = 0; i < 3000 || (!all_seen(&watch) && i < 100000); i++)
		version_put(&versions[i % VERSIONS], "d/watched");
	atomic_store(&watch.stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(watch.wrong, 0);
	assert_true(all_seen(&watch));
}

static void *meddle_run(void *arg)
{
	char path[128], text[4096] = "";
	atomic_bool *stop = arg;

	snprintf(path, sizeof(path), "%s/a", keyring);
	while (!atomic_load(stop)) {
		int fd = open(path, O_RDWR);

		if (fd < 0 || ftruncate(fd, 0) || write(fd, text, sizeof(text)) < 0 ||
		    ftruncate(fd, 1 << 20))
			break;
		close(fd);
	}
	return NULL;
}

/* The owner of a secret may truncate the file at any time. The keeper must not fail for that. */
static void an_owner_may_truncate_the_file(void **state)
{
	struct bytes zeros = BYTES_INIT;
	atomic_bool stop = false;
	pthread_t thread;

	(void)state;
	ring_open();
	assert_int_equal(bytes_resize(&zeros, 1 << 20, &(struct error)ERROR_INIT), 0);
	assert_int_equal(keyring_put(&ring, "a", 0600, 7, 7, zeros.data, zeros.len, &error), 0);
	assert_int_equal(pthread_create(&thread, NULL, meddle_run, &stop), 0);
	for (int i = 0; i < 1000; i++)
		if (keyring_put(&ring, "a", 0600, 7, 7, zeros.data, zeros.len, &error) < 0)
			fail_msg("%s", error.text);
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	bytes_free(&zeros);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_secret_has_its_owner_and_mode),
		TEST(only_changes_are_written),
		TEST(an_open_file_keeps_the_old_secret),
		TEST(links_are_not_followed),
		TEST(bad_paths_are_refused),
		TEST(a_file_and_a_directory_replace_each_other),
		TEST(what_is_not_ours_stays_in_the_way),
		TEST(a_failed_exchange_leaves_the_old_secret),
		TEST(a_leftover_tree_is_removed_at_the_start),
		TEST(a_failure_leaves_the_old_secret),
		TEST(a_killed_writer_leaves_no_partial_file),
		TEST(a_reader_never_sees_a_partial_secret),
		TEST(an_owner_may_truncate_the_file),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
