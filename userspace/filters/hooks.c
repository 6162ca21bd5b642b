// SPDX-License-Identifier: Apache-2.0
/* The system calls of the two processes of realmkey-hooks. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "rules.h"

#define ALLOW	 SANDBOX_ALLOW
#define ALLOW_IF SANDBOX_ALLOW_IF
#define IS	 SANDBOX_IS
#define MAX	 SANDBOX_MAX
#define BITS	 SANDBOX_BITS

/* clang-format off */

/* What both do: read and write what is open. */
#define HOOKS_CALLS \
	/* memory, but never executable, because all code is loaded by now */ \
	ALLOW(brk), ALLOW(munmap), ALLOW(mremap), ALLOW(madvise), \
	ALLOW(mlock), ALLOW(mlock2), ALLOW(munlock), \
	ALLOW_IF(mmap, BITS(2, PROT_EXEC, 0)), ALLOW_IF(mprotect, BITS(2, PROT_EXEC, 0)), \
	ALLOW(futex), ALLOW(exit_group), ALLOW(rt_sigreturn), ALLOW(restart_syscall), \
	ALLOW(sigaltstack), /* by AddressSanitizer, in the tests */ \
	ALLOW(clock_gettime), ALLOW(poll), ALLOW(ppoll), ALLOW(read), ALLOW(write), ALLOW(close), \
	ALLOW(lseek), /* dprintf() */ \
	SANDBOX_KILL_INTRUDER

static const struct sandbox_rule filters[] SANDBOX_RULES = {
	SANDBOX_FILTER(hooks_receiver, SCMP_ACT_ERRNO(EPERM)),
	HOOKS_CALLS,

	/* libsystemd connects to systemd, names its own end of that socket (bind), and enlarges its buffers. */
	SANDBOX_FILTER(hooks_caller, SCMP_ACT_ERRNO(EPERM)),
	HOOKS_CALLS,
	ALLOW_IF(socket, IS(0, AF_UNIX),
		 BITS(1, ~(uint64_t)(SOCK_CLOEXEC | SOCK_NONBLOCK), SOCK_STREAM), MAX(2, 0)),
	ALLOW(bind), ALLOW(connect), ALLOW(getsockopt), ALLOW(setsockopt), ALLOW(getsockname),
	ALLOW(getpeername), ALLOW(sendto), ALLOW(sendmsg), ALLOW(recvfrom), ALLOW(recvmsg),
	/* Not all of fcntl(): with F_SETOWN a descriptor can signal a process. */
	ALLOW_IF(fcntl, IS(1, F_GETFL)), ALLOW_IF(fcntl, IS(1, F_SETFL), BITS(2, O_ASYNC, 0)),
	ALLOW_IF(fcntl, IS(1, F_GETFD)), ALLOW_IF(fcntl, IS(1, F_SETFD)),
	ALLOW_IF(fcntl, IS(1, F_DUPFD_CLOEXEC)),
	ALLOW(fstat), ALLOW(newfstatat), ALLOW(getpid), ALLOW(gettid), ALLOW(geteuid), ALLOW(getuid),
	ALLOW(getrandom), ALLOW(wait4),
};
/* clang-format on */
