// SPDX-License-Identifier: Apache-2.0
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

struct streams {
	int in[2], out[2], err[2];
};

void command_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void streams_close(struct streams *s)
{
	int *all[] = { s->in, s->out, s->err };

	for (size_t i = 0; i < 3; i++) {
		command_close(&all[i][0]);
		command_close(&all[i][1]);
	}
}

static int streams_open(struct streams *s)
{
	*s = (struct streams){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (pipe2(s->in, O_CLOEXEC) == 0 && pipe2(s->out, O_CLOEXEC) == 0 &&
	    pipe2(s->err, O_CLOEXEC) == 0)
		return 0;
	streams_close(s);
	return -1;
}

/* The command must not inherit the signals that the agent blocks or ignores. */
static void signals_reset(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
}

static _Noreturn void command_exec(const struct streams *s, char *const argv[])
{
	int error;

	setsid();
	signals_reset();
	dup2(s->in[0], STDIN_FILENO);
	dup2(s->out[1], STDOUT_FILENO);
	dup2(s->err[1], STDERR_FILENO);
	execvp(argv[0], argv);
	error = errno;
	dprintf(STDERR_FILENO, "agent: %s: %s\n", argv[0], strerror(error));
	_exit(error == ENOENT ? 127 : 126);
}

static void do_not_block(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static int take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

int command_start(struct command *command, char *const argv[])
{
	struct streams s;
	pid_t pid;

	if (streams_open(&s))
		return -1;
	pid = fork();
	if (pid == 0)
		command_exec(&s, argv);
	if (pid > 0) {
		*command = (struct command){ .pid = pid,
					     .pidfd = pidfd_open(pid, 0),
					     .in = take(&s.in[1]),
					     .out = take(&s.out[0]),
					     .err = take(&s.err[0]) };
		do_not_block(command->in);
		do_not_block(command->out);
		do_not_block(command->err);
	}
	streams_close(&s);
	return pid > 0 ? 0 : -1;
}

static int shell_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int command_end(struct command *command, int signal)
{
	int status = 0;

	if (signal) {
		kill(command->pid, signal); /* it may not have called setsid() yet */
		kill(-command->pid, signal);
	}
	while (waitpid(command->pid, &status, 0) < 0 && errno == EINTR)
		;
	command_close(&command->pidfd);
	command_close(&command->in);
	command_close(&command->out);
	command_close(&command->err);
	command->pid = 0;
	return shell_status(status);
}
