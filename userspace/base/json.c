// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Deeper than anything a KBS sends; bounds the recursion of all who walk the result. */
#define JSON_DEPTH_MAX 64

/* The integers that a double holds exactly, the only ones RFC 8785 gives one form. */
#define JSON_INTEGER_MAX 9007199254740991LL

/* The deepest nesting of brackets, seen without building anything. */
static size_t text_depth(const char *text, size_t len)
{
	size_t depth = 0, deepest = 0;
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '[' || c == '{') && ++depth > deepest)
			deepest = depth;
		else if (!quoted && (c == ']' || c == '}') && depth > 0)
			depth--;
	}
	return deepest;
}

static json_t *parse_failed(const json_error_t *cause, const char *what, enum error_kind kind,
			    struct error *e)
{
	/* jansson quotes the text where it stopped, and that may be part of a secret. */
	const char *quote = strstr(cause->text, " near ");
	int len = (int)(quote ? (size_t)(quote - cause->text) : strlen(cause->text));

	if (json_error_code(cause) == json_error_out_of_memory)
		error_set_memory(e);
	else
		error_set(e, kind, "%s: not JSON: %.*s (line %d, column %d)", what, len,
			  cause->text, cause->line, cause->column);
	return NULL;
}

json_t *json_parse(const void *text, size_t len, const char *what, enum error_kind kind,
		   struct error *e)
{
	json_error_t cause;
	json_t *value;

	if (len > JSON_INPUT_MAX) {
		error_set(e, kind, "%s: JSON of more than %zu bytes", what, JSON_INPUT_MAX);
		return NULL;
	}
	if (text_depth(text, len) > JSON_DEPTH_MAX) {
		error_set(e, kind, "%s: JSON nested deeper than %d", what, JSON_DEPTH_MAX);
		return NULL;
	}
	value = json_loadb(len > 0 ? text : "", len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
			   &cause);
	return value ? value : parse_failed(&cause, what, kind, e);
}

static json_t *member_of_type(const json_t *object, const char *member, bool fits,
			      const char *type, const char *what, enum error_kind kind,
			      struct error *e)
{
	json_t *value = json_object_get(object, member);

	if (!json_is_object(object))
		error_set(e, kind, "%s: not an object", what);
	else if (!value)
		error_set(e, kind, "%s: %s: missing", what, member);
	else if (!fits)
		error_set(e, kind, "%s: %s: not %s", what, member, type);
	else
		return value;
	return NULL;
}

const char *json_member_text(const json_t *object, const char *member, const char *what,
			     enum error_kind kind, struct error *e)
{
	bool fits = json_is_string(json_object_get(object, member));

	return json_string_value(member_of_type(object, member, fits, "a string", what, kind, e));
}

json_t *json_member_object(const json_t *object, const char *member, const char *what,
			   enum error_kind kind, struct error *e)
{
	bool fits = json_is_object(json_object_get(object, member));

	return member_of_type(object, member, fits, "an object", what, kind, e);
}

static int dump_append(const char *text, size_t len, void *out)
{
	return bytes_append(out, text, len);
}

int json_compact(const json_t *value, struct bytes *out, struct error *e)
{
	if (json_dump_callback(value, dump_append, out, JSON_COMPACT | JSON_ENCODE_ANY) < 0)
		return error_set_memory(e);
	return 0;
}

int json_pretty(const json_t *value, struct bytes *out, struct error *e)
{
	const size_t flags = JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_ENCODE_ANY;

	if (json_dump_callback(value, dump_append, out, flags) < 0 ||
	    bytes_append_text(out, "\n") < 0)
		return error_set_memory(e);
	return 0;
}

/* UTF-16 puts the characters beyond U+FFFF (first byte f0 to f4) before U+E000 to U+FFFF (ee, ef);
 * in all else its order is that of UTF-8's bytes. */
static int byte_rank(unsigned char byte)
{
	return byte == 0xee || byte == 0xef ? byte + 0x10 : byte;
}

static int name_compare(const void *a, const void *b)
{
	const unsigned char *x = *(const unsigned char *const *)a;
	const unsigned char *y = *(const unsigned char *const *)b;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	return byte_rank(*x) - byte_rank(*y);
}

