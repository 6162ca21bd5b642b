/* SPDX-License-Identifier: Apache-2.0 */
/*
 * broker: connections that the supervisor makes for its worker: to Unix sockets and vsocks. No filter of system
 * calls sees to which address a process connects, and Landlock has no rule for vsocks, so a worker that had
 * such sockets could reach every service in the realm, or on the host. It asks the supervisor instead, by one
 * byte, the index of a KBS.
 */
#ifndef REALMKEY_COURIER_BROKER_H
#define REALMKEY_COURIER_BROKER_H

#include "deadline.h"
#include "base/error.h"
#include "target.h"

/* Whether a server of @t needs this. */
bool broker_needed(const struct target *t);
/* The two ends, the first for the supervisor. */
int broker_open(int pair[2], struct error *e);

/* The supervisor: make the connections that @fd asks for, until the worker has closed its end. */
void broker_serve(int fd, const struct target *t);

/* The worker: ask at @fd for a connection to server @index. Returns a non-blocking socket that is connected, or
 * -1 with an ERROR_NETWORK. */
int broker_ask(int fd, size_t index, const struct deadline *d, struct error *e);

#endif
