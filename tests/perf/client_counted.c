// SPDX-License-Identifier: Apache-2.0
/*
 * Linked into the programs whose instructions callgrind counts, in place of what would stop valgrind: it compiles code
 * at run time and writes a file at the end, which a confined process may not. realmkey does not kill its courier, which then ends by itself and writes its counts.
 */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>

#include "sandbox/sandbox.h"

int __wrap_sandbox_drop_root(const struct sandbox_identity *identity, struct error *e);
int __wrap_sandbox_drop_root(const struct sandbox_identity *identity, struct error *e)
{
	(void)identity, (void)e;
	return 0;
}

int __wrap_sandbox_limit(int resource, unsigned long max, struct error *e);
int __wrap_sandbox_limit(int resource, unsigned long max, struct error *e)
{
	(void)resource, (void)max, (void)e;
	return 0;
}

int __wrap_sandbox_no_new_code(struct error *e);
int __wrap_sandbox_no_new_code(struct error *e)
{
	(void)e;
	return 0;
}

int __wrap_sandbox_landlock(const struct sandbox_access *access, struct error *e);
int __wrap_sandbox_landlock(const struct sandbox_access *access, struct error *e)
{
	(void)access, (void)e;
	return 1;
}

/* The filters are not loaded. */
long __real_syscall(long number, long a, long b, long c, long d);
long __wrap_syscall(long number, long a, long b, long c, long d);
long __wrap_syscall(long number, long a, long b, long c, long d)
{
	return number == SYS_seccomp ? 0 : __real_syscall(number, a, b, c, d);
}

int __wrap_kill(pid_t pid, int number);
int __wrap_kill(pid_t pid, int number)
{
	(void)pid, (void)number;
	errno = EPERM;
	return -1;
}
