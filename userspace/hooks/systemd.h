/* SPDX-License-Identifier: Apache-2.0 */
/* systemd: the service manager, over the socket that systemctl uses: D-Bus messages without a bus. */
#ifndef REALMKEY_HOOKS_SYSTEMD_H
#define REALMKEY_HOOKS_SYSTEMD_H

#include "base/error.h"
#include "config/config.h"

#define SYSTEMD_SOCKET "/run/systemd/private"
#define SYSTEMD_WAIT_S 10 /* for a connection, and for each answer */

struct systemd;

/* Connect to the socket @path. The connection must be short: systemd sends each change of any unit to each connection
 * here. Returns NULL with an error that can be tried again. */
struct systemd *systemd_open(const char *path, struct error *e);
/*
 * Have systemd do the action of @hook to its unit. Returns 1 when systemd has accepted it: what then becomes of a reload
 * or a restart is a job of systemd, which reports it. Returns 0 if there is nothing to do, because the unit does not
 * run or, for a signal, has no main process. @e says whether trying again can help.
 */
int systemd_act(struct systemd *systemd, const struct config_hook *hook, struct error *e);
void systemd_close(struct systemd *systemd);

#endif
