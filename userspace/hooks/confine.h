/* SPDX-License-Identifier: Apache-2.0 */
/* confine: what the two processes of realmkey-hooks give up before they read the first message. */
#ifndef REALMKEY_HOOKS_CONFINE_H
#define REALMKEY_HOOKS_CONFINE_H

#include <sys/types.h>

#include "base/error.h"

/* The receiver, a child of @parent, with which it ends: it keeps its descriptors, and opens nothing. */
int confine_receiver(pid_t parent, struct error *e);
/* The caller: it keeps its user, because systemd obeys user 0, and connects to @socket, an absolute path. Returns the path
 * by which it then reaches @socket, a part of that string, or NULL with @e. */
const char *confine_caller(const char *socket, struct error *e);

#endif
