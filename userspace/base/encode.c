// SPDX-License-Identifier: Apache-2.0
#include "encode.h"

#include <string.h>

static const char alphabets[][65] = {
	[ENCODE_BASE64] = ENCODE_ALPHANUMERIC "+/",
	[ENCODE_BASE64URL] = ENCODE_ALPHANUMERIC "-_",
};

static const char hex_digits[] = "0123456789abcdef";

/* Encode the 1 to 3 bytes at @in to @out. Returns the number of characters. */
static size_t group_encode(enum encode_alphabet alphabet, const uint8_t *in, size_t len, char *out)
{
	uint32_t group = (uint32_t)in[0] << 16;

	if (len > 1)
		group |= (uint32_t)in[1] << 8;
	if (len > 2)
		group |= in[2];
	for (size_t i = 0; i < 4; i++)
		out[i] = alphabets[alphabet][group >> (18 - 6 * i) & 0x3f];
	if (len == 3 || alphabet == ENCODE_BASE64URL)
		return len + 1;
	memset(out + len + 1, '=', 3 - len);
	return 4;
}

void encode_base64(enum encode_alphabet alphabet, const void *data, size_t len, struct bytes *out)
{
	const uint8_t *in = data;
	char group[4];

	bytes_append(out, NULL, 0); /* so that empty input gives "" and not a null pointer */
	for (size_t i = 0; i < len; i += 3) {
		size_t count = group_encode(alphabet, in + i, len - i < 3 ? len - i : 3, group);

		bytes_append(out, group, count);
	}
}

void encode_hex(const void *data, size_t len, struct bytes *out)
{
	const uint8_t *in = data;

	bytes_append(out, NULL, 0);
	for (size_t i = 0; i < len; i++)
		bytes_append(out, (char[]){ hex_digits[in[i] >> 4], hex_digits[in[i] & 0xf] }, 2);
}

/* Decode the 2 to 4 characters at @text to @out; @values has the value of each character plus one,
 * or 0 for a character outside of the alphabet. Returns how many characters are valid: fewer than
 * @len if one is not in the alphabet, or if the last one sets unused bits. */
static size_t group_decode(const uint8_t values[256], const uint8_t *text, size_t len, uint8_t *out)
{
	static const uint32_t unused[] = { [2] = 0xffff, [3] = 0xff, [4] = 0 }; /* bits */
	uint32_t group = 0;

	for (size_t i = 0; i < len; i++) {
		if (values[text[i]] == 0)
			return i;
		group |= (uint32_t)(values[text[i]] - 1) << (18 - 6 * i);
	}
	for (size_t i = 0; i + 1 < len; i++)
		out[i] = (uint8_t)(group >> (16 - 8 * i));
	return (group & unused[len]) == 0 ? len : len - 1;
}

int decode_base64(enum encode_alphabet alphabet, const char *text, size_t len, const char *what,
		  struct bytes *out, struct error *e)
{
	size_t before = out->len, used = len;
	uint8_t values[256] = { 0 }, group[3];

	if (alphabet == ENCODE_BASE64 && len % 4 == 0)
		while (used > 0 && used > len - 2 && text[used - 1] == '=')
			used--;
	if (used % 4 == 1 || (alphabet == ENCODE_BASE64 && len % 4 != 0))
		return error_set(e, ERROR_INPUT, "%s: base64 of an impossible length", what);
	if (bytes_reserve(out, before + used / 4 * 3 + 2, e) < 0)
		return -1;
	for (size_t i = 0; i < 64; i++)
		values[(uint8_t)alphabets[alphabet][i]] = (uint8_t)(i + 1);
	for (size_t i = 0; i < used; i += 4) {
		size_t count = used - i < 4 ? used - i : 4;
		size_t valid = group_decode(values, (const uint8_t *)text + i, count, group);

		if (valid < count) {
			bytes_truncate(out, before);
			return error_set(e, ERROR_INPUT, "%s: not base64 at character %zu", what,
					 i + valid + 1);
		}
		bytes_append(out, group, count - 1);
	}
	return 0;
}

static int hex_value(char c)
{
	const char *digit;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	digit = c ? strchr(hex_digits, c) : NULL;
	return digit ? (int)(digit - hex_digits) : -1;
}

int decode_hex(const char *text, size_t len, const char *what, struct bytes *out, struct error *e)
{
	size_t before = out->len;

	if (len % 2 != 0)
		return error_set(e, ERROR_INPUT, "%s: an odd number of hexadecimal digits", what);
	if (bytes_reserve(out, before + len / 2, e) < 0)
		return -1;
	for (size_t i = 0; i < len; i += 2) {
		int high = hex_value(text[i]), low = hex_value(text[i + 1]);

		if (high < 0 || low < 0) {
			bytes_truncate(out, before);
			return error_set(e, ERROR_INPUT, "%s: not hexadecimal at character %zu",
					 what, i + (high < 0 ? 1 : 2));
		}
		bytes_append(out, &(uint8_t){ (uint8_t)(high << 4 | low) }, 1);
	}
	return 0;
}
