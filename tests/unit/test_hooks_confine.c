// SPDX-License-Identifier: Apache-2.0
/*
 * The confinement of the two processes of realmkey-hooks: a child confines itself, tries one action, and its exit status is
 * the outcome. The caller's child stands in a directory with a socket, as that of systemd.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempts.h"
#include "base/array.h"
#include "base/log.h"
#include "hooks/confine.h"
#include "hooks/systemd.h"

#define KILLED 1000 /* an outcome that is not an errno: killed by SIGSYS */
#define WRONG  1001
#define TRIED  100 /* added to the outcome in the exit status; that of a sanitizer is less */

static char directory[] = "/tmp/test_hooks.XXXXXX";
static struct sockaddr_un inside = { .sun_family = AF_UNIX }, outside = { .sun_family = AF_UNIX };
static int listener, listener_outside, pipe_ends[2];
static pid_t other;	    /* a process of the same user */
static const char *reached; /* what confine_caller() returned */

#define ADDRESS(a) (const struct sockaddr *)&(a), sizeof(a)

static int socket_serve(struct sockaddr_un *address, const char *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address->sun_path, sizeof(address->sun_path), "%s%s", directory, name);
	return fd < 0 || bind(fd, ADDRESS(*address)) < 0 || listen(fd, 4) < 0 ? -1 : fd;
}

static int group_setup(void **state)
{
	(void)state;
	if (geteuid() != 0)
		print_message("# skipped, these tests cannot run here: not root\n");
	if (!mkdtemp(directory) || pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC) < 0)
		return -1;
	listener = socket_serve(&inside, "/private");
	listener_outside = socket_serve(&outside, ".outside");
	other = fork();
	if (other == 0)
		_exit(pause());
	return listener < 0 || listener_outside < 0 || other < 0 ? -1 : 0;
}

static int group_teardown(void **state)
{
	(void)state;
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	unlink(inside.sun_path);
	unlink(outside.sun_path);
	return rmdir(directory);
}

TRY(tcp, socket(AF_INET, SOCK_STREAM, 0))
TRY(netlink, socket(AF_NETLINK, SOCK_RAW, 0))
TRY(unix_datagram, socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0))
TRY(unix_packet, socket(AF_UNIX, SOCK_SEQPACKET, 0))
TRY(pair, socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){ 0 }))
TRY(accept, accept4(listener, NULL, NULL, 0))
TRY(open, open("/", O_RDONLY | O_DIRECTORY))
TRY(open_new, open("new", O_WRONLY | O_CREAT, 0600))
TRY(unlink, unlink("private"))
TRY(mkdir, mkdir("new", 0700))
TRY(chdir, chdir("/"))
TRY(chroot, chroot("/"))
TRY(kill, kill(other, 0))
TRY(kill_all, kill(-1, 0))
TRY(pidfd, syscall(SYS_pidfd_open, 1, 0))
TRY(own, fcntl(pipe_ends[0], F_SETOWN, 1))
TRY(async, fcntl(pipe_ends[0], F_SETFL, O_ASYNC))
TRY(setuid, syscall(SYS_setuid, 0))
TRY(pass, write(pipe_ends[1], "1234", 4) != 4)
TRY(read, read(pipe_ends[0], (char[4]){ 0 }, 4) < 0 && errno != EAGAIN ? -1 : 0)
TRY(poll, poll(NULL, 0, 0))

