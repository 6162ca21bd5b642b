/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine: what the courier gives up, in three steps, the last before its first byte to or from the
 * network. Apart from main.c, so that a test can put itself in the same place and try to get out.
 */
#ifndef REALMKEY_COURIER_CONFINE_H
#define REALMKEY_COURIER_CONFINE_H

#include <stdint.h>

#include "base/error.h"

#define CONFINE_USER "realmkey-courier"

/* Become nobody: own user (if root), no capability, no way to gain one, no core dump, and an end
 * when the parent ends. */
int confine_drop(struct error *e);

/* Leave no file but the resolver's, and no TCP port but @port and DNS. Returns 1, or 0 where the
 * kernel has no Landlock: then resolver_freeze() must come before confine_calls(). */
int confine_files(uint16_t port, struct error *e);

/*
 * Leave no system call but those of a TLS client. @files: what confine_files() returned; 0
 * refuses every opening of a file.
 *
 * An unknown call is answered with ENOSYS, so that a newer libc or libcurl falls back as it would
 * on an older kernel. A call that no honest path makes (execve, ptrace, mount ...) ends the process.
 */
int confine_calls(int files, struct error *e);

#endif
