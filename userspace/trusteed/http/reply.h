/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply: what a handler answers: status, JSON body, cookie, and a note for the log. Refusals carry
 * the ErrorInformation body that clients of a KBS read: a type whose last segment they switch on,
 * and a detail for people.
 */
#ifndef TRUSTEED_REPLY_H
#define TRUSTEED_REPLY_H

#include <jansson.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"

struct reply {
	unsigned int status;
	struct bytes body;		/* JSON, or empty */
	char cookie[128];		/* value of Set-Cookie, "" for none */
	char allow[32];			/* value of Allow with a 405, else "" */
	char note[ERROR_TEXT_MAX + 256];	/* for the log line; no secret, no token */
	bool warning;			/* the note is one that an operator must see */
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
	REPLY_RVPS,
	REPLY_INTERNAL,
	REPLY_REFUSALS
};

/* Make @reply the refusal @refusal; its detail is the refusal's own words and @cause (or NULL). */
void reply_refuse(struct reply *reply, enum reply_refusal refusal, const char *cause);
/* The same for a failed call, except that a failure of this machine (ERROR_SYSTEM) is not the
 * client's: it gets status 500 and the log the cause. */
void reply_fail(struct reply *reply, enum reply_refusal refusal, const struct error *e);
/* Make the compact form of @body (a reference that this call takes, also when it fails; NULL when
 * memory ran out on the way) the reply. */
int reply_json(struct reply *reply, json_t *body, struct error *e);
/* Add words to the log note. */
void reply_note(struct reply *reply, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void reply_free(struct reply *reply);

#endif
