/* SPDX-License-Identifier: Apache-2.0 */
/* target: the KBSs that a courier is for, and how it reaches them, from the messages of its keeper. No I/O. */
#ifndef REALMKEY_COURIER_TARGET_H
#define REALMKEY_COURIER_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "kbs/failover.h"
#include "kbs/message.h"
#include "kbs/url.h"

struct target_server {
	struct bytes url; /* text, for messages */
	struct url_parts to;
	size_t ca; /* index in target.ca */
};

struct target {
	struct target_server server[FAILOVER_SERVERS_MAX];
	size_t servers;
	struct bytes ca[FAILOVER_SERVERS_MAX]; /* PEM, each different; empty: the system's */
	size_t cas;
	bool insecure;
	uint32_t timeout;	/* seconds */
	struct bytes proxy_url; /* text; empty: there is no proxy */
	struct url_parts proxy; /* if there is one */
	struct bytes
		authorization; /* locked: a header line for the proxy, without its end, or empty */
	struct bytes certificate; /* of the client, PEM; empty: it has none */
	struct bytes key;	  /* locked: the same */
};

#define TARGET_INIT { .authorization = BYTES_LOCKED_INIT, .key = BYTES_LOCKED_INIT }

/* Add what the message SERVER or OPEN says. Returns 1 after OPEN, with which @t is complete, or 0. ERROR_INPUT
 * is about the contents of a file; anything else that is wrong is an ERROR_PROTOCOL. */
int target_add(struct target *t, const struct message *m, struct error *e);
void target_free(struct target *t);

/* Whether a server is reached in this way. */
bool target_uses(const struct target *t, enum url_transport transport);
/* Whether a server is reached over TCP without a proxy, or the proxy is. Puts the port numbers into @ports
 * and returns how many there are. */
size_t target_ports(const struct target *t, uint16_t ports[FAILOVER_SERVERS_MAX]);

#endif
