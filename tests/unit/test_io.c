// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"

static char directory[] = "/tmp/test_io.XXXXXX";

static int directory_make(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int directory_remove(void **state)
{
	(void)state;
	return rmdir(directory);
}

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static int entries(void)
{
	DIR *dir = opendir(directory);
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static void moves_whole_buffers_through_a_pipe(void **state)
{
	struct error e = ERROR_INIT;
	uint8_t out[1000], in[1000];
	int fds[2];

	(void)state;
	memset(out, 0x5a, sizeof(out));
	assert_int_equal(pipe(fds), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(io_write_full(fds[1], out + 250 * i, 250, &e), 0);
	assert_int_equal(io_read_full(fds[0], in, sizeof(in), &e), 0);
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(io_write_full(fds[1], "abc", 3, &e), 0);
	close(fds[1]);
	assert_int_equal(io_read_full(fds[0], in, 5, &e), -1);
	assert_string_equal(e.text, "read: end of file, 2 bytes missing");
	close(fds[0]);
	assert_int_equal(io_read_full(-1, in, 1, &e), -1);
	assert_string_equal(e.text, "read: Bad file descriptor");
	assert_int_equal(io_write_full(-1, in, 1, &e), -1);
	assert_string_equal(e.text, "write: Bad file descriptor");
}

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
	(void)number;
	signals++;
}

static void an_interrupted_read_continues(void **state)
{
	struct sigaction action = { .sa_handler = on_signal }; /* no SA_RESTART */
	struct error e = ERROR_INIT;
	char c = 0;
	int fds[2];
	pid_t pid;

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		for (int i = 0; i < 3; i++) {
			usleep(20000);
			kill(getppid(), SIGUSR1);
		}
		usleep(20000);
		_exit(write(fds[1], "x", 1) == 1 ? 0 : 1);
	}
	assert_int_equal(io_read_full(fds[0], &c, 1, &e), 0);
	assert_int_equal(c, 'x');
	assert_true(signals > 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(fds[0]);
	close(fds[1]);
}

static void a_file_is_written_and_read(void **state)
{
	struct bytes in = BYTES_INIT, out = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct stat st;

	(void)state;
	assert_int_equal(bytes_resize(&out, 100000, &(struct error)ERROR_INIT), 0);
	memset(out.data, 0xa5, out.len);
	assert_int_equal(io_write_file(path_of("f"), 0640, out.data, out.len, &e), 0);
	assert_int_equal(stat(path_of("f"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	bytes_append_text(&in, "kept");
	assert_int_equal(io_read_file(path_of("f"), 100000, &in, &e), 0);
	assert_int_equal(in.len, 100004);
	assert_memory_equal(in.data + 4, out.data, out.len);
	assert_int_equal(io_write_file(path_of("f"), 0400, "new", 3, &e), 0);
	bytes_clear(&in);
	assert_int_equal(io_read_file(path_of("f"), 100000, &in, &e), 0);
	assert_string_equal(bytes_text(&in), "new");
	assert_int_equal(stat(path_of("f"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0400);
	assert_int_equal(entries(), 1);
	assert_int_equal(unlink(path_of("f")), 0);
	bytes_free(&in);
	bytes_free(&out);
}

static void a_reader_sees_the_old_file_or_the_new_one(void **state)
{
	struct error e = ERROR_INIT;
	char c[8] = "";
	int fd;

	(void)state;
	assert_int_equal(io_write_file(path_of("f"), 0600, "old", 3, &e), 0);
	fd = open(path_of("f"), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(io_write_file(path_of("f"), 0600, "newer", 5, &e), 0);
	assert_int_equal(read(fd, c, sizeof(c)), 3);
	assert_string_equal(c, "old");
	close(fd);
	assert_int_equal(unlink(path_of("f")), 0);
}

static void file_holds(const char *name, const char *text)
{
	struct bytes in = BYTES_INIT;
	struct error e = ERROR_INIT;

	assert_int_equal(io_read_file(path_of(name), 1000, &in, &e), 0);
	assert_string_equal(bytes_text(&in), text);
	bytes_free(&in);
}

static mode_t kind_of(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(path_of(name), &st), 0);
	return st.st_mode & S_IFMT;
}

static void a_link_stays_and_its_target_is_replaced(void **state)
{
	struct error e = ERROR_INIT;
	char path[256];
	struct stat st;
	ino_t before;

	(void)state;
	assert_int_equal(mkdir(path_of("d"), 0700), 0);
	assert_int_equal(io_write_file(path_of("d/f"), 0600, "old", 3, &e), 0);
	assert_int_equal(stat(path_of("d/f"), &st), 0);
	before = st.st_ino;
	assert_int_equal(symlink("d/f", path_of("l")), 0);
	assert_int_equal(symlink("l", path_of("ll")), 0);
	snprintf(path, sizeof(path), "%s", path_of("ll"));
	assert_int_equal(io_write_file(path, 0600, "new", 3, &e), 0);
	assert_int_equal(kind_of("l"), S_IFLNK);
	assert_int_equal(kind_of("ll"), S_IFLNK);
	file_holds("d/f", "new");
	assert_int_equal(stat(path_of("d/f"), &st), 0);
	assert_true(st.st_ino != before); /* replaced: a reader sees the old or the new one */
	/* A link to nothing makes its target. */
	assert_int_equal(unlink(path_of("d/f")), 0);
	assert_int_equal(io_write_file(path, 0640, "made", 4, &e), 0);
	assert_int_equal(kind_of("l"), S_IFLNK);
	assert_int_equal(stat(path_of("d/f"), &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	file_holds("d/f", "made");
	assert_int_equal(entries(), 3);
	unlink(path_of("d/f"));
	unlink(path_of("l"));
	unlink(path_of("ll"));
	assert_int_equal(rmdir(path_of("d")), 0);
}

static void a_pipe_and_a_device_are_written_to(void **state)
{
	struct error e = ERROR_INIT;
	char text[8] = "", path[256];
	int fd;

	(void)state;
	assert_int_equal(mkfifo(path_of("p"), 0600), 0);
	fd = open(path_of("p"), O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "%s", path_of("p"));
	assert_int_equal(io_write_file(path, 0600, "piped", 5, &e), 0);
	assert_int_equal(read(fd, text, sizeof(text)), 5);
	assert_string_equal(text, "piped");
	assert_int_equal(kind_of("p"), S_IFIFO);
	close(fd);
	assert_int_equal(unlink(path_of("p")), 0);
	assert_int_equal(symlink("/dev/null", path_of("n")), 0);
	assert_int_equal(io_write_file(path_of("n"), 0600, "gone", 4, &e), 0);
	assert_int_equal(kind_of("n"), S_IFLNK);
	assert_int_equal(unlink(path_of("n")), 0);
	assert_int_equal(io_write_file("/dev/full", 0600, "x", 1, &e), -1);
	assert_string_equal(e.text, "/dev/full: write: No space left on device");
	if (geteuid() == 0 && mknod(path_of("c"), S_IFCHR | 0600, makedev(1, 3)) == 0) {
		(void)io_write_file(path_of("c"), 0600, "gone", 4, &e); /* or nodev */
		assert_int_equal(kind_of("c"), S_IFCHR);
		assert_int_equal(unlink(path_of("c")), 0);
	}
	assert_int_equal(entries(), 0);
}

/* The names that the system gives to an open descriptor lead to that, also if it is a socket, which
 * cannot be opened, or a file, in which the position counts. */
static void a_name_of_a_descriptor_is_that(void **state)
{
	int fds[2], saved = dup(STDOUT_FILENO), file;
	struct error e = ERROR_INIT;
	char text[8] = "";

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	fflush(stdout);
	assert_true(dup2(fds[1], STDOUT_FILENO) >= 0);
	assert_int_equal(io_write_file("/proc/self/fd/1", 0600, "sent", 4, &e), 0);
	assert_int_equal(io_write_file("-", 0600, "ence", 4, &e), 0);
	file = open(path_of("f"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(file >= 0 && dup2(file, STDOUT_FILENO) >= 0);
	assert_int_equal(io_write_full(STDOUT_FILENO, "a,", 2, &e), 0);
	assert_int_equal(io_write_file("/proc/self/fd/1", 0600, "b,", 2, &e), 0);
	assert_int_equal(io_write_full(STDOUT_FILENO, "c", 1, &e), 0);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	assert_int_equal(read(fds[0], text, sizeof(text)), 8);
	assert_memory_equal(text, "sentence", 8);
	file_holds("f", "a,b,c");
	close(file);
	close(saved);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(unlink(path_of("f")), 0);
}

static void an_output_is_not_more_accessible_than_the_old_file(void **state)
{
	static const struct {
		mode_t old, mode, mask, expected; /* old is 0 for none */
	} cases[] = {
		{ 0, 0644, 077, 0600 },	   { 0, 0644, 022, 0644 },    { 0, 0600, 0, 0600 },
		{ 0600, 0644, 022, 0600 }, { 0444, 0644, 022, 0444 }, { 0666, 0600, 022, 0600 },
		{ 0664, 0644, 077, 0644 },
	};
	struct error e = ERROR_INIT;
	struct stat st;
	mode_t mask;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cases[i].old) {
			assert_int_equal(io_write_file(path_of("f"), 0600, "old", 3, &e), 0);
			assert_int_equal(chmod(path_of("f"), cases[i].old), 0);
		}
		mask = umask(cases[i].mask);
		assert_int_equal(io_write_file(path_of("f"), cases[i].mode, "new", 3, &e), 0);
		umask(mask);
		assert_int_equal(stat(path_of("f"), &st), 0);
		assert_int_equal(st.st_mode & 07777, cases[i].expected);
		assert_int_equal(unlink(path_of("f")), 0);
	}
}

static void reading_is_bounded(void **state)
{
	struct bytes in = BYTES_INIT;
	struct error e = ERROR_INIT;
	char expected[300];

	(void)state;
	assert_int_equal(io_write_file(path_of("f"), 0600, "12345678", 8, &e), 0);
	bytes_append_text(&in, "kept");
	assert_int_equal(io_read_file(path_of("f"), 8, &in, &e), 0);
	assert_string_equal(bytes_text(&in), "kept12345678");
	assert_int_equal(io_read_file(path_of("f"), 7, &in, &e), -1);
	assert_string_equal(bytes_text(&in), "kept12345678");
	assert_int_equal(e.kind, ERROR_INPUT);
	snprintf(expected, sizeof(expected), "%s: more than 7 bytes", path_of("f"));
	assert_string_equal(e.text, expected);
	assert_int_equal(unlink(path_of("f")), 0);

	/* Reading an endless file stops at the limit. */
	assert_int_equal(io_read_file("/dev/zero", 100000, &in, &e), -1);
	assert_string_equal(e.text, "/dev/zero: more than 100000 bytes");
	bytes_free(&in);
}

static void errors_name_the_path_and_leave_no_file(void **state)
{
	struct bytes in = BYTES_INIT;
	struct error e = ERROR_INIT;
	char expected[300];

	(void)state;
	assert_int_equal(io_read_file(path_of("none"), 8, &in, &e), -1);
	snprintf(expected, sizeof(expected), "%s: No such file or directory", path_of("none"));
	assert_string_equal(e.text, expected);
	assert_int_equal(io_read_file(directory, 8, &in, &e), -1);
	snprintf(expected, sizeof(expected), "%s: Is a directory", directory);
	assert_string_equal(e.text, expected);
	assert_int_equal(io_write_file(path_of("none/f"), 0600, "x", 1, &e), -1);
	assert_non_null(strstr(e.text, "No such file or directory"));
	assert_int_equal(mkdir(path_of("d"), 0700), 0);
	assert_int_equal(io_write_file(path_of("d"), 0600, "x", 1, &e), -1);
	assert_int_equal(e.kind, ERROR_SYSTEM);
	assert_int_equal(entries(), 1);
	assert_int_equal(rmdir(path_of("d")), 0);
	bytes_free(&in);
}

static void dash_is_standard_input(void **state)
{
	struct bytes in = BYTES_INIT;
	struct error e = ERROR_INIT;
	int fds[2], saved = dup(STDIN_FILENO);

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(io_write_full(fds[1], "piped", 5, &e), 0);
	close(fds[1]);
	assert_true(dup2(fds[0], STDIN_FILENO) >= 0);
	close(fds[0]);
	assert_int_equal(io_read_file("-", 100, &in, &e), 0);
	assert_string_equal(bytes_text(&in), "piped");
	if (saved >= 0) {
		dup2(saved, STDIN_FILENO);
		close(saved);
	}
	bytes_free(&in);
}

struct gathered {
	struct bytes text;
	const char *refused; /* the file that is not accepted, or NULL */
};

static int file_gather(void *context, const char *name, const struct bytes *text, struct error *e)
{
	struct gathered *gathered = context;
	const char *last = strrchr(name, '/') + 1;

	if (gathered->refused && strcmp(last, gathered->refused) == 0)
		return error_set(e, ERROR_INPUT, "%s: refused", last);
	bytes_printf(&gathered->text, "%s=%s,", last, bytes_text(text));
	return 0;
}

static void each_file_of_a_directory_is_read_in_order(void **state)
{
	static const char *const suffixes[] = { ".jwk", ".json", NULL };
	static const char *const names[] = { "b.jwk", "a.json", "README",
					     ".json", ".c.jwk", "a.jwk.bak" };
	struct gathered gathered = { BYTES_INIT, NULL };
	struct error e = ERROR_INIT;
	char expected[300];

	(void)state;
	assert_int_equal(io_each_file(directory, suffixes, 100, file_gather, &gathered, &e), 0);
	assert_string_equal(bytes_text(&gathered.text), "");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(io_write_file(path_of(names[i]), 0600, names[i], 5, &e), 0);
	assert_int_equal(io_each_file(directory, suffixes, 100, file_gather, &gathered, &e), 0);
	assert_string_equal(bytes_text(&gathered.text), "a.json=a.jso,b.jwk=b.jwk,");

	/* The first error, of the callback or of reading, ends the call. */
	bytes_clear(&gathered.text);
	gathered.refused = "b.jwk";
	assert_int_equal(io_each_file(directory, suffixes, 100, file_gather, &gathered, &e), -1);
	assert_string_equal(bytes_text(&gathered.text), "a.json=a.jso,");
	assert_string_equal(e.text, "b.jwk: refused");
	bytes_clear(&gathered.text);
	assert_int_equal(io_each_file(directory, suffixes, 4, file_gather, &gathered, &e), -1);
	snprintf(expected, sizeof(expected), "%s: more than 4 bytes", path_of("a.json"));
	assert_string_equal(e.text, expected);
	assert_string_equal(bytes_text(&gathered.text), "");

	/* A file is read whatever its suffix is; suffixes select files of a directory. */
	assert_int_equal(io_each_file(path_of("README"), suffixes, 100, file_gather, &gathered, &e),
			 0);
	assert_string_equal(bytes_text(&gathered.text), "README=READM,");
	assert_int_equal(io_each_file(path_of("none"), suffixes, 100, file_gather, &gathered, &e),
			 -1);
	snprintf(expected, sizeof(expected), "%s: No such file or directory", path_of("none"));
	assert_string_equal(e.text, expected);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(unlink(path_of(names[i])), 0);
	bytes_free(&gathered.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves_whole_buffers_through_a_pipe),
		cmocka_unit_test(an_interrupted_read_continues),
		cmocka_unit_test(a_file_is_written_and_read),
		cmocka_unit_test(a_reader_sees_the_old_file_or_the_new_one),
		cmocka_unit_test(a_link_stays_and_its_target_is_replaced),
		cmocka_unit_test(a_pipe_and_a_device_are_written_to),
		cmocka_unit_test(a_name_of_a_descriptor_is_that),
		cmocka_unit_test(an_output_is_not_more_accessible_than_the_old_file),
		cmocka_unit_test(reading_is_bounded),
		cmocka_unit_test(errors_name_the_path_and_leave_no_file),
		cmocka_unit_test(dash_is_standard_input),
		cmocka_unit_test(each_file_of_a_directory_is_read_in_order),
	};

	return cmocka_run_group_tests_name("io", tests, directory_make, directory_remove);
}
