/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire: the bytes of one connection, which go over its socket as they are or within TLS. No call blocks:
 * a call that has to wait says what for, and is made again when the socket is ready.
 */
#ifndef TRUSTEED_WIRE_H
#define TRUSTEED_WIRE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define WIRE_WAIT   (-1)
#define WIRE_FAILED (-2)

struct wire {
	int fd;
	SSL *ssl;	/* NULL: plain */
	uint32_t waits; /* after WIRE_WAIT: EPOLLIN or EPOLLOUT */
};

/* Expect a TLS handshake on wire->fd, with the certificate that is in use now. Without this call the wire
 * is plain. ERROR_SYSTEM. */
int wire_secure(struct wire *wire, struct error *e);
/* Continue the handshake. Returns 0 when it is done (a plain wire has none), WIRE_WAIT or WIRE_FAILED. */
int wire_handshake(struct wire *wire, struct error *e);

/* Returns how many bytes were read or written, WIRE_WAIT or WIRE_FAILED. wire_read() returns 0 at the end
 * of the stream, however it ended; then, and after a failure, the connection can only be closed. */
ssize_t wire_read(struct wire *wire, void *data, size_t size, struct error *e);
ssize_t wire_write(struct wire *wire, const void *data, size_t len, struct error *e);
/* Whether bytes were received that wire_read() has not returned, so that the socket need not become ready
 * for them. */
bool wire_pending(const struct wire *wire);
/* Say that nothing more will be written. What the client still sends can only be dropped. */
void wire_finish(struct wire *wire);
/* Drop what the client has sent, at most @max bytes. Returns how many, 0 at the end, WIRE_WAIT, or
 * WIRE_FAILED. */
ssize_t wire_drop(struct wire *wire, void *buffer, size_t max);
/* Close the socket. */
void wire_close(struct wire *wire);

#endif
