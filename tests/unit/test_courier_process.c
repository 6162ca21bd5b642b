// SPDX-License-Identifier: Apache-2.0
/* The courier as a process: its confinement, its end, and couriers that an attacker controls. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "courier_test.h"
#include "refuse.h"

/* --- the process ------------------------------------------------------------------------------ */

/* Reads the value of @name in /proc/PID/status, without white space before it. */
static void proc_status(pid_t pid, const char *name, char *value, size_t size)
{
	char path[64], line[256];
	FILE *f;

	*value = '\0';
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			snprintf(value, size, "%s",
				 line + strlen(name) + 1 + strspn(line + strlen(name) + 1, " \t"));
	fclose(f);
	value[strcspn(value, "\n")] = '\0';
}

static void expect_status(pid_t pid, const char *name, const char *wanted)
{
	char value[256];

	proc_status(pid, name, value, sizeof(value));
	if (strcmp(value, wanted))
		fail_msg("%s is '%s', expected '%s'", name, value, wanted);
}

/* The process of @courier that uses the network. */
static pid_t worker_of(const struct courier *courier)
{
	char path[64];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)courier->pid,
		 (int)courier->pid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	return pid;
}

static size_t descriptors(pid_t pid)
{
	char path[64];
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	for (const struct dirent *entry; (entry = readdir(dir));)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* @filters: how many system call filters @pid has. */
static void expect_confined(pid_t pid, const char *filters)
{
	struct bytes environment = BYTES_INIT;
	struct error e = ERROR_INIT;
	char path[64], uid[256];

	expect_status(pid, "NoNewPrivs", "1");
	expect_status(pid, "Seccomp", "2");
	expect_status(pid, "Seccomp_filters", filters);
	expect_status(pid, "CapPrm", "0000000000000000");
	expect_status(pid, "CapEff", "0000000000000000");
	expect_status(pid, "CapAmb", "0000000000000000");
	if (geteuid() != 0)
		return;
	proc_status(pid, "Uid", uid, sizeof(uid));
	assert_int_not_equal(strtoul(uid, NULL, 10), 0);
	expect_status(pid, "Groups", "");
	assert_int_equal(descriptors(pid), 4);
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	assert_int_equal(io_read_file(path, 65536, &environment, &e), 0);
	assert_int_equal(environment.len, 0);
	bytes_free(&environment);
}

static void test_confinement(void **state)
{
	struct courier courier = COURIER_INIT;
	int leak = fcntl(2, F_DUPFD, 10); /* as if the keeper had forgotten close-on-exec */

	(void)state;
	assert_true(leak >= 10);
	start_plain(&courier);
	expect_confined(courier.pid, "1");
	expect_confined(worker_of(&courier), "2");
	courier_stop(&courier);
	close(leak);
}

/* Without Landlock no file can be opened after the start, and requests still work. */
static void test_without_landlock(void **state)
{
	struct courier courier = COURIER_INIT;
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		if (refuse(SCMP_SYS(landlock_create_ruleset), ENOSYS))
			_exit(1);
		start_plain(&courier);
		expect_status(worker_of(&courier), "Seccomp_filters", "4");
		expect_get(&courier, "a/b/c", "request=1\n");
		courier_stop(&courier);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static bool process_gone(pid_t pid)
{
	for (int i = 0; i < 200; i++) {
		char state[256] = "";
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d", (int)pid);
		if (access(path, F_OK) < 0)
			return true;
		proc_status(pid, "State", state, sizeof(state));
		if (state[0] == 'Z')
			return true;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	return false;
}

static void test_dies_with_its_keeper(void **state)
{
	struct courier courier = COURIER_INIT;
	pid_t keeper, courier_pid = 0;
	int tell[2];

	(void)state;
	assert_int_equal(pipe(tell), 0);
	keeper = fork();
	if (keeper == 0) {
		start_plain(&courier);
		if (write(tell[1], &courier.pid, sizeof(courier.pid)) < 0)
			_exit(1);
		pause();
	}
	assert_int_equal(read(tell[0], &courier_pid, sizeof(courier_pid)), sizeof(courier_pid));
	kill(keeper, SIGKILL);
	waitpid(keeper, NULL, 0);
	assert_true(process_gone(courier_pid));
	close(tell[0]);
	close(tell[1]);
}

static void test_killed(void **state)
{
	struct courier courier = COURIER_INIT;
	siginfo_t info;

	(void)state;
	start_plain(&courier);
	kill(courier.pid, SIGTERM);
	waitid(P_PID, (id_t)courier.pid, &info, WEXITED | WNOWAIT);
	expect_failure(&courier, "a/b/c", ERROR_PROTOCOL, false, "courier: killed by SIGTERM");
	expect_failure(&courier, "a/b/c", ERROR_PROTOCOL, false, "courier: not running");
}

/* A worker that its sandbox killed is not replaced, and the cause is not lost. */
static void test_worker_killed(void **state)
{
	struct courier courier = COURIER_INIT;

	(void)state;
	if (geteuid() != 0)
		skip(); /* it is not dumpable */
	start_plain(&courier);
	kill(worker_of(&courier), SIGSYS);
	expect_failure(&courier, "a/b/c", ERROR_PROTOCOL, false, "courier: killed by SIGSYS");
}

static void test_no_program(void **state)
{
	struct courier_target target = { SERVER(plain.url, NULL, 0), .insecure = true };
	struct courier courier = COURIER_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(courier_start(&courier, "/nonexistent/courier", &target, &e), -1);
	assert_string_equal(e.text, "courier /nonexistent/courier: No such file or directory");
	assert_int_equal(courier_start(&courier, "/bin/true", &target, &e), -1);
	assert_int_equal(e.kind, ERROR_PROTOCOL);
}

/* --- couriers that an attacker controls ------------------------------------------------------- */

/* Starts a fake courier that reads the request, sends @len bytes of @data, and waits. */
static void fake(struct courier *courier, const void *data, size_t len)
{
	char question[256];
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	*courier = (struct courier){ .fd = pair[0], .patience = 1, .servers = 1, .pid = fork() };
	if (courier->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		if (read(pair[1], question, sizeof(question)) < 0 || write(pair[1], data, len) < 0)
			_exit(1);
		pause();
	}
	close(pair[1]);
}

static void test_malformed_answers(void **state)
{
	static const struct {
		const char *says;
		size_t len;
		const char *words;
	} cases[] = {
		{ "", 0, "no answer in time" },
		{ "\6\0\0", 3, "no answer in time" },
		{ "\0\0\0\0\0\0\0\0", 8, "unknown type 0" },
		{ "\11\0\0\0\0\0\0\0", 8, "unknown type 9" },
		{ "\2\0\0\0\0\0\0\0", 8, "message of type 2" },
		{ "\6\0\0\0\0\0\0\1", 8, "over the limit" },
		{ "\6\0\0\0\0\0\0\0", 8, "ends before status" },
		{ "\6\0\0\0\34\0\0\0"
		  "\4\0\0\0\1\1\1\1\4\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0",
		  36, "HTTP status" },
		{ "\6\0\0\0\34\0\0\0"
		  "\4\0\0\0\1\1\0\0\4\0\0\0\0\0\0\0\4\0\0\0\1\0\0\0\0\0\0\0",
		  36, "answer of KBS 1" },
		{ "\6\0\0\0\35\0\0\0"
		  "\4\0\0\0\1\1\0\0\4\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0x",
		  37, "after its last field" },
		{ "\7\0\0\0\25\0\0\0"
		  "\4\0\0\0\10\0\0\0"
		  "\4\0\0\0\0\0\0\0"
		  "\1\0\0\0x",
		  29, "failure of unknown kind 8" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct courier courier;

		fake(&courier, cases[i].says, cases[i].len);
		expect_failure(&courier, "a/b/c", ERROR_PROTOCOL, false, cases[i].words);
		courier_stop(&courier);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_confinement),
		cmocka_unit_test(test_without_landlock),
		cmocka_unit_test(test_dies_with_its_keeper),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_worker_killed),
		cmocka_unit_test(test_no_program),
		cmocka_unit_test(test_malformed_answers),
	};

	return cmocka_run_group_tests(tests, plain_start, plain_stop);
}
