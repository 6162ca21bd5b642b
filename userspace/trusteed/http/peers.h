/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peers: the table of connections, and the rule by which one ends when there are too many.
 *
 * No client has a fixed share, because many realms can have one address. Only when the table is full
 * (of connections, or of bodies) does a connection end: one of the address that has most, and of
 * these the one whose present phase began first. A connection whose data this server has not read
 * yet is not slow, and is passed over, unless it is to read an answer first.
 *
 * Each phase has an absolute time limit, however often a client sends a byte.
 */
#ifndef TRUSTEED_PEERS_H
#define TRUSTEED_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum peer_phase {
	PEER_HEAD,   /* it waits for the next request, or sends the head of one */
	PEER_BODY,   /* it sends the body */
	PEER_ANSWER, /* it receives the answer */
	PEER_PHASES
};

/* The limit of each phase, in seconds. */
#define PEER_HEAD_SECONDS   30
#define PEER_BODY_SECONDS   60
#define PEER_ANSWER_SECONDS 60

struct peer_origin;

struct peer {
	struct peer_origin *origin; /* shared by all connections of one address */
	size_t index;		    /* in the table */
	int fd;
	enum peer_phase phase;
	int64_t since; /* when the phase began: boot clock, ms */
	int64_t turn;  /* the same, or when the connection was passed over last */
	size_t held;   /* bytes of a request that are kept for it */
	bool ended;    /* its socket is shut down, and it counts no more */
};

struct peers {
	struct peer **peer; /* owned */
	size_t room, count;
	size_t live, live_max; /* connections that have not ended; at most */
	size_t held, held_max; /* bytes; at most */
};

#define PEERS_INIT { 0 }

/* Add the connection @fd of the client @address. If there are too many now, another one ends. Returns
 * NULL out of memory. */
struct peer *peers_add(struct peers *peers, const struct sockaddr *address, int fd, int64_t now);
/* Remove @peer (may be NULL), whose connection is closed. */
void peers_remove(struct peers *peers, struct peer *peer);
void peers_free(struct peers *peers);

/* In these two, @peer may be NULL. */
void peer_begin(struct peer *peer, enum peer_phase phase, int64_t now);
/* Set how many bytes are kept for @peer. If there are too many now, a connection ends, perhaps this
 * one. */
void peers_hold(struct peers *peers, struct peer *peer, size_t held, int64_t now);

/* End the connections that are over a limit. */
void peers_trim(struct peers *peers, int64_t now);
void peers_end_overdue(struct peers *peers, int64_t now);

#endif
