/* SPDX-License-Identifier: Apache-2.0 */
/* request: one HTTP request as the handlers see it; nothing in it is owned. */
#ifndef TRUSTEED_REQUEST_H
#define TRUSTEED_REQUEST_H

#include <stddef.h>
#include <stdint.h>

struct request {
	const char *method;
	const char *path;		/* percent-decoded, begins with '/' */
	const char *session;		/* cookie kbs-session-id, or NULL */
	const char *authorization;	/* header Authorization, or NULL */
	const void *body;
	size_t len;
	int64_t monotonic;		/* CLOCK_MONOTONIC, ms: what sessions live by */
	int64_t now;			/* seconds since 1970: what tokens live by */
};

/* The token of "Authorization: Bearer TOKEN" (scheme in any case), or NULL. */
const char *request_bearer(const struct request *request);

/* Copy @text into @out (@size > 0) for a log line: printable ASCII without spaces, cut to fit. */
void request_printable(const char *text, char *out, size_t size);

#endif
