// SPDX-License-Identifier: Apache-2.0
/*
 * peak REPORT PROGRAM [ARGUMENT...]: runs the program, and writes to the file REPORT the peak of
 * resident memory, in KiB, of the largest of its processes, orphans included. Ends as the program
 * does. The caller itself could not measure it: a process inherits the peak of the one that made it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int status, result = 127;
	struct rusage usage;
	pid_t child, pid;
	long peak = 0;
	FILE *report;

	if (argc < 3 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return 127;
	child = fork();
	if (child == 0) {
		execv(argv[2], argv + 2);
		_exit(127);
	}
	while ((pid = wait4(-1, &status, 0, &usage)) > 0) {
		if (usage.ru_maxrss > peak)
			peak = usage.ru_maxrss;
		if (pid == child)
			result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	report = fopen(argv[1], "we");
	if (!report || fprintf(report, "%ld\n", peak) < 0 || fclose(report))
		return 127;
	return result;
}
