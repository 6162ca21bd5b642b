/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privilege: what the supervisor gives up. It never sees a byte from the network, but it stays root,
 * because it starts keepers, which open files and then become another user. Each step returns 0, or
 * -1 with an ERROR_SYSTEM.
 */
#ifndef REALMKEY_PRIVILEGE_H
#define REALMKEY_PRIVILEGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* Call at the start. Disables core dumps and tracing, and locks memory against swap, because the
 * configuration names a private key and a password. */
int privilege_begin(struct error *e);
/* Append to @e, which is set, that this program was started as another user, unless it was @root. Returns -1. */
int privilege_explain(bool root, struct error *e);
/*
 * Call once a keeper has started, which has then mounted the keyring; cannot be undone. Keepers that are started
 * later inherit it. The process can no longer trace or load anything; a mount is an error. Without @programs, it
 * can execute no program and make no sockets other than Unix sockets: that is for a courier which a service manager
 * starts.
 */
int privilege_give_up(bool programs, struct error *e);

/* Act as @uid, of which a service without CAP_KILL and CAP_DAC_OVERRIDE needs the rights to signal its keeper and to
 * change the keyring. Only root can, and any other user stays as it is. End it with privilege_return(), which ends
 * the process if it fails. */
int privilege_lend(uid_t uid, struct error *e);
void privilege_return(void);

#endif
