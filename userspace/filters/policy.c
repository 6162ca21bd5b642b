// SPDX-License-Identifier: Apache-2.0
/* The system calls of realmkey-policy, once it is confined: memory, its socket, the time. */
#include <errno.h>
#include <sys/mman.h>

#include "rules.h"

#define ALLOW	 SANDBOX_ALLOW
#define ALLOW_IF SANDBOX_ALLOW_IF
#define BITS	 SANDBOX_BITS

/* clang-format off */
static const struct sandbox_rule filters[] SANDBOX_RULES = {
	SANDBOX_FILTER(policy_calls, SCMP_ACT_ERRNO(EPERM)),

	/* memory, but never executable, because all code is loaded by now */
	ALLOW(brk), ALLOW(munmap), ALLOW(mremap), ALLOW(madvise),
	ALLOW_IF(mmap, BITS(2, PROT_EXEC, 0)), ALLOW_IF(mprotect, BITS(2, PROT_EXEC, 0)),

	/* one thread; a fault is told by the exit status */
	ALLOW(futex), ALLOW(sched_yield), ALLOW(gettid), ALLOW(getpid),
	ALLOW(exit), ALLOW(exit_group),
	ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn), ALLOW(sigaltstack),
	ALLOW(restart_syscall),

	/* the functions of policies that ask for the time or a random number, and seeds of hash tables */
	ALLOW(clock_gettime), ALLOW(getrandom),

	/* descriptors that are open: the socket, and /dev/null */
	ALLOW(read), ALLOW(write), ALLOW(writev), ALLOW(poll), ALLOW(ppoll),

	SANDBOX_KILL_INTRUDER,
};
/* clang-format on */
