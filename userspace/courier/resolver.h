/* SPDX-License-Identifier: Apache-2.0 */
/* resolver: prepares the resolver of glibc while files can still be opened. */
#ifndef REALMKEY_COURIER_RESOLVER_H
#define REALMKEY_COURIER_RESOLVER_H

#include "base/bytes.h"
#include "base/error.h"

/*
 * Have names looked up in /etc/hosts and by DNS, and not as nsswitch.conf says, because other services
 * are modules that would have to be loaded later, and that connect to daemons. systemd-resolved's
 * nss-resolve is one of them; its stub answers DNS at 127.0.0.53, to which its resolv.conf leads.
 */
int resolver_prepare(struct error *e);

/*
 * For a courier that may open no file at all afterwards: read resolv.conf, and look up @host in
 * /etc/hosts. If it is there, "host:port:address,..." is appended to @pin; if not, DNS is used
 * later, inside the sandbox. This process does not
 * see later changes of either file (confine_changed()).
 */
int resolver_freeze(const char *host, const char *port, struct bytes *pin, struct error *e);

#endif
