/* SPDX-License-Identifier: Apache-2.0 */
/* resolver: the addresses of a name, by the resolver of glibc in a process that may open few files. */
#ifndef REALMKEY_COURIER_RESOLVER_H
#define REALMKEY_COURIER_RESOLVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"
#include "route/deadline.h"

#define ADDRESSES_MAX 16

struct addresses {
	size_t count;
	struct sockaddr_storage at[ADDRESSES_MAX];
	socklen_t len[ADDRESSES_MAX];
};

/*
 * Have names looked up in /etc/hosts and by DNS, and not as nsswitch.conf says, because other services
 * are modules that would have to be loaded later, and that connect to daemons. systemd-resolved's
 * nss-resolve is one of them; its stub answers DNS at 127.0.0.53, to which its resolv.conf leads.
 */
int resolver_prepare(struct error *e);

/*
 * For a courier that may open no file at all afterwards: read resolv.conf, and look up @host in
 * /etc/hosts. If it is there, its addresses go to @pinned; if not, DNS is used later, inside the
 * sandbox. This process does not see later changes of either file (confine_changed()).
 */
int resolver_freeze(const char *host, const char *port, struct addresses *pinned, struct error *e);

/*
 * Look up @host (a name, or an address without brackets, with "%interface" for a link-local one) and
 * @port (a number). A transient ERROR_NETWORK if it has no address.
 *
 * glibc does not return before it has asked each server as often as resolv.conf says, and other names of
 * its search list too. When the deadline passes before that, or the keeper is gone, @give_up is called in
 * a signal handler; it must not return.
 */
int resolver_find(const char *host, const char *port, const struct deadline *d,
		  void (*give_up)(void), struct addresses *found, struct error *e);

#endif
