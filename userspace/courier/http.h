/* SPDX-License-Identifier: Apache-2.0 */
/* http: requests to one KBS over one connection that is kept open. */
#ifndef REALMKEY_COURIER_HTTP_H
#define REALMKEY_COURIER_HTTP_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"
#include "frame.h"
#include "kbs/url.h"
#include "request.h"
#include "resolver.h"
#include "stream.h"
#include "tls.h"

struct http_target {
	const char *url;	 /* scheme://host[:port] */
	const struct bytes *ca;	 /* PEM */
	struct addresses pinned; /* instead of those that the resolver finds, if there are any */
	bool insecure;		 /* http:// is allowed */
	unsigned int timeout;	 /* seconds for one request */
	int peer;		 /* the keeper's socket; a request is aborted if it closes */
	void (*give_up)(void);	 /* resolver.h */
};

/* Must not move after http_prepare(). */
struct http {
	struct tls tls;
	struct stream stream;
	struct frame frame;
	struct url_parts to;
	struct addresses pinned;
	char *url; /* for messages; owned */
	bool insecure;
	unsigned int timeout;
	int peer;
	void (*give_up)(void);
	struct bytes answer;  /* body of the current answer */
	uint32_t wait;	      /* seconds of its Retry-After, at most a day; 0 if there is none */
	struct bytes cookies; /* of the KBS (cookie.h) */
};

#define HTTP_INIT { .stream = STREAM_INIT, .peer = -1 }

/* Initialise OpenSSL, which reads files for that. Call before the sandbox is entered. */
int http_prepare(struct http *http, struct error *e);

/* Set @http up for @target, without connecting. ERROR_INPUT if @target's CA contains no
 * certificate. */
int http_open(struct http *http, const struct http_target *target, struct error *e);
void http_close(struct http *http);

/* Send one request and receive its answer into @status (200 to 999) and http->answer.
 * ERROR_NETWORK, ERROR_TLS or ERROR_PROTOCOL if there is no usable answer; the text begins with the
 * URL. */
int http_send(struct http *http, const struct request *r, int *status, struct error *e);

#endif
