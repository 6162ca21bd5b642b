/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn: one connection, from its TLS handshake to its end. It carries requests one after the other; what a
 * client sends before it has its answer waits. Nothing here blocks, and each call does the work of one
 * request at most, so that a client that sends many does not keep the others waiting.
 */
#ifndef TRUSTEED_CONN_H
#define TRUSTEED_CONN_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/error.h"
#include "http.h"
#include "peers.h"
#include "trusteed/loop/loop.h"

struct conn;

/* What the connections of one server share. */
struct conns {
	struct loop *loop;
	const struct http_service *service;
	bool tls;
	struct peers peers;
	struct conn *first; /* a list of all */
	struct bytes input; /* locked: of the connection that is being read */
	/* Called after each end of a connection. */
	void (*fewer)(struct conns *conns);
};

/* Serve the connection @fd of the client @address. @fd is closed at its end, also if this fails:
 * ERROR_SYSTEM. */
int conn_open(struct conns *conns, int fd, const struct sockaddr *address, struct error *e);
/* End all connections. */
void conns_close(struct conns *conns);

#endif
