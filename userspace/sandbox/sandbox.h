/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: the steps by which a process gives up privileges that it does not need. Each program
 * calls them in its own confine.c: user, capabilities, paths, and system calls last, because a step
 * may need a system call that the next step forbids.
 *
 * Each step returns 0, or -1 with an ERROR_SYSTEM; then the process must not go on.
 */
#ifndef REALMKEY_SANDBOX_H
#define REALMKEY_SANDBOX_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include "base/error.h"

/* No core dump, and no ptrace or /proc/PID/mem for other processes of the same user. Changing the
 * user would undo this, so drop the user first. */
int sandbox_no_dump(struct error *e);
/* From now on execve() cannot gain privileges. */
int sandbox_no_new_privs(struct error *e);
/* No memory that is both writable and executable. Kernels before 6.3 do not support this; then
 * nothing happens. */
int sandbox_no_new_code(struct error *e);
/* Set the soft and the hard limit of one RLIMIT_* to @max. */
int sandbox_limit(int resource, unsigned long max, struct error *e);

/* What a process becomes. */
struct sandbox_identity {
	uid_t uid;
	gid_t gid;
	uint64_t keep; /* capabilities to keep: bits 1 << CAP_* */
};

/* Look up the user @name, for sandbox_drop_root(), while its files can be read; uid and gid are @fallback
 * if that user does not exist, and those of this process if it is not root. Returns false for @fallback. */
bool sandbox_user(const char *name, uid_t fallback, struct sandbox_identity *identity);
/*
 * Become the user of @identity permanently, without supplementary groups; a process that is not root
 * keeps its user, which is not an error. Then keep, of the permitted and effective capabilities, those
 * in @identity->keep and no others. The inheritable and the ambient set become empty, and so does the
 * bounding set if the process may change it (CAP_SETPCAP).
 */
int sandbox_drop_root(const struct sandbox_identity *identity, struct error *e);

#define SANDBOX_READ  1U /* read files, list directories */
#define SANDBOX_WRITE 2U /* write, create, remove, rename, truncate */
#define SANDBOX_IOCTL 4U /* ioctl on devices */

struct sandbox_path {
	const char *path;    /* a file, or a directory with all in it; skipped if absent */
	unsigned int access; /* SANDBOX_* */
};

struct sandbox_access {
	const struct sandbox_path *path;
	size_t paths;
	const uint16_t *port; /* TCP ports that connect() may use; NULL does not restrict TCP */
	size_t ports;
	bool alone; /* no signals and no Unix sockets to other processes */
};

/*
 * Confine this thread and its future children to @access with Landlock: a file that is not listed
 * cannot be opened, and no file can be executed. Ports need Landlock ABI 4 and @alone ABI 6; on
 * older kernels these two have no effect. Returns 1, or 0 if the kernel has no Landlock: then
 * nothing is confined, and the caller has to use other means.
 */
int sandbox_landlock(const struct sandbox_access *access, struct error *e);

/* A comparison of one argument, all of whose 64 bits count; the kernel uses 32 of them for an int, so a rule that
 * refuses a value must mask the others. */
struct sandbox_compare {
	unsigned int arg;
	bool most; /* the argument is at most @value, and not @value in the bits of @mask */
	uint64_t mask, value;
};

/* The action for one system call if all of its @count comparisons hold. The first rule that holds counts. */
struct sandbox_rule {
	int call;	 /* SANDBOX_CALL(name); a call that this architecture lacks is skipped */
	uint32_t action; /* SECCOMP_RET_ALLOW, SANDBOX_ERRNO(n), SECCOMP_RET_KILL_PROCESS */
	unsigned int count;
	struct sandbox_compare compare[3];
};

/* Old calls that newer architectures lack. */
#ifndef __NR_open
#define __NR_open (-1)
#endif
#ifndef __NR_poll
#define __NR_poll (-1)
#endif
#ifndef __NR_select
#define __NR_select (-1)
#endif
#ifndef __NR_renameat
#define __NR_renameat (-1)
#endif

#define SANDBOX_CALL(name)   __NR_##name
#define SANDBOX_ERRNO(error) (SECCOMP_RET_ERRNO | (uint32_t)(error))

#define SANDBOX_ALLOW(name) { .call = SANDBOX_CALL(name), .action = SECCOMP_RET_ALLOW }
#define SANDBOX_KILL(name)  { .call = SANDBOX_CALL(name), .action = SECCOMP_RET_KILL_PROCESS }
/* With up to three of the comparisons below. */
#define SANDBOX_ALLOW_IF(name, ...) \
	{ \
		.call = SANDBOX_CALL(name), .action = SECCOMP_RET_ALLOW, \
		.count = sizeof((struct sandbox_compare[]){ __VA_ARGS__ }) / \
			 sizeof(struct sandbox_compare), \
		.compare = { \
			__VA_ARGS__ \
		} \
	}
#define SANDBOX_IS(n, number)	      { .arg = (n), .mask = UINT64_MAX, .value = (number) }
#define SANDBOX_MAX(n, number)	      { .arg = (n), .most = true, .value = (number) }
#define SANDBOX_BITS(n, bits, number) { .arg = (n), .mask = (bits), .value = (number) }

/* System calls that none of our programs makes after its start. A process that makes one of them
 * runs an intruder's code. */
#define SANDBOX_KILL_INTRUDER \
	SANDBOX_KILL(execve), SANDBOX_KILL(execveat), SANDBOX_KILL(ptrace), \
		SANDBOX_KILL(process_vm_readv), SANDBOX_KILL(process_vm_writev), \
		SANDBOX_KILL(pidfd_getfd), SANDBOX_KILL(mount), SANDBOX_KILL(umount2), \
		SANDBOX_KILL(pivot_root), SANDBOX_KILL(chroot), SANDBOX_KILL(move_mount), \
		SANDBOX_KILL(open_tree), SANDBOX_KILL(fsopen), SANDBOX_KILL(unshare), \
		SANDBOX_KILL(setns), SANDBOX_KILL(bpf), SANDBOX_KILL(perf_event_open), \
		SANDBOX_KILL(userfaultfd), SANDBOX_KILL(io_uring_setup), \
		SANDBOX_KILL(init_module), SANDBOX_KILL(finit_module), \
		SANDBOX_KILL(delete_module), SANDBOX_KILL(kexec_load), \
		SANDBOX_KILL(kexec_file_load), SANDBOX_KILL(open_by_handle_at), \
		SANDBOX_KILL(reboot), SANDBOX_KILL(setuid), SANDBOX_KILL(setresuid), \
		SANDBOX_KILL(setreuid), SANDBOX_KILL(setfsuid), SANDBOX_KILL(setgid), \
		SANDBOX_KILL(setresgid), SANDBOX_KILL(setgroups), SANDBOX_KILL(capset), \
		SANDBOX_KILL(pidfd_open), SANDBOX_KILL(pidfd_send_signal), \
		SANDBOX_KILL(io_uring_enter), SANDBOX_KILL(io_uring_register), \
		SANDBOX_KILL(keyctl), SANDBOX_KILL(add_key), SANDBOX_KILL(request_key), \
		SANDBOX_KILL(kcmp)

/*
 * Load a seccomp filter: the rules, and the action @otherwise for all other system calls (rules
 * with that action are redundant and skipped). If several filters are loaded, the strictest action
 * counts. The process must have one thread only.
 */
int sandbox_seccomp(uint32_t otherwise, const struct sandbox_rule *rule, size_t count,
		    struct error *e);

#endif
