// SPDX-License-Identifier: Apache-2.0
/* The keyring's mount: it is made if there is none, used if it is ours, and refused otherwise. */
#include "base/log.h"
#include "keyring_test.h"

#include <sys/vfs.h>

#define SOURCE "realmkey" /* the source of the keyring's mount */

/* Reads the line of the last mount at the keyring in /proc/self/mountinfo. */
static void mountinfo(struct bytes *line)
{
	struct bytes text = BYTES_INIT;
	char *save = NULL;

	assert_int_equal(io_read_file("/proc/self/mountinfo", 1 << 20, &text, &error), 0);
	for (char *l = strtok_r((char *)text.data, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (strstr(l, keyring))
			bytes_set(line, l, strlen(l));
	bytes_free(&text);
	assert_true(line->len > 0);
}

static void mount_has(const char *words)
{
	struct bytes line = BYTES_INIT;

	mountinfo(&line);
	if (!strstr(bytes_text(&line), words))
		fail_msg("no '%s' in: %s", words, bytes_text(&line));
	bytes_free(&line);
}

static void the_keyring_is_a_file_system_that_does_not_swap(void **state)
{
	struct bytes line = BYTES_INIT;

	(void)state;
	ring_open();
	mountinfo(&line);
	assert_non_null(strstr(bytes_text(&line), "nosuid,nodev,noexec"));
	if (!strstr(bytes_text(&line), " - ramfs " SOURCE " ")) {
		assert_non_null(strstr(bytes_text(&line), " - tmpfs " SOURCE " "));
		assert_non_null(strstr(bytes_text(&line), "noswap"));
		assert_non_null(strstr(bytes_text(&line), "size=16384k"));
	}
	assert_int_equal(stat_of("").st_mode, S_IFDIR | 0751);
	assert_int_equal(stat_of("").st_uid, KEEPER);
	assert_int_equal(stat_of("..").st_mode, S_IFDIR | 0755);
	assert_int_equal(fcntl(ring.dir, F_GETFD), FD_CLOEXEC);
	bytes_free(&line);
}

static size_t size_of(void)
{
	struct statfs fs;

	assert_int_equal(statfs(keyring, &fs), 0);
	return (size_t)fs.f_blocks * (size_t)fs.f_bsize;
}

static int open_with(size_t size)
{
	return keyring_open(&ring, keyring, size, KEEPER, KEEPER, &error);
}

static char warning[256];

static void warning_keep(enum log_level level, const char *line)
{
	if (level == LOG_LEVEL_WARNING)
		snprintf(warning, sizeof(warning), "%s", line);
}

/* As in a unit, which withholds CAP_SYS_ADMIN. */
static void size_refused(void)
{
	log_set(warning_keep);
	MUST(!open_with(8 << 20));
	MUST(strstr(warning, "the keyring is mounted with size 3145728, and setting [keyring] size "
			     "8388608 failed (Operation not permitted)"));
	keyring_close(&ring);
	*warning = '\0';
	MUST(!open_with(3 << 20) && !*warning); /* as it is */
}

static void the_size_is_as_configured(void **state)
{
	(void)state;
	if (obstacle)
		skip();
	assert_int_equal(open_with(2 << 20), 0);
	if (size_of() == 0)
		skip(); /* a ramfs */
	assert_int_equal(size_of(), 2 << 20);
	assert_int_equal(put("a", "secret"), 0);
	keyring_close(&ring);
	assert_int_equal(open_with(3 << 20), 0);
	assert_int_equal(size_of(), 3 << 20);
	mount_has("noswap");
	mount_has("nosuid,nodev,noexec");
	assert_int_equal(stat_of("").st_mode, S_IFDIR | 0751);
	holds("a", "secret");
	keyring_close(&ring);
	assert_int_equal(open_with(0), 0); /* the default does not change a mount */
	assert_int_equal(size_of(), 3 << 20);
	keyring_close(&ring);
	child_run(SCMP_SYS(fsconfig), FSCONFIG_CMD_RECONFIGURE, EPERM, size_refused);
	assert_int_equal(size_of(), 3 << 20);
}

static void ramfs_use(void)
{
	struct stat st;

	MUST(!ring_try(keyring));
	MUST(!put("a", "secret"));
	MUST(put("a", "secret") == 1);
	MUST(!lstat(keyring, &st) && st.st_mode == (S_IFDIR | 0751));
	keyring_close(&ring);
	MUST(!ring_try(keyring));
}

static void a_kernel_without_noswap_gives_a_ramfs(void **state)
{
	(void)state;
	if (obstacle)
		skip();
	child_run(SCMP_SYS(fsconfig), FSCONFIG_SET_FLAG, EINVAL, ramfs_use);
	mount_has(" - ramfs " SOURCE " ");
	mount_has("nosuid,nodev,noexec");
	holds("a", "secret");
	ring_open();
	assert_int_equal(put("a", "secret"), 1);
}

static void a_keyring_is_used_again(void **state)
{
	struct stat st;

	(void)state;
	ring_open();
	assert_int_equal(put("a", "secret"), 0);
	st = stat_of("a");
	keyring_close(&ring);
	ring_open();
	assert_int_equal(stat_of("a").st_dev, st.st_dev);
	assert_int_equal(put("a", "secret"), 1);
	assert_int_equal(stat_of("a").st_ino, st.st_ino);
}

static void mount_refused(const char *source, const char *type, unsigned long flags,
			  const char *options, const char *text)
{
	assert_int_equal(mount(source, keyring, type, flags, options), 0);
	open_refused(keyring, text);
	assert_int_equal(umount(keyring), 0);
}

#define FLAGS	 (MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define NOT_OURS "@: is a mount, but not a keyring: "

static void foreign_mounts_are_refused(void **state)
{
	(void)state;
	ring_open(); /* this makes the directories */
	keyring_close(&ring);
	assert_int_equal(umount(keyring), 0);
	mount_refused(SOURCE, "tmpfs", FLAGS, "mode=0751", NOT_OURS "it can be swapped out");
	mount_refused("tmpfs", "tmpfs", FLAGS, "mode=0751,noswap",
		      NOT_OURS "something else is mounted there");
	mount_refused(SOURCE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0751,noswap",
		      NOT_OURS "it lacks nosuid, nodev or noexec");
	mount_refused(SOURCE, "tmpfs", FLAGS, "mode=1777,noswap",
		      NOT_OURS "others could write to it");
	mount_refused(SOURCE, "ramfs", FLAGS, "mode=0771", NOT_OURS "others could write to it");
	mount_refused(SOURCE, "tmpfs", FLAGS, "mode=0751,noswap,uid=1",
		      NOT_OURS "others could write to it");
	mount_refused("/etc", NULL, MS_BIND, NULL, NOT_OURS "something else is mounted there");
}

static void part_of_a_keyring_is_refused(void **state)
{
	char part[64];

	(void)state;
	ring_open();
	assert_int_equal(put("d/a", "secret"), 0);
	keyring_close(&ring);
	snprintf(part, sizeof(part), "%s/part", base);
	assert_int_equal(mkdir(part, 0700), 0);
	assert_int_equal(mount(path_of("d"), part, NULL, MS_BIND, NULL), 0);
	assert_int_equal(ring_try(part), -1);
	assert_non_null(strstr(error.text, "something else is mounted there"));
}

/* Asserts that the test's directory followed by @tail is refused with @reason. */
static void path_refused(const char *tail, const char *reason)
{
	char path[128], text[200];

	snprintf(path, sizeof(path), "%s%s", base, tail);
	snprintf(text, sizeof(text), "%s: %s", path, reason);
	open_refused(path, text);
}

static void paths_that_lead_elsewhere(void **state)
{
	char link[64];

	(void)state;
	if (obstacle)
		skip();
	open_refused("run/keyring", "run/keyring: not the absolute path of a directory");
	open_refused("", ": not the absolute path of a directory");
	open_refused("//", "//: not the absolute path of a directory");
	snprintf(link, sizeof(link), "%s/link", base);
	assert_int_equal(symlink(base, link), 0);
	path_refused("/link", "contains a symbolic link");
	path_refused("/link/keyring", "contains a symbolic link");
	path_refused("/x/../y", "contains '..' or another mount");
	assert_int_equal(unlink(link), 0);
	close(open(link, O_CREAT | O_WRONLY, 0600));
	path_refused("/link", "Not a directory");
	path_refused("/link/keyring", "Not a directory");
	assert_int_equal(unlink(link), 0);
}

static void try_second(void)
{
	MUST(ring_try(keyring) < 0 && error.kind == ERROR_DELIVERY);
	MUST(strstr(error.text, ": is in use by another process"));
}

static void one_process_at_a_time(void **state)
{
	(void)state;
	ring_open();
	child_run(SCMP_SYS(reboot), 0, EPERM, try_second);
	keyring_close(&ring);
	ring_open();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_keyring_is_a_file_system_that_does_not_swap),
		TEST(a_kernel_without_noswap_gives_a_ramfs),
		TEST(the_size_is_as_configured),
		TEST(a_keyring_is_used_again),
		TEST(foreign_mounts_are_refused),
		TEST(part_of_a_keyring_is_refused),
		TEST(paths_that_lead_elsewhere),
		TEST(one_process_at_a_time),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
