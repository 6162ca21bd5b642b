/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reference: reference values by name, as an RVPS keeps them. The message of POST reference-value
 * (version 0.1.0) stores one record for each name and replaces the old one. Its payload is a JSON
 * object of names and values (type "sample"), or a CoRIM (type "corim").
 * This file does no I/O.
 */
#ifndef REALMKEY_REFERENCE_H
#define REALMKEY_REFERENCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define REFERENCE_NAMES_MAX 1024
#define REFERENCE_TEXT_MAX  ((size_t)1 << 20)

struct reference {
	json_t *records; /* owned; {name: {"version","name","expiration","value"}} */
	json_t *values;	 /* owned; {name: value} of the same */
};

#define REFERENCE_INIT { 0 }

/* Read the stored text of @len bytes; no text is the empty set. ERROR_CONFIG. */
int reference_load(struct reference *reference, const void *text, size_t len, struct error *e);
void reference_free(struct reference *reference);

/* Append the text that stores @reference to @out, which is empty. ERROR_INPUT for more than REFERENCE_TEXT_MAX, and
 * for what reference_load() could not read. */
int reference_text(const struct reference *reference, struct bytes *out, struct error *e);

/* Set @next, which is REFERENCE_INIT, to @reference and what the message @body adds at @now
 * (seconds since 1970). ERROR_INPUT, also for a RIM that could never match. The caller releases
 * @next in all cases. */
int reference_apply(const struct reference *reference, const void *body, size_t len, int64_t now,
		    struct reference *next, struct error *e);

/* The value stored as @name, borrowed, or NULL. Its expiration is stored but not enforced, as in
 * Trustee. */
json_t *reference_value(const struct reference *reference, const char *name);
/* All of them as policies read them: {name: value}, borrowed. The caller does not change it. */
json_t *reference_values(const struct reference *reference);

#endif
