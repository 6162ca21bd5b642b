/* SPDX-License-Identifier: Apache-2.0 */
/* stream: bytes over a connection, with TLS or without. No call waits. */
#ifndef REALMKEY_COURIER_STREAM_H
#define REALMKEY_COURIER_STREAM_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct stream {
	int fd;	     /* non-blocking; -1: there is no connection */
	SSL *ssl;    /* NULL: without TLS */
	bool ended;  /* the peer has closed it in order */
	bool lost;   /* the network has ended it */
	bool broken; /* TLS has ended it */
	short wants; /* what to wait for before the last call can go on: POLLIN, POLLOUT */
};

#define STREAM_INIT { .fd = -1 }

void stream_open(struct stream *s, int fd, SSL *ssl);
void stream_close(struct stream *s);

/* Whether a connection that nobody has used for a while can carry a request: it is open, and nothing
 * has come that was not asked for. */
bool stream_idle(struct stream *s);

/* Whether bytes have come that poll() does not know of. */
bool stream_has_read(const struct stream *s);

/* Both return the number of bytes, or 0 if the call would have to wait, or (get) if s->ended. -1 is a
 * transient ERROR_NETWORK with s->lost, or ERROR_TLS. */
ssize_t stream_put(struct stream *s, const void *data, size_t len, struct error *e);
ssize_t stream_get(struct stream *s, void *data, size_t len, struct error *e);

/* Set @e to the transient ERROR_NETWORK @text; @error is the errno, or 0 if the other end closed the
 * connection. Returns -1. */
int stream_lost(const char *text, int error, struct error *e);

#endif
