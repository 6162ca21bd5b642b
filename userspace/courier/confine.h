/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine: how the courier gives up privileges, in three steps. The last one comes before the first
 * byte to or from the network. This is not in main.c, so that a test can confine itself in the same
 * way and try to break out.
 */
#ifndef REALMKEY_COURIER_CONFINE_H
#define REALMKEY_COURIER_CONFINE_H

#include <stdint.h>

#include "base/error.h"

/* The courier runs as this user, which has the name of the program. */
#define CONFINE_USER "realmkey-courier"

/* Change to CONFINE_USER (if root), drop all capabilities and the ways to gain one, disable core
 * dumps, and have the kernel kill this process when its parent ends. */
int confine_drop(struct error *e);

/* Allow only the files of the resolver, and only @port and the DNS port for TCP. Returns 1, or 0 if
 * the kernel has no Landlock: then the caller must call resolver_freeze() before
 * confine_calls(). */
int confine_files(uint16_t port, struct error *e);

/*
 * Allow only the system calls of a TLS client. @files is what confine_files() returned; if it is 0,
 * no file can be opened any more.
 *
 * Another call returns ENOSYS, so that a newer libc or libcurl falls back as on an older kernel. A
 * call that this program never makes (execve, ptrace, mount and others) kills the process.
 */
int confine_calls(int files, struct error *e);

#endif
