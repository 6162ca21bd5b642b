// SPDX-License-Identifier: Apache-2.0
#include "encoding.h"

#include <string.h>

#include "base/array.h"
#include "base/encode.h"
#include "utf8.h"

static int to_base64(const struct bytes *in, size_t max, struct bytes *out, struct error *e)
{
	(void)max;
	(void)e;
	encode_base64(ENCODE_BASE64, in->data, in->len, out);
	return 0;
}

static int to_base64url(const struct bytes *in, size_t max, struct bytes *out, struct error *e)
{
	(void)max;
	(void)e;
	encode_base64(ENCODE_BASE64URL, in->data, in->len, out);
	return 0;
}

static int to_hex(const struct bytes *in, size_t max, struct bytes *out, struct error *e)
{
	(void)max;
	(void)e;
	encode_hex(in->data, in->len, out);
	return 0;
}

/* A JSON string (RFC 8259 section 7). */
static int to_json(const struct bytes *in, size_t max, struct bytes *out, struct error *e)
{
	static const char special[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
	size_t step;

	bytes_append_text(out, "\"");
	for (size_t i = 0; i < in->len && out->len <= max; i += step) {
		const uint8_t c = in->data[i];
		const char *at = c ? strchr(special, c) : NULL;

		step = utf8_length(&in->data[i], in->len - i);
		if (step == 0)
			return error_set(e, ERROR_INPUT, "not UTF-8, which a JSON string must be");
		if (at) {
			bytes_append(out, "\\", 1);
			bytes_append(out, &names[at - special], 1);
		} else if (c < 0x20) {
			bytes_append_text(out, "\\u00");
			encode_hex(&c, 1, out);
		} else {
			bytes_append(out, &in->data[i], step);
		}
	}
	bytes_append_text(out, "\"");
	return 0;
}

/* One word for a POSIX shell. A single quote ends the quotes, and begins them again. */
static int to_shell(const struct bytes *in, size_t max, struct bytes *out, struct error *e)
{
	if (in->len > 0 && memchr(in->data, 0, in->len))
		return error_set(e, ERROR_INPUT, "contains a NUL, which a shell does not allow");
	bytes_append_text(out, "'");
	for (size_t i = 0; i < in->len && out->len <= max; i++) {
		if (in->data[i] == '\'')
			bytes_append_text(out, "'\\''");
		else
			bytes_append(out, &in->data[i], 1);
	}
	bytes_append_text(out, "'");
	return 0;
}

/* All but the unreserved characters of RFC 3986 section 2.3 is escaped. */
static int to_uri(const struct bytes *in, size_t max, struct bytes *out, struct error *e)
{
	static const char digits[] = "0123456789ABCDEF";

	(void)e;
	for (size_t i = 0; i < in->len && out->len <= max; i++) {
		const uint8_t c = in->data[i];

		if (c && strchr(ENCODE_ALPHANUMERIC "-._~", c)) {
			bytes_append(out, &c, 1);
		} else {
			bytes_append_text(out, "%");
			bytes_append(out, &digits[c >> 4], 1);
			bytes_append(out, &digits[c & 15], 1);
		}
	}
	return 0;
}

static int to_trimmed(const struct bytes *in, size_t max, struct bytes *out, struct error *e)
{
	size_t len = in->len;

	(void)max;
	(void)e;
	while (len > 0 && in->data[len - 1] && strchr(" \t\n\v\f\r", in->data[len - 1]))
		len--;
	bytes_append(out, in->data, len);
	return 0;
}

static const struct {
	const char *name;
	int (*apply)(const struct bytes *in, size_t max, struct bytes *out, struct error *e);
} encodings[] = {
	{ "base64", to_base64 }, { "base64url", to_base64url }, { "hex", to_hex },
	{ "json", to_json },	 { "shell", to_shell },		{ "uri", to_uri },
	{ "trim", to_trimmed },
};

int encoding_find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(encodings); i++) {
		if (strlen(encodings[i].name) == len && !memcmp(encodings[i].name, name, len))
			return (int)i;
	}
	return -1;
}

int encoding_apply(int encoding, const struct bytes *in, size_t max, struct bytes *out,
		   struct error *e)
{
	if (encodings[encoding].apply(in, max, out, e) < 0)
		return -1;
	return bytes_check(out, e);
}
