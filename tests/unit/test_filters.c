// SPDX-License-Identifier: Apache-2.0
/*
 * What the courier's filter does with each system call of an architecture, whatever its arguments: it must be what
 * the threat model says. test_sandbox and test_keeper_confine try calls; this reads the filter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/io.h"
#ifdef FILTERS_OF_ARM64 /* made here, for another architecture */
#include "arm64_courier.h"
#include "arm64_hooks.h"
#include "arm64_keeper.h"
#include "arm64_keys.h"
#include "arm64_local.h"
#include "arm64_policy.h"
#include "arm64_supervisor.h"
#define ARCHITECTURE SCMP_ARCH_AARCH64
#else
#include "filters/courier.h"
#include "filters/hooks.h"
#include "filters/keeper.h"
#include "filters/keys.h"
#include "filters/local.h"
#include "filters/policy.h"
#include "filters/supervisor.h"
#define ARCHITECTURE seccomp_arch_native()
#endif

#define CALLS_MAX 1024
#define ALLOWED	  1U
#define REFUSED	  2U
#define KILLED	  4U

/* Accumulator of the filter; the value is not known if it comes from an argument. */
struct accumulator {
	bool known;
	uint32_t value;
};

static unsigned int action_kind(uint32_t action)
{
	return action == SECCOMP_RET_ALLOW	  ? ALLOWED :
	       action == SECCOMP_RET_KILL_PROCESS ? KILLED :
						    REFUSED;
}

static struct accumulator load(uint32_t offset, uint32_t call)
{
	if (offset == offsetof(struct seccomp_data, nr))
		return (struct accumulator){ true, call };
	if (offset == offsetof(struct seccomp_data, arch))
		return (struct accumulator){ true, ARCHITECTURE };
	return (struct accumulator){ false, 0 };
}

/* All results that the filter can have for @call: both ways are gone where an argument decides. */
static unsigned int results(const struct sock_filter *code, size_t len, size_t at,
			    struct accumulator a, uint32_t call)
{
	for (; at < len; at++) {
		const struct sock_filter *f = &code[at];
		bool yes;

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			a = load(f->k, call);
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a.value &= f->k;
			continue;
		case BPF_RET | BPF_K:
			return action_kind(f->k);
		case BPF_JMP | BPF_JA:
			at += f->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a.value == f->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			yes = a.value > f->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = a.value >= f->k;
			break;
		default:
			fail_msg("instruction %zu has code 0x%x", at, f->code);
		}
		if (!a.known)
			return results(code, len, at + 1 + f->jt, a, call) |
			       results(code, len, at + 1 + f->jf, a, call);
		at += yes ? f->jt : f->jf;
	}
	fail_msg("the filter has no end");
	return 0;
}

static unsigned int call_results(const struct sock_filter *code, size_t len, int call)
{
	return results(code, len, 0, (struct accumulator){ false, 0 }, (uint32_t)call);
}

#define RESULTS(filter, name) \
	call_results(filter, ARRAY_SIZE(filter), \
		     seccomp_syscall_resolve_name_arch(ARCHITECTURE, name))

/* Which workers have the calls of a row, by how its first column begins. */
enum row_kind { ROW_ALL, ROW_TCP, ROW_PASSED, ROWS };

static enum row_kind row_kind(const char *line)
{
	return !strncmp(line, "| TCP", 5)    ? ROW_TCP :
	       !strncmp(line, "| passed", 8) ? ROW_PASSED :
					       ROW_ALL;
}

/* The last column of the table is a list; a name between asterisks has conditions. Returns
 * the number of calls. */
