// SPDX-License-Identifier: Apache-2.0
/* The system calls of the two processes of realmkey-local, once they serve. */
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

/* What both do. */
#define LOCAL_CALLS \
	ALLOW(brk), ALLOW(munmap), ALLOW(mremap), ALLOW(madvise), ALLOW(mlock), ALLOW(mlock2), \
	ALLOW(munlock), \
	ALLOW_IF(mmap, BITS(2, PROT_EXEC, 0)), ALLOW_IF(mprotect, BITS(2, PROT_EXEC, 0)), \
	ALLOW(futex), ALLOW(rseq), ALLOW(sched_yield), ALLOW(gettid), ALLOW(getpid), \
	ALLOW(exit), ALLOW(exit_group), \
	ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn), ALLOW(sigaltstack), \
	ALLOW(restart_syscall), ALLOW(clock_gettime), ALLOW(gettimeofday), \
	/* Connections that others make: no call makes a socket or connects one. sendmsg() could name another receiver, \
	 * but a connected stream has none. */ \
	ALLOW_IF(sendto, IS(4, 0)), ALLOW(sendmsg), ALLOW(recvmsg), ALLOW(shutdown), ALLOW(poll), ALLOW(ppoll), \
	/* For reading only: the configuration, /proc, and the status of the keyring; or the values in the keyring. */ \
	ALLOW_IF(openat, BITS(2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)), \
	ALLOW(read), ALLOW(close), ALLOW(lseek), ALLOW(fstat), ALLOW(newfstatat), ALLOW(statx), \
	ALLOW_IF(fcntl, IS(1, F_GETFL)), \
	SANDBOX_KILL_INTRUDER

static const struct sandbox_rule filters[] SANDBOX_RULES = {
	/* The answer is one packet without a descriptor. */
	SANDBOX_FILTER(local_reader_calls, SCMP_ACT_ERRNO(EPERM)),
	LOCAL_CALLS,

	/* It sends a descriptor to the reader. */
	SANDBOX_FILTER(local_acceptor_calls, SCMP_ACT_ERRNO(EPERM)),
	LOCAL_CALLS,
	ALLOW(getrandom), ALLOW(getuid), ALLOW(geteuid), ALLOW(getgid), ALLOW(getegid),
	ALLOW(accept4), ALLOW(getsockopt), ALLOW(getpeername), ALLOW(recvfrom),
	ALLOW(readv), ALLOW(pread64), ALLOW(getdents64), ALLOW(inotify_add_watch),
	/* The log, on standard error. */
	ALLOW(write), ALLOW(writev),
	ALLOW_IF(fcntl, IS(1, F_GETFD)), ALLOW_IF(fcntl, IS(1, F_SETFD)),
};
/* clang-format on */
