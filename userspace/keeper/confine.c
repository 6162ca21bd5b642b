// SPDX-License-Identifier: Apache-2.0
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/cca_rsi.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/array.h"
#include "base/crypto.h"

/*
 * The capabilities that the keeper keeps, all of them:
 *
 *	CAP_CHOWN	gives a secret to its owner
 *
 * It needs no other. It owns the directories of the keyring and each file until that has its owner,
 * so it needs neither FOWNER nor DAC_OVERRIDE. It compares a secret with the file of an earlier
 * process through a descriptor that keyring_remember() opened, so it does not need DAC_READ_SEARCH.
 */
#define CAPABILITIES (1ULL << CAP_CHOWN)

#define MORE_MEMORY (1 << 20) /* bytes that confinement allocates at most */

bool confine_identity(struct sandbox_identity *identity)
{
	identity->keep = CAPABILITIES;
	return sandbox_user(CONFINE_USER, CONFINE_FALLBACK, identity);
}

int confine_begin(struct error *e)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	if (sandbox_no_dump(e) < 0)
		return -1;
	/* Now, because later libcrypto can neither open its files nor map guard pages for this
	 * heap. */
	if (crypto_prepare(e) < 0)
		return -1;
	/* Without CAP_IPC_LOCK the limit applies to each later allocation too. A unit sets its own
	 * limit, and may not allow this. */
	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
	/* Locks what struct bytes does not: copies of keys in libraries, and the stack. A page is locked
	 * when it is first used, so no page with a secret can be swapped out, and the pages of libcrypto
	 * that nothing uses stay on the disk: without MCL_ONFAULT, they would be 5 MiB. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "cannot lock memory");
	return 0;
}

#define ALLOW	 SANDBOX_ALLOW
#define ALLOW_IF SANDBOX_ALLOW_IF
#define IS	 SANDBOX_IS
#define BITS	 SANDBOX_BITS

/* The bits of an int or of a mode that are not in @mask. */
#define NOT(mask) (0xffffffffULL & ~(uint64_t)(mask))

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
	ALLOW_IF(fchmod, BITS(1, NOT(0777), 0)), ALLOW(fchown), ALLOW(mkdirat), ALLOW(unlinkat),
	ALLOW(renameat), ALLOW_IF(renameat2, IS(4, 0)), ALLOW_IF(renameat2, IS(4, RENAME_EXCHANGE)),
	ALLOW(getdents64),
	ALLOW_IF(ioctl, IS(1, CCA_RSI_CONFIG)), ALLOW_IF(ioctl, IS(1, CCA_RSI_MEASUREMENT)),
	ALLOW_IF(ioctl, IS(1, CCA_RSI_EXTEND)), ALLOW_IF(ioctl, IS(1, CCA_RSI_TOKEN)),

	SANDBOX_KILL_INTRUDER,
};
/* clang-format on */

/*
 * CAP_IPC_LOCK goes together with root, so from then on RLIMIT_MEMLOCK holds for each allocation.
 * A limit that is too small must end the keeper here, with a reason, and not later with a secret.
 */
static int confine_memory(struct error *e)
{
	struct rlimit limit = { 0 };
	void *more = mmap(NULL, MORE_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	if (more != MAP_FAILED) {
		munmap(more, MORE_MEMORY);
		return 0;
	}
	if (errno != EAGAIN || getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "cannot allocate memory");
	return error_set(
		e, ERROR_SYSTEM,
		"cannot lock more memory: RLIMIT_MEMLOCK is %llu KiB; set it to 64 MiB or more, "
		"in a unit by LimitMEMLOCK=64M",
		(unsigned long long)limit.rlim_cur / 1024);
}

int confine_finish(int keyring, const struct sandbox_identity *identity, struct error *e)
{
	const struct sandbox_path paths[] = {
		{ ".", SANDBOX_READ | SANDBOX_WRITE },
	};
	const struct sandbox_access access = {
		.path = paths,
		.paths = ARRAY_SIZE(paths),
		.alone = true,
	};

	/* A name then leads into the keyring only, also if the kernel has no Landlock. A unit that
	 * withholds CAP_SYS_CHROOT has its own means: nothing else can be written there. */
	if (fchdir(keyring) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "the keyring");
	if (chroot(".") < 0 && errno != EPERM)
		return error_set_errno(e, ERROR_SYSTEM, "chroot");
	if (sandbox_drop_root(identity, e) < 0 || confine_memory(e) < 0)
		return -1;
	/* Again, because a change of user undoes it. */
	if (sandbox_no_dump(e) < 0 || sandbox_no_new_privs(e) < 0 || sandbox_no_new_code(e) < 0 ||
	    sandbox_landlock(&access, e) < 0)
		return -1;
	return sandbox_seccomp(SANDBOX_ERRNO(EPERM), calls, ARRAY_SIZE(calls), e);
}
