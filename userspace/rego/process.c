// SPDX-License-Identifier: Apache-2.0
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "question.h"

#define ENGINE "realmkey-policy"

const char *rego_program(void)
{
	const char *named = secure_getenv("REALMKEY_POLICY");

	return named && *named ? named : POLICY_PATH;
}

bool rego_available(void)
{
	return access(rego_program(), X_OK) == 0 ||
	       (errno != ENOENT && errno != ENOTDIR && errno != EACCES);
}

/* --- start ----------------------------------------------------------------------------------- */

/* The socket is standard input. What a policy prints goes nowhere. */
static int spawn_arrange(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attr, int fd)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	return posix_spawn_file_actions_adddup2(actions, fd, 0) ||
	       posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0) ||
	       posix_spawn_file_actions_adddup2(actions, 1, 2) ||
	       posix_spawn_file_actions_addclosefrom_np(actions, 3) ||
	       posix_spawnattr_setsigmask(attr, &none) ||
	       posix_spawnattr_setsigdefault(attr, &all) ||
	       posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* Run the program with the end @fd of the socket. Returns an errno. The environment is empty. */
static int program_spawn(struct rego_process *process, size_t memory, int fd)
{
	char bytes[24], parent[24];
	char *argv[] = { (char *)ENGINE, bytes, parent, NULL }, *envp[] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int error = ENOMEM;

	snprintf(bytes, sizeof(bytes), "%zu", memory);
	snprintf(parent, sizeof(parent), "%d", (int)getpid());
	if (posix_spawn_file_actions_init(&actions))
		return ENOMEM;
	if (posix_spawnattr_init(&attr))
		goto out;
	if (spawn_arrange(&actions, &attr, fd) == 0)
		error = posix_spawn(&process->pid, rego_program(), &actions, &attr, argv, envp);
	posix_spawnattr_destroy(&attr);
out:
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

int rego_start(struct rego_process *process, size_t memory, struct error *e)
{
	int pair[2], error;

	*process = (struct rego_process)REGO_PROCESS_INIT;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno(e, ERROR_SYSTEM, ENGINE ": socketpair");
	error = program_spawn(process, memory, pair[1]);
	close(pair[1]);
	if (error == 0) {
		process->fd = pair[0];
		return 0;
	}
	close(pair[0]);
	process->pid = 0;
	errno = error;
	return error_set_errno(e, error == ENOENT || error == EACCES ? ERROR_CONFIG : ERROR_SYSTEM,
			       "%s", rego_program());
}

/* --- end ------------------------------------------------------------------------------------- */

static const struct {
	int status;
	const char *cause;
} exits[] = {
	{ REGO_EXIT_MEMORY, "the policy needed more memory than it may use" },
	{ REGO_EXIT_STACK, "the policy was nested too deeply" },
	{ REGO_EXIT_PROTOCOL, "it received a malformed question" },
	{ REGO_EXIT_CONFINE, "it could not give up its privileges" },
};

/*
 * Say why the process ended, which has the wait status @status. Two ends no policy can cause: a SIGKILL, which
 * rego_end() sends when the socket has failed, and the kernel when this machine has no memory left; and status 0,
 * after the end of the socket.
 */
static int ended_because(int status, struct error *e)
{
	for (size_t i = 0; WIFEXITED(status) && i < ARRAY_SIZE(exits); i++)
		if (WEXITSTATUS(status) == exits[i].status)
			return error_set(e, ERROR_POLICY, ENGINE " ended: %s", exits[i].cause);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return error_set(e, ERROR_POLICY,
				 ENGINE " ended: it made a system call that it may not make");
	if (WIFSIGNALED(status))
		return error_set(e, WTERMSIG(status) == SIGKILL ? ERROR_SYSTEM : ERROR_POLICY,
				 ENGINE " ended: SIG%s", sigabbrev_np(WTERMSIG(status)));
	return error_set(e, WEXITSTATUS(status) ? ERROR_POLICY : ERROR_SYSTEM,
			 ENGINE " ended with status %d", WEXITSTATUS(status));
}

#define STOP_MS	     2000 /* the longest wait for a process that we may not kill */
#define STOP_STEP_MS 20

/* Wait for the end of @pid. If we may not kill it (root without CAP_KILL, since it has become another user), it
 * ends because its socket is closed, unless it loops; so that wait is limited. */
static pid_t process_reap(pid_t pid, bool killed, int *status)
{
	const struct timespec step = { .tv_nsec = STOP_STEP_MS * 1000000L };
	int left = STOP_MS / STOP_STEP_MS;
	pid_t reaped;

	for (;;) {
		reaped = waitpid(pid, status, killed ? 0 : WNOHANG);
		if (reaped > 0 || (reaped < 0 && errno != EINTR))
			return reaped;
		if (reaped == 0 && left-- == 0)
			return 0;
		if (reaped == 0)
			nanosleep(&step, NULL);
	}
}

void rego_end(struct rego_process *process, struct error *e)
{
	int status = 0;
	pid_t reaped;

	if (process->fd >= 0)
		close(process->fd);
	process->fd = -1;
	if (!process->pid)
		return;
	/* One that has begun to exit keeps its own status. */
	reaped = process_reap(process->pid, kill(process->pid, SIGKILL) == 0, &status);
	process->pid = 0;
	if (e && e->kind == ERROR_NONE && reaped > 0)
		ended_because(status, e);
	else if (e && e->kind == ERROR_NONE)
		error_set(e, ERROR_POLICY, ENGINE " does not answer");
}

/* --- a question ------------------------------------------------------------------------------ */

/* Wait for @events. */
static int process_wait(const struct rego_process *process, short events, int64_t deadline,
			struct error *e)
{
	struct pollfd p = { .fd = process->fd, .events = events };
	int64_t left;
	int ready;

	do {
		left = deadline - clock_boot_ms();
		ready = left > 0 ? poll(&p, 1, (int)left) : 0;
	} while (ready < 0 && errno == EINTR);
	if (ready == 0)
		return error_set(e, ERROR_POLICY, "the policy took longer than it may");
	return ready > 0 ? 0 : error_set_errno(e, ERROR_SYSTEM, ENGINE ": poll");
}

/* This and the next two: -1 without an error if the process has ended. */
static int question_send(const struct rego_process *process, const struct bytes *question,
			 int64_t deadline, struct error *e)
{
	size_t sent = 0;

	while (sent < question->len) {
		ssize_t n;

		if (process_wait(process, POLLOUT, deadline, e) < 0)
			return -1;
		n = send(process->fd, question->data + sent, question->len - sent,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			sent += (size_t)n;
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
	}
	return 0;
}

/* Receive exactly @len bytes. */
static int answer_part(const struct rego_process *process, uint8_t *data, size_t len,
		       int64_t deadline, struct error *e)
{
	while (len) {
		ssize_t n;

		if (process_wait(process, POLLIN, deadline, e) < 0)
			return -1;
		n = recv(process->fd, data, len, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return -1;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int answer_take(const struct rego_process *process, struct bytes *answer, int64_t deadline,
		       struct error *e)
{
	uint8_t head[4];
	int64_t size;

	if (answer_part(process, head, sizeof(head), deadline, e) < 0)
		return -1;
	size = rego_frame_size(head, sizeof(head), REGO_ANSWER_MAX, e);
	if (size < 0 || bytes_resize(answer, (size_t)size - sizeof(head), e) < 0)
		return -1;
	return answer_part(process, answer->data, answer->len, deadline, e);
}

int rego_call(struct rego_process *process, const struct bytes *question, int timeout,
	      struct bytes *answer, struct error *e)
{
	const int64_t deadline = clock_boot_ms() + timeout;

	bytes_clear(answer);
	if (process->fd < 0)
		return error_set(e, ERROR_SYSTEM, ENGINE ": not running");
	if (question_send(process, question, deadline, e) == 0 &&
	    answer_take(process, answer, deadline, e) == 0)
		return 0;
	rego_end(process, e);
	return -1;
}
