/* SPDX-License-Identifier: Apache-2.0 */
/* http: one KBS over one kept-alive connection, by libcurl. */
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
	char *url;			/* scheme, host and port; owned */
	char detail[CURL_ERROR_SIZE];
	struct bytes answer;		/* body of the answer under way */
	bool overflow;			/* it was longer than MESSAGE_ANSWER_MAX */
	int peer;			/* when this hangs up, a request under way is given up */
};

#define HTTP_INIT { .peer = -1 }

struct http_target {
	const char *url;		/* scheme://host[:port] */
	const struct bytes *ca;		/* PEM; borrowed for the life of the struct http */
	const char *pin;		/* "host:port:address,...", or "" */
	bool insecure;			/* http:// is allowed */
	long timeout;			/* seconds for one request */
};

/* Have libcurl, OpenSSL and libc read what they read once. Before any sandbox. */
int http_prepare(struct error *e);

/* ERROR_INPUT when @target's CA holds no certificate. Connects nowhere yet. */
int http_open(struct http *http, const struct http_target *target, struct error *e);
void http_close(struct http *http);

/* Host and port of the target, as text; the port is the scheme's own where the URL has none. Both
 * released with curl_free(). */
int http_split(const char *url, char **host, char **port, struct error *e);

/* One request; @status (100..999) and http->answer hold what came. ERROR_NETWORK, ERROR_TLS or
 * ERROR_PROTOCOL when nothing usable came; the text begins with the URL. */
int http_send(struct http *http, const struct request *r, int *status, struct error *e);

#endif
