/* SPDX-License-Identifier: Apache-2.0 */
/* encode: base64 (RFC 4648 sections 4 and 5) and hexadecimal, to and from struct bytes; numbers with a unit, or of 32 bits. */
#ifndef REALMKEY_ENCODE_H
#define REALMKEY_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"

/* The characters that both alphabets of base64 share, in their order. */
#define ENCODE_ALPHANUMERIC "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

enum encode_alphabet {
	ENCODE_BASE64,	  /* standard alphabet, padded */
	ENCODE_BASE64URL, /* URL alphabet, never padded */
};

/* Append the encoding of @len bytes at @data to @out. Hexadecimal is in lower case. */
void encode_base64(enum encode_alphabet alphabet, const void *data, size_t len, struct bytes *out);
void encode_hex(const void *data, size_t len, struct bytes *out);

/*
 * Decode @len characters at @text and append the result to @out. Only one encoding of each value is
 * accepted: characters of the alphabet, the padding that the alphabet requires, unused bits zero,
 * no white space; hexadecimal may be in upper or lower case. The error, an ERROR_INPUT, begins with
 * @what, and @out is then unchanged. The time depends on the data (table lookups), so do not decode
 * secrets; ciphertext is fine.
 */
int decode_base64(enum encode_alphabet alphabet, const char *text, size_t len, const char *what,
		  struct bytes *out, struct error *e);
int decode_hex(const char *text, size_t len, const char *what, struct bytes *out, struct error *e);

/* A number of 32 bits, little-endian. */
void encode_u32(uint32_t value, uint8_t out[4]);
uint32_t decode_u32(const uint8_t in[4]);

/* The value of one hexadecimal digit in upper or lower case, or 16 for another character. */
unsigned int decode_hex_digit(char c);

struct decode_unit {
	const char *name; /* "" is for a number without a unit; NULL ends a table */
	int64_t factor;
};

/* True if @text is decimal digits and the name of one of @units, without a space. *@value is then
 * their product, or INT64_MAX if that is greater. */
bool decode_quantity(const char *text, const struct decode_unit *units, int64_t *value);

#endif
