// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "programs.h"
#include "kernel.h"
#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAMS     "/tests/"
#define PROGRAMS_MIN 8
#define RUNS_MAX     64

struct run {
	const char *program;
	const char *arguments; /* of the module */
	char name[96];
};

static struct run runs[RUNS_MAX];
static size_t runs_count, queue[RUNS_MAX], queued;
static int programs_count;

static const struct {
	const char *name, *arguments;
} hashes[] = {
	{ "SHA-256", "hash=0" },
	{ "SHA-512", "hash=1" },
	{ "SHA-384", "hash=2" },
};

static int entry_is_program(const struct dirent *entry)
{
	const char *end = strrchr(entry->d_name, '_');

	return end && strcmp(end, "_test") == 0;
}

static void run_add(const char *program, const char *hash, const char *arguments)
{
	struct run *run = &runs[runs_count];

	if (runs_count == RUNS_MAX)
		tap_bail("more than %d runs", RUNS_MAX);
	run->program = program;
	run->arguments = arguments;
	snprintf(run->name, sizeof(run->name), "kselftest: %.60s%s%s", program, *hash ? ", " : "",
		 hash);
	runs_count++;
}

size_t programs_find(bool with_hashes)
{
	struct dirent **entries;

	if (runs_count)
		return runs_count;
	programs_count = scandir(PROGRAMS, &entries, entry_is_program, alphasort);
	for (int i = 0; !with_hashes && i < programs_count; i++)
		run_add(entries[i]->d_name, "", "");
	for (size_t hash = 0; with_hashes && hash < sizeof(hashes) / sizeof(hashes[0]); hash++)
		for (int i = 0; i < programs_count; i++)
			run_add(entries[i]->d_name, hashes[hash].name, hashes[hash].arguments);
	return runs_count;
}

const char *programs_name(size_t index)
{
	return runs[index].name;
}

void programs_queue(size_t index)
{
	queue[queued++] = index;
}

void programs_are_there(void)
{
	CHECK(programs_count >= PROGRAMS_MIN);
}

static pid_t program_start(const char *path, int *output)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		execl(path, path, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	*output = ends[0];
	return pid;
}

/* The skips that are expected here, by a part of their reasons; any other skip is a failure. */
static const struct {
	const char *reason;
	bool fake_only;
} skips[] = {
	{ "KASAN keeps freed memory", false },
	{ "no arm-cca-guest module", false },
	{ "only the fake RSI can hold a token", false },
	{ "only the fake RSI can be changed", false },
	{ "this RMM cannot be told to hold one", false },
	{ "this RMM offers RSI 1.0 only", true },
	{ "this kernel has no device for the RMM", true },
	{ "no module cca_foreign", true },
	{ "the fake RSI's registers are lost", true },
	{ "or the fake RSI, has no tracepoints", true },
};

static bool skip_is_known(const char *line)
{
	for (size_t i = 0; i < sizeof(skips) / sizeof(skips[0]); i++)
		if (strstr(line, skips[i].reason))
			return kernel_rsi_is_fake() || !skips[i].fake_only;
	return false;
}

/*
 * Prints its TAP indented, as a subtest. Returns its wait status, or -1 after an unexpected skip.
 */
static int program_run(const char *path)
{
	char line[512];
	int output, status = -1;
	bool good = true;
	pid_t pid = program_start(path, &output);
	FILE *lines = pid > 0 ? fdopen(output, "r") : NULL;

	while (lines && fgets(line, sizeof(line), lines)) {
		printf("    %s", line);
		good &= !strstr(line, "# SKIP") || skip_is_known(line);
	}
	if (lines)
		fclose(lines);
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (!good)
		tap_note("a test was skipped that must run here");
	return good ? status : -1;
}

void programs_next(void)
{
	static size_t next;
	const struct run *run = &runs[queue[next++]];
	char path[128];

	/* Few, because this kernel is slow; loads_often() loads more often. */
	setenv("RELOADS", "5", 1);
	setenv("TOKENS", "100", 1);
	setenv("MODULE", MODULE_FILE, 1);
	setenv("MODULE_ARGUMENTS", run->arguments, 1);
	kernel_module_unload();
	CHECK(kernel_module_load_with(run->arguments) == 0);
	snprintf(path, sizeof(path), PROGRAMS "%s", run->program);
	CHECK(program_run(path) == 0);
	CHECK(kernel_module_unload() == 0);
	CHECK(kernel_module_load() == 0);
}
