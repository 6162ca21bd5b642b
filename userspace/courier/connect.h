/* SPDX-License-Identifier: Apache-2.0 */
/* connect: a TCP connection to the first of several addresses that answers (RFC 8305). */
#ifndef REALMKEY_COURIER_CONNECT_H
#define REALMKEY_COURIER_CONNECT_H

#include "base/error.h"
#include "route/deadline.h"
#include "resolver.h"

/* Before the next address is tried as well, ms (RFC 8305 section 8). */
#define CONNECT_STAGGER 250

/* Returns a connected, non-blocking socket, or -1 with a transient ERROR_NETWORK. IPv6 and IPv4
 * alternate, beginning with the family of the first address. */
int connect_race(const struct addresses *addresses, const struct deadline *d, struct error *e);

#endif
