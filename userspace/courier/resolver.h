/* SPDX-License-Identifier: Apache-2.0 */
/* resolver: what must be settled about glibc's resolver while files can still be opened. */
#ifndef REALMKEY_COURIER_RESOLVER_H
#define REALMKEY_COURIER_RESOLVER_H

#include "base/bytes.h"
#include "base/error.h"

/* Names come from /etc/hosts and DNS, whatever nsswitch.conf says: other services are modules,
 * which would have to be loaded later, and talk to daemons. */
int resolver_prepare(struct error *e);

/*
 * For a courier that will be allowed no file at all: read resolv.conf for good, and look @host up
 * in /etc/hosts. @pin gets "host:port:address,..." if it is there, and stays empty if not: then DNS
 * will be asked later, inside the sandbox. What changes in either file is not seen any more.
 */
int resolver_freeze(const char *host, const char *port, struct bytes *pin, struct error *e);

#endif
