/* SPDX-License-Identifier: Apache-2.0 */
/* client: the keeper's end of realmkey-keys and realmkey-hooks. A call waits for its answer at most
 * SINKS_WAIT_MS. It uses no system call but those that a confined keeper has: sendto() without an address, recvfrom(),
 * poll(). */
#ifndef REALMKEY_SINKS_CLIENT_H
#define REALMKEY_SINKS_CLIENT_H

#include "base/bytes.h"
#include "base/error.h"
#include "message.h"

#define SINKS_WAIT_MS 10000

struct sinks_client {
	int fd;		  /* -1: not connected */
	const char *name; /* of the program, for errors */
};

#define SINKS_CLIENT_INIT { .fd = -1 }

/* Connect to the socket at @path and send HELLO with @digest, before this process is confined. Appends the body of the
 * answer to @have. An ERROR_DELIVERY says which unit to enable, or that the other program has read another
 * configuration. @name is not copied. */
int sinks_connect(struct sinks_client *client, const char *name, const char *path,
		  const uint8_t digest[SINKS_DIGEST_SIZE], struct bytes *have, struct error *e);
/* Send a message about secret @number with @len bytes @body, and wait for the answer. A FAILED becomes the error. If the
 * other program is gone or does not answer in time, the connection is closed, and this and all further calls are an
 * ERROR_DELIVERY that can be tried again. */
int sinks_call(struct sinks_client *client, enum sinks_type type, uint32_t number, const void *body,
	       size_t len, struct error *e);
void sinks_close(struct sinks_client *client);

#endif
