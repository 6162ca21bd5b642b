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

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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
 * keeps its user, which is not an error. Root that stays root requires no capability for that, and keeps its groups
 * without CAP_SETGID. Then keep, of the permitted and effective capabilities, those
 * in @identity->keep and no others. The inheritable and the ambient set become empty, and so does the
 * bounding set if the process may change it (CAP_SETPCAP).
 */
int sandbox_drop_root(const struct sandbox_identity *identity, struct error *e);

/* Have the kernel kill this process when @parent, its parent, ends. A later change of user undoes it. */
int sandbox_end_with(pid_t parent, struct error *e);

#define SANDBOX_READ  1U /* read files, list directories */
#define SANDBOX_WRITE 2U /* write, create, remove, rename, truncate */
#define SANDBOX_IOCTL 4U /* ioctl on devices */
#define SANDBOX_MEET  8U /* connect to Unix sockets; without this, only where @alone is not set */

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

/*
 * Load a seccomp filter of @len instructions, which filters_make has made. If several filters are loaded, the
 * strictest action counts. The process must have one thread only.
 */
int sandbox_seccomp(const struct sock_filter *code, size_t len, struct error *e);

#endif
