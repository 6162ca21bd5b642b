// SPDX-License-Identifier: Apache-2.0
/* The system calls of the courier. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "rules.h"

#define ALLOW	 SANDBOX_ALLOW
#define ALLOW_IF SANDBOX_ALLOW_IF
#define IS	 SANDBOX_IS
#define MAX	 SANDBOX_MAX
#define BITS	 SANDBOX_BITS

#define SOCKET(domain, type, protocol) \
	ALLOW_IF(socket, IS(0, domain), BITS(1, ~(uint64_t)(SOCK_CLOEXEC | SOCK_NONBLOCK), type), \
		 MAX(2, protocol))

/* Flags of openat() for more than reading. O_TMPFILE contains O_DIRECTORY, which is allowed. */
#define OPEN_MORE (O_ACCMODE | O_CREAT | O_TRUNC | O_PATH | (O_TMPFILE & ~O_DIRECTORY))

/* clang-format off */

/* What every worker does. */
#define WORKER_CALLS \
	/* memory, but never executable, because all code is loaded by now */ \
	ALLOW(brk), ALLOW(munmap), ALLOW(mremap), ALLOW(madvise), \
	ALLOW_IF(mmap, BITS(2, PROT_EXEC, 0)), ALLOW_IF(mprotect, BITS(2, PROT_EXEC, 0)), \
	/* one thread; libc wakes others after each pthread_once(), whether there are any or not */ \
	ALLOW(futex), ALLOW(getpid), ALLOW(exit_group), \
	ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn), ALLOW(restart_syscall), \
	ALLOW(sigaltstack), /* by AddressSanitizer, in the tests */ \
	ALLOW(clock_gettime), ALLOW(setitimer), ALLOW(getrandom), ALLOW(uname), \
	/* connections that are there */ \
	ALLOW(getsockopt), ALLOW(sendto), ALLOW(recvfrom), ALLOW(poll), ALLOW(ppoll), \
	/* files that are open, and opening for reading; Landlock limits which files */ \
	ALLOW(read), ALLOW(write), ALLOW(writev), ALLOW(close), \
	ALLOW(lseek), ALLOW(fstat), ALLOW(newfstatat), \
	ALLOW_IF(openat, BITS(2, OPEN_MORE, O_RDONLY)), \
	SANDBOX_KILL_INTRUDER

/* TCP and UDP sockets: no Unix, netlink, packet, raw or MPTCP socket, and no server. glibc goes on without
 * nscd (Unix), and sorts addresses without netlink: it then only does not know which of the realm's IPv6
 * addresses are deprecated. */
#define WORKER_TCP \
	SOCKET(AF_INET, SOCK_STREAM, IPPROTO_TCP), SOCKET(AF_INET, SOCK_DGRAM, IPPROTO_UDP), \
	SOCKET(AF_INET6, SOCK_STREAM, IPPROTO_TCP), SOCKET(AF_INET6, SOCK_DGRAM, IPPROTO_UDP), \
	ALLOW(connect), ALLOW(setsockopt), ALLOW(getsockname), ALLOW(sendmmsg), \
	ALLOW_IF(ioctl, IS(1, FIONREAD)), \
	/* The number of the interface in "fe80::1%eth0". */ \
	ALLOW_IF(ioctl, IS(1, SIOCGIFINDEX))

/* Connected sockets that come from the supervisor. Nobody else can send one: the sockets above are of
 * other kinds. */
#define WORKER_PASSED ALLOW(recvmsg)

static const struct sandbox_rule filters[] SANDBOX_RULES = {
	SANDBOX_FILTER(supervisor_calls, SCMP_ACT_ALLOW),
	SANDBOX_KILL_INTRUDER,

	/* without Landlock */
	SANDBOX_FILTER(worker_no_files, SCMP_ACT_ALLOW),
	SANDBOX_REFUSE(open, EACCES), SANDBOX_REFUSE(openat, EACCES), SANDBOX_REFUSE(openat2, EACCES),

	/* one of these, for the ways in which the KBSs are reached */
	SANDBOX_FILTER(worker_calls, SCMP_ACT_ERRNO(ENOSYS)),
	WORKER_CALLS, WORKER_TCP,
	SANDBOX_FILTER(worker_calls_passed, SCMP_ACT_ERRNO(ENOSYS)),
	WORKER_CALLS, WORKER_PASSED,
	SANDBOX_FILTER(worker_calls_both, SCMP_ACT_ERRNO(ENOSYS)),
	WORKER_CALLS, WORKER_TCP, WORKER_PASSED,
};
/* clang-format on */
