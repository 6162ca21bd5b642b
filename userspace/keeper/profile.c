// SPDX-License-Identifier: Apache-2.0
#include "profile.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "sandbox.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

int profile_open(struct error *e)
{
	if (sandbox_no_dump(e) < 0 || sandbox_limit(RLIMIT_CORE, 0, e) < 0)
		return -1;
	/* Beyond the buffers that are locked anyway: libraries' copies of keys, and the stack. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "cannot lock memory");
	return 0;
}

#define ALLOW(name) { .call = SCMP_SYS(name), .action = SCMP_ACT_ALLOW }
#define KILL(name) { .call = SCMP_SYS(name), .action = SCMP_ACT_KILL_PROCESS }
#define REFUSE(name) { .call = SCMP_SYS(name), .action = SCMP_ACT_ERRNO(EPERM) }
#define ALLOW_IF(name, ...) { .call = SCMP_SYS(name), .action = SCMP_ACT_ALLOW, \
			      .count = COUNT(((struct scmp_arg_cmp[]){ __VA_ARGS__ })), \
			      .arg = { __VA_ARGS__ } }
#define IS(n, value) { .arg = (n), .op = SCMP_CMP_EQ, .datum_a = (value) }
#define BITS(n, mask, value) { .arg = (n), .op = SCMP_CMP_MASKED_EQ, .datum_a = (mask), \
			       .datum_b = (value) }

static const struct sandbox_rule calls[] = {
	/* memory, never executable: all code is loaded by now */
	ALLOW(brk), ALLOW(munmap), ALLOW(mremap), ALLOW(madvise), ALLOW(mlock), ALLOW(mlock2),
	ALLOW(munlock),
	ALLOW_IF(mmap, BITS(2, PROT_EXEC, 0)), ALLOW_IF(mprotect, BITS(2, PROT_EXEC, 0)),

	ALLOW(futex), ALLOW(rseq), ALLOW(sched_yield), ALLOW(sched_getaffinity), ALLOW(gettid),
	ALLOW(getpid), ALLOW(getppid), ALLOW(exit), ALLOW(exit_group),
	ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn), ALLOW(rt_sigtimedwait),
	ALLOW(restart_syscall),
	ALLOW(clock_gettime), ALLOW(gettimeofday), ALLOW(clock_nanosleep), ALLOW(nanosleep),
	ALLOW(getrandom), ALLOW(uname), ALLOW(sysinfo), ALLOW(getuid), ALLOW(geteuid),
	ALLOW(getgid), ALLOW(getegid), ALLOW_IF(prlimit64, IS(2, 0)),

	/* the courier's end */
	ALLOW(kill), ALLOW(wait4), ALLOW(waitid),

	/* the courier, the service manager, and the RMM by netlink: no Internet, no packets */
	ALLOW_IF(socket, IS(0, AF_UNIX)), ALLOW_IF(socket, IS(0, AF_NETLINK), IS(2, NETLINK_GENERIC)),
	REFUSE(socketpair), ALLOW(bind), ALLOW(connect), ALLOW(shutdown), ALLOW(getsockopt),
	ALLOW(setsockopt), ALLOW(getsockname), ALLOW(sendto), ALLOW(sendmsg), ALLOW(recvfrom),
	ALLOW(recvmsg), ALLOW(poll), ALLOW(ppoll), ALLOW(select), ALLOW(pselect6),

	/* the keyring and /dev/cca-rsi; Landlock has the say about which files */
	ALLOW(read), ALLOW(readv), ALLOW(pread64), ALLOW(write), ALLOW(writev), ALLOW(close),
	ALLOW(lseek), ALLOW(openat), ALLOW(openat2), ALLOW(fstat), ALLOW(newfstatat), ALLOW(statx),
	ALLOW(access), ALLOW(faccessat), ALLOW(faccessat2), ALLOW(readlinkat), ALLOW(fcntl),
	ALLOW(flock), ALLOW(fchmod), ALLOW(fchown), ALLOW(mkdir), ALLOW(mkdirat), ALLOW(unlinkat),
	ALLOW(rename), ALLOW(renameat), ALLOW(renameat2), ALLOW(ioctl),

	/* whoever comes here is not the keeper any more */
	KILL(execve), KILL(execveat), KILL(ptrace), KILL(process_vm_readv), KILL(process_vm_writev),
	KILL(pidfd_getfd), KILL(mount), KILL(umount2), KILL(pivot_root), KILL(chroot),
	KILL(move_mount), KILL(open_tree), KILL(fsopen), KILL(unshare), KILL(setns), KILL(bpf),
	KILL(perf_event_open), KILL(userfaultfd), KILL(io_uring_setup), KILL(init_module),
	KILL(finit_module), KILL(delete_module), KILL(kexec_load), KILL(kexec_file_load),
	KILL(open_by_handle_at), KILL(reboot), KILL(capset),
};

int profile_close(const char *keyring, struct error *e)
{
	const struct sandbox_path paths[] = {
		{ keyring, SANDBOX_READ | SANDBOX_WRITE },
		{ "/dev/cca-rsi", SANDBOX_READ | SANDBOX_WRITE | SANDBOX_IOCTL },
		{ "/sys/devices/platform", SANDBOX_READ },	/* is this a realm? */
		{ "/sys/firmware", SANDBOX_READ },
	};
	const struct sandbox_access access = { .path = paths, .paths = COUNT(paths) };

	/* Without Landlock the keeper is root of files still; seccomp holds all the same. */
	if (sandbox_no_new_privs(e) < 0 || sandbox_no_new_code(e) < 0 ||
	    sandbox_landlock(&access, e) < 0)
		return -1;
	return sandbox_seccomp(SCMP_ACT_ERRNO(EPERM), calls, COUNT(calls), e);
}