static int append_character(struct bytes *out, char c)
{
	static const char escaped[] = "\"\\\b\t\n\f\r", letters[] = "\"\\btnfr";
	const char *at = c ? strchr(escaped, c) : NULL;

	if (at)
		return bytes_printf(out, "\\%c", letters[at - escaped]);
	if ((unsigned char)c < 0x20)
		return bytes_printf(out, "\\u%04x", (unsigned int)c);
	return bytes_append(out, &c, 1);
}

static int append_text(struct bytes *out, const char *text, size_t len)
{
	if (bytes_append_text(out, "\"") < 0)
		return -1;
	for (size_t i = 0; i < len; i++)
		if (append_character(out, text[i]) < 0)
			return -1;
	return bytes_append_text(out, "\"");
}

static int append_value(struct bytes *out, const json_t *value, struct error *e);

static int append_member(struct bytes *out, const json_t *object, const char *name, bool first,
			 struct error *e)
{
	if ((!first && bytes_append_text(out, ",") < 0) ||
	    append_text(out, name, strlen(name)) < 0 || bytes_append_text(out, ":") < 0)
		return error_set_memory(e);
	return append_value(out, json_object_get(object, name), e);
}

static int append_members(struct bytes *out, const json_t *object, const char **names,
			  struct error *e)
{
	size_t count = 0;
	const char *name;
	json_t *member;

	json_object_foreach((json_t *)object, name, member)
		names[count++] = name;
	qsort(names, count, sizeof(*names), name_compare);
	if (bytes_append_text(out, "{") < 0)
		return error_set_memory(e);
	for (size_t i = 0; i < count; i++)
		if (append_member(out, object, names[i], i == 0, e) < 0)
			return -1;
	return bytes_append_text(out, "}") < 0 ? error_set_memory(e) : 0;
}

static int append_object(struct bytes *out, const json_t *object, struct error *e)
{
	const char **names = calloc(json_object_size(object) + 1, sizeof(*names));
	int ret;

	if (!names)
		return error_set_memory(e);
	ret = append_members(out, object, names, e);
	free(names);
	return ret;
}

static int append_array(struct bytes *out, const json_t *array, struct error *e)
{
	if (bytes_append_text(out, "[") < 0)
		return error_set_memory(e);
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i > 0 && bytes_append_text(out, ",") < 0)
			return error_set_memory(e);
		if (append_value(out, json_array_get(array, i), e) < 0)
			return -1;
	}
	return bytes_append_text(out, "]") < 0 ? error_set_memory(e) : 0;
}

static int append_integer(struct bytes *out, json_int_t number, struct error *e)
{
	if (number > JSON_INTEGER_MAX || number < -JSON_INTEGER_MAX)
		return error_set(e, ERROR_INPUT, "canonical JSON: integer beyond 2^53");
	if (bytes_printf(out, "%" JSON_INTEGER_FORMAT, number) < 0)
		return error_set_memory(e);
	return 0;
}

static int append_scalar(struct bytes *out, const json_t *value, struct error *e)
{
	int ret = -1;

	if (json_is_string(value))
		ret = append_text(out, json_string_value(value), json_string_length(value));
	else if (json_is_boolean(value))
		ret = bytes_append_text(out, json_is_true(value) ? "true" : "false");
	else if (json_is_null(value))
		ret = bytes_append_text(out, "null");
	else
		return error_set(e, ERROR_INPUT, "canonical JSON: number is not an integer");
	return ret < 0 ? error_set_memory(e) : 0;
}

static int append_value(struct bytes *out, const json_t *value, struct error *e)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return append_object(out, value, e);
	case JSON_ARRAY:
		return append_array(out, value, e);
	case JSON_INTEGER:
		return append_integer(out, json_integer_value(value), e);
	default:
		return append_scalar(out, value, e);
	}
}

int json_canonical(const json_t *value, struct bytes *out, struct error *e)
{
	size_t before = out->len;

	if (append_value(out, value, e) < 0) {
		bytes_resize(out, before);
		return -1;
	}
	return 0;
}
