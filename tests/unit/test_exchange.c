// SPDX-License-Identifier: Apache-2.0
/* Bytes to and from another process until a deadline, and helper processes: how they start and how they end. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "exchange/program.h"
#include "exchange/stream.h"
#include "refuse.h"

#define PATIENT	 30000 /* ms, on a slow machine */
#define SHORT	 200
#define LARGE	 ((size_t)4 << 20) /* bytes, more than a socket holds */
#define SHELL	 "/bin/sh"
#define TEXT_MAX 4096

static int64_t in(int ms)
{
	return clock_boot_ms() + ms;
}

static void pair_open(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
}

/* How many descriptors a process may have from now on, so that poll() and socketpair() fail. Returns what it was. */
static struct rlimit descriptors_limit(rlim_t count)
{
	struct rlimit before, now;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	now = (struct rlimit){ count, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	return before;
}

/* --- bytes ------------------------------------------------------------------------------------ */

/* Another process: it sends @len bytes of @data one by one, with pauses, and then reads until the end. */
static pid_t slow_peer(int pair[2], const char *data, size_t len)
{
	char received[65536];
	pid_t pid = fork();

	if (pid == 0) {
		close(pair[0]);
		for (size_t i = 0; i < len; i++) {
			usleep(20000);
			if (write(pair[1], data + i, 1) != 1)
				_exit(1);
		}
		while (read(pair[1], received, sizeof(received)) > 0)
			usleep(1000);
		_exit(0);
	}
	close(pair[1]);
	return pid;
}

static void expect_parts(int flags)
{
	void *large = calloc(1, LARGE);
	char text[8] = "";
	int pair[2], status;
	pid_t pid;

	assert_non_null(large);
	pair_open(pair);
	assert_int_equal(fcntl(pair[0], F_SETFL, flags), 0);
	pid = slow_peer(pair, "answers", 8);
	assert_int_equal(exchange_receive(pair[0], text, 3, in(PATIENT)), EXCHANGE_DONE);
	assert_int_equal(exchange_receive(pair[0], text + 3, 5, in(PATIENT)), EXCHANGE_DONE);
	assert_string_equal(text, "answers");
	assert_int_equal(exchange_send(pair[0], large, LARGE, in(PATIENT)), EXCHANGE_DONE);
	close(pair[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	free(large);
}

static void test_parts(void **state)
{
	(void)state;
	expect_parts(0);
	expect_parts(O_NONBLOCK);
}

/* A deadline ends a call at whatever byte it is, and nothing is done after it. */
static void test_late(void **state)
{
	void *large = calloc(1, LARGE);
	int64_t began = clock_boot_ms();
	char text[8] = "";
	int pair[2];

	(void)state;
	assert_non_null(large);
	pair_open(pair);
	assert_int_equal(write(pair[1], "abc", 3), 3);
	assert_int_equal(exchange_receive(pair[0], text, 4, began + SHORT), EXCHANGE_LATE);
	assert_in_range(clock_boot_ms() - began, SHORT, SHORT + PATIENT);
	assert_string_equal(text, "abc");
	assert_int_equal(exchange_send(pair[0], large, LARGE, in(SHORT)), EXCHANGE_LATE);
	assert_int_equal(write(pair[1], "d", 1), 1);
	assert_int_equal(exchange_receive(pair[0], text, 1, clock_boot_ms()), EXCHANGE_LATE);
	assert_int_equal(exchange_receive(pair[0], text, 0, 0), EXCHANGE_DONE);
	close(pair[0]);
	close(pair[1]);
	free(large);
}

/* The peer closes the connection: in the middle of its answer, and with a question that it has not read. */
static void test_closed(void **state)
{
	char text[8] = "";
	int pair[2];

	(void)state;
	pair_open(pair);
	assert_int_equal(write(pair[1], "abc", 3), 3);
	close(pair[1]);
	assert_int_equal(exchange_receive(pair[0], text, 4, in(PATIENT)), EXCHANGE_CLOSED);
	assert_int_equal(exchange_send(pair[0], "abc", 3, in(PATIENT)), EXCHANGE_CLOSED);
	close(pair[0]);

	pair_open(pair);
	assert_int_equal(exchange_send(pair[0], "abc", 3, in(PATIENT)), EXCHANGE_DONE);
	close(pair[1]);
	/* This is a reset, not an end. */
	assert_int_equal(recv(pair[0], text, 1, MSG_PEEK), -1);
	assert_int_equal(errno, ECONNRESET);
	close(pair[0]);

	pair_open(pair);
	assert_int_equal(exchange_send(pair[0], "abc", 3, in(PATIENT)), EXCHANGE_DONE);
	close(pair[1]);
	assert_int_equal(exchange_receive(pair[0], text, 1, in(PATIENT)), EXCHANGE_CLOSED);
	close(pair[0]);
}

/* Errors of this machine and of the caller are not taken for those of the peer. */
static void test_failed(void **state)
{
	struct rlimit before;
	int pair[2], ends[2];
	char text[8] = "";
	enum exchange_end end;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "abc", 3), 3);
	assert_int_equal(exchange_receive(ends[0], text, 3, in(PATIENT)), EXCHANGE_FAILED);
	assert_int_equal(errno, ENOTSOCK);
	assert_int_equal(exchange_send(ends[1], text, 3, in(PATIENT)), EXCHANGE_FAILED);
	assert_int_equal(errno, ENOTSOCK);
	close(ends[0]);
	close(ends[1]);

	pair_open(pair);
	before = descriptors_limit(0);
	end = exchange_send(pair[0], "abc", 3, in(PATIENT));
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(end, EXCHANGE_POLL_FAILED);
	assert_int_equal(errno, EINVAL);
	close(pair[0]);
	close(pair[1]);
}

static volatile sig_atomic_t alarms;

static void alarm_count(int signal)
{
	(void)signal;
	alarms++;
}

/* Signals interrupt neither the wait for bytes nor that for the deadline, and do not prolong it. */
static void test_interrupted(void **state)
{
	const struct itimerval often = { { .tv_usec = 5000 }, { .tv_usec = 5000 } }, never = { 0 };
	struct sigaction action = { .sa_handler = alarm_count }, before;
	int64_t began = clock_boot_ms();
	char text[8] = "";
	int pair[2];
	pid_t pid;

	(void)state;
	pair_open(pair);
	pid = slow_peer(pair, "answers", 8);
	assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	assert_int_equal(exchange_receive(pair[0], text, 8, in(PATIENT)), EXCHANGE_DONE);
	assert_int_equal(exchange_receive(pair[0], text, 1, in(SHORT)), EXCHANGE_LATE);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
	assert_string_equal(text, "answers");
	assert_in_range(clock_boot_ms() - began, SHORT, PATIENT);
	assert_true(alarms > 1);
	close(pair[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* --- programs --------------------------------------------------------------------------------- */

/* Start a shell with @script; its end of the socket is its descriptor @at. */
static pid_t shell(const char *script, int at, int *fd)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };
	pid_t pid = -1;

	assert_int_equal(program_start(SHELL, argv, at, &pid, fd), 0);
	assert_true(pid > 0);
	assert_true(*fd >= 0);
	assert_int_equal(fcntl(*fd, F_GETFD), FD_CLOEXEC);
	return pid;
}

static void end(pid_t pid, int fd, int expected)
{
	int status = -1;

	assert_true(program_end(&pid, &fd, &status));
	assert_int_equal(status, expected);
	assert_int_equal(pid, 0);
	assert_int_equal(fd, -1);
	assert_false(program_end(&pid, &fd, &status));
}

/* What a program says, to its end. */
static void expect_said(int fd, const char *expected)
{
	char text[TEXT_MAX] = "";

	assert_int_equal(exchange_receive(fd, text, sizeof(text) - 1, in(PATIENT)),
			 EXCHANGE_CLOSED);
	assert_string_equal(text, expected);
}

/* Of this process, a program has its end of the socket. */
static void test_nothing_inherited(void **state)
{
	static const struct {
		int at;
		const char *script, *said;
	} cases[] = {
		{ 3,
		  /* The first 28 signals: 32 and 33 are glibc's own, and inherited. */
		  "cd /proc/$$; (wc -c <environ; sed -nE 's/^Sig(Blk|Ign):.{10}/\\1 /p' /proc/self/status;"
		  "ls fd; readlink fd/0 fd/1 fd/2) >&3; exit 0",
		  "0\nBlk 0000000\nIgn 0000000\n0\n1\n2\n3\n"
		  "/dev/null\n/dev/null\n/dev/null\n" },
		{ 0, "cd /proc/$$; (wc -c <environ; ls fd; readlink fd/1 fd/2) >&0; exit 0",
		  "0\n0\n1\n2\n/dev/null\n/dev/null\n" },
	};
	int leak = fcntl(2, F_DUPFD, 10); /* as if close-on-exec had been forgotten */
	sigset_t set, before;

	(void)state;
	assert_true(leak >= 10);
	sigfillset(&set);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, &before), 0);
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd;
		pid_t pid = shell(cases[i].script, cases[i].at, &fd);

