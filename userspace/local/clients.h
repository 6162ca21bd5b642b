/* SPDX-License-Identifier: Apache-2.0 */
/* clients: the table of the acceptor's connections, and how many of them one user may have. */
#ifndef REALMKEY_CLIENTS_H
#define REALMKEY_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "outbox.h"
#include "peer/peer.h"
#include "sinks/varlink.h"

#define CLIENTS_MAX	64 /* in all */
#define CLIENTS_API_MAX 48 /* so that programs cannot keep systemd out */
#define CLIENTS_USER_MAX \
	8 /* of one user other than root; of all users together that may have no secret */

enum client_state {
	CLIENT_FREE,
	CLIENT_READS,	/* a program has not sent all of its request */
	CLIENT_WAITS,	/* for the secret */
	CLIENT_SENDS,	/* the reader writes the value */
	CLIENT_ANSWERS, /* the acceptor writes an answer without a secret */
	CLIENT_FAILS,	/* the acceptor writes more than a credential may have */
};

struct client {
	enum client_state state;
	bool api, volume; /* otherwise a credential */
	bool stranger;	  /* it may have no secret */
	int fd;
	uint32_t number; /* of all connections, for the reader */
	int64_t until;	 /* the end of this state; 0: none */
	struct peer peer;
	struct peer_address address;	/* !api */
	char secret[SERVED_NAME_MAX];	/* that it waits for */
	char wanted[2 * PEER_NAME_MAX]; /* what it named, for the log */
	struct bytes input;		/* api: read, and not handled */
	struct outbox out;
};

struct clients {
	struct client client[CLIENTS_MAX];
	uint32_t last; /* number */
};

/* A free entry for the connection @fd; NULL: there is none. */
struct client *clients_add(struct clients *clients, int fd, bool api);
/* The client with @number, or NULL. */
struct client *clients_find(struct clients *clients, uint32_t number);
/* Close the connection, and free the entry. */
void clients_remove(struct client *client);
/* How many connections there are: of programs, if @api, or all. */
size_t clients_count(const struct clients *clients, bool api);
/* True if the user of @client, or its container, has more than CLIENTS_USER_MAX connections. Root has no limit. */
bool clients_excess(const struct clients *clients, const struct client *client);

#endif
