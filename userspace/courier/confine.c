// SPDX-License-Identifier: Apache-2.0
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "sandbox/sandbox.h"

#define NOBODY	  65534
#define DNS_PORT  53
#define FILES_MAX 64

int confine_drop(struct error *e)
{
	struct sandbox_identity identity = { 0 };

	sandbox_user(CONFINE_USER, NOBODY, &identity);
	if (sandbox_drop_root(&identity, e) < 0 || sandbox_no_new_privs(e) < 0 ||
	    sandbox_no_dump(e) < 0 || sandbox_no_new_code(e) < 0)
		return -1;
	if (sandbox_limit(RLIMIT_NOFILE, FILES_MAX, e) < 0 || sandbox_limit(RLIMIT_FSIZE, 0, e) < 0)
		return -1;
	/* After the change of user, which clears it. RLIMIT_NPROC is not set, because it counts all
	 * processes of user 65534; confine_calls() allows no clone(). */
	return confine_end_with(getppid(), e);
}

int confine_end_with(pid_t parent, struct error *e)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "PR_SET_PDEATHSIG");
	/* It may have ended before. */
	return getppid() == parent ? 0 : error_set(e, ERROR_SYSTEM, "the parent process has ended");
}

int confine_supervisor(struct error *e)
{
	static const struct sandbox_path everything[] = { { "/", SANDBOX_READ } };
	static const struct sandbox_rule calls[] = { SANDBOX_KILL_INTRUDER };
	const struct sandbox_access access = {
		.path = everything,
		.paths = ARRAY_SIZE(everything),
		.alone = true,
	};

	if (sandbox_landlock(&access, e) < 0)
		return -1;
	return sandbox_seccomp(SECCOMP_RET_ALLOW, calls, ARRAY_SIZE(calls), e);
}

/* --- files ----------------------------------------------------------------------------------- */

/*
 * The files that the resolver of glibc reads when it looks a name up among "files dns" (resolver.h). It
 * reads no other: services, because ports are numbers, nsswitch.conf and modules not, because
 * resolver_prepare() has done it.
 *
 * A rule of Landlock applies to the file that a path leads to now, through symbolic links. It does not
 * apply to a file that is renamed over it or made later, and a rule for /etc would allow all that is
 * there. So a worker that has become stale (confine_changed()) ends, and the supervisor starts another.
 */
/* clang-format off */
static const struct sandbox_path resolver_paths[CONFINE_FILES] = {
	{ "/etc/resolv.conf", SANDBOX_READ },
	{ "/etc/hosts", SANDBOX_READ },
	{ "/etc/host.conf", SANDBOX_READ },
	{ "/etc/gai.conf", SANDBOX_READ },
};
/* clang-format on */

static void stamp_take(struct confine_stamp *stamp)
{
	struct stat st;

	memset(stamp, 0, sizeof(*stamp));
	for (size_t i = 0; i < ARRAY_SIZE(resolver_paths); i++) {
		if (stat(resolver_paths[i].path, &st) < 0)
			continue;
		stamp->file[i][0] = (int64_t)st.st_dev;
		stamp->file[i][1] = (int64_t)st.st_ino;
		stamp->file[i][2] = st.st_size;
		stamp->file[i][3] = st.st_mtim.tv_sec;
		stamp->file[i][4] = st.st_mtim.tv_nsec;
		stamp->file[i][5] = st.st_ctim.tv_sec;
		stamp->file[i][6] = st.st_ctim.tv_nsec;
	}
}

bool confine_changed(const struct confine_stamp *stamp)
{
	struct confine_stamp now;

	stamp_take(&now);
	return memcmp(&now, stamp, sizeof(now)) != 0;
}

int confine_files(uint16_t port, struct confine_stamp *stamp, struct error *e)
{
	const uint16_t ports[] = { port, DNS_PORT };
	const struct sandbox_access access = {
		.path = resolver_paths,
		.paths = ARRAY_SIZE(resolver_paths),
		.port = ports,
		.ports = ARRAY_SIZE(ports),
		.alone = true,
	};

	/* First: what changes in between must count as changed. */
	stamp_take(stamp);
	return sandbox_landlock(&access, e);
}

/* --- system calls ---------------------------------------------------------------------------- */

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
static const struct sandbox_rule calls[] = {
	/* memory, but never executable, because all code is loaded by now */
	ALLOW(brk), ALLOW(munmap), ALLOW(mremap), ALLOW(madvise),
	ALLOW_IF(mmap, BITS(2, PROT_EXEC, 0)), ALLOW_IF(mprotect, BITS(2, PROT_EXEC, 0)),

	/* one thread; libc wakes others after each pthread_once(), whether there are any or not */
	ALLOW(futex), ALLOW(getpid), ALLOW(exit_group),
	ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn), ALLOW(restart_syscall),
	ALLOW(sigaltstack), /* by AddressSanitizer, in the tests */
	ALLOW(clock_gettime), ALLOW(setitimer), ALLOW(getrandom), ALLOW(uname),

	/* TCP and UDP sockets: no Unix, netlink, packet, raw or MPTCP socket, and no server. glibc goes on
	 * without nscd (Unix), and sorts addresses without netlink: it then only does not know which of
	 * the realm's IPv6 addresses are deprecated. */
	SOCKET(AF_INET, SOCK_STREAM, IPPROTO_TCP), SOCKET(AF_INET, SOCK_DGRAM, IPPROTO_UDP),
	SOCKET(AF_INET6, SOCK_STREAM, IPPROTO_TCP), SOCKET(AF_INET6, SOCK_DGRAM, IPPROTO_UDP),
	ALLOW(connect), ALLOW(getsockopt), ALLOW(setsockopt), ALLOW(getsockname),
	ALLOW(sendto), ALLOW(sendmmsg), ALLOW(recvfrom), ALLOW(poll), ALLOW(ppoll),
	ALLOW_IF(ioctl, IS(1, FIONREAD)),
	/* The number of the interface in "fe80::1%eth0". */
	ALLOW_IF(ioctl, IS(1, SIOCGIFINDEX)),

	/* files that are open, and opening for reading; Landlock limits which files */
	ALLOW(read), ALLOW(write), ALLOW(writev), ALLOW(close),
	ALLOW(lseek), ALLOW(fstat), ALLOW(newfstatat),
	ALLOW_IF(openat, BITS(2, OPEN_MORE, O_RDONLY)),

	SANDBOX_KILL_INTRUDER,
};
/* clang-format on */

static const struct sandbox_rule no_files[] = {
	{ .call = SANDBOX_CALL(open), .action = SANDBOX_ERRNO(EACCES) },
	{ .call = SANDBOX_CALL(openat), .action = SANDBOX_ERRNO(EACCES) },
	{ .call = SANDBOX_CALL(openat2), .action = SANDBOX_ERRNO(EACCES) },
};

int confine_calls(int files, struct error *e)
{
	/* The strictest action of all filters applies. The second filter allows no third. */
	if (!files && sandbox_seccomp(SECCOMP_RET_ALLOW, no_files, ARRAY_SIZE(no_files), e) < 0)
		return -1;
	return sandbox_seccomp(SANDBOX_ERRNO(ENOSYS), calls, ARRAY_SIZE(calls), e);
}