		expect_said(fd, cases[i].said);
		end(pid, fd, 0);
	}
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	close(leak);
}

/* One that has ended by itself keeps its status, and one that ignores the close of its socket is killed. */
static void test_end(void **state)
{
	int64_t began;
	pid_t pid;
	int fd;

	(void)state;
	pid = shell("exit 7", 0, &fd);
	expect_said(fd, "");
	end(pid, fd, W_EXITCODE(7, 0));

	pid = shell("trap '' TERM HUP PIPE; echo >&3; while :; do sleep 1; done", 3, &fd);
	assert_int_equal(exchange_receive(fd, &(char){ 0 }, 1, in(PATIENT)), EXCHANGE_DONE);
	began = clock_boot_ms();
	end(pid, fd, W_EXITCODE(0, SIGKILL));
	assert_in_range(clock_boot_ms() - began, 0, 1500);
}

struct result {
	pid_t pid;
	bool ended;
	int status;
};

/* In a process that may not kill: end a shell with @script, and tell its process, whether it has ended, and its status. */
static void without_kill(const char *script, int tell)
{
	struct result result = { .status = -1 };
	pid_t pid;
	int fd;

	pid = result.pid = shell(script, 0, &fd);
	if (refuse(SCMP_SYS(kill), EPERM))
		_exit(1);
	result.ended = program_end(&pid, &fd, &result.status);
	_exit(write(tell, &result, sizeof(result)) != sizeof(result));
}

