/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse: a request in HTTP/1.1 out of bytes that come from a hostile network (RFC 9112). llhttp parses, as
 * strictly as it can; this file adds the limits, and refuses what two recipients could read in two ways.
 * No I/O.
 */
#ifndef TRUSTEED_PARSE_H
#define TRUSTEED_PARSE_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "request.h"

/* The most bytes of a request that are not of its body: before the body, after it, and between two pieces
 * of it. An EAR as a bearer token has about 3 KiB, and more with the claims of a long init-data. */
#define PARSE_HEAD_MAX	 ((size_t)128 << 10)
#define PARSE_HEAD_SMALL ((size_t)16 << 10) /* a head that is not counted */
/* The most bytes of a body, kept or dropped. If the server closed the connection while the client still
 * sends, the client would get a reset and might never read why its request was refused. */
#define PARSE_BODY_MAX ((size_t)8 << 20)

enum parse_result {
	PARSE_MORE,    /* more bytes are needed */
	PARSE_HEAD,    /* the head is complete; the body follows, perhaps with no byte */
	PARSE_DONE,    /* the request is complete */
	PARSE_REFUSED, /* it is malformed or over a limit: see status and why */
	PARSE_MEMORY,  /* this machine has no memory for it */
};

/* What is kept of a head. */
enum {
	TEXT_TARGET,
	TEXT_NAME,  /* of the current header line */
	TEXT_VALUE, /* the same */
	TEXT_HOST,
	TEXT_AUTHORIZATION,
	TEXT_SESSION, /* cookie kbs-session-id */
	TEXTS,
};

struct parse {
	/* The head, from PARSE_HEAD on. */
	const char *method;
	const char *path;	     /* percent-decoded, unless it has a "%00" */
	const char *query;	     /* as it was sent, without the '?'; NULL: none */
	uint64_t announced;	     /* Content-Length, or 0 */
	bool authorized, in_session; /* there is such a header or cookie */
	bool waits;		     /* the client waits for "100 Continue" */
	bool recent;		     /* HTTP/1.1, and not 1.0 */
	bool keep;		     /* the connection can carry another request */

	/* The body. The caller sets @max and body.locked at PARSE_HEAD. */
	size_t max;	   /* bytes that are kept; of a longer body nothing is */
	size_t seen;	   /* bytes so far, kept or not */
	struct bytes body; /* its failure is the caller's to find */

	/* Why the request is refused: an HTTP status, or 0 if the client is not worth an answer. */
	unsigned int status;
	const char *why;

	/* The parser. */
	llhttp_t parser;
	struct bytes text[TEXTS];
	const uint8_t *data;	     /* of the current call */
	size_t before, body_end;     /* bytes before @data, and before the end of the body so far */
	unsigned int hosts, codings; /* header lines of that name */
	bool in_value;		     /* or between two header lines */
	bool trailing;		     /* after the head */
	bool headed;		     /* PARSE_HEAD was returned */
	bool done;
};

/* The next request of a connection begins. @p is zero, or was released. */
void parse_begin(struct parse *p);
/* Parse the next @len bytes; @used is set to how many of them belong to this request so far. After
 * PARSE_HEAD this must be called again with the bytes that follow, even if there are none. */
enum parse_result parse_feed(struct parse *p, const void *data, size_t len, size_t *used);
/* The request as handlers get it, without times. It is valid until @p changes. */
struct request parse_request(const struct parse *p);
/* The bytes that are kept of the request: its body, and a head that is not small. */
size_t parse_kept(const struct parse *p);
void parse_free(struct parse *p);

#endif
