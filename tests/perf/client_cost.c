// SPDX-License-Identifier: Apache-2.0
/*
 * client_cost N PROGRAM [ARGUMENT...]: runs the program N times, without its output, and prints the mean of the wall
 * time and of the CPU time of all of its processes, in microseconds, the peak of resident memory of the largest
 * process in KiB, and the exit status of the last run. It waits for orphans too, because the courier's worker is one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void child_exec(char **argv)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execv(argv[0], argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[1]) : 0, status, result = 0;
	long long wall = 0, cpu = 0, begun;
	struct rusage usage;
	pid_t child, pid;
	long peak = 0;

	if (n < 1 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return 2;
	for (int i = 0; i < n; i++) {
		begun = microseconds();
		child = fork();
		if (child == 0)
			child_exec(argv + 2);
		while ((pid = wait4(-1, &status, 0, &usage)) > 0) {
			cpu += (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL +
			       usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
			if (usage.ru_maxrss > peak)
				peak = usage.ru_maxrss;
			if (pid != child)
				continue;
			wall += microseconds() - begun;
			result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		}
	}
	printf("%lld %lld %ld %d\n", wall / n, cpu / n, peak, result);
	return 0;
}
