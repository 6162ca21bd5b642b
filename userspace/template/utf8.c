// SPDX-License-Identifier: Apache-2.0
#include "utf8.h"

#include <stdbool.h>

#include "base/array.h"

size_t utf8_length(const uint8_t *data, size_t len)
{
	/* The first byte has these bits, and the second byte is in this range: then no longer form of a character than
	 * necessary is accepted, no surrogate, and nothing beyond U+10FFFF. */
	static const struct {
		uint8_t from, to, low, high;
		size_t len;
	} forms[] = {
		{ 0x00, 0x7f, 0x80, 0xbf, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; len > 0 && i < ARRAY_SIZE(forms); i++) {
		bool valid = data[0] >= forms[i].from && data[0] <= forms[i].to &&
			     len >= forms[i].len;

		for (size_t j = 1; valid && j < forms[i].len; j++)
			valid = data[j] >= (j == 1 ? forms[i].low : 0x80) &&
				data[j] <= (j == 1 ? forms[i].high : 0xbf);
		if (valid)
			return forms[i].len;
	}
	return 0;
}

struct utf8 utf8_make(uint32_t code)
{
	static const uint8_t first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	struct utf8 text = { .len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4 };

	for (size_t i = text.len - 1; i > 0; i--) {
		text.data[i] = (uint8_t)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	text.data[0] = (uint8_t)(first[text.len] | code);
	return text;
}
