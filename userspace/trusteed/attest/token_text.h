/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_text: the token in the text of a POST attest request, an array with a number for each byte. A
 * JSON parser makes an object of each number, which takes more time and memory than all else in the
 * request. This file does no I/O.
 */
#ifndef TRUSTEED_TOKEN_TEXT_H
#define TRUSTEED_TOKEN_TEXT_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

/*
 * Find the array at @path, names of members with NULL at the end, append its bytes to @token, and the
 * text with an empty array in its place to @rest. Only the way to the array is read. If the rest is
 * JSON without duplicate members, the text is too, and has this token.
 *
 * Returns 1; 0 if there is no such array, if it is empty or not one of bytes, or if it is written in
 * a way that this function does not know, such as an escape in the name of a member; or -1 out of
 * memory. If it returns 0, both are unchanged.
 */
int token_text_take(const void *text, size_t len, const char *const *path, struct bytes *token,
		    struct bytes *rest, struct error *e);

#endif
