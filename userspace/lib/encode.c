// SPDX-License-Identifier: Apache-2.0
#include "encode.h"

#include <string.h>

static const char alphabets[][65] = {
	[ENCODE_BASE64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
	[ENCODE_BASE64URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

static const char hex_digits[] = "0123456789abcdef";

/* Encode the 1 to 3 bytes at @in to @out; the number of characters. */
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

int encode_base64(enum encode_alphabet alphabet, const void *data, size_t len, struct bytes *out)
{
	const uint8_t *in = data;
	char *text;

	if (len > BYTES_MAX / 2 ||
	    bytes_reserve(out, out->len + (len + 2) / 3 * 4) < 0)
		return -1;
	text = (char *)out->data + out->len;
	for (size_t i = 0; i < len; i += 3)
		text += group_encode(alphabet, in + i, len - i < 3 ? len - i : 3, text);
	*text = '\0';
	out->len = (size_t)((uint8_t *)text - out->data);
	return 0;
}

int encode_hex(const void *data, size_t len, struct bytes *out)
{
	const uint8_t *in = data;
	char *text;

	if (len > BYTES_MAX / 2 ||
	    bytes_reserve(out, out->len + 2 * len) < 0)
		return -1;
	text = (char *)out->data + out->len;
	for (size_t i = 0; i < len; i++) {
		*text++ = hex_digits[in[i] >> 4];
		*text++ = hex_digits[in[i] & 0xf];
	}
	*text = '\0';
	out->len += 2 * len;
	return 0;
}

/* The value of each character plus one; 0 for what is not in the alphabet. */
static void alphabet_invert(const char *alphabet, size_t count, uint8_t values[256])
{
	memset(values, 0, 256);
	for (size_t i = 0; i < count; i++)
		values[(uint8_t)alphabet[i]] = (uint8_t)(i + 1);
}

/* Decode the 2 to 4 characters at @text to @out. Returns how many are good: fewer than @len if one
 * is foreign to the alphabet, or the last one sets bits that nobody uses. */
static size_t group_decode(const uint8_t values[256], const uint8_t *text, size_t len,
			   uint8_t *out)
{
	uint32_t group = 0;

	for (size_t i = 0; i < len; i++) {
		if (values[text[i]] == 0)
			return i;
		group |= (uint32_t)(values[text[i]] - 1) << (18 - 6 * i);
	}
	for (size_t i = 0; i < len - 1; i++)
		out[i] = (uint8_t)(group >> (16 - 8 * i));
	return (group & ((1U << (8 * (4 - len))) - 1)) == 0 ? len : len - 1;
}

static size_t padding_length(enum encode_alphabet alphabet, const char *text, size_t len)
{
	size_t pad = 0;

	if (alphabet == ENCODE_BASE64 && len % 4 == 0)
		while (pad < 2 && pad < len && text[len - 1 - pad] == '=')
			pad++;
	return pad;
}

static int groups_decode(enum encode_alphabet alphabet, const char *text, size_t len,
			 const char *what, struct bytes *out, struct error *e)
{
	uint8_t values[256], group[3];

	alphabet_invert(alphabets[alphabet], 64, values);
	for (size_t i = 0; i < len; i += 4) {
		size_t count = len - i < 4 ? len - i : 4;
		size_t good = group_decode(values, (const uint8_t *)text + i, count, group);

		if (good < count)
			return error_set(e, ERROR_INPUT, "%s: not base64 at character %zu", what,
					 i + good + 1);
		if (bytes_append(out, group, count - 1) < 0)
			return error_set_memory(e);
	}
	return 0;
}

int decode_base64(enum encode_alphabet alphabet, const char *text, size_t len, const char *what,
		  struct bytes *out, struct error *e)
{
	size_t used = len - padding_length(alphabet, text, len);
	size_t before = out->len;

	if (used % 4 == 1 || (alphabet == ENCODE_BASE64 && len % 4 != 0))
		return error_set(e, ERROR_INPUT, "%s: base64 of an impossible length", what);
	if (len > BYTES_MAX || bytes_reserve(out, before + used / 4 * 3 + 2) < 0)
		return error_set_memory(e);
	if (groups_decode(alphabet, text, used, what, out, e) < 0) {
		bytes_resize(out, before);
		return -1;
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

static int pairs_decode(const char *text, size_t len, const char *what, struct bytes *out,
			struct error *e)
{
	for (size_t i = 0; i < len; i += 2) {
		int high = hex_value(text[i]), low = hex_value(text[i + 1]);
		uint8_t byte;

		if (high < 0 || low < 0)
			return error_set(e, ERROR_INPUT, "%s: not hexadecimal at character %zu",
					 what, i + (high < 0 ? 1 : 2));
		byte = (uint8_t)(high << 4 | low);
		if (bytes_append(out, &byte, 1) < 0)
			return error_set_memory(e);
	}
	return 0;
}

int decode_hex(const char *text, size_t len, const char *what, struct bytes *out,
	       struct error *e)
{
	size_t before = out->len;

	if (len % 2 != 0)
		return error_set(e, ERROR_INPUT, "%s: an odd number of hexadecimal digits", what);
	if (len > BYTES_MAX || bytes_reserve(out, before + len / 2) < 0)
		return error_set_memory(e);
	if (pairs_decode(text, len, what, out, e) < 0) {
		bytes_resize(out, before);
		return -1;
	}
	return 0;
}
