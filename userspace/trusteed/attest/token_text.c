// SPDX-License-Identifier: Apache-2.0
#include "token_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* What is left of the text. */
struct scan {
	const char *at, *end;
};

static void scan_space(struct scan *s)
{
	while (s->at < s->end && memchr(" \t\r\n", *s->at, 4))
		s->at++;
}

/* Skip white space and @c. Returns false if something else follows the white space. */
static bool scan_is(struct scan *s, char c)
{
	scan_space(s);
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

/* Skip what follows the opening quote of a string, with the closing one. */
static void scan_string(struct scan *s)
{
	while (s->at < s->end && *s->at++ != '"')
		if (s->at[-1] == '\\' && s->at < s->end)
			s->at++;
}

/* Skip a value, up to the comma or the bracket that follows it. */
static void scan_value(struct scan *s)
{
	for (size_t depth = 0; s->at < s->end; s->at++) {
		char c = *s->at;

		if (depth == 0 && (c == ',' || c == '}' || c == ']'))
			return;
		if (c == '[' || c == '{') {
			depth++;
		} else if (c == ']' || c == '}') {
			depth--;
		} else if (c == '"') {
			s->at++;
			scan_string(s);
			s->at--;
		}
	}
}

/* Skip an object up to the value of its member @name. */
static bool scan_member(struct scan *s, const char *name)
{
	size_t len = strlen(name);

	if (!scan_is(s, '{'))
		return false;
	do {
		const char *key;
		bool found;

		if (!scan_is(s, '"'))
			return false;
		key = s->at;
		scan_string(s);
		found = (size_t)(s->at - key) == len + 1 && memcmp(key, name, len) == 0;
		if (!scan_is(s, ':'))
			return false;
		if (found)
			return true;
		scan_value(s);
	} while (scan_is(s, ','));
	return false;
}

/* Read a number from 0 to 255 as JSON writes it. */
static bool scan_byte(struct scan *s, uint8_t *byte)
{
	unsigned int value = 0;
	const char *first;

	scan_space(s);
	first = s->at;
	while (s->at < s->end && s->at - first < 3 && isdigit((unsigned char)*s->at))
		value = 10 * value + (unsigned int)(*s->at++ - '0');
	*byte = (uint8_t)value;
	return s->at > first && value <= 255 && (*first != '0' || s->at == first + 1);
}

/* Append the array of bytes that follows to @out. Each byte has a digit, and a comma or a bracket. */
static bool scan_bytes(struct scan *s, struct bytes *out)
{
	size_t before = out->len;
	uint8_t *at = bytes_extend(out, (size_t)(s->end - s->at) / 2 + 1);
	bool whole = at && scan_is(s, '[');

	do
		whole = whole && scan_byte(s, at++);
	while (whole && scan_is(s, ','));
	whole = whole && scan_is(s, ']');
	if (at)
		bytes_truncate(out, whole ? (size_t)(at - out->data) : before);
	return whole;
}

int token_text_take(const void *text, size_t len, const char *const *path, struct bytes *token,
		    struct bytes *rest, struct error *e)
{
	struct scan s = { .at = text, .end = (const char *)text + len };
	const char *array;

	for (; *path; path++)
		if (!scan_member(&s, *path))
			return 0;
	array = s.at;
	if (!scan_bytes(&s, token))
		return bytes_check(token, e);
	bytes_append(rest, text, (size_t)(array - (const char *)text));
	bytes_append_text(rest, "[]");
	bytes_append(rest, s.at, (size_t)(s.end - s.at));
	return bytes_check(rest, e) < 0 ? -1 : 1;
}
