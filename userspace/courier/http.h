/* SPDX-License-Identifier: Apache-2.0 */
/* http: requests to one KBS over one connection that is kept open, by libcurl. */
#ifndef REALMKEY_COURIER_HTTP_H
#define REALMKEY_COURIER_HTTP_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"
#include "request.h"

struct http {
	CURL *easy;
	struct curl_slist *pins;
	char *url; /* scheme, host and port; owned */
	char detail[CURL_ERROR_SIZE];
	struct bytes answer;  /* body of the current answer */
	struct bytes cookies; /* of the KBS (cookie.h) */
	bool overflow;	      /* that body was longer than MESSAGE_ANSWER_MAX */
	int peer;	      /* the keeper's socket; a request is aborted if it closes */
};

#define HTTP_INIT { .peer = -1 }

struct http_target {
	const char *url;	/* scheme://host[:port] */
	const struct bytes *ca; /* PEM; borrowed for the life of the struct http */
	const char *pin;	/* "host:port:address,...", or "" */
	bool insecure;		/* http:// is allowed */
	long timeout;		/* seconds for one request */
};

/* Initialise libcurl, OpenSSL and libc, which read files for that. Call before the sandbox is
 * entered. */
int http_prepare(struct error *e);

/* Set @http up for @target, without connecting. ERROR_INPUT if @target's CA contains no
 * certificate. */
int http_open(struct http *http, const struct http_target *target, struct error *e);
void http_close(struct http *http);

/* Host and port of @url as text; the default port of the scheme if @url has none. The caller
 * releases both with curl_free(). */
int http_split(const char *url, char **host, char **port, struct error *e);

/* Send one request and receive its answer into @status (100 to 999) and http->answer.
 * ERROR_NETWORK, ERROR_TLS or ERROR_PROTOCOL if there is no usable answer; the text begins with the
 * URL. */
int http_send(struct http *http, const struct request *r, int *status, struct error *e);

#endif
