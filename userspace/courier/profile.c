// SPDX-License-Identifier: Apache-2.0
#include "profile.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include "sandbox.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define DNS_PORT 53
#define FILES_MAX 64

int profile_drop(struct error *e)
{
	if (sandbox_drop_user(PROFILE_USER, e) < 0 || sandbox_drop_capabilities(e) < 0 ||
	    sandbox_no_new_privs(e) < 0 || sandbox_no_dump(e) < 0 || sandbox_no_new_code(e) < 0)
		return -1;
	if (sandbox_limit(RLIMIT_NOFILE, FILES_MAX, e) < 0 || sandbox_limit(RLIMIT_FSIZE, 0, e) < 0)
		return -1;
	/* After the change of user, which clears it. Threads and processes are not limited here, as
	 * the limit counts everything of user 65534; profile_close_calls() leaves threads only. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "PR_SET_PDEATHSIG");
	return 0;
}

/* --- files ------------------------------------------------------------------------------------ */

/* What glibc's resolver reads. A rule holds for the file that is there now: one that is replaced
 * later can no longer be read, but those below a directory can. */
/* clang-format off */
static const struct sandbox_path resolver_paths[] = {
	{ "/etc/resolv.conf", SANDBOX_READ },
	{ "/etc/hosts", SANDBOX_READ },
	{ "/etc/nsswitch.conf", SANDBOX_READ },
	{ "/etc/host.conf", SANDBOX_READ },
	{ "/etc/gai.conf", SANDBOX_READ },
	{ "/run/systemd/resolve", SANDBOX_READ },
	{ "/run/resolvconf", SANDBOX_READ },
	{ "/run/NetworkManager/resolv.conf", SANDBOX_READ },
};
/* clang-format on */

int profile_close_files(uint16_t port, struct error *e)
{
	const uint16_t ports[] = { port, DNS_PORT };
	const struct sandbox_access access = {
		.path = resolver_paths,
		.paths = COUNT(resolver_paths),
		.port = ports,
		.ports = COUNT(ports),
		.alone = true,
	};

	return sandbox_landlock(&access, e);
}

/* --- system calls ----------------------------------------------------------------------------- */

#define ALLOW SANDBOX_ALLOW
#define ALLOW_IF SANDBOX_ALLOW_IF
#define IS SANDBOX_IS
#define MAX SANDBOX_MAX
#define BITS SANDBOX_BITS

#define SOCKET(domain, type, protocol) \
	ALLOW_IF(socket, IS(0, domain), \
		 BITS(1, ~(uint64_t)(SOCK_CLOEXEC | SOCK_NONBLOCK), type), MAX(2, protocol))

/* Opening for anything but reading. O_TMPFILE's own bit is what remains without O_DIRECTORY. */
#define OPEN_MORE (O_ACCMODE | O_CREAT | O_TRUNC | O_PATH | (O_TMPFILE & ~O_DIRECTORY))

/* clang-format off */
static const struct sandbox_rule calls[] = {
	/* memory, never executable: all code is loaded by now */
	ALLOW(brk), ALLOW(munmap), ALLOW(mremap), ALLOW(madvise),
	ALLOW_IF(mmap, BITS(2, PROT_EXEC, 0)), ALLOW_IF(mprotect, BITS(2, PROT_EXEC, 0)),

	/* libcurl resolves names in a thread; clone3() hides its flags from a filter, so: ENOSYS */
	ALLOW_IF(clone, BITS(0, CLONE_THREAD, CLONE_THREAD)),
	ALLOW(futex), ALLOW(set_robust_list), ALLOW(rseq), ALLOW(sched_yield),
	ALLOW(sched_getaffinity), ALLOW(gettid), ALLOW(getpid), ALLOW(exit), ALLOW(exit_group),

	ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn), ALLOW(sigaltstack),
	ALLOW(restart_syscall),

	ALLOW(clock_gettime), ALLOW(gettimeofday), ALLOW(clock_nanosleep), ALLOW(nanosleep),
	ALLOW(getrandom), ALLOW(uname), ALLOW(sysinfo), ALLOW(getuid), ALLOW(geteuid),
	ALLOW(getgid), ALLOW(getegid), ALLOW_IF(prlimit64, IS(2, 0)),

	/* Internet sockets, plain ones: no Unix, netlink, packet, raw or MPTCP socket, no server */
	SOCKET(AF_INET, SOCK_STREAM, IPPROTO_TCP), SOCKET(AF_INET, SOCK_DGRAM, IPPROTO_UDP),
	SOCKET(AF_INET6, SOCK_STREAM, IPPROTO_TCP), SOCKET(AF_INET6, SOCK_DGRAM, IPPROTO_UDP),
	/* libcurl's wake-up; a pair of datagram sockets could still be sent to any path */
	ALLOW_IF(socketpair, IS(0, AF_UNIX),
		 BITS(1, ~(uint64_t)(SOCK_CLOEXEC | SOCK_NONBLOCK), SOCK_STREAM)),
	ALLOW(connect), ALLOW(shutdown),
	ALLOW(getsockopt), ALLOW(setsockopt), ALLOW(getsockname), ALLOW(getpeername),
	ALLOW(sendto), ALLOW(sendmsg), ALLOW(sendmmsg), ALLOW(recvfrom), ALLOW(recvmsg),
	ALLOW(poll), ALLOW(ppoll), ALLOW(select), ALLOW(pselect6), ALLOW(pipe2), ALLOW(eventfd2),
	ALLOW_IF(ioctl, IS(1, FIONREAD)), ALLOW_IF(ioctl, IS(1, FIONBIO)),

	/* files: what is open, and to look; Landlock has the say about which may be opened */
	ALLOW(read), ALLOW(readv), ALLOW(pread64), ALLOW(write), ALLOW(writev), ALLOW(close),
	ALLOW(lseek), ALLOW(fstat), ALLOW(newfstatat), ALLOW(statx),
	ALLOW_IF(openat, BITS(2, OPEN_MORE, O_RDONLY)),
	ALLOW_IF(fcntl, IS(1, F_GETFL)), ALLOW_IF(fcntl, IS(1, F_SETFL)),
	ALLOW_IF(fcntl, IS(1, F_GETFD)), ALLOW_IF(fcntl, IS(1, F_SETFD)),

	SANDBOX_KILL_INTRUDER, SANDBOX_KILL(keyctl), SANDBOX_KILL(add_key),
	SANDBOX_KILL(request_key),
};
/* clang-format on */

static const struct sandbox_rule no_files[] = {
	{ .call = SCMP_SYS(open), .action = SCMP_ACT_ERRNO(EACCES) },
	{ .call = SCMP_SYS(openat), .action = SCMP_ACT_ERRNO(EACCES) },
	{ .call = SCMP_SYS(openat2), .action = SCMP_ACT_ERRNO(EACCES) },
};

int profile_close_calls(int files, struct error *e)
{
	/* The strictest answer of all filters counts; the second one lets no third be loaded. */
	if (!files && sandbox_seccomp(SCMP_ACT_ALLOW, no_files, COUNT(no_files), e) < 0)
		return -1;
	return sandbox_seccomp(SCMP_ACT_ERRNO(ENOSYS), calls, COUNT(calls), e);
}
