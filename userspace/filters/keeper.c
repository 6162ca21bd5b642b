// SPDX-License-Identifier: Apache-2.0
/* The system calls of the keeper. */
#include <errno.h>
#include <fcntl.h>
#include <linux/cca_rsi.h>
#include <stdio.h>
#include <sys/mman.h>

#include "rules.h"

#define ALLOW	 SANDBOX_ALLOW
#define ALLOW_IF SANDBOX_ALLOW_IF
#define IS	 SANDBOX_IS
#define BITS	 SANDBOX_BITS

/* The bits of an int or of a mode that are not in @mask. */
#define NOT(mask) (0xffffffffULL & ~(uint64_t)(mask))

/* clang-format off */
static const struct sandbox_rule filters[] SANDBOX_RULES = {
	SANDBOX_FILTER(keeper_calls, SCMP_ACT_ERRNO(EPERM)),

	/* memory, but never executable, because all code is loaded by now */
	ALLOW(brk), ALLOW(munmap), ALLOW(mremap), ALLOW(madvise), ALLOW(mlock), ALLOW(mlock2),
	ALLOW(munlock),
	ALLOW_IF(mmap, BITS(2, PROT_EXEC, 0)), ALLOW_IF(mprotect, BITS(2, PROT_EXEC, 0)),

	ALLOW(futex), ALLOW(rseq), ALLOW(sched_yield), ALLOW(sched_getaffinity), ALLOW(gettid),
	ALLOW(getpid), ALLOW(getppid), ALLOW(exit), ALLOW(exit_group),
	ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn), ALLOW(timerfd_settime),
	ALLOW(sigaltstack), ALLOW(restart_syscall),
	ALLOW(clock_gettime), ALLOW(gettimeofday), ALLOW(clock_nanosleep), ALLOW(nanosleep),
	ALLOW(getrandom), ALLOW(uname), ALLOW(sysinfo), ALLOW(getuid), ALLOW(geteuid),
	ALLOW(getgid), ALLOW(getegid), ALLOW_IF(prlimit64, IS(0, 0), IS(2, 0)),

	/* The end of the courier. It ends because its socket is closed; the keeper signals no
	 * process. */
	ALLOW(wait4), ALLOW(waitid),

	/* Sockets that are connected: to the courier, the service manager, the journal. No call
	 * makes or connects one, names another receiver (sendmsg() could, unseen by this filter),
	 * sends or receives a descriptor. */
	ALLOW_IF(sendto, IS(4, 0)), ALLOW(recvfrom), ALLOW(poll), ALLOW(ppoll), ALLOW(select),
	ALLOW(pselect6),

	/* The keyring (Landlock and the change of root limit names to it), and the realm's device.
	 * Not all of fcntl(): with F_SETOWN a descriptor can signal a process. */
	ALLOW(read), ALLOW(readv), ALLOW(pread64), ALLOW(write), ALLOW(writev), ALLOW(close),
	ALLOW(lseek), ALLOW(openat), ALLOW(fstat), ALLOW(newfstatat), ALLOW(statx),
	ALLOW_IF(fcntl, IS(1, F_GETFL)), ALLOW_IF(fcntl, IS(1, F_SETFL), BITS(2, O_ASYNC, 0)),
	ALLOW_IF(fcntl, IS(1, F_GETFD)), ALLOW_IF(fcntl, IS(1, F_SETFD)),
	ALLOW_IF(fcntl, IS(1, F_DUPFD_CLOEXEC)),
	/* Not utimensat() with a name: the times of an open file are set. */
	ALLOW_IF(utimensat, IS(1, 0)),
	ALLOW_IF(fchmod, BITS(1, NOT(0777), 0)), ALLOW(fchown), ALLOW(mkdirat), ALLOW(unlinkat),
	ALLOW(renameat), ALLOW_IF(renameat2, IS(4, 0)), ALLOW_IF(renameat2, IS(4, RENAME_EXCHANGE)),
	ALLOW(getdents64),
	ALLOW_IF(ioctl, IS(1, CCA_RSI_CONFIG)), ALLOW_IF(ioctl, IS(1, CCA_RSI_MEASUREMENT)),
	ALLOW_IF(ioctl, IS(1, CCA_RSI_EXTEND)), ALLOW_IF(ioctl, IS(1, CCA_RSI_TOKEN)),

	SANDBOX_KILL_INTRUDER,
};
/* clang-format on */
