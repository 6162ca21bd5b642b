/* SPDX-License-Identifier: Apache-2.0 */
/* caller: the process that talks to systemd. It reads the numbers of changed secrets, and nothing else. */
#ifndef REALMKEY_HOOKS_CALLER_H
#define REALMKEY_HOOKS_CALLER_H

#include "base/error.h"
#include "plan.h"

/* Do the actions of @plan for the numbers that come from the pipe @receiver, by systemd at the socket @systemd, until the
 * pipe is closed and no action is left. A failed action is logged, and no error. */
int caller_run(int receiver, const char *systemd, struct plan *plan, struct error *e);

#endif
