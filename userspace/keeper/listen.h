/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen: the control socket of realmkeyd (status/control.h). The supervisor waits for its descriptors
 * in its own poll(). Clients are bounded in number, and in the time for their request and for its
 * answer. Only root and the user of this process are served.
 */
#ifndef REALMKEY_LISTEN_H
#define REALMKEY_LISTEN_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#include "base/error.h"
#include "status/control.h"

#define LISTEN_CLIENTS	  8
#define LISTEN_REQUEST_MS 5000
#define LISTEN_ANSWER_MS  INT64_C(900000)

struct listen_client {
	int fd;	     /* -1: free */
	uint32_t id; /* of its request; 0: none came yet */
	enum control_verb verb;
	int64_t until; /* in ms, on the clock of the caller */
};

struct listener {
	int fd; /* -1: not open */
	struct sockaddr_un address;
	struct listen_client client[LISTEN_CLIENTS];
	uint32_t last; /* the id of the last request */
};

/* Neither socket nor clients. Call it before all others. */
void listen_init(struct listener *l);
/* Make the socket CONTROL_FILE in the directory @path, unless it is there already. A process that is root
 * makes it as the owner of that directory; then the socket belongs to the user of this process. */
int listen_open(struct listener *l, const char *path, struct error *e);
/* Close the socket and all clients. listen_remove() also removes the name of the socket. */
void listen_close(struct listener *l);
void listen_remove(struct listener *l);

#define LISTEN_POLL (1 + LISTEN_CLIENTS)

/* What to wait for. */
void listen_poll(const struct listener *l, struct pollfd p[LISTEN_POLL]);
/* When to call listen_serve() at the latest, or INT64_MAX. */
int64_t listen_until(const struct listener *l);

typedef void listen_request(void *context, uint32_t id, const struct control_request *request);

/* After poll(): accept clients, give each request to @request, and end clients whose time is over at @now. */
void listen_serve(struct listener *l, const struct pollfd p[LISTEN_POLL], int64_t now,
		  listen_request *request, void *context);
/* Answer request @id, if it has @verb and its client is still there, and end the client. */
void listen_answer(struct listener *l, enum control_verb verb, uint32_t id, int code,
		   const char *text);
/* Answer all requests with @verb up to @last. */
void listen_answer_all(struct listener *l, enum control_verb verb, uint32_t last, int code,
		       const char *text);

#endif
