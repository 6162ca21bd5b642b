/* SPDX-License-Identifier: Apache-2.0 */
/* sockets: the two sockets at which the acceptor listens: those of systemd (sd_listen_fds(3)), or at paths. */
#ifndef REALMKEY_SOCKETS_H
#define REALMKEY_SOCKETS_H

#include "base/error.h"

#define SOCKETS_CREDENTIALS "credentials" /* the names of the descriptors */
#define SOCKETS_API	    "api"
#define SOCKETS_BACKLOG	    128

struct sockets {
	int credentials, api; /* -1: none */
};

#define SOCKETS_INIT { .credentials = -1, .api = -1 }

/* Take the sockets from the service manager. Returns how many there are, or -1 if there is one with another name. */
int sockets_inherit(struct sockets *sockets, struct error *e);
/* Listen at @path, with @mode, in place of what an earlier process has left there. Returns the descriptor, or -1. */
int sockets_listen(const char *path, unsigned int mode, struct error *e);

#endif
