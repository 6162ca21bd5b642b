/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handoff: what acceptor and reader say to each other, over a socketpair that keeps packets apart. Both are forked from one
 * program, so a packet is a struct.
 */
#ifndef REALMKEY_HANDOFF_H
#define REALMKEY_HANDOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "sinks/served.h"

enum handoff_type {
	/* from the acceptor */
	HANDOFF_HOLD, /* with the descriptor of a connection, for a case: fail it if the acceptor ends */
	HANDOFF_VALUE, /* write the value of @name to the connection that is held */
	HANDOFF_ANSWER, /* with a descriptor: write the value of @name to it, as a reply of varlink */
	HANDOFF_DROP,	/* close it */
	/* from the reader */
	HANDOFF_READY,	/* it is confined */
	HANDOFF_DONE,	/* all was written, and the connection is closed here */
	HANDOFF_ABSENT, /* there is no such value; nothing was written */
	HANDOFF_FAILED, /* the client has gone, or did not read in time; or the value cannot be read. For a value of
			 * HANDOFF_VALUE, the acceptor fails the connection. */
};

struct handoff {
	enum handoff_type type;
	uint32_t client; /* a number that the acceptor has chosen */
	char name[SERVED_NAME_MAX];
};

/* Send a packet, with the descriptor @fd unless it is -1. Does not wait: the other end always reads. */
int handoff_send(int channel, const struct handoff *packet, int fd, struct error *e);
/* Receive one, and set *@fd to the descriptor in it, or to -1. Returns 1, 0 if there is none now, or -1 if the other
 * process has ended. */
int handoff_receive(int channel, struct handoff *packet, int *fd, struct error *e);

#endif
