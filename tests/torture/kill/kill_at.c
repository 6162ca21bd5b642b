// SPDX-License-Identifier: Apache-2.0
/*
 * kill_at N PROGRAM ARG...   run the program, and kill it instead of its Nth system call after exec
 * kill_at N -p PID           the same with a process that runs, counted from the line "ready"
 * kill_at N -c PID           the same with the next process that this one forks, counted from there
 *
 * It kills by SIGKILL, which no process can prepare for. The calls of all threads count, those of
 * other processes that the program starts do not. Exit status: 100 if it has killed the program,
 * 101 if that ended before; any other status is an error of this program. With -p and -c, SIGTERM ends this
 * program and lets the process run on.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KILLED = 100, ENDED = 101, FAILED = 125 };

#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(FAILED);
}

static void seize(pid_t pid, long options)
{
	if (ptrace(PTRACE_SEIZE, pid, NULL, options) < 0)
		fail("PTRACE_SEIZE");
}

/* For a program that gets a socket from the service manager: it accepts one that is meant for its process only. */
static void listen_pid_set(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (getenv("LISTEN_FDS") && setenv("LISTEN_PID", pid, 1) < 0)
		fail("setenv");
}

/* Stops before exec, so that nothing is missed. */
static pid_t program_start(char **argv)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		listen_pid_set();
		raise(SIGSTOP);
		execv(argv[0], argv);
		fail(argv[0]);
	}
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		fail("waitpid");
	seize(pid, OPTIONS | PTRACE_O_EXITKILL);
	kill(pid, SIGCONT);
	return pid;
}

static void process_seize(pid_t pid, long options)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		fail(path);
	while ((entry = readdir(dir))) {
		pid_t thread = atoi(entry->d_name);
		int status;

		if (thread <= 0)
			continue;
		seize(thread, options);
		if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) < 0 ||
		    waitpid(thread, &status, __WALL) != thread || !WIFSTOPPED(status) ||
		    ptrace(PTRACE_SYSCALL, thread, NULL, NULL) < 0)
			fail("PTRACE_INTERRUPT");
	}
	closedir(dir);
	puts("ready");
	fflush(stdout);
}

/* True if @thread has stopped before a system call; prints the number of the one that is next. */
static bool call_begins(pid_t thread, bool print)
{
	struct __ptrace_syscall_info info = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) < 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	if (print)
		fprintf(stderr, "kill_at: killed before system call %llu\n",
			(unsigned long long)info.entry.nr);
	return true;
}

/* @parent has stopped because it has forked. Let it run on. Returns its child, which is traced. */
static pid_t child_of(pid_t parent)
{
	unsigned long child;

	if (ptrace(PTRACE_GETEVENTMSG, parent, NULL, &child) < 0 ||
	    ptrace(PTRACE_DETACH, parent, NULL, NULL) < 0)
		fail("PTRACE_DETACH");
	return (pid_t)child;
}

/* Follow @leader and its threads until the call @at; if @leader forks and that is traced, its child instead. */
static int follow(pid_t leader, unsigned long at, bool counting)
{
	unsigned long count = 0;
	int status, signal;
	pid_t thread;

	for (;;) {
		thread = waitpid(-1, &status, __WALL);
		if (thread < 0)
			fail("waitpid");
		if (!WIFSTOPPED(status)) {
			if (thread == leader)
				return ENDED;
			continue;
		}
		signal = WSTOPSIG(status);
		if (signal == (SIGTRAP | 0x80)) {
			signal = 0;
			if (counting && call_begins(thread, count + 1 == at) && ++count == at) {
				if (kill(leader, SIGKILL) < 0)
					fail("kill");
				/* The leader is reported when its threads are. */
				do
					thread = waitpid(-1, &status, __WALL);
				while (thread > 0 && (thread != leader || WIFSTOPPED(status)));
				return KILLED;
			}
		} else if (status >> 16 == PTRACE_EVENT_FORK) {
			leader = child_of(thread);
			counting = true;
			continue;
		} else if (status >> 16) {
			signal = 0;
			counting = counting || status >> 16 == PTRACE_EVENT_EXEC;
		}
		if (ptrace(PTRACE_SYSCALL, thread, NULL, (long)signal) < 0 && errno != ESRCH)
			fail("PTRACE_SYSCALL");
	}
}

int main(int argc, char **argv)
{
	unsigned long at = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	bool child;
	pid_t pid;

	if (at == 0) {
		fprintf(stderr,
			"usage: kill_at N PROGRAM ARG... | kill_at N -p PID | kill_at N -c PID\n");
		return FAILED;
	}
	child = strcmp(argv[2], "-c") == 0;
	if (!child && strcmp(argv[2], "-p") != 0)
		return follow(program_start(argv + 2), at, false);
	pid = argc > 3 ? atoi(argv[3]) : 0;
	if (pid <= 0)
		return FAILED;
	process_seize(pid, child ? OPTIONS | PTRACE_O_TRACEFORK : OPTIONS);
	return follow(pid, at, !child);
}
