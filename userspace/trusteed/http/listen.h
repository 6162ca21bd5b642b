/* SPDX-License-Identifier: Apache-2.0 */
/* listen: the address to listen on, and its socket. */
#ifndef TRUSTEED_LISTEN_H
#define TRUSTEED_LISTEN_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/error.h"

struct listen_address {
	struct sockaddr_storage address;
	socklen_t len;
};

/* Parse "ADDR:PORT" or "[ADDR]:PORT", both numeric; with port 0 the system chooses one.
 * ERROR_USAGE. */
int listen_parse(const char *text, struct listen_address *address, struct error *e);
/* Whether only this machine can connect to @address. */
bool listen_is_loopback(const struct listen_address *address);
/* Bind and listen. @address is set to what the socket was bound to. Returns the descriptor, or -1
 * with an ERROR_NETWORK. */
int listen_open(struct listen_address *address, struct error *e);
/* Write "ADDR:PORT" or "[ADDR]:PORT" to @out, of @size bytes. */
void listen_print(const struct listen_address *address, char *out, size_t size);

#endif
