/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify: the status of this process for the service manager, as sd_notify(3) sends it. Its socket
 * is made and connected before the keeper is confined, because afterwards the keeper can neither
 * make nor connect one. sd_notify() itself makes a socket for each message.
 */
#ifndef REALMKEY_NOTIFY_H
#define REALMKEY_NOTIFY_H

#include <stdint.h>

struct notify {
	int fd; /* connected to the service manager; -1 if there is none */
};

#define NOTIFY_INIT { .fd = -1 }

/* Connect to @address: a path, or '@' and the name of an abstract socket (as in $NOTIFY_SOCKET).
 * Without a service manager (NULL), or if it cannot be reached, messages are dropped. */
void notify_open(struct notify *notify, const char *address);
/* Send @text, lines of the form "KEY=value". */
void notify_send(const struct notify *notify, const char *text);
/* Send @lines, each with a newline, and STATUS=@status, which becomes one line: it may quote a hostile KBS. */
void notify_status(const struct notify *notify, const char *lines, const char *status);
/* How often the service manager expects WATCHDOG=1: half of its time-out, in milliseconds. 0: never. */
int64_t notify_watchdog_ms(void);
void notify_close(struct notify *notify);

#endif