static void expect_without_kill(const char *script, bool ended, int status)
{
	struct result result = { 0 };
	pid_t child;
	int pair[2];

	pair_open(pair);
	child = fork();
	if (child == 0)
		without_kill(script, pair[1]);
	close(pair[1]);
	assert_int_equal(exchange_receive(pair[0], &result, sizeof(result), in(PATIENT)),
			 EXCHANGE_DONE);
	assert_int_equal(result.ended, ended);
	if (ended)
		assert_int_equal(result.status, status);
	else
		assert_int_equal(kill(result.pid, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(pair[0]);
}

/* The wait for a program that we may not kill is limited, and one that reads its socket ends by the close of it. */
static void test_end_without_kill(void **state)
{
	int64_t began = clock_boot_ms();

	(void)state;
	expect_without_kill("read line; exit 5", true, W_EXITCODE(5, 0));
	began = clock_boot_ms();
	expect_without_kill("exec sleep 60", false, 0);
	assert_in_range(clock_boot_ms() - began, 2000, PATIENT);
}

static void expect_not_started(const char *path, int ret, int error)
{
	char *argv[] = { (char *)"sh", NULL };
	const int before = dup(0);
	pid_t pid = -2;
	int fd = -2, after;

	close(before);
	assert_int_equal(program_start(path, argv, 0, &pid, &fd), ret);
	assert_int_equal(errno, error);
	assert_int_equal(pid, 0);
	assert_int_equal(fd, -1);
	after = dup(0);
	close(after);
	assert_int_equal(after, before); /* no descriptor is left */
}

static void test_not_started(void **state)
{
	struct rlimit before;

	(void)state;
	expect_not_started("/nonexistent/program", 1, ENOENT);
	expect_not_started("/etc/passwd", 1, EACCES);
	before = descriptors_limit(0);
	expect_not_started(SHELL, -1, EMFILE);
	setrlimit(RLIMIT_NOFILE, &before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),	    cmocka_unit_test(test_late),
		cmocka_unit_test(test_closed),	    cmocka_unit_test(test_failed),
		cmocka_unit_test(test_interrupted), cmocka_unit_test(test_nothing_inherited),
		cmocka_unit_test(test_end),	    cmocka_unit_test(test_end_without_kill),
		cmocka_unit_test(test_not_started),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
