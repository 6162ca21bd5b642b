// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "callers.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY	 65534
#define ALL	 (~UINT64_C(0))
#define CAP(cap) (UINT64_C(1) << (cap))
/* Status of a child that could not become the caller; an errno is less. */
#define NOT_BECOME 255

/* Keeps only those of the process's capabilities that are in @set. */
static bool capabilities_limit(uint64_t set)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return false;
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(set >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &head, data) == 0;
}

static bool file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return good;
}

/* A user with the capabilities in @set */
static bool become_user(uint64_t set)
{
	return prctl(PR_SET_KEEPCAPS, 1) == 0 && setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 &&
	       setuid(NOBODY) == 0 && capabilities_limit(set);
}

/* Root of a user namespace that a user has made. Without PR_SET_DUMPABLE its maps belong to root. */
static bool become_namespace_root(void)
{
	return become_user(0) && prctl(PR_SET_DUMPABLE, 1) == 0 && unshare(CLONE_NEWUSER) == 0 &&
	       file_write("/proc/self/setgroups", "deny") &&
	       file_write("/proc/self/uid_map", "0 65534 1") &&
	       file_write("/proc/self/gid_map", "0 65534 1") && setuid(0) == 0;
}

/*
 * Root of a container that manages the host's network: its own mounts and processes, no devices, a
 * read-only /sys without configfs, and one capability
 */
static bool become_container(void)
{
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", "/dev", "tmpfs", 0, NULL) == 0 &&
	       (access("/sys/kernel/config/tsm", F_OK) ||
		mount("none", "/sys/kernel/config", "tmpfs", 0, NULL) == 0) &&
	       mount(NULL, "/sys", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0 &&
	       capabilities_limit(CAP(CAP_NET_ADMIN));
}

static const struct {
	const char *name;
	uint64_t capabilities;
	bool user;
	bool (*become)(void);
} callers[CALLERS] = {
	[CALLER_ROOT] = { "root", ALL, false, NULL },
	[CALLER_ROOT_WITHOUT_SYS_ADMIN] = { "root without CAP_SYS_ADMIN", ~CAP(CAP_SYS_ADMIN),
					    false, NULL },
	[CALLER_SYS_ADMIN] = { "a user with CAP_SYS_ADMIN", CAP(CAP_SYS_ADMIN), true, NULL },
	[CALLER_NET_ADMIN] = { "a user with CAP_NET_ADMIN", CAP(CAP_NET_ADMIN), true, NULL },
	[CALLER_DAC_OVERRIDE] = { "a user with CAP_DAC_OVERRIDE", CAP(CAP_DAC_OVERRIDE), true,
				  NULL },
	[CALLER_DAC_READ_SEARCH] = { "a user with CAP_DAC_READ_SEARCH", CAP(CAP_DAC_READ_SEARCH),
				     true, NULL },
	[CALLER_USER] = { "a user", 0, true, NULL },
	[CALLER_USER_WITH_DESCRIPTORS] = { "a user with descriptors from root", 0, true, NULL },
	[CALLER_USER_NAMESPACE] = { "root of a user namespace", 0, true, become_namespace_root },
	[CALLER_CONTAINER] = { "a container with CAP_NET_ADMIN", 0, false, become_container },
};

const char *caller_name(int caller)
{
	return callers[caller].name;
}

static bool become(int caller)
{
	if (callers[caller].become)
		return callers[caller].become();
	if (callers[caller].user)
		return become_user(callers[caller].capabilities);
	return capabilities_limit(callers[caller].capabilities);
}

static int child_status(pid_t child)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return NOT_BECOME;
	return WEXITSTATUS(status);
}

/* A process enters a new namespace of processes only by making a child. */
static void child_run(int caller, int (*body)(void))
{
	pid_t inner;

	if (caller == CALLER_CONTAINER) {
		inner = unshare(CLONE_NEWNS | CLONE_NEWPID) ? -1 : fork();
		if (inner)
			_exit(child_status(inner));
	}
	_exit(become(caller) ? body() : NOT_BECOME);
}

int caller_run(int caller, int (*body)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0)
		child_run(caller, body);
	status = child_status(child);
	return status == NOT_BECOME ? -1 : status;
}