static unsigned int documented_read(char *text, unsigned int expected[ROWS][CALLS_MAX])
{
	unsigned int documented = 0;
	char *row = strstr(text, "\n| for | system calls |"), *end;

	assert_non_null(row);
	row = strchr(strchr(row + 1, '\n') + 1, '\n');
	end = strstr(row, "\n\n");
	assert_non_null(end);
	*end = '\0';
	for (char *line, *lines = row; (line = strtok_r(lines, "\n", &lines));) {
		const enum row_kind kind = row_kind(line);
		char *list = strchr(line + 1, '|'), *word;
		bool remark = false;

		assert_non_null(list);
		while ((word = strtok_r(list, " ,|", &list))) {
			bool condition = word[0] == '*';
			int call;

			remark |= word[0] == '(';
			if (remark) {
				remark = !strchr(word, ')');
				continue;
			}
			word[strcspn(word + condition, "*") + condition] = '\0';
			call = seccomp_syscall_resolve_name_arch(ARCHITECTURE, word + condition);
			if (call == __NR_SCMP_ERROR || call >= CALLS_MAX)
				fail_msg("'%s' is not a system call", word + condition);
			documented++;
			if (call >= 0) /* not poll on arm64 */
				expected[kind][call] = condition ? ALLOWED | REFUSED : ALLOWED;
		}
	}
	return documented;
}

/* A filter allows what the rows of @kinds (bits) say. */
static void filter_compare(const char *filter, const struct sock_filter *code, size_t len,
			   unsigned int kinds, unsigned int expected[ROWS][CALLS_MAX])
{
	for (int call = 0; call < CALLS_MAX; call++) {
		unsigned int got = call_results(code, len, call), wanted = 0;
		char *name = seccomp_syscall_resolve_num_arch(ARCHITECTURE, call);

		for (unsigned int kind = 0; kind < ROWS; kind++)
			if (kinds & 1U << kind)
				wanted |= expected[kind][call];
		if (wanted ? got != wanted : (got & ALLOWED))
			fail_msg("%s: system call %d (%s): results %u, documented %u", filter, call,
				 name ? name : "unknown", got, wanted);
		free(name);
	}
}

