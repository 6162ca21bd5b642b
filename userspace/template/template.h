/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template: a file with the values of secrets in it. There is no code, no condition, no loop, no include:
 *
 *	{{ NAME }}			the value of the secret NAME, byte for byte
 *	{{ NAME:/a/b }}			the member of the JSON document NAME at that JSON pointer (RFC 6901): text without its
 *					quotes, other values as JSON
 *	{{ NAME | base64 }}		encoded: base64, base64url, hex, json (a JSON string), shell (one word in single
 *					quotes), uri (RFC 3986), trim (without white space at the end); several in a row,
 *					from left to right
 *	{{ "{{" }}			two braces
 *
 * Everything else stays as it is. This folder does no I/O.
 */
#ifndef REALMKEY_TEMPLATE_H
#define REALMKEY_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

#define TEMPLATE_MAX	    ((size_t)64 << 10) /* bytes of the template */
#define TEMPLATE_OUTPUT_MAX ((size_t)1 << 20)  /* bytes of the file */
#define TEMPLATE_PARTS_MAX  1024

struct template_part;

struct template
{
	struct bytes text; /* a copy, to which the parts point */
	struct template_part *part;
	size_t count;
};

#define TEMPLATE_INIT { .text = BYTES_INIT }

/* The number of the secret called @name, which is @len bytes long; less than 0 if there is none. */
typedef int template_find(void *context, const char *name, size_t len);
/* The value of secret @number: bytes that stay valid until template_render() returns; NULL: there is none. */
typedef const struct bytes *template_value(void *context, int number);

/* Read @len bytes of @text. An ERROR_INPUT "line L, column C: reason" names what is wrong: no such secret, an unknown
 * encoding, braces that do not end, a template without a secret. @t is then empty. */
int template_parse(struct template *t, const void *text, size_t len, template_find *find,
		   void *context, struct error *e);
/* True if it contains secret @number. */
bool template_uses(const struct template *t, int number);
/* Append the file to @out, which should be locked. An ERROR_INPUT names the secret and what is wrong with its value, and
 * quotes nothing of it: not JSON, no such member, a NUL where an encoding does not allow it, too long. No copy of a value is
 * left in memory. */
int template_render(const struct template *t, template_value *value, void *context,
		    struct bytes *out, struct error *e);
void template_free(struct template *t);

#endif
