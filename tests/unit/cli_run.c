// SPDX-License-Identifier: Apache-2.0
#include "cli_run.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"

#define OUTPUT_MAX ((size_t)4 << 20)
#define WORDS_MAX  32

struct cli_run cli;

const char *cli_program(const char *name)
{
	static char path[4096];
	char self[2048] = "";

	/* .../tests/unit/test_cli -> .../userspace/cli/realmkey */
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	snprintf(path, sizeof(path), "%s/../../userspace/%s", dirname(self), name);
	return path;
}

/* Runs in the child process. */
static _Noreturn void program_run(const int fds[3], const char *const *word)
{
	char *argv[WORDS_MAX + 2] = { (char *)"realmkey" };

	for (int i = 0; i < WORDS_MAX && word[i]; i++)
		argv[i + 1] = (char *)word[i];
	for (int i = 0; i < 3; i++)
		dup2(fds[i], i);
	setenv("REALMKEY_COURIER", cli_program("courier/realmkey-courier"), 1);
	execv(cli_program("cli/realmkey"), argv);
	_exit(127);
}

/* Returns a file in memory that contains @len bytes at @data, positioned at its start. */
static int stream_make(const void *data, size_t len)
{
	int fd = memfd_create("stream", MFD_CLOEXEC);

	assert_true(fd > 2);
	assert_int_equal(write(fd, data ? data : "", len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void stream_read(int fd, struct bytes *out)
{
	struct error e = ERROR_INIT;

	bytes_clear(out);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(io_read_all(fd, OUTPUT_MAX, "output", out, &e), 0);
	close(fd);
}

int cli_run(const void *input, size_t len, const char *const *word)
{
	const int fds[3] = { stream_make(input, len), stream_make(NULL, 0), stream_make(NULL, 0) };
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		program_run(fds, word);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fds[0]);
	stream_read(fds[1], &cli.out);
	stream_read(fds[2], &cli.err);
	cli.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return cli.code;
}

void cli_free(void)
{
	bytes_free(&cli.out);
	bytes_free(&cli.err);
}

void cli_refused(int code, const char *where, const char *why)
{
	const char *said = bytes_text(&cli.err);
	char begin[128];

	snprintf(begin, sizeof(begin), "realmkey: %s: ", where);
	if (cli.code != code)
		fail_msg("exit code %d, expected %d: %s", cli.code, code, said);
	if (cli.out.len)
		fail_msg("unexpected output: %s", bytes_text(&cli.out));
	if (strncmp(said, begin, strlen(begin)) != 0 || !strstr(said, why))
		fail_msg("expected '%s...%s...' in: %s", begin, why, said);
	if (!cli.err.len || strchr(said, '\n') != said + cli.err.len - 1)
		fail_msg("expected exactly one line: %s", said);
}

void cli_went_well(void)
{
	if (cli.code || cli.err.len)
		fail_msg("exit code %d: %s", cli.code, bytes_text(&cli.err));
}

void cli_printed(const char *text)
{
	if (!strstr(bytes_text(&cli.out), text))
		fail_msg("expected '%s' in: %s", text, bytes_text(&cli.out));
}

char scratch_directory[] = "/tmp/test_cli.XXXXXX";

const char *scratch(const char *name)
{
	static char path[4][256];
	static unsigned int next;
	char *at = path[next++ % 4];

	snprintf(at, sizeof(path[0]), "%s/%s", scratch_directory, name);
	return at;
}

int scratch_make(void **state)
{
	(void)state;
	return mkdtemp(scratch_directory) ? 0 : -1;
}

int scratch_remove(const char *const *name)
{
	cli_free();
	for (; *name; name++)
		unlink(scratch(*name));
	return rmdir(scratch_directory);
}

void scratch_write(const char *name, const void *data, size_t len)
{
	struct error e = ERROR_INIT;

	assert_int_equal(io_write_file(scratch(name), 0600, data, len, &e), 0);
}
