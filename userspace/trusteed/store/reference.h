/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reference: reference values by name, as an RVPS keeps them: the message of POST reference-value
 * (version 0.1.0, extractor "sample") stores one record a name, overwriting the old one. Pure; the
 * text form is what store keeps.
 */
#ifndef TRUSTEED_REFERENCE_H
#define TRUSTEED_REFERENCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define REFERENCE_NAMES_MAX 1024
#define REFERENCE_TEXT_MAX ((size_t)1 << 20)

struct reference {
	json_t *records;	/* owned; {name: {"version","name","expiration","value"}} */
};

#define REFERENCE_INIT { 0 }

/* From the stored text; no text (@len 0) is the empty set. ERROR_CONFIG. */
int reference_load(struct reference *reference, const void *text, size_t len, struct error *e);
void reference_free(struct reference *reference);

/* Append the text that stores @reference. Over REFERENCE_TEXT_MAX is an ERROR_INPUT. */
int reference_text(const struct reference *reference, struct bytes *out, struct error *e);

/* @next = @reference with what the message @body adds at time @now. ERROR_INPUT. */
int reference_apply(const struct reference *reference, const void *body, size_t len, int64_t now,
		    struct reference *next, struct error *e);

/* The value stored as @name, borrowed, or NULL. The expiration is kept but, as in Trustee, not
 * enforced. */
json_t *reference_value(const struct reference *reference, const char *name);
/* Whether the list stored as @name holds @value. */
bool reference_contains(const struct reference *reference, const char *name, const json_t *value);

#endif
