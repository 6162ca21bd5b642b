/* SPDX-License-Identifier: Apache-2.0 */
/* receiver: the process that reads what the keeper sends. It passes the numbers of secrets on to the caller, and can do
 * nothing else. */
#ifndef REALMKEY_HOOKS_RECEIVER_H
#define REALMKEY_HOOKS_RECEIVER_H

#include "base/error.h"
#include "config/settings.h"

/* Serve the @keeper, a connected socket, and write the number of each changed secret, 4 bytes, to the pipe @caller, which
 * does not block. Returns 0 when the keeper closes the connection, or -1. */
int receiver_run(int keeper, int caller, const struct settings *settings, struct error *e);

#endif
