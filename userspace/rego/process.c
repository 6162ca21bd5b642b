// SPDX-License-Identifier: Apache-2.0
#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "exchange/program.h"
#include "exchange/stream.h"
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

int rego_start(struct rego_process *process, size_t memory, struct error *e)
{
	char bytes[24], parent[24];
	char *argv[] = { (char *)ENGINE, bytes, parent, NULL };
	int ret;

	snprintf(bytes, sizeof(bytes), "%zu", memory);
	snprintf(parent, sizeof(parent), "%d", (int)getpid());
	ret = program_start(rego_program(), argv, 0, &process->pid, &process->fd);
	if (ret < 0)
		return error_set_errno(e, ERROR_SYSTEM, ENGINE ": socketpair");
	if (ret > 0)
		return error_set_errno(
			e, errno == ENOENT || errno == EACCES ? ERROR_CONFIG : ERROR_SYSTEM, "%s",
			rego_program());
	return 0;
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

void rego_end(struct rego_process *process, struct error *e)
{
	const bool started = process->pid != 0;
	int status;
	const bool ended = program_end(&process->pid, &process->fd, &status);

	if (!started || !e || e->kind != ERROR_NONE)
		return;
	if (ended)
		ended_because(status, e);
	else
		error_set(e, ERROR_POLICY, ENGINE " does not answer");
}

/* --- a question ------------------------------------------------------------------------------ */

/* This and question_ask(): -1 without an error if the process has ended. */
static int process_check(enum exchange_end end, struct error *e)
{
	if (end == EXCHANGE_LATE)
		return error_set(e, ERROR_POLICY, "the policy took longer than it may");
	if (end == EXCHANGE_POLL_FAILED)
		return error_set_errno(e, ERROR_SYSTEM, ENGINE ": poll");
	return end == EXCHANGE_DONE ? 0 : -1;
}

static int question_ask(int fd, const struct bytes *question, int64_t deadline,
			struct bytes *answer, struct error *e)
{
	uint8_t head[4];
	enum exchange_end end;
	int64_t size;

	end = exchange_send(fd, question->data, question->len, deadline);
	if (end == EXCHANGE_DONE)
		end = exchange_receive(fd, head, sizeof(head), deadline);
	if (process_check(end, e) < 0)
		return -1;
	size = rego_frame_size(head, sizeof(head), REGO_ANSWER_MAX, e);
	if (size < 0 || bytes_resize(answer, (size_t)size - sizeof(head), e) < 0)
		return -1;
	return process_check(exchange_receive(fd, answer->data, answer->len, deadline), e);
}

int rego_call(struct rego_process *process, const struct bytes *question, int timeout,
	      struct bytes *answer, struct error *e)
{
	const int64_t deadline = clock_boot_ms() + timeout;

	bytes_clear(answer);
	if (process->fd < 0)
		return error_set(e, ERROR_SYSTEM, ENGINE ": not running");
	if (question_ask(process->fd, question, deadline, answer, e) == 0)
		return 0;
	rego_end(process, e);
	return -1;
}
