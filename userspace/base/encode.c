// SPDX-License-Identifier: Apache-2.0
#include "encode.h"

#include <stdlib.h>
#include <string.h>

static const char alphabets[][65] = {
	[ENCODE_BASE64] = ENCODE_ALPHANUMERIC "+/",
	[ENCODE_BASE64URL] = ENCODE_ALPHANUMERIC "-_",
};

static const char hex_digits[] = "0123456789abcdef";

/* Encode the 1 to 3 bytes at @in to 4 characters, of which only the first @len + 1 have data. */
static void group_encode(const char *alphabet, const uint8_t *in, size_t len, char out[4])
{
	uint32_t group = (uint32_t)in[0] << 16;

	if (len > 1)
		group |= (uint32_t)in[1] << 8;
	if (len > 2)
		group |= in[2];
	for (size_t i = 0; i < 4; i++)
		out[i] = alphabet[group >> (18 - 6 * i) & 0x3f];
}

void encode_base64(enum encode_alphabet alphabet, const void *data, size_t len, struct bytes *out)
{
	size_t rest = len % 3, tail = rest == 0 ? 0 : alphabet == ENCODE_BASE64URL ? rest + 1 : 4;
	/* Empty input gives "" and not a null pointer. */
	char *at = (char *)bytes_extend(out, len / 3 * 4 + tail), last[4];
	const uint8_t *in = data;

	if (!at)
		return;
	for (size_t i = 0; i < len / 3; i++, in += 3, at += 4)
		group_encode(alphabets[alphabet], in, 3, at);
	if (rest == 0)
		return;
	group_encode(alphabets[alphabet], in, rest, last);
	memset(last + rest + 1, '=', 3 - rest);
	memcpy(at, last, tail);
}

void encode_hex(const void *data, size_t len, struct bytes *out)
{
	const uint8_t *in = data;
	uint8_t *at = bytes_extend(out, 2 * len);

	for (size_t i = 0; at && i < len; i++) {
		*at++ = (uint8_t)hex_digits[in[i] >> 4];
		*at++ = (uint8_t)hex_digits[in[i] & 0xf];
	}
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
	uint8_t values[256] = { 0 }, *at;

	if (alphabet == ENCODE_BASE64 && len % 4 == 0)
		while (used > 0 && used > len - 2 && text[used - 1] == '=')
			used--;
	if (used % 4 == 1 || (alphabet == ENCODE_BASE64 && len % 4 != 0))
		return error_set(e, ERROR_INPUT, "%s: base64 of an impossible length", what);
	at = bytes_extend(out, used / 4 * 3 + (used % 4 > 0 ? used % 4 - 1 : 0));
	if (!at)
		return error_set_memory(e);
	for (size_t i = 0; i < 64; i++)
		values[(uint8_t)alphabets[alphabet][i]] = (uint8_t)(i + 1);
	for (size_t i = 0; i < used; i += 4, at += 3) {
		size_t count = used - i < 4 ? used - i : 4;
		size_t valid = group_decode(values, (const uint8_t *)text + i, count, at);

		if (valid < count) {
			bytes_truncate(out, before);
			return error_set(e, ERROR_INPUT, "%s: not base64 at character %zu", what,
					 i + valid + 1);
		}
	}
	return 0;
}

unsigned int decode_hex_digit(char c)
{
	const char *digit;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	digit = c ? strchr(hex_digits, c) : NULL;
	return digit ? (unsigned int)(digit - hex_digits) : 16;
}

int decode_hex(const char *text, size_t len, const char *what, struct bytes *out, struct error *e)
{
	size_t before = out->len;
	uint8_t *at;

	if (len % 2 != 0)
		return error_set(e, ERROR_INPUT, "%s: an odd number of hexadecimal digits", what);
	at = bytes_extend(out, len / 2);
	if (!at)
		return error_set_memory(e);
	for (size_t i = 0; i < len; i += 2) {
		unsigned int high = decode_hex_digit(text[i]), low = decode_hex_digit(text[i + 1]);

		if (high > 15 || low > 15) {
			bytes_truncate(out, before);
			return error_set(e, ERROR_INPUT, "%s: not hexadecimal at character %zu",
					 what, i + (high > 15 ? 1 : 2));
		}
		*at++ = (uint8_t)(high << 4 | low);
	}
	return 0;
}

bool decode_quantity(const char *text, const struct decode_unit *units, int64_t *value)
{
	const char *name = text + strspn(text, "0123456789");
	unsigned long long number;

	while (units->name && strcmp(units->name, name) != 0)
		units++;
	if (name == text || !units->name)
		return false;
	number = strtoull(text, NULL, 10);
	*value = number > (unsigned long long)(INT64_MAX / units->factor) ?
			 INT64_MAX :
			 (int64_t)number * units->factor;
	return true;
}

void encode_u32(uint32_t value, uint8_t out[4])
{
	for (unsigned int i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> 8 * i);
}

uint32_t decode_u32(const uint8_t in[4])
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < 4; i++)
		value |= (uint32_t)in[i] << 8 * i;
	return value;
}
