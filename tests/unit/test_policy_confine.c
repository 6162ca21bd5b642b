// SPDX-License-Identifier: Apache-2.0
/* What realmkey-policy can still do once it is confined: a child confines itself as it does, tries one action, and
 * its exit status is the errno that stopped it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempts.h"
#include "base/array.h"
#include "policy/confine.h"

#define MEMORY	     ((size_t)64 << 20)
#define NOT_CONFINED 200 /* the exit status of a child that could not be confined */

TRY(open_passwd, open("/etc/passwd", O_RDONLY))
TRY(open_null, open("/dev/null", O_RDONLY))
TRY(open_mem, open("/proc/self/mem", O_RDONLY))
TRY(create, open("/tmp/realmkey-x", O_CREAT | O_WRONLY, 0600))
TRY(path, open("/", O_PATH))
TRY(tcp, socket(AF_INET, SOCK_STREAM, IPPROTO_TCP))
TRY(netlink, socket(AF_NETLINK, SOCK_RAW, 16))
TRY(pair, socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){ 0 }))
TRY(pass, sendmsg(0, &(struct msghdr){ 0 }, 0))
TRY(receive, recvmsg(0, &(struct msghdr){ 0 }, 0))
TRY(duplicate, dup(0))
TRY(pipe, pipe((int[2]){ 0 }))
TRY(signal, kill(getppid(), 0))
TRY(limit, syscall(SYS_prlimit64, 0, 7, NULL, NULL))
TRY(setuid, syscall(SYS_setresuid, 0, 0, 0))
TRY(ptrace, syscall(SYS_ptrace, 16, getppid(), 0, 0))
TRY(rename, syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", 0))
TRY(list, syscall(SYS_getdents64, 0, NULL, 0))

static int try_memory(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? errno : munmap(page, 4096);
}

static int try_nothing(void)
{
	return 0;
}

#define KILLED			(-SIGSYS)
#define ATTEMPT(name, expected) { #name, try_##name, expected }

static const struct attempt {
	const char *name;
	int (*function)(void);
	int expected; /* an errno, or KILLED */
} attempts[] = {
	ATTEMPT(nothing, 0),	      ATTEMPT(memory, 0),	ATTEMPT(open_passwd, EPERM),
	ATTEMPT(open_null, EPERM),    ATTEMPT(open_mem, EPERM), ATTEMPT(create, EPERM),
	ATTEMPT(path, EPERM),	      ATTEMPT(tcp, EPERM),	ATTEMPT(udp6, EPERM),
	ATTEMPT(raw, EPERM),	      ATTEMPT(packet, EPERM),	ATTEMPT(vsock, EPERM),
	ATTEMPT(unix, EPERM),	      ATTEMPT(netlink, EPERM),	ATTEMPT(pair, EPERM),
	ATTEMPT(pass, EPERM),	      ATTEMPT(receive, EPERM),	ATTEMPT(duplicate, EPERM),
	ATTEMPT(pipe, EPERM),	      ATTEMPT(signal, EPERM),	ATTEMPT(limit, EPERM),
	ATTEMPT(rename, EPERM),	      ATTEMPT(list, EPERM),	ATTEMPT(process, EPERM),
	ATTEMPT(clone3, EPERM),	      ATTEMPT(dumpable, EPERM), ATTEMPT(code, EPERM),
	ATTEMPT(data_to_code, EPERM), ATTEMPT(execve, KILLED),	ATTEMPT(ptrace, KILLED),
	ATTEMPT(setuid, KILLED),      ATTEMPT(getfd, KILLED),	ATTEMPT(mount, KILLED),
	ATTEMPT(unshare, KILLED),     ATTEMPT(bpf, KILLED),	ATTEMPT(io_uring, KILLED),
	ATTEMPT(module, KILLED),      ATTEMPT(capset, KILLED),	ATTEMPT(keyctl, KILLED),
};

/* The outcome of one attempt in a confined child. */
static int attempt_outcome(const struct attempt *attempt)
{
	const pid_t self = getpid();
	struct error e = ERROR_INIT;
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (policy_confine(MEMORY, self, &e) < 0)
			_exit(NOT_CONFINED);
		_exit(attempt->function());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void nothing_is_left(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		int got = attempt_outcome(&attempts[i]);

		if (got != attempts[i].expected)
			fail_msg("%s: %d, expected %d", attempts[i].name, got,
				 attempts[i].expected);
	}
}

/* A process whose parent has ended before it could say so must not go on. */
static void parent_that_is_another(void **state)
{
	struct error e = ERROR_INIT;
	int status;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0)
		_exit(policy_confine(MEMORY, 1 << 21, &e) < 0 ? 0 : NOT_CONFINED);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_left),
		cmocka_unit_test(parent_that_is_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