#define COMPARE(filter, kinds) \
	filter_compare(#filter, filter, ARRAY_SIZE(filter), 1U << ROW_ALL | (kinds), expected)

static void test_courier_as_documented(void **state)
{
	static unsigned int expected[ROWS][CALLS_MAX];
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	const char *vectors = getenv("REALMKEY_VECTORS");
	char path[256];

	(void)state;
	assert_non_null(vectors);
	snprintf(path, sizeof(path), "%s/../../Documentation/threat-model.md", vectors);
	if (io_read_file(path, 1 << 20, &text, &e) < 0)
		fail_msg("%s", e.text);
	bytes_append(&text, "", 1);
	assert_int_equal(documented_read((char *)text.data, expected), 38);
	COMPARE(worker_calls, 1U << ROW_TCP);
	COMPARE(worker_calls_passed, 1U << ROW_PASSED);
	COMPARE(worker_calls_both, 1U << ROW_TCP | 1U << ROW_PASSED);
	bytes_free(&text);
}

/* What ends a process must not depend on arguments, in any filter that stays. */
static void test_killed(void **state)
{
	static const char *const calls[] = { "execve", "ptrace", "bpf", "mount", "setuid", "kcmp" };
	static const char *const realmkeyd_killed[] = { "ptrace", "bpf", "init_module", "setns",
							"kcmp" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		assert_int_equal(RESULTS(supervisor_calls, calls[i]), KILLED);
		assert_int_equal(RESULTS(worker_calls, calls[i]), KILLED);
		assert_int_equal(RESULTS(worker_calls_passed, calls[i]), KILLED);
		assert_int_equal(RESULTS(worker_calls_both, calls[i]), KILLED);
		assert_int_equal(RESULTS(keeper_calls, calls[i]), KILLED);
		assert_int_equal(RESULTS(hooks_receiver, calls[i]), KILLED);
		assert_int_equal(RESULTS(hooks_caller, calls[i]), KILLED);
		assert_int_equal(RESULTS(local_acceptor_calls, calls[i]), KILLED);
		assert_int_equal(RESULTS(local_reader_calls, calls[i]), KILLED);
		assert_int_equal(RESULTS(keys_calls, calls[i]), KILLED);
		assert_int_equal(RESULTS(policy_calls, calls[i]), KILLED);
	}
	/* The supervisor of realmkeyd starts keepers, and they programs, unless systemd starts the courier. */
	for (size_t i = 0; i < ARRAY_SIZE(realmkeyd_killed); i++)
		assert_int_equal(RESULTS(realmkeyd_calls, realmkeyd_killed[i]), KILLED);
	assert_int_equal(RESULTS(realmkeyd_calls, "mount"), REFUSED);
	assert_int_equal(RESULTS(realmkeyd_calls, "execve"), ALLOWED);
	assert_int_equal(RESULTS(realmkeyd_calls, "setuid"), ALLOWED);
	assert_int_equal(RESULTS(realmkeyd_no_programs, "execve"), KILLED);
	assert_int_equal(RESULTS(realmkeyd_no_programs, "execveat"), KILLED);
	assert_int_equal(RESULTS(realmkeyd_no_programs, "socket"), ALLOWED | REFUSED);
	assert_int_equal(RESULTS(supervisor_calls, "read"), ALLOWED);
	assert_int_equal(RESULTS(keeper_calls, "socket"), REFUSED);
	assert_int_equal(RESULTS(keeper_calls, "read"), ALLOWED);
	assert_int_equal(RESULTS(hooks_receiver, "socket"), REFUSED);
	assert_int_equal(RESULTS(hooks_receiver, "sendmsg"), REFUSED);
	assert_int_equal(RESULTS(hooks_caller, "socket"), ALLOWED | REFUSED);
	assert_int_equal(RESULTS(hooks_caller, "openat"), REFUSED);
	/* Only realmkey-keys may use some of the calls for keys. */
	assert_int_equal(RESULTS(keeper_calls, "keyctl"), KILLED);
	assert_int_equal(RESULTS(keeper_calls, "add_key"), KILLED);
	assert_int_equal(RESULTS(keys_calls, "keyctl"), ALLOWED | REFUSED);
	assert_int_equal(RESULTS(keys_calls, "add_key"), ALLOWED | REFUSED);
	assert_int_equal(RESULTS(keys_calls, "request_key"), KILLED);
	assert_int_equal(RESULTS(keys_calls, "openat"), REFUSED);
	assert_int_equal(RESULTS(keys_calls, "socket"), REFUSED);
	assert_int_equal(RESULTS(worker_no_files, "openat"), REFUSED);
	assert_int_equal(RESULTS(worker_no_files, "read"), ALLOWED);
}

/* Neither process of realmkey-local can make or connect a socket, write a file or signal a process; only the acceptor
 * accepts, and asks who the peer is. */
static void test_local(void **state)
{
	static const char *const refused[] = { "socket",   "connect",  "bind",	  "kill",
					       "unlinkat", "renameat", "mkdirat", "fchownat",
					       "fchmod",   "clone" };
	static const char *const acceptor[] = { "accept4",	     "getsockopt", "getpeername",
						"inotify_add_watch", "write",	   "getdents64" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		assert_int_equal(RESULTS(local_acceptor_calls, refused[i]), REFUSED);
		assert_int_equal(RESULTS(local_reader_calls, refused[i]), REFUSED);
	}
	for (size_t i = 0; i < ARRAY_SIZE(acceptor); i++) {
		assert_int_equal(RESULTS(local_acceptor_calls, acceptor[i]), ALLOWED);
		assert_int_equal(RESULTS(local_reader_calls, acceptor[i]), REFUSED);
	}
	assert_int_equal(RESULTS(local_acceptor_calls, "openat"), ALLOWED | REFUSED);
	assert_int_equal(RESULTS(local_reader_calls, "openat"), ALLOWED | REFUSED);
}

/* A process that evaluates policies has no files, no sockets but the one that it was given, and no other process. */
static void test_policy(void **state)
{
	static const char *const refused[] = { "openat",    "socket",	  "connect",	 "sendto",
					       "sendmsg",   "recvmsg",	  "kill",	 "tgkill",
					       "clone",	    "clone3",	  "ioctl",	 "fcntl",
					       "prlimit64", "setrlimit",  "prctl",	 "uname",
					       "wait4",	    "getdents64", "memfd_create" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(RESULTS(policy_calls, refused[i]), REFUSED);
	assert_int_equal(RESULTS(policy_calls, "mmap"), ALLOWED | REFUSED);
	assert_int_equal(RESULTS(policy_calls, "mprotect"), ALLOWED | REFUSED);
	assert_int_equal(RESULTS(policy_calls, "read"), ALLOWED);
	assert_int_equal(RESULTS(policy_calls, "write"), ALLOWED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_courier_as_documented),
		cmocka_unit_test(test_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
