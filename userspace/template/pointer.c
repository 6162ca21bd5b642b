// SPDX-License-Identifier: Apache-2.0
#include "pointer.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"
#include "utf8.h"

#define POINTER_DEPTH_MAX 64 /* as in base/json.c */

/* The rest of a JSON pointer, for the value that is read next. */
struct path {
	bool follows; /* the value is on the way to the one that is looked for */
	const char *at, *end;
};

struct reader {
	const uint8_t *at, *end;
	const uint8_t *found, *found_end; /* NULL: not found yet */
	bool twice;			  /* a member on the way is there twice */
};

bool pointer_valid(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '~' && (i + 1 == len || (text[i + 1] != '0' && text[i + 1] != '1')))
			return false;
	}
	return len > 0 && text[0] == '/';
}

static void skip_space(struct reader *r)
{
	while (r->at < r->end && strchr(" \t\n\r", *r->at) && *r->at)
		r->at++;
}

static bool skip(struct reader *r, char c)
{
	if (r->at == r->end || *r->at != (uint8_t)c)
		return false;
	r->at++;
	return true;
}

static bool four_digits(struct reader *r, uint32_t *code)
{
	*code = 0;
	if (r->end - r->at < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		const unsigned int digit = decode_hex_digit((char)*r->at++);

		if (digit > 15)
			return false;
		*code = *code << 4 | digit;
	}
	return true;
}

/* Read what follows a backslash, and append it to @text. */
static bool read_escape(struct reader *r, struct utf8 *text)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *name;
	uint32_t code, low;

	if (r->at == r->end || !*r->at)
		return false;
	if (skip(r, 'u')) {
		if (!four_digits(r, &code))
			return false;
		if (code >= 0xd800 && code < 0xdc00) {
			if (!skip(r, '\\') || !skip(r, 'u') || !four_digits(r, &low) ||
			    low < 0xdc00 || low > 0xdfff)
				return false;
			code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
		} else if (code >= 0xdc00 && code < 0xe000) {
			return false;
		}
		*text = utf8_make(code);
		return true;
	}
	name = strchr(names, *r->at++);
	if (!name)
		return false;
	*text = utf8_make((uint32_t)values[name - names]);
	return true;
}

/* Read one character of a string, as UTF-8. False at its end, and if it is not valid: then it is left where it is. */
static bool read_character(struct reader *r, struct utf8 *text)
{
	const uint8_t *start = r->at;

	if (r->at == r->end || *r->at < 0x20 || *r->at == '"')
		return false;
	if (skip(r, '\\')) {
		if (read_escape(r, text))
			return true;
		r->at = start;
		return false;
	}
	text->len = utf8_length(r->at, (size_t)(r->end - r->at));
	memcpy(text->data, r->at, text->len);
	r->at += text->len;
	return text->len > 0;
}

/* The next byte of the first name in @path, or -1 at its end. */
static int path_byte(struct path *path)
{
	int c;

	if (path->at == path->end || *path->at == '/')
		return -1;
	c = (uint8_t)*path->at++;
	if (c == '~')
		c = *path->at++ == '0' ? '~' : '/';
	return c;
}

/* Read a string. If @path follows, remove its first name; it still follows if the string is that name. */
static bool read_string(struct reader *r, struct path *path)
{
	struct utf8 text;

	if (!skip(r, '"'))
		return false;
	path->follows = path->follows && path->at < path->end;
	if (path->follows)
		path->at++; /* the '/' */
	while (read_character(r, &text)) {
		for (size_t i = 0; path->follows && i < text.len; i++)
			path->follows = path_byte(path) == text.data[i];
	}
	path->follows = path->follows && path_byte(path) < 0;
	return skip(r, '"');
}

static bool digits(struct reader *r)
{
	const uint8_t *start = r->at;

	while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
		r->at++;
	return r->at > start;
}

