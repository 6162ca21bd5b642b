/* SPDX-License-Identifier: Apache-2.0 */
/* sockets: the two sockets at which the acceptor listens: those of systemd (sd_listen_fds(3)), or at paths. */
#ifndef REALMKEY_SOCKETS_H
#define REALMKEY_SOCKETS_H

#include <stddef.h>

#include "base/error.h"

#define SOCKETS_CREDENTIALS "credentials" /* the names of the descriptors */
#define SOCKETS_API	    "api"
#define SOCKETS_BACKLOG	    128

#define SOCKETS_HELD	 "held"
#define SOCKETS_HELD_MAX 64

struct sockets {
	int credentials, api; /* -1: none */
	/* Connections of systemd that an earlier process has put into the store of the service manager, and whose processes
	 * have both ended: what was written to them is not known. */
	int held[SOCKETS_HELD_MAX];
	size_t held_count;
};

#define SOCKETS_INIT { .credentials = -1, .api = -1 }

/* Take the sockets from the service manager. Returns how many descriptors there are, or -1 if there is one with another name. */
int sockets_inherit(struct sockets *sockets, struct error *e);
/* Listen at @path, with @mode, in place of what an earlier process has left there. Returns the descriptor, or -1. */
int sockets_listen(const char *path, unsigned int mode, struct error *e);

/* Put the connection @fd into the store of the service manager (FDSTORE= in sd_pid_notify_with_fds(3)), to which @notify is
 * connected; -1: there is none. If both processes are killed at once, the connection stays open, and the next process fails
 * it. The service manager drops it when both directions are shut down. */
void sockets_store(int notify, int fd);

#endif
