/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control: the requests that realmkey sends to realmkeyd, over a SOCK_SEQPACKET socket CONTROL_FILE in the keyring
 * that belongs to root with mode 0600. A request is one packet of text, an answer is one packet, and
 * the answer ends the connection:
 *
 *	"refresh" "due"|"now" [NAME]	request what is missing, stale or due (now: everything) of all secrets, or of
 *					one; answered after the pass
 *	"reload"			read the configuration again; answered when that has taken effect or failed
 *
 * An answer is the exit status for realmkey in decimal, a space, and text for people (empty on success).
 */
#ifndef REALMKEY_CONTROL_H
#define REALMKEY_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

#define CONTROL_FILE	    ".control"
#define CONTROL_REQUEST_MAX 64
#define CONTROL_ANSWER_MAX  4096
#define CONTROL_NAME_MAX    48

enum control_verb { CONTROL_REFRESH, CONTROL_RELOAD };

struct control_request {
	enum control_verb verb;
	bool now;		     /* of CONTROL_REFRESH */
	char name[CONTROL_NAME_MAX]; /* of a secret; empty: all */
};

/* Append the text of @request to @out. ERROR_USAGE if the name is not that of a secret. */
int control_request_encode(const struct control_request *request, struct bytes *out,
			   struct error *e);
/* Read a request. ERROR_INPUT says what is wrong. */
int control_request_decode(const void *text, size_t len, struct control_request *request,
			   struct error *e);
/* Append an answer with exit status @code. @text may have several lines; it is cut at the limit. */
void control_answer_encode(int code, const char *text, struct bytes *out);
/* Read an answer: *@code, and the text, appended to @text. */
int control_answer_decode(const void *data, size_t len, int *code, struct bytes *text,
			  struct error *e);

#endif
