/* SPDX-License-Identifier: Apache-2.0 */
/* listen: the listening socket, and which addresses may speak plain HTTP. */
#ifndef TRUSTEED_LISTEN_H
#define TRUSTEED_LISTEN_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/error.h"

struct listen_address {
	struct sockaddr_storage address;
	socklen_t len;
};

/* "ADDR:PORT" or "[ADDR]:PORT", numeric; port 0 lets the system choose. ERROR_USAGE. */
int listen_parse(const char *text, struct listen_address *address, struct error *e);
/* Whether only this machine can connect to @address. */
bool listen_is_loopback(const struct listen_address *address);
/* Bind and listen; @address becomes what it was bound to. The descriptor, or -1 (ERROR_NETWORK). */
int listen_open(struct listen_address *address, struct error *e);
/* "ADDR:PORT" into @out. */
void listen_print(const struct listen_address *address, char *out, size_t size);

#endif
