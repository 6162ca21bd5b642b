/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: an HTTP server, with TLS, on libmicrohttpd. It does not know what requests mean.
 *
 * One thread of the library polls all connections and answers all requests. A handler computes for
 * a few milliseconds and waits for nothing, so more threads would help a single host little and
 * would require locks.
 */
#ifndef TRUSTEED_HTTP_H
#define TRUSTEED_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "reply.h"
#include "request.h"
#include "tls_files.h"

/* What the server serves. All calls come from one thread. */
struct http_service {
	void *context;	 /* for @dispatch */
	size_t body_max; /* bytes; requests with a longer body are refused */
	/* Answer @request; @reply is REPLY_INIT. */
	void (*dispatch)(void *context, const struct request *request, struct reply *reply);
	/* Whether the body of a request is a secret and must be kept in locked memory. */
	bool (*body_is_secret)(const char *method, const char *path);
};

struct http;

/* Serve @service on the listening socket @fd, with TLS if @files is not NULL. The server closes
 * @fd at its end if this call succeeds. @service must outlive the server. tls_current_set() replaces
 * @files later. Returns NULL with an ERROR_NETWORK or ERROR_SYSTEM. */
struct http *http_start(const struct http_service *service, int fd, const struct tls_files *files,
			struct error *e);
/* End all connections, wait for the thread, and close the socket. @http may be NULL. */
void http_stop(struct http *http);

#endif
