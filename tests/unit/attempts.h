/* SPDX-License-Identifier: Apache-2.0 */
/* attempts: what the tests of a confined process try, whichever process it is. Each returns 0, or the errno
 * that stopped it. */
#ifndef TESTS_ATTEMPTS_H
#define TESTS_ATTEMPTS_H

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Returns 0 or an errno from the result of a call. */
static int outcome(long result)
{
	return result < 0 ? errno : 0;
}

#define TRY(name, call) \
	static int try_##name(void) \
	{ \
		return outcome(call); \
	}

TRY(udp6, socket(AF_INET6, SOCK_DGRAM, 0))
TRY(raw, socket(AF_INET, SOCK_RAW, IPPROTO_ICMP))
TRY(packet, socket(AF_PACKET, SOCK_RAW, 0))
TRY(vsock, socket(AF_VSOCK, SOCK_STREAM, 0))
TRY(unix, socket(AF_UNIX, SOCK_STREAM, 0))
TRY(getfd, syscall(SYS_pidfd_getfd, -1, 0, 0))
TRY(mount, syscall(SYS_mount, 0, "/", "tmpfs", 0, 0))
TRY(unshare, syscall(SYS_unshare, 0x10000000))
TRY(bpf, syscall(SYS_bpf, 0, 0, 0))
TRY(io_uring, syscall(SYS_io_uring_setup, 1, 0))
TRY(module, syscall(SYS_finit_module, 0, 0, 0))
TRY(capset, syscall(SYS_capset, NULL, NULL))
TRY(keyctl, syscall(SYS_keyctl, 0, -3, 0))
TRY(process, syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))
TRY(clone3, syscall(SYS_clone3, NULL, 0))
TRY(dumpable, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))

static int try_execve(void)
{
	char *argv[] = { (char *)"true", NULL };

	return outcome(execve("/bin/true", argv, argv + 1));
}

static int try_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? errno : 0;
}

static int try_data_to_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return outcome(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

#endif
