/* SPDX-License-Identifier: Apache-2.0 */
/* request: an HTTP request as the handlers get it. It owns nothing. */
#ifndef TRUSTEED_REQUEST_H
#define TRUSTEED_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request {
	const char *method;
	const char *path;	   /* percent-decoded; a client may send one without a first '/' */
	const char *query;	   /* what follows '?', as the client sent it; NULL without one */
	const char *host;	   /* header Host, or NULL */
	bool secure;		   /* over TLS */
	const char *session;	   /* cookie kbs-session-id, or NULL */
	const char *authorization; /* header Authorization, or NULL */
	const void *body;
	size_t len;	   /* of the body, bytes */
	int64_t monotonic; /* boot clock, ms: for the age of sessions */
	int64_t now;	   /* seconds since 1970: for the times in tokens */
};

/* The token of "Authorization: Bearer TOKEN" (the scheme in upper or lower case), or NULL. */
const char *request_bearer(const struct request *request);

/* Copy @text to @out, of @size bytes, for a log line: printable ASCII without spaces, and no more
 * than fits. */
void request_printable(const char *text, char *out, size_t size);

#endif
