// SPDX-License-Identifier: Apache-2.0
/*
 * PID 1 of the debug kernel, and all there is beside it: loads the module with the fake RSI, torments
 * it, says in TAP on the second serial port what came of it, powers off. The first serial port is the
 * kernel's, for its reports.
 */
#define _GNU_SOURCE
#include "fuzz.h"
#include "kernel.h"
#include "lies.h"
#include "ops.h"
#include "sweep.h"
#include "tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define RESULTS "/dev/ttyAMA1"
#define PROGRAMS "/tests/"
#define TESTS_MAX 64
#define KLOG_READ_ALL 3
#define LOADS 100

static const struct {
	const char *type, *target;
} mounts[] = {
	{ "devtmpfs", "/dev" }, { "proc", "/proc" }, { "sysfs", "/sys" }, { "tmpfs", "/tmp" },
	{ "debugfs", "/sys/kernel/debug" }, { "configfs", "/sys/kernel/config" },
};

/* Faults are injected only where fail-nth asks for them, but there into each allocation. */
static const struct {
	const char *path, *text;
} settings[] = {
	{ "/sys/kernel/debug/failslab/ignore-gfp-wait", "N" },
	{ "/sys/kernel/debug/failslab/verbose", "0" },
	{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N" },
	{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N" },
	{ "/sys/kernel/debug/fail_page_alloc/min-order", "0" },
	{ "/sys/kernel/debug/fail_page_alloc/verbose", "0" },
	{ "/sys/kernel/debug/fail_usercopy/verbose", "0" },
};

static bool system_prepare(void)
{
	int fd;

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].target, 0755);
		if (mount(mounts[i].type, mounts[i].target, mounts[i].type, 0, NULL) && errno != EBUSY)
			return false;
	}
	fd = open(RESULTS, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		return false;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (!kernel_write(settings[i].path, settings[i].text))
			tap_bail("%s: %s", settings[i].path, strerror(errno));
	return true;
}

static void loads(void)
{
	CHECK(kernel_module_prepare());
	CHECK(kernel_module_load() == 0);
	CHECK(access("/dev/cca-rsi", F_OK) == 0);
}

/* Without the log's taint a report of this kernel could be taken for one of the real module. */
static void taints(void)
{
	char text[32];

	CHECK(kernel_read("/proc/sys/kernel/tainted", text, sizeof(text)) > 0);
	CHECK(strtoul(text, NULL, 10) & (1 << 18));
}

/* --- the tests that run in realms ------------------------------------------------------------ */

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

/* Its TAP, indented, which makes it a subtest of ours; 0 if all was well. */
static int program_run(const char *path)
{
	char line[512];
	int output, status = -1;
	pid_t pid = program_start(path, &output);
	FILE *lines = pid > 0 ? fdopen(output, "r") : NULL;

	while (lines && fgets(line, sizeof(line), lines))
		printf("    %s", line);
	if (lines)
		fclose(lines);
	if (pid > 0)
		waitpid(pid, &status, 0);
	return status;
}

static struct dirent **programs;
static int programs_count;

static int program_is(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void program_next(void)
{
	static int next;
	char path[300];

	snprintf(path, sizeof(path), PROGRAMS "%s", programs[next++]->d_name);
	CHECK(program_run(path) == 0);
}

static void programs_are_there(void)
{
	CHECK(programs_count > 3);
}

/* --- the rest -------------------------------------------------------------------------------- */

static void sweep_next(void)
{
	static size_t next;

	sweep_run(next++);
}

static void loads_often(void)
{
	for (int i = 0; i < LOADS; i++) {
		CHECK(kernel_module_unload() == 0);
		CHECK(kernel_module_load() == 0);
	}
}

static void leaks_nothing(void)
{
	CHECK(kernel_module_unload() == 0);
	CHECK(kernel_no_leaks());
}

static void no_complaint(void)
{
	/* "Call trace" alone is not one: an allocation made to fail may print it. */
	static const char *const words[] = { "WARNING:", "BUG:", "Oops", "UBSAN", "KASAN" };
	static char log[1 << 20];

	CHECK(klogctl(KLOG_READ_ALL, log, sizeof(log) - 1) > 0);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		CHECK(!strstr(log, words[i]));
}

static const struct tap_test tests_before[] = {
	{ "loads, though this is no realm", loads },
	{ "taints the kernel as a test", taints },
	{ "there are programs that run in realms too", programs_are_there },
};

static const struct tap_test tests_between[] = {
	{ "each status of the RMM's is told as its errno", lies_statuses },
	{ "an RMM that breaks its own bounds is found out", lies_bounds },
	{ "a token in progress that was lost is made again, once", lies_lost_token },
	{ "a caller waiting for a stuck RMM can be killed", lies_stuck },
	{ "the module does not load over a broken RMM", lies_at_load },
};

static const struct tap_test tests_after[] = {
	{ "faults were injected", sweep_summary },
	{ "unloads and loads often", loads_often },
	{ "mutated calls through all doors", fuzz_run },
	{ "kmemleak finds nothing", leaks_nothing },
	{ "the kernel's log has no complaint", no_complaint },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct collection {
	struct tap_test tests[TESTS_MAX];
	char names[TESTS_MAX][96];
	size_t count;
};

static void collect(struct collection *all, const struct tap_test *tests, size_t count)
{
	for (size_t i = 0; i < count && all->count < TESTS_MAX; i++)
		all->tests[all->count++] = tests[i];
}

static void collect_named(struct collection *all, const char *what, const char *name, void (*run)(void))
{
	struct tap_test test = { all->names[all->count], run };

	if (all->count == TESTS_MAX)
		return;
	snprintf(all->names[all->count], sizeof(all->names[0]), "%s: %.60s", what, name);
	collect(all, &test, 1);
}

static void collect_all(struct collection *all)
{
	programs_count = scandir(PROGRAMS, &programs, program_is, alphasort);
	collect(all, tests_before, COUNT(tests_before));
	for (int i = 0; i < programs_count; i++)
		collect_named(all, "in realms too", programs[i]->d_name, program_next);
	collect(all, tests_between, COUNT(tests_between));
	for (size_t i = 0; i < ops_count; i++)
		collect_named(all, "each allocation failing", ops[i].name, sweep_next);
	collect(all, tests_after, COUNT(tests_after));
}

int main(void)
{
	static struct collection all;

	if (getpid() != 1) {
		fprintf(stderr, "this is a debug kernel's PID 1; tests/torture/run starts it\n");
		return 2;
	}
	setenv("PATH", "/bin", 1);
	if (system_prepare()) {
		collect_all(&all);
		tap_run(all.tests, all.count);
	}
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	reboot(RB_POWER_OFF);
	return 1;
}
