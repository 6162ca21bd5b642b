// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "encode.h"

/* A KBS does not send anything as deep. This limits the recursion of code that walks the result. */
#define JSON_DEPTH_MAX 64

/* A double holds larger integers inexactly, so RFC 8785 defines no single form for them. */
#define JSON_INTEGER_MAX 9007199254740991LL

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

/* Bytes of each use: of the text, and the most that may be allocated at any time while it is parsed.
 * A secret of 1 MiB has 1.4 MiB as JWE, and needs 3.4 MiB; a token of 64 KiB as numbers, 2.8 MiB. */
static const struct limits {
	size_t text, memory;
} limits[] = {
	[JSON_SMALL] = { 64 * KIB, MIB },
	[JSON_TOKEN] = { 512 * KIB, 3 * MIB },
	[JSON_SECRET] = { 1536 * KIB, 3584 * KIB },
	[JSON_EVIDENCE] = { 2 * MIB, 4 * MIB },
	[JSON_OPERATOR] = { JSON_INPUT_MAX, 64 * MIB },
};

/* While jansson reads a string, it ignores that its buffer could not grow. So once an allocation
 * fails, all others of that parse fail too: then jansson cannot go on with half of a string. */
static _Thread_local struct {
	bool active, failed, excess;
	size_t left; /* bytes that may still be allocated */
} parse;

#define HEAP_HEADER 8 /* bytes that malloc() adds */

static void *parse_allocate(size_t size)
{
	void *data = NULL;
	size_t cost;

	if (!parse.active)
		return malloc(size);
	if (size > parse.left)
		parse.excess = true;
	if (!parse.failed && !parse.excess)
		data = malloc(size);
	if (!data) {
		parse.failed = !parse.excess;
		return NULL;
	}
	cost = malloc_usable_size(data) + HEAP_HEADER;
	parse.left -= cost < parse.left ? cost : parse.left;
	return data;
}

static void parse_release(void *data)
{
	if (parse.active && data)
		parse.left += malloc_usable_size(data) + HEAP_HEADER;
	free(data);
}

/* Jansson's tables need a random seed, or an attacker can choose names that make them slow. Jansson
 * opens /dev/urandom for it at the first object, and uses the time and the process id if that fails,
 * as it does in a sandbox, or without descriptors or devices. So this is done before main(), and
 * again at the first text if it failed. */
static bool seeded;

__attribute__((constructor)) static void json_seed(void)
{
	size_t seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return;
	json_object_seed((uint32_t)seed ? seed : 1); /* 0 asks Jansson for its own */
	seeded = true;
}

/* The deepest nesting of brackets, found without building a tree. */
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

json_t *json_parse(const void *text, size_t len, enum json_use use, const char *what,
		   enum error_kind kind, struct error *e)
{
	const struct limits *limit = &limits[use];
	bool memory, excess;
	json_error_t cause;
	const char *quote;
	json_t *value;

	if (!seeded)
		json_seed();
	if (!seeded) {
		error_set(e, ERROR_SYSTEM, "cannot get random bytes");
		return NULL;
	}
	if (len > limit->text) {
		error_set(e, kind, "%s: JSON of more than %zu bytes", what, limit->text);
		return NULL;
	}
	if (text_depth(text, len) > JSON_DEPTH_MAX) {
		error_set(e, kind, "%s: JSON nested deeper than %d", what, JSON_DEPTH_MAX);
		return NULL;
	}
	json_set_alloc_funcs(parse_allocate, parse_release);
	parse.active = true;
	parse.left = limit->memory;
	value = json_loadb(len > 0 ? text : "", len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
			   &cause);
	memory = parse.failed;
	excess = parse.excess;
	parse.active = false;
	parse.failed = false;
	parse.excess = false;
	if (memory || excess) {
		json_decref(value);
		if (memory)
			error_set_memory(e);
		else
			error_set(e, kind, "%s: JSON that needs more than %zu bytes of memory",
				  what, limit->memory);
		return NULL;
	}
	if (value)
		return value;
	/* jansson quotes the text where it stopped, and that may be part of a secret. */
	quote = strstr(cause.text, " near ");
	error_set(e, kind, "%s: not JSON: %.*s (line %d, column %d)", what,
		  (int)(quote ? (size_t)(quote - cause.text) : strlen(cause.text)), cause.text,
		  cause.line, cause.column);
	return NULL;
}

static json_t *member_of_type(const json_t *object, const char *member, bool fits, const char *type,
			      const char *what, enum error_kind kind, struct error *e)
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

bool json_date(const json_t *value, double *seconds)
{
	*seconds = json_number_value(value);
	return json_is_number(value);
}

