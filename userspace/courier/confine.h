/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine: how the courier gives up privileges, in steps. The last one comes before the first byte to
 * or from the network. This is not in main.c, so that a test can confine itself in the same way and
 * try to break out.
 */
#ifndef REALMKEY_COURIER_CONFINE_H
#define REALMKEY_COURIER_CONFINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "route/target.h"

/* The courier runs as this user, which has the name of the program. */
#define CONFINE_USER "realmkey-courier"

/* Change to CONFINE_USER (if root), drop all capabilities and the ways to gain one, disable core
 * dumps, and have the kernel kill this process when its parent ends. */
int confine_drop(struct error *e);

/* For the process that starts the workers and never uses the network itself: files can be read only, the
 * system calls that confine_calls() punishes kill it, and of all Unix sockets with a path, it can connect only
 * to those in the directories of @target's (as far as the kernel's Landlock can limit that). */
int confine_supervisor(const struct target *target, struct error *e);

#define CONFINE_FILES 4

/* The state of the resolver's files: which files they are, and when they were written. */
struct confine_stamp {
	int64_t file[CONFINE_FILES][7];
};

/* Allow only the files of the resolver, whose state goes to @stamp, and for TCP only the ports of @target
 * and the DNS port; neither files nor TCP if @target needs none. Returns 1, or 0 if the kernel has no
 * Landlock: then the caller must call resolver_freeze() before confine_calls(). */
int confine_files(const struct target *target, struct confine_stamp *stamp, struct error *e);
/* Whether one of these files was made, replaced, written or removed since, or a symbolic link leads to
 * another: then this process may not read it. */
bool confine_changed(const struct confine_stamp *stamp);

/*
 * Allow only the system calls of a TLS client for @target. @files is what confine_files() returned; if it is 0,
 * no file can be opened any more.
 *
 * Another call returns ENOSYS, so that a newer libc or OpenSSL falls back as on an older kernel. A
 * call that this program never makes (execve, ptrace, mount and others) kills the process.
 */
int confine_calls(const struct target *target, int files, struct error *e);

#endif
