/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pointer: one value of a JSON text, found by a JSON pointer (RFC 6901). The text is a secret, so it is read where it is:
 * nothing is allocated, and no tree is built. (Jansson releases its memory without wiping it.)
 */
#ifndef REALMKEY_TEMPLATE_POINTER_H
#define REALMKEY_TEMPLATE_POINTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

/* True if @text is a JSON pointer to a part of a document: it begins with '/', and '~' is only in ~0 and ~1. */
bool pointer_valid(const char *text, size_t len);
/*
 * Append the value at @pointer, which is valid, in the @len bytes @json: a string as its characters, another value as it
 * is written there. The whole text must be JSON (RFC 8259), at most 64 levels deep. An ERROR_INPUT quotes nothing of it:
 * not JSON, no such member, or a member that is there twice. @out is then unchanged.
 */
int pointer_find(const void *json, size_t len, const char *pointer, size_t pointer_len,
		 struct bytes *out, struct error *e);

#endif
