// SPDX-License-Identifier: Apache-2.0
/* The system calls of the reader of realmkey-local, once it serves. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

#include "rules.h"

#define ALLOW	 SANDBOX_ALLOW
#define ALLOW_IF SANDBOX_ALLOW_IF
#define IS	 SANDBOX_IS
#define BITS	 SANDBOX_BITS

/* clang-format off */
static const struct sandbox_rule filters[] SANDBOX_RULES = {
	SANDBOX_FILTER(local_reader_calls, SCMP_ACT_ERRNO(EPERM)),

	ALLOW(brk), ALLOW(munmap), ALLOW(mremap), ALLOW(madvise), ALLOW(mlock), ALLOW(mlock2),
	ALLOW(munlock),
	ALLOW_IF(mmap, BITS(2, PROT_EXEC, 0)), ALLOW_IF(mprotect, BITS(2, PROT_EXEC, 0)),

	ALLOW(futex), ALLOW(rseq), ALLOW(sched_yield), ALLOW(gettid), ALLOW(getpid),
	ALLOW(exit), ALLOW(exit_group),
	ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn), ALLOW(sigaltstack),
	ALLOW(restart_syscall), ALLOW(clock_gettime), ALLOW(gettimeofday),

	/* Connections that the acceptor sends, and the answer to it, which is one packet without a descriptor. */
	ALLOW_IF(sendto, IS(4, 0)), ALLOW(sendmsg), ALLOW(recvmsg), ALLOW(shutdown), ALLOW(poll), ALLOW(ppoll),

	/* The values in the keyring, for reading only. */
	ALLOW_IF(openat, BITS(2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)),
	ALLOW(read), ALLOW(close), ALLOW(lseek), ALLOW(fstat), ALLOW(newfstatat), ALLOW(statx),
	ALLOW_IF(fcntl, IS(1, F_GETFL)),

	SANDBOX_KILL_INTRUDER,
};
/* clang-format on */
