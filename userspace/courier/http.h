/* SPDX-License-Identifier: Apache-2.0 */
/* http: requests to one of several KBSs over one connection that is kept open. */
#ifndef REALMKEY_COURIER_HTTP_H
#define REALMKEY_COURIER_HTTP_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"
#include "frame.h"
#include "request.h"
#include "resolver.h"
#include "route/target.h"
#include "stream.h"
#include "tls.h"

/* What surrounds a client. */
struct http_outside {
	/* For each server, or for the proxy, if there are any: instead of the addresses that the resolver
	 * finds. */
	struct addresses pinned[FAILOVER_SERVERS_MAX];
	int peer;	       /* the keeper's socket; a request is aborted if it closes */
	int broker;	       /* broker.h, or -1 */
	void (*give_up)(void); /* resolver.h */
};

/* Must not move after http_open(). */
struct http {
	struct tls tls;
	struct tls_peer peers[FAILOVER_SERVERS_MAX];
	struct stream stream;
	struct frame frame;
	const struct target *target;
	const struct http_outside *outside;
	size_t server;	      /* the index of that which is used */
	struct bytes answer;  /* body of the current answer */
	uint32_t wait;	      /* seconds of its Retry-After, at most a day; 0 if there is none */
	struct bytes cookies; /* of the KBS (cookie.h) */
};

#define HTTP_INIT { .stream = STREAM_INIT }

/* Initialise OpenSSL, which reads files for that. Call before the sandbox is entered. */
int http_prepare(struct http *http, struct error *e);

/* Set @http up for @target, without connecting; it and @outside are used until http_close(). ERROR_INPUT if
 * a file of @target is malformed. */
int http_open(struct http *http, const struct target *target, const struct http_outside *outside,
	      struct error *e);
void http_close(struct http *http);

/* Use @server from now on. If it is another than before, connection and cookies are given up. */
void http_choose(struct http *http, size_t server);

/* Send one request and receive its answer, within @seconds, into @status (200 to 999) and http->answer.
 * ERROR_NETWORK, ERROR_TLS or ERROR_PROTOCOL if there is no usable answer; the text begins with the
 * URL. */
int http_send(struct http *http, const struct request *r, unsigned int seconds, int *status,
	      struct error *e);

#endif
