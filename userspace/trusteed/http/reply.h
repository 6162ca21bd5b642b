/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply: what a handler answers: status, JSON body, cookie, and a note for the log. The body of a
 * refusal is the ErrorInformation that clients of a KBS read: they act on the last
 * segment of its "type"; its "detail" is for people.
 */
#ifndef TRUSTEED_REPLY_H
#define TRUSTEED_REPLY_H

#include <jansson.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"

struct later;

struct reply {
	unsigned int status;
	struct bytes body;		 /* JSON, or empty */
	char cookie[128];		 /* value of Set-Cookie, "" for none */
	char allow[32];			 /* value of Allow with a 405, else "" */
	char note[ERROR_TEXT_MAX + 256]; /* for the log line; no secret, no token */
	bool warning;			 /* log the note as a warning, for the operator */
	struct later
		*later; /* not NULL: the answer comes later (later.h), and the rest is not used */
};

#define REPLY_INIT { .status = 200 }

enum reply_refusal {
	REPLY_ATTESTATION,
	REPLY_TOKEN_NOT_FOUND,
	REPLY_TOKEN_VERIFIER,
	REPLY_POLICY_DENY,
	REPLY_RESOURCE_NOT_FOUND,
	REPLY_PLUGIN_NOT_FOUND,
	REPLY_REQUEST_PATH,
	REPLY_METHOD,
	REPLY_TOO_LARGE,
	REPLY_JWE,
	REPLY_ADMIN,
	REPLY_POLICY_TEXT,
	REPLY_POLICY_NOT_FOUND,
	REPLY_EAR_KEY,
	REPLY_RVPS,
	REPLY_INTERNAL,
	REPLY_REFUSALS
};

/* Make @reply the refusal @refusal. Its detail is the refusal's own words and @cause, which may be
 * NULL. */
void reply_refuse(struct reply *reply, enum reply_refusal refusal, const char *cause);
/* The same for a call that failed with @e. A failure of this machine (ERROR_SYSTEM) is not the
 * client's: it becomes REPLY_INTERNAL, status 500, and only the log has the cause. */
void reply_fail(struct reply *reply, enum reply_refusal refusal, const struct error *e);
/* Make @body, in compact form, the body of @reply. The reference is taken. If memory fails here, or
 * if @body is NULL because it failed before, the reply becomes a 500 without a body. */
void reply_json(struct reply *reply, json_t *body);
/* Add words to the note. */
void reply_note(struct reply *reply, const char *format, ...) __attribute__((format(printf, 2, 3)));
void reply_free(struct reply *reply);

#endif
