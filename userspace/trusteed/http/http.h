/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: an HTTP server, with TLS. It does not know what requests mean.
 *
 * It runs in its caller's loop, and answers all requests there. A handler computes for a few milliseconds
 * and waits for nothing, so threads would help a single host little and would require locks. A
 * handler that has to wait answers later (later.h).
 */
#ifndef TRUSTEED_HTTP_H
#define TRUSTEED_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "reply.h"
#include "request.h"
#include "tls_files.h"
#include "trusteed/loop/loop.h"

/* What the server does with the body of a request. */
struct http_body {
	size_t max; /* bytes; a longer body is refused; 0: it is dropped, and the request is answered */
	bool secret; /* it is kept in locked memory */
	bool trusted; /* its client is authorised, and it does not count in what all bodies may use */
};

/* What the server serves. */
struct http_service {
	void *context; /* for the functions */
	/* Answer @request; @reply is REPLY_INIT. */
	void (*dispatch)(void *context, const struct request *request, struct reply *reply);
	/* Decide by the head of @request, before a byte of its body is kept. Returns false if it is
	 * refused, with that @reply. @body is zero. */
	bool (*admit)(void *context, const struct request *request, struct http_body *body,
		      struct reply *reply);
};

struct http;

/* The default number of connections. */
#define HTTP_CONNECTIONS 1024

/* Serve @service on the listening socket @fd, which does not block, in @loop, with TLS if @files is not
 * NULL, over at most @connections connections. The server closes @fd at its end if this call succeeds.
 * @loop and @service must outlive the server. tls_current_set() replaces @files later. SIGPIPE must be
 * ignored. Returns NULL with an ERROR_SYSTEM. */
struct http *http_start(struct loop *loop, const struct http_service *service, int fd,
			const struct tls_files *files, size_t connections, struct error *e);
/* End all connections, cancel what would answer later, and close the socket. @http may be NULL. */
void http_stop(struct http *http);

#endif
