/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: jansson, with the few habits this tree wants of it: bounded parsing that refuses duplicate
 * members and trailing text, getters whose errors name the member, and the canonical form.
 *
 * json_t ownership is jansson's: functions returning json_t * return a new reference unless the
 * comment says borrowed.
 */
#ifndef REALMKEY_JSON_H
#define REALMKEY_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "bytes.h"
#include "error.h"

#define JSON_INPUT_MAX ((size_t)4 << 20)

/* Parse @len bytes (at most JSON_INPUT_MAX) as one JSON text. @what names it in errors of @kind. */
json_t *json_parse(const void *text, size_t len, const char *what, enum error_kind kind,
		   struct error *e);

/* Members of an object, borrowed. The error, of @kind, says "WHAT: member: missing / not a ...". */
const char *json_member_text(const json_t *object, const char *member, const char *what,
			     enum error_kind kind, struct error *e);
json_t *json_member_object(const json_t *object, const char *member, const char *what,
			   enum error_kind kind, struct error *e);

/* Append the compact form, members in their own order, '/' not escaped. */
int json_compact(const json_t *value, struct bytes *out, struct error *e);
/* Append the canonical form (RFC 8785: members sorted by UTF-16 code units, no white space,
 * minimal escapes). Numbers are integers only; a real number is an error. */
int json_canonical(const json_t *value, struct bytes *out, struct error *e);
/* Append a form for people: two-space indent, trailing newline, and ASCII only, for it may say what
 * strangers wrote, on a terminal. */
int json_pretty(const json_t *value, struct bytes *out, struct error *e);

#endif
