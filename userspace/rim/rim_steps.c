// SPDX-License-Identifier: Apache-2.0
#include "rim_steps.h"

#include <endian.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"

static const char step_word[] = "step ", what_name[] = "what";

void rim_steps_append(struct bytes *out, const struct rim *rim, const struct rim_step *step)
{
	const size_t size = hash_by_number(rim->algo)->size;

	bytes_printf(out, "%s%s", step_word, step->what);
	for (size_t i = 0; i < step->count; i++)
		bytes_printf(out, " %s=0x%" PRIx64, step->name[i], le64toh(step->number[i]));
	if (step->content) {
		bytes_append_text(out, " content=");
		encode_hex(step->content, size, out);
	}
	bytes_append_text(out, " rim=");
	encode_hex(rim->value, size, out);
	bytes_append_text(out, "\n");
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool number_read(const char *text, size_t len, uint64_t *n)
{
	unsigned int base = 10;

	*n = 0;
	if (len > 2 && text[0] == '0' && text[1] == 'x') {
		base = 16;
		text += 2;
		len -= 2;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned int d = decode_hex_digit(text[i]);

		if (d >= base || *n > (UINT64_MAX - d) / base)
			return false;
		*n = *n * base + d;
	}
	return len > 0;
}

static bool digest_is(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (decode_hex_digit(text[i]) > 15)
			return false;
	return len == 64 || len == 96 || len == 128;
}

static bool name_is(const struct rim_field *field, const char *name)
{
	return bytes_equal(field->name, field->name_len, name, strlen(name));
}

/* Read NAME=VALUE, the @len characters at @text. */
static bool field_read(struct rim_field *field, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);

	if (!equals || equals == text || equals - text >= RIM_NAME)
		return false;
	*field = (struct rim_field){
		.name = text,
		.name_len = (size_t)(equals - text),
		.value = equals + 1,
		.value_len = len - (size_t)(equals + 1 - text),
	};
	field->digest = name_is(field, "content") || name_is(field, "rim");
	return field->digest ? digest_is(field->value, field->value_len) :
			       number_read(field->value, field->value_len, &field->number);
}

static const struct rim_field *field_find(const struct rim_line *line, const struct rim_field *like)
{
	for (size_t i = 0; i < line->count; i++) {
		const struct rim_field *field = &line->field[i];

		if (bytes_equal(field->name, field->name_len, like->name, like->name_len))
			return field;
	}
	return NULL;
}

/* Read the words of @line after "step ". A field has one value. */
static bool line_read(struct rim_line *line)
{
	const char *word = line->text + sizeof(step_word) - 1, *end = line->text + line->len;

	for (line->count = 0; word < end && line->count < RIM_FIELDS; line->count++) {
		const char *space = memchr(word, ' ', (size_t)(end - word));
		size_t len = (size_t)((space ? space : end) - word);
		struct rim_field *field = &line->field[line->count];

		if (line->count == 0)
			*field = (struct rim_field){ .name = what_name,
						     .name_len = sizeof(what_name) - 1,
						     .value = word,
						     .value_len = len };
		else if (!field_read(field, word, len) || field_find(line, field))
			return false;
		word += len + 1;
	}
	/* A step without a value says nothing. */
	return word >= end && line->count > 1 && line->field[0].value_len;
}

int rim_steps_next(const char **text, const char *end, struct rim_line *line, struct error *e)
{
	*line = (struct rim_line){ 0 };
	while (*text < end) {
		const char *start = *text, *newline = memchr(start, '\n', (size_t)(end - start));
		size_t len = (size_t)((newline ? newline : end) - start);

		*text = newline ? newline + 1 : end;
		if (len < sizeof(step_word) - 1 || memcmp(start, step_word, sizeof(step_word) - 1))
			continue;
		if (start[len - 1] == '\r')
			len--;
		line->text = start;
		line->len = len;
		if (line_read(line))
			return 0;
		return error_set(e, ERROR_INPUT, "malformed step: %.*s",
				 (int)(len < 200 ? len : 200), start);
	}
	return 0;
}

/* --- comparing -------------------------------------------------------------------------------- */

static bool field_differs(const struct rim_field *a, const struct rim_field *b)
{
	if (a->name == what_name)
		return !bytes_equal(a->value, a->value_len, b->value, b->value_len);
	if (!a->digest)
		return a->number != b->number;
	return a->value_len != b->value_len || strncasecmp(a->value, b->value, a->value_len);
}

/* Set @diff->field. Returns whether a field differs. */
static bool lines_differ(struct rim_diff *diff)
{
	const struct rim_line *a = &diff->a, *b = &diff->b;
	bool found = false, last = false;

	if (!a->text || !b->text)
		return a->text != b->text;
	for (size_t i = 0; i < a->count; i++) {
		const struct rim_field *field = &a->field[i], *other = field_find(b, field);
		bool differs = other && field_differs(field, other);

		diff->field[i] = differs && !name_is(field, "rim");
		found |= diff->field[i];
		last |= differs;
		if (i == 0 && differs) /* the fields of another kind of step mean something else */
			break;
	}
	for (size_t i = 0; last && !found && i < a->count; i++)
		diff->field[i] = name_is(&a->field[i], "rim");
	return last;
}

int rim_steps_diff(struct rim_diff *diff, const struct bytes *a, const struct bytes *b,
		   struct error *e)
{
	const char *text_a = bytes_text(a), *text_b = bytes_text(b);
	const char *end_a = text_a + a->len, *end_b = text_b + b->len;

	*diff = (struct rim_diff){ 0 };
	for (;; diff->steps++) {
		if (rim_steps_next(&text_a, end_a, &diff->a, e) < 0)
			return error_add(e, "A");
		if (rim_steps_next(&text_b, end_b, &diff->b, e) < 0)
			return error_add(e, "B");
		if (!diff->steps && (!diff->a.text || !diff->b.text))
			return error_set(e, ERROR_INPUT, "%s: no line begins with \"step \"",
					 diff->a.text ? "B" : "A");
		diff->differs = lines_differ(diff);
		if (diff->differs || !diff->a.text)
			return 0;
	}
}
