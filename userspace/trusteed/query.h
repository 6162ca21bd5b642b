/* SPDX-License-Identifier: Apache-2.0 */
/* query: the query of a URL, as Trustee gives it to a resource policy. This file does no I/O. */
#ifndef TRUSTEED_QUERY_H
#define TRUSTEED_QUERY_H

#include <jansson.h>

#include "base/error.h"

#define QUERY_TEXT_MAX	4096 /* bytes */
#define QUERY_PAIRS_MAX 64

/*
 * Read "NAME=VALUE&..." (application/x-www-form-urlencoded of the URL standard): '+' is a space, a '%' that
 * two hexadecimal digits do not follow is itself, a pair without '=' has an empty value, and of two with the
 * same name the last one counts. @text may be NULL. Returns {NAME: VALUE}, a new reference; or NULL with an
 * ERROR_INPUT if it is too long, or if it is no UTF-8 or has a NUL after it was decoded.
 */
json_t *query_parse(const char *text, struct error *e);

#endif
