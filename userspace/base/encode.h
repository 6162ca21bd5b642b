/* SPDX-License-Identifier: Apache-2.0 */
/* encode: base64 (RFC 4648 sections 4 and 5) and hexadecimal, to and from struct bytes. */
#ifndef REALMKEY_ENCODE_H
#define REALMKEY_ENCODE_H

#include <stddef.h>

#include "bytes.h"
#include "error.h"

enum encode_alphabet {
	ENCODE_BASE64,		/* standard alphabet, padded */
	ENCODE_BASE64URL,	/* URL alphabet, never padded */
};

/* Append the encoding of @len bytes at @data to @out. 0, or -1 out of memory. */
int encode_base64(enum encode_alphabet alphabet, const void *data, size_t len, struct bytes *out);
int encode_hex(const void *data, size_t len, struct bytes *out);

/*
 * Append what @len characters at @text decode to. Strict: only the alphabet, padding exactly as
 * the alphabet wants it, unused bits zero; white space is refused. The error names @what.
 * Table lookups do not depend on the data's cache lines for secrets: none is decoded from here
 * but ciphertext.
 */
int decode_base64(enum encode_alphabet alphabet, const char *text, size_t len, const char *what,
		  struct bytes *out, struct error *e);
int decode_hex(const char *text, size_t len, const char *what, struct bytes *out,
	       struct error *e);

#endif
