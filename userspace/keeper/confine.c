// SPDX-License-Identifier: Apache-2.0
#include "confine.h"

#include <errno.h>
#include <linux/cca_rsi.h>
#include <linux/netlink.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/sandbox.h"

/* For private keys; a P-256 key needs a few hundred bytes. */
#define HEAP_SIZE ((size_t)64 << 10)
#define HEAP_BLOCK 32

int confine_begin(struct error *e)
{
	if (sandbox_no_dump(e) < 0)
		return -1;
	/* Now, because later libcrypto can neither open its files nor map guard pages for this
	 * heap. */
	if (!CRYPTO_secure_malloc_init(HEAP_SIZE, HEAP_BLOCK) ||
	    !OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL))
		return error_set(e, ERROR_SYSTEM, "cannot initialise libcrypto");
	/* Locks what struct bytes does not: copies of keys in libraries, and the stack. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "cannot lock memory");
	return 0;
}

#define ALLOW SANDBOX_ALLOW
#define ALLOW_IF SANDBOX_ALLOW_IF
#define IS SANDBOX_IS
#define BITS SANDBOX_BITS

/* clang-format off */
static const struct sandbox_rule calls[] = {
	/* memory, but never executable, because all code is loaded by now */
	ALLOW(brk), ALLOW(munmap), ALLOW(mremap), ALLOW(madvise), ALLOW(mlock), ALLOW(mlock2),
	ALLOW(munlock),
	ALLOW_IF(mmap, BITS(2, PROT_EXEC, 0)), ALLOW_IF(mprotect, BITS(2, PROT_EXEC, 0)),

	ALLOW(futex), ALLOW(rseq), ALLOW(sched_yield), ALLOW(sched_getaffinity), ALLOW(gettid),
	ALLOW(getpid), ALLOW(getppid), ALLOW(exit), ALLOW(exit_group),
	ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn), ALLOW(rt_sigtimedwait),
	ALLOW(sigaltstack), ALLOW(restart_syscall),
	ALLOW(clock_gettime), ALLOW(gettimeofday), ALLOW(clock_nanosleep), ALLOW(nanosleep),
	ALLOW(getrandom), ALLOW(uname), ALLOW(sysinfo), ALLOW(getuid), ALLOW(geteuid),
	ALLOW(getgid), ALLOW(getegid), ALLOW_IF(prlimit64, IS(2, 0)),

	/* to stop the courier */
	ALLOW_IF(kill, IS(1, SIGKILL)), ALLOW(wait4), ALLOW(waitid),

	/* sockets to the courier, the service manager, and the RMM by netlink; none to the
	 * Internet */
	ALLOW_IF(socket, IS(0, AF_UNIX)),
	ALLOW_IF(socket, IS(0, AF_NETLINK), IS(2, NETLINK_GENERIC)),
	ALLOW(bind), ALLOW(connect), ALLOW(shutdown), ALLOW(getsockopt),
	ALLOW(setsockopt), ALLOW(getsockname), ALLOW(sendto), ALLOW(sendmsg), ALLOW(recvfrom),
	ALLOW(recvmsg), ALLOW(poll), ALLOW(ppoll), ALLOW(select), ALLOW(pselect6),

	/* the keyring and /dev/cca-rsi; Landlock limits which files */
	ALLOW(read), ALLOW(readv), ALLOW(pread64), ALLOW(write), ALLOW(writev), ALLOW(close),
	ALLOW(lseek), ALLOW(openat), ALLOW(openat2), ALLOW(fstat), ALLOW(newfstatat), ALLOW(statx),
	ALLOW(access), ALLOW(faccessat), ALLOW(faccessat2), ALLOW(readlinkat), ALLOW(fcntl),
	ALLOW(flock), ALLOW(fchmod), ALLOW(fchown), ALLOW(mkdirat), ALLOW(unlinkat),
	ALLOW(renameat), ALLOW(renameat2),
	ALLOW_IF(ioctl, BITS(1, 0xff00, CCA_RSI_IOC_TYPE << 8)),

	SANDBOX_KILL_INTRUDER,
};
/* clang-format on */

int confine_finish(const char *keyring, struct error *e)
{
	const struct sandbox_path paths[] = {
		{ keyring, SANDBOX_READ | SANDBOX_WRITE },
		{ "/dev/cca-rsi", SANDBOX_READ | SANDBOX_WRITE | SANDBOX_IOCTL },
		{ "/sys/devices/platform", SANDBOX_READ },	/* is this a realm? */
		{ "/sys/firmware", SANDBOX_READ },
	};
	const struct sandbox_access access = { .path = paths, .paths = ARRAY_SIZE(paths) };

	/* Without Landlock root can still open any file; seccomp applies regardless. */
	if (sandbox_no_new_privs(e) < 0 || sandbox_no_new_code(e) < 0 ||
	    sandbox_landlock(&access, e) < 0)
		return -1;
	return sandbox_seccomp(SCMP_ACT_ERRNO(EPERM), calls, ARRAY_SIZE(calls), e);
}
