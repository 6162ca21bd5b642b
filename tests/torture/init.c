// SPDX-License-Identifier: Apache-2.0
/*
 * PID 1 of the debug kernel and its only program: it loads the module, tests it, writes the results
 * as TAP to the virtio-serial port "results" and the counters of the module's lines to the port
 * "coverage", and powers off. The console is left to the kernel for its reports.
 *
 * Its environment is the kernel's command line: RSI=fake (the module has an RMM of its own, which
 * can misbehave on command) or RSI=rmm (this is a realm); FUZZ_SECONDS; ONLY=WORD,WORD+WORD selects
 * the tests with one of the words in their names, or with all those that "+" joins.
 */
#define _GNU_SOURCE
#include "fuzz.h"
#include "kernel.h"
#include "ops.h"
#include "programs.h"
#include "rmm_fault.h"
#include "sweep.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#define COLLECT	      "exec /bin/sh /collect"
#define TESTS_MAX     128
#define KLOG_READ_ALL 3
#define LOADS	      100

static const struct {
	const char *type, *target;
} mounts[] = {
	{ "devtmpfs", "/dev" },
	{ "proc", "/proc" },
	{ "sysfs", "/sys" },
	{ "tmpfs", "/tmp" },
	{ "debugfs", "/sys/kernel/debug" },
	{ "configfs", "/sys/kernel/config" },
};

/* Faults are injected only where fail-nth asks for them, but there into any kind of allocation. */
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
		if (mount(mounts[i].type, mounts[i].target, mounts[i].type, 0, NULL) &&
		    errno != EBUSY)
			return false;
	}
	fd = kernel_port("results");
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		return false;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (!kernel_write(settings[i].path, settings[i].text))
			tap_bail("%s: %s", settings[i].path, strerror(errno));
	return true;
}

/* Writes what the kernel counted, line by line, to the host. */
static void coverage_write(void)
{
	int fd = kernel_port("coverage");

	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || system(COLLECT))
		fprintf(stderr, "# cannot write the coverage: %s\n", strerror(errno));
	close(fd);
}

/* --- tests ----------------------------------------------------------------------------------- */

static void loads(void)
{
	CHECK(kernel_module_prepare());
	CHECK(kernel_module_load() == 0);
	CHECK(access("/dev/cca-rsi", F_OK) == 0);
}

/* Without the taint a report of this kernel could be mistaken for one about the real module. */
static void taints(void)
{
	char text[32];

	CHECK(kernel_read("/proc/sys/kernel/tainted", text, sizeof(text)) > 0);
	CHECK(!!(strtoul(text, NULL, 10) & (1 << 18)) == kernel_rsi_is_fake());
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
	/*
	 * "Call trace" alone is no complaint, because an allocation that is made to fail may print
	 * it.
	 */
	static const char *const words[] = { "WARNING:", "BUG:", "Oops", "UBSAN", "KASAN" };
	static char log[1 << 20];

	CHECK(klogctl(KLOG_READ_ALL, log, sizeof(log) - 1) > 0);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		CHECK(!strstr(log, words[i]));
}

static const struct tap_test tests_first[] = {
	{ "loads", loads },
	{ "taints the kernel as a test if and only if the RMM is a fake", taints },
	{ "the programs of tests/kselftest are there", programs_are_there },
};

static const struct tap_test tests_fake[] = {
	{ "each status of the RMM is returned as its errno", rmm_fault_statuses },
	{ "registers that cannot be read are reported by each interface", rmm_fault_reads },
	{ "an extension that fails changes neither register nor log", rmm_fault_log },
	{ "a register that differs from the log gets a foreign record", rmm_fault_rule },
	{ "an RMM that breaks its own bounds is detected", rmm_fault_bounds },
	{ "a token in progress that was lost is made again, once", rmm_fault_lost_token },
	{ "only a fatal signal ends the wait for an RMM that is stuck", rmm_fault_stuck },
	{ "no reader or extender waits for a token in progress", rmm_fault_meanwhile },
	{ "the module does not load on a broken RMM", rmm_fault_at_load },
};

static const struct tap_test tests_last[] = {
	{ "faults were injected", sweep_summary },
	{ "unloads and loads often", loads_often },
	{ "mutated calls of all interfaces", fuzz_run },
	{ "kmemleak finds nothing", leaks_nothing },
	{ "the kernel's log has no complaint", no_complaint },
};

/* --- the table of them ----------------------------------------------------------------------- */

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct collection {
	struct tap_test tests[TESTS_MAX];
	char names[TESTS_MAX][96];
	size_t count;
};

/* Are all parts of @word, between "+" signs, in the name? */
static bool has_parts(const char *name, char *word)
{
	char *part, *rest;

	for (part = strtok_r(word, "+", &rest); part; part = strtok_r(NULL, "+", &rest))
		if (!strstr(name, part))
			return false;
	return true;
}

static bool wanted(const char *name)
{
	char words[1024], *word, *rest;

	if (!getenv("ONLY"))
		return true;
	snprintf(words, sizeof(words), "%s", getenv("ONLY"));
	for (word = strtok_r(words, ",", &rest); word; word = strtok_r(NULL, ",", &rest))
		if (has_parts(name, word))
			return true;
	return false;
}

static void collect(struct collection *all, const struct tap_test *tests, size_t count)
{
	if (all->count + count > TESTS_MAX)
		tap_bail("more than %d tests", TESTS_MAX);
	for (size_t i = 0; i < count; i++)
		if (tests == tests_first || wanted(tests[i].name))
			all->tests[all->count++] = tests[i];
}

static bool collect_named(struct collection *all, const char *name, void (*run)(void))
{
	struct tap_test test = { all->names[all->count], run };
	size_t before = all->count;

	snprintf(all->names[all->count], sizeof(all->names[0]), "%s", name);
	collect(all, &test, 1);
	return all->count > before;
}

static void collect_all(struct collection *all)
{
	char name[96];

	collect(all, tests_first, COUNT(tests_first));
	for (size_t i = 0; i < programs_find(kernel_rsi_is_fake()); i++)
		if (collect_named(all, programs_name(i), programs_next))
			programs_queue(i);
	if (kernel_rsi_is_fake())
		collect(all, tests_fake, COUNT(tests_fake));
	for (size_t i = 0; i < ops_count; i++) {
		snprintf(name, sizeof(name), "each allocation failing: %s", ops[i].name);
		if (collect_named(all, name, sweep_next))
			sweep_queue(i);
	}
	collect(all, tests_last, COUNT(tests_last));
}

int main(void)
{
	static struct collection all;

	if (getpid() != 1) {
		fprintf(stderr,
			"this program runs as PID 1 of the debug kernel; start it by tests/torture/torture\n");
		return 2;
	}
	setenv("PATH", "/bin", 1);
	if (system_prepare()) {
		collect_all(&all);
		tap_run(all.tests, all.count);
		fflush(stdout);
		coverage_write();
	}
	reboot(RB_POWER_OFF);
	return 1;
}
