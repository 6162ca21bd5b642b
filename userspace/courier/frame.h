/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame: the bytes of a request in HTTP/1.1, and the answer to it in bytes that come from a hostile
 * network (RFC 9112). llhttp parses, as strictly as it can; this file adds the limits, and decides
 * between several lengths. No I/O.
 */
#ifndef REALMKEY_COURIER_FRAME_H
#define REALMKEY_COURIER_FRAME_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "request.h"

/* The most bytes of an answer that are not of its body: before the body, after it, and between two
 * pieces of it. Informational answers (1xx) count with the answer that follows. */
#define FRAME_HEAD_MAX	  ((size_t)128 << 10)
#define FRAME_HEADERS_MAX 4096

struct frame {
	/* The answer, once it is complete. */
	int status;	      /* 200 to 999, or 0 before */
	bool keep;	      /* the connection can carry another request */
	int64_t retry_after;  /* Retry-After in seconds; -1 if there is none, or it is a date */
	struct bytes body;    /* at most MESSAGE_ANSWER_MAX bytes */
	struct bytes cookies; /* the values of Set-Cookie, each followed by a NUL */

	/* The parser. */
	bool begun;  /* a byte has come */
	bool tunnel; /* the answer is to CONNECT */
	bool done;
	llhttp_t parser;
	struct error *failure;	 /* of the current call */
	const uint8_t *data;	 /* of the current call */
	size_t before, body_end; /* bytes before @data, and before the end of the body so far */
	size_t headers;		 /* the number of header lines so far */
	bool in_value;		 /* or between two header lines */
	bool trailing;		 /* after the head */
	bool lasting;		 /* the head does not say that the connection ends */
	bool has_length;
	uint64_t length;	  /* Content-Length, if has_length */
	struct bytes name, value; /* of the current header line */
};

#define FRAME_INIT { 0 }

/* Append the head of request @r to @out; its body follows as it is. @host is the value of Host, and
 * @cookies that of Cookie, or "". */
int frame_request(const struct request *r, const char *host, const char *cookies, struct bytes *out,
		  struct error *e);

/* Expect an answer. What a former one left in @f is dropped. */
void frame_begin(struct frame *f);
/* The same for the answer of a proxy to CONNECT, which has no body that matters (RFC 9110 section 9.3.6): it is
 * complete with its head. f->keep says whether nothing came after that. */
void frame_begin_tunnel(struct frame *f);

/* Parse the next @len bytes. Returns 1 if the answer is complete, 0 if more bytes are needed, or -1:
 * ERROR_PROTOCOL if it is malformed or over a limit. */
int frame_feed(struct frame *f, const void *data, size_t len, struct error *e);

/* The KBS has closed the connection. Returns 0 if this completes the answer; otherwise -1 and a
 * transient ERROR_NETWORK. */
int frame_end(struct frame *f, struct error *e);

void frame_free(struct frame *f);

#endif
