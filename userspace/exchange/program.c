// SPDX-License-Identifier: Apache-2.0
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STOP_MS	     2000 /* the longest wait for a process that we may not kill */
#define STOP_STEP_MS 20

static int spawn_arrange(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attr, int fd,
			 int at)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	return posix_spawn_file_actions_adddup2(actions, fd, at) ||
	       (at && posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0)) ||
	       posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0) ||
	       posix_spawn_file_actions_adddup2(actions, 1, 2) ||
	       posix_spawn_file_actions_addclosefrom_np(actions, at ? at + 1 : 3) ||
	       posix_spawnattr_setsigmask(attr, &none) ||
	       posix_spawnattr_setsigdefault(attr, &all) ||
	       posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* Start @path with @fd as its descriptor @at. Returns an errno. */
static int program_spawn(const char *path, char *const argv[], int fd, int at, pid_t *pid)
{
	char *envp[] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int error = ENOMEM;

	if (posix_spawn_file_actions_init(&actions))
		return ENOMEM;
	if (posix_spawnattr_init(&attr))
		goto out;
	if (spawn_arrange(&actions, &attr, fd, at) == 0)
		error = posix_spawn(pid, path, &actions, &attr, argv, envp);
	posix_spawnattr_destroy(&attr);
out:
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

int program_start(const char *path, char *const argv[], int at, pid_t *pid, int *fd)
{
	int pair[2], error;

	*pid = 0;
	*fd = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	error = program_spawn(path, argv, pair[1], at, pid);
	close(pair[1]);
	if (error == 0) {
		*fd = pair[0];
		return 0;
	}
	close(pair[0]);
	*pid = 0;
	errno = error;
	return 1;
}

static bool process_reap(pid_t pid, bool killed, int *status)
{
	const struct timespec step = { .tv_nsec = STOP_STEP_MS * 1000000L };
	int left = STOP_MS / STOP_STEP_MS;

	for (;;) {
		pid_t reaped = waitpid(pid, status, killed ? 0 : WNOHANG);

		if (reaped > 0 || (reaped < 0 && errno != EINTR))
			return reaped > 0;
		if (reaped == 0 && left-- == 0)
			return false;
		if (reaped == 0)
			nanosleep(&step, NULL);
	}
}

bool program_end(pid_t *pid, int *fd, int *status)
{
	const pid_t process = *pid;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	*pid = 0;
	return process && process_reap(process, kill(process, SIGKILL) == 0, status);
}