/* systemd has its socket below its directory; others are elsewhere. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return fd < 0 ? errno : outcome(connect(fd, ADDRESS(address)));
}

static int try_connect(void)
{
	return connect_to(reached ? reached : inside.sun_path);
}

static int try_connect_outside(void)
{
	return connect_to(outside.sun_path);
}

static int try_connect_parent(void)
{
	char path[sizeof(outside.sun_path) + 3];

	snprintf(path, sizeof(path), "../%s", strrchr(outside.sun_path, '/') + 1);
	return connect_to(path);
}

static int try_log(void)
{
	errno = 0;
	log_set(log_to_stderr);
	log_line(LOG_LEVEL_INFO, "# a line of the log");
	return errno == EPERM ? EPERM : 0;
}

static const struct attempt {
	const char *name;
	int (*function)(void);
	int receiver, caller;
} attempts[] = {
	{ "log", try_log, 0, 0 },
	{ "read", try_read, 0, 0 },
	{ "write", try_pass, 0, 0 },
	{ "poll", try_poll, 0, 0 },
	{ "connect to systemd", try_connect, EPERM, 0 },
	{ "connect elsewhere", try_connect_outside, EPERM, ENOENT },
	{ "connect to the parent directory", try_connect_parent, EPERM, ENOENT },
	{ "Unix socket", try_unix, EPERM, 0 },
	{ "Unix datagrams", try_unix_datagram, EPERM, EPERM },
	{ "Unix packets", try_unix_packet, EPERM, EPERM },
	{ "socketpair", try_pair, EPERM, EPERM },
	{ "accept", try_accept, EPERM, EPERM },
	{ "TCP", try_tcp, EPERM, EPERM },
	{ "UDP", try_udp6, EPERM, EPERM },
	{ "netlink", try_netlink, EPERM, EPERM },
	{ "raw", try_raw, EPERM, EPERM },
	{ "packet", try_packet, EPERM, EPERM },
	{ "vsock", try_vsock, EPERM, EPERM },
	{ "open", try_open, EPERM, EPERM },
	{ "new file", try_open_new, EPERM, EPERM },
	{ "unlink", try_unlink, EPERM, EPERM },
	{ "mkdir", try_mkdir, EPERM, EPERM },
	{ "chdir", try_chdir, EPERM, EPERM },
	{ "chroot", try_chroot, KILLED, KILLED },
	{ "kill", try_kill, EPERM, EPERM },
	{ "kill all", try_kill_all, EPERM, EPERM },
	{ "pidfd", try_pidfd, KILLED, KILLED },
	{ "F_SETOWN", try_own, EPERM, EPERM },
	{ "O_ASYNC", try_async, EPERM, EPERM },
	{ "setuid", try_setuid, KILLED, KILLED },
	{ "capset", try_capset, KILLED, KILLED },
	{ "dumpable", try_dumpable, EPERM, EPERM },
	{ "pidfd_getfd", try_getfd, KILLED, KILLED },
	{ "mount", try_mount, KILLED, KILLED },
	{ "unshare", try_unshare, KILLED, KILLED },
	{ "bpf", try_bpf, KILLED, KILLED },
	{ "io_uring", try_io_uring, KILLED, KILLED },
	{ "module", try_module, KILLED, KILLED },
	{ "keyctl", try_keyctl, KILLED, KILLED },
	{ "process", try_process, EPERM, EPERM },
	{ "clone3", try_clone3, EPERM, EPERM },
	{ "execve", try_execve, KILLED, KILLED },
	{ "code", try_code, EPERM, EPERM },
	{ "data to code", try_data_to_code, EPERM, EPERM },
};

/* In a child, which confines itself as one of the two. */
static _Noreturn void child_try(int (*function)(void), bool caller, pid_t parent)
{
	struct error e = ERROR_INIT;

	if (caller)
		reached = confine_caller(inside.sun_path, &e);
	else if (confine_receiver(parent, &e) < 0)
		_exit(TRIED - 1);
	if (caller && !reached)
		_exit(TRIED - 1);
	_exit(TRIED + function());
}

static int attempt(int (*function)(void), bool caller)
{
	const pid_t self = getpid(), pid = fork();
	int status;

	if (pid == 0)
		child_try(function, caller, self);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return KILLED;
	if (!WIFEXITED(status) || WEXITSTATUS(status) < TRIED)
		return WRONG;
	return WEXITSTATUS(status) - TRIED;
}

static void attempts_check(bool caller)
{
	int failed = 0;

	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		const int wanted = caller ? attempts[i].caller : attempts[i].receiver;
		const int got = attempt(attempts[i].function, caller);

		if (got == wanted)
			continue;
		failed++;
		print_error("%s: %d, expected %d\n", attempts[i].name, got, wanted);
	}
	assert_int_equal(failed, 0);
}

static void test_receiver(void **state)
{
	(void)state;
	attempts_check(false);
}

static void test_caller(void **state)
{
	(void)state;
	attempts_check(true);
}

/* No capability, no new privileges, a filter. */
static void test_no_capabilities(void **state)
{
	const pid_t pid = fork();
	char path[64], line[256];
	int zero = 0;
	struct error e = ERROR_INIT;
	FILE *status;

	(void)state;
	if (geteuid() != 0)
		skip();
	if (pid == 0)
		_exit(!confine_caller(inside.sun_path, &e) || poll(NULL, 0, -1));
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	/* Until it is confined. */
	for (int tries = 0; tries < 1000 && zero < 7; tries++) {
		zero = 0;
		poll(NULL, 0, 10);
		status = fopen(path, "re");
		assert_non_null(status);
		while (fgets(line, sizeof(line), status))
			zero += (!strncmp(line, "Cap", 3) && strstr(line, "\t0000000000000000")) ||
				!strcmp(line, "NoNewPrivs:\t1\n") || !strcmp(line, "Seccomp:\t2\n");
		fclose(status);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* Five sets, and two lines. */
	assert_int_equal(zero, 7);
}

static void test_wrong_socket(void **state)
{
	static const struct {
		const char *path;
		enum error_kind kind;
	} rows[] = {
		{ "private", ERROR_USAGE },
		{ "", ERROR_USAGE },
		{ "/nonexistent/private", ERROR_SYSTEM },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error e = ERROR_INIT;

		assert_null(confine_caller(rows[i].path, &e));
		assert_int_equal(e.kind, rows[i].kind);
	}
}

static void test_no_systemd(void **state)
{
	struct error e = ERROR_INIT;
	char path[sizeof(inside.sun_path) + 2];

	(void)state;
	snprintf(path, sizeof(path), "%s.x", inside.sun_path);
	assert_null(systemd_open(path, &e));
	assert_true(e.transient);
	assert_string_equal(e.text, "cannot connect to systemd: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_receiver),	cmocka_unit_test(test_caller),
		cmocka_unit_test(test_no_capabilities), cmocka_unit_test(test_wrong_socket),
		cmocka_unit_test(test_no_systemd),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
