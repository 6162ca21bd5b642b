/* SPDX-License-Identifier: Apache-2.0 */
/* server: the other end: one connection of a keeper, for realmkey-keys and realmkey-hooks. */
#ifndef REALMKEY_SINKS_SERVER_H
#define REALMKEY_SINKS_SERVER_H

#include "base/bytes.h"
#include "base/error.h"
#include "message.h"

/* The option --socket (args.h) of a program whose struct @target has a member for it. */
#define SINKS_SOCKET_OPTION(target) \
	{ .name = "socket", \
	  .type = ARGS_TEXT, \
	  .offset = offsetof(target, socket), \
	  .value = "PATH", \
	  .help = "listen at PATH, in place of the connection that the service manager passes" }

/* The connection that the service manager passes (sd_listen_fds(3), Accept=yes), or, with the option --socket PATH, one that
 * a process accepts there: this function then listens at @path, with mode 0600, and forks for each connection; it returns
 * in the child. The peer must be root or the user of this process (SO_PEERCRED). Returns a descriptor, or -1 with @e set. */
int sinks_accept(const char *path, struct error *e);

/* Handle @m. Returns 0, or -1 with @e set, which becomes the answer FAILED. The body is wiped after it returns. */
typedef int sinks_handle(void *context, const struct sinks_message *m, struct error *e);
/* Called if no message has come for a short while after the last one; for realmkey-hooks. NULL: not needed. */
typedef void sinks_idle(void *context);

struct sinks_service {
	const uint8_t *digest; /* settings.text_digest of this program: HELLO must have the same */
	const void *have;      /* the body of the answer to HELLO */
	size_t have_len;       /* bytes: one for each secret */
	sinks_handle *handle;
	sinks_idle *idle;
	void *context;
};

/* Serve the connection @fd until the keeper closes it: returns 0. After a protocol error, -1. Needs read(), write(), poll(). */
int sinks_serve(int fd, const struct sinks_service *service, struct error *e);

#endif