static bool read_number(struct reader *r)
{
	skip(r, '-');
	if (!skip(r, '0') && !digits(r))
		return false;
	if (skip(r, '.') && !digits(r))
		return false;
	if (!skip(r, 'e') && !skip(r, 'E'))
		return true;
	if (!skip(r, '+'))
		skip(r, '-');
	return digits(r);
}

static bool read_word(struct reader *r)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t len = strlen(words[i]);

		if ((size_t)(r->end - r->at) >= len && !memcmp(r->at, words[i], len)) {
			r->at += len;
			return true;
		}
	}
	return read_number(r);
}

/* The path of element @index of an array, as that of a member is found by read_string(). */
static struct path element_path(struct path path, size_t index)
{
	char name[24];
	int len = snprintf(name, sizeof(name), "%zu", index);

	path.follows = path.follows && path.at < path.end;
	if (path.follows)
		path.at++;
	for (int i = 0; path.follows && i < len; i++)
		path.follows = path_byte(&path) == name[i];
	path.follows = path.follows && path_byte(&path) < 0;
	return path;
}

static bool read_value(struct reader *r, struct path path, unsigned int depth);

/* Read the members of an object, or the elements of an array, after the bracket. */
static bool read_members(struct reader *r, struct path path, unsigned int depth, bool object)
{
	const char end = object ? '}' : ']';
	bool seen = false;

	skip_space(r);
	if (skip(r, end))
		return true;
	for (size_t i = 0;; i++) {
		struct path member = path;

		skip_space(r);
		if (object) {
			if (!read_string(r, &member))
				return false;
			skip_space(r);
			if (!skip(r, ':'))
				return false;
		} else {
			member = element_path(path, i);
		}
		r->twice = r->twice || (seen && member.follows);
		seen = seen || member.follows;
		if (!read_value(r, member, depth + 1))
			return false;
		if (skip(r, end))
			return true;
		if (!skip(r, ','))
			return false;
	}
}

/* Read a value with the white space around it. */
static bool read_value(struct reader *r, struct path path, unsigned int depth)
{
	struct path none = { false, NULL, NULL };
	const uint8_t *start;
	bool valid;

	skip_space(r);
	start = r->at;
	if (r->at < r->end && *r->at == '"')
		valid = read_string(r, &none);
	else if (skip(r, '{'))
		valid = depth < POINTER_DEPTH_MAX && read_members(r, path, depth, true);
	else if (skip(r, '['))
		valid = depth < POINTER_DEPTH_MAX && read_members(r, path, depth, false);
	else
		valid = read_word(r);
	if (valid && path.follows && path.at == path.end) {
		r->found = start;
		r->found_end = r->at;
	}
	skip_space(r);
	return valid;
}

int pointer_find(const void *json, size_t len, const char *pointer, size_t pointer_len,
		 struct bytes *out, struct error *e)
{
	static const uint8_t nothing[] = "";
	const uint8_t *text = len > 0 ? json : nothing;
	struct reader r = { .at = text, .end = text + len };
	struct utf8 character;

	if (!read_value(&r, (struct path){ true, pointer, pointer + pointer_len }, 0) ||
	    r.at < r.end)
		return error_set(e, ERROR_INPUT, "not JSON, or nested deeper than %d levels",
				 POINTER_DEPTH_MAX);
	if (r.twice)
		return error_set(e, ERROR_INPUT, "a member on the way to %.*s is there twice",
				 (int)pointer_len, pointer);
	if (!r.found)
		return error_set(e, ERROR_INPUT, "no member %.*s", (int)pointer_len, pointer);
	if (*r.found == '"') {
		r.at = r.found + 1;
		while (read_character(&r, &character))
			bytes_append(out, character.data, character.len);
	} else {
		bytes_append(out, r.found, (size_t)(r.found_end - r.found));
	}
	explicit_bzero(&character, sizeof(character));
	return bytes_check(out, e);
}