static int dump_append(const char *text, size_t len, void *out)
{
	struct bytes *bytes = out;

	bytes_append(bytes, text, len);
	return bytes->failed ? -1 : 0;
}

/* jansson can fail here for lack of memory only. */
static int dump(const json_t *value, size_t flags, struct bytes *out, struct error *e)
{
	size_t before = out->len;

	if (json_dump_callback(value, dump_append, out, flags | JSON_ENCODE_ANY) < 0) {
		bytes_truncate(out, before);
		return error_set_memory(e);
	}
	return bytes_check(out, e);
}

int json_compact(const json_t *value, struct bytes *out, struct error *e)
{
	return dump(value, JSON_COMPACT, out, e);
}

int json_pretty(const json_t *value, struct bytes *out, struct error *e)
{
	if (dump(value, JSON_INDENT(2) | JSON_ENSURE_ASCII, out, e) < 0)
		return -1;
	bytes_append_text(out, "\n");
	return bytes_check(out, e);
}

json_t *json_hex(const void *data, size_t len)
{
	struct bytes hex = BYTES_INIT;
	json_t *value;

	encode_hex(data, len, &hex);
	value = hex.failed ? NULL : json_string(bytes_text(&hex));
	bytes_free(&hex);
	return value;
}

/* UTF-16 puts the characters beyond U+FFFF (first byte f0 to f4) before U+E000 to U+FFFF (ee, ef).
 * Otherwise its order is that of the bytes of UTF-8. */
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

static void append_text(struct bytes *out, const char *text, size_t len)
{
	static const char escaped[] = "\"\\\b\t\n\f\r", letters[] = "\"\\btnfr";

	bytes_append_text(out, "\"");
	for (size_t i = 0; i < len; i++) {
		const char *at = text[i] ? strchr(escaped, text[i]) : NULL;

		if (at)
			bytes_printf(out, "\\%c", letters[at - escaped]);
		else if ((unsigned char)text[i] < 0x20)
			bytes_printf(out, "\\u%04x", (unsigned int)text[i]);
		else
			bytes_append(out, &text[i], 1);
	}
	bytes_append_text(out, "\"");
}

static int append_value(struct bytes *out, const json_t *value, struct error *e);

static int append_object(struct bytes *out, const json_t *object, struct error *e)
{
	const char **names = calloc(json_object_size(object) + 1, sizeof(*names)), *name;
	size_t count = 0;
	json_t *member;
	int ret = 0;

	if (!names)
		return error_set_memory(e);
	json_object_foreach((json_t *)object, name, member)
		names[count++] = name;
	qsort(names, count, sizeof(*names), name_compare);
	bytes_append_text(out, "{");
	for (size_t i = 0; ret == 0 && i < count; i++) {
		bytes_append_text(out, i > 0 ? "," : "");
		append_text(out, names[i], strlen(names[i]));
		bytes_append_text(out, ":");
		ret = append_value(out, json_object_get(object, names[i]), e);
	}
	bytes_append_text(out, "}");
	free(names);
	return ret;
}

static int append_array(struct bytes *out, const json_t *array, struct error *e)
{
	bytes_append_text(out, "[");
	for (size_t i = 0; i < json_array_size(array); i++) {
		bytes_append_text(out, i > 0 ? "," : "");
		if (append_value(out, json_array_get(array, i), e) < 0)
			return -1;
	}
	bytes_append_text(out, "]");
	return 0;
}

static int append_value(struct bytes *out, const json_t *value, struct error *e)
{
	json_int_t number = json_integer_value(value);

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return append_object(out, value, e);
	case JSON_ARRAY:
		return append_array(out, value, e);
	case JSON_STRING:
		append_text(out, json_string_value(value), json_string_length(value));
		return 0;
	case JSON_INTEGER:
		if (number > JSON_INTEGER_MAX || number < -JSON_INTEGER_MAX)
			return error_set(e, ERROR_INPUT, "canonical JSON: integer beyond 2^53");
		bytes_printf(out, "%" JSON_INTEGER_FORMAT, number);
		return 0;
	case JSON_TRUE:
		bytes_append_text(out, "true");
		return 0;
	case JSON_FALSE:
		bytes_append_text(out, "false");
		return 0;
	case JSON_NULL:
		bytes_append_text(out, "null");
		return 0;
	case JSON_REAL:
		break;
	}
	return error_set(e, ERROR_INPUT, "canonical JSON: number is not an integer");
}

int json_canonical(const json_t *value, struct bytes *out, struct error *e)
{
	size_t before = out->len;

	if (append_value(out, value, e) == 0)
		return bytes_check(out, e);
	bytes_truncate(out, before);
	return -1;
}
