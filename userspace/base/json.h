/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: helpers for jansson: bounded parsing that refuses duplicate members and trailing text,
 * getters whose errors name the member, and the canonical form.
 *
 * Ownership of a json_t is as in jansson: functions return a new reference unless their comment
 * says "borrowed".
 */
#ifndef REALMKEY_JSON_H
#define REALMKEY_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"
#include "error.h"

#define JSON_INPUT_MAX ((size_t)4 << 20) /* bytes of the longest text, that of JSON_OPERATOR */

/* What a text is, which limits its length and the memory of the parsed value; json.c has the table. */
enum json_use {
	JSON_SMALL,    /* a challenge, a refusal, a key, the header of a token */
	JSON_TOKEN,    /* the claims of a token, or an answer that contains a token */
	JSON_SECRET,   /* a secret as JWE */
	JSON_EVIDENCE, /* the body of POST attest, with a token as an array of numbers */
	JSON_OPERATOR, /* what an operator stores: reference values, trust anchors */
};

/* Parse @len bytes as one JSON text, within the limits of @use. Errors are of @kind, name it @what,
 * and do not quote it. A parsed value costs up to a hundred times the memory of its text, so its
 * memory has a limit of its own. */
json_t *json_parse(const void *text, size_t len, enum json_use use, const char *what,
		   enum error_kind kind, struct error *e);

/* Get a member of an object, borrowed. The error is of @kind: "WHAT: MEMBER: missing" or "... not a
 * string". */
const char *json_member_text(const json_t *object, const char *member, const char *what,
			     enum error_kind kind, struct error *e);
json_t *json_member_object(const json_t *object, const char *member, const char *what,
			   enum error_kind kind, struct error *e);

/* Read a NumericDate (RFC 7519 section 2), seconds since 1970 that may have a fraction. False if
 * @value is NULL or not a number; then *@seconds is 0. */
bool json_date(const json_t *value, double *seconds);

/* Append the compact form: members in their own order, '/' not escaped. If this or one of the next
 * two fails, nothing is appended, or @out has failed. */
int json_compact(const json_t *value, struct bytes *out, struct error *e);
/* Append the canonical form (RFC 8785: members sorted by UTF-16 code units, no white space, minimal
 * escapes). A real number, or an integer beyond 2^53, is an ERROR_INPUT. */
int json_canonical(const json_t *value, struct bytes *out, struct error *e);
/* Append a form for people: indented by two spaces, with a newline at the end. It is ASCII only,
 * because it may contain untrusted text and is shown on a terminal. */
int json_pretty(const json_t *value, struct bytes *out, struct error *e);

/* Returns @len bytes as a string of hexadecimal digits, or NULL if out of memory. */
json_t *json_hex(const void *data, size_t len);

#endif
