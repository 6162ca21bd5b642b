// SPDX-License-Identifier: Apache-2.0
#include "template.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encoding.h"
#include "pointer.h"

#define ENCODINGS_MAX 4 /* of one value */
/* Bytes of values that are read for one file. A template that asks for a large value a thousand times is refused
 * rather than slow. */
#define WORK_MAX ((size_t)64 << 20)

/* Offsets are in the text of the template. */
struct template_part {
	int secret;		     /* -1: @len bytes of the text from @start */
	size_t start, len;	     /* the text, or the name of the secret */
	size_t pointer, pointer_len; /* the JSON pointer; 0: none */
	int encoding[ENCODINGS_MAX];
	size_t encodings;
};

/* A range of the text. */
struct span {
	size_t start, end;
};

struct reader {
	struct template *template;
	size_t size; /* parts allocated */
	bool secret; /* one was found */
	template_find *find;
	void *context;
};

/* An error at the offset @at of the text. A column is a character, so the further bytes of one do not count. */
static int __attribute__((format(printf, 4, 5))) refuse(const struct template *t, size_t at,
							struct error *e, const char *format, ...)
{
	size_t line = 1, column = 1;
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (size_t i = 0; i < at; i++) {
		if (t->text.data[i] == '\n') {
			line++;
			column = 1;
		} else if ((t->text.data[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	return error_set(e, ERROR_INPUT, "line %zu, column %zu: %s", line, column, text);
}

static int part_add(struct reader *r, const struct template_part *part, struct error *e)
{
	struct template *t = r->template;

	if (part->secret < 0 && part->len == 0)
		return 0;
	if (t->count == TEMPLATE_PARTS_MAX)
		return refuse(t, part->start, e, "more than %d parts", TEMPLATE_PARTS_MAX);
	if (t->count == r->size) {
		size_t size = r->size ? 2 * r->size : 16;
		struct template_part *grown = reallocarray(t->part, size, sizeof(*grown));

		if (!grown)
			return error_set_memory(e);
		t->part = grown;
		r->size = size;
	}
	t->part[t->count++] = *part;
	return 0;
}

static struct span trim(const char *text, struct span span)
{
	while (span.start < span.end && (text[span.start] == ' ' || text[span.start] == '\t'))
		span.start++;
	while (span.start < span.end && (text[span.end - 1] == ' ' || text[span.end - 1] == '\t'))
		span.end--;
	return span;
}

/* Cut @rest before the next @c, and return what was before it. @rest is empty if there is none. */
static struct span cut(const char *text, struct span *rest, char c)
{
	const char *at = memchr(text + rest->start, c, rest->end - rest->start);
	struct span first = { rest->start, at ? (size_t)(at - text) : rest->end };

	rest->start = first.end + (at != NULL);
	return trim(text, first);
}

/* Read NAME or NAME:POINTER. */
static int read_secret(struct reader *r, struct span span, struct template_part *part,
		       struct error *e)
{
	const char *text = bytes_text(&r->template->text);
	const struct span name = cut(text, &(struct span){ span.start, span.end }, ':');
	const char *colon = memchr(text + span.start, ':', span.end - span.start);

	part->start = name.start;
	part->len = name.end - name.start;
	if (part->len == 0)
		return refuse(r->template, span.start, e, "the name of a secret is missing");
	part->secret = r->find(r->context, text + name.start, part->len);
	if (part->secret < 0)
		return refuse(r->template, name.start, e, "no secret is called %.*s",
			      (int)part->len, text + name.start);
	if (!colon)
		return 0;
	part->pointer = (size_t)(colon + 1 - text);
	part->pointer_len = span.end - part->pointer;
	if (!pointer_valid(colon + 1, part->pointer_len))
		return refuse(
			r->template, part->pointer, e,
			"a JSON pointer begins with /, and has ~0 for ~, and ~1 for / in a name");
	return 0;
}

/* Read what is between the braces. */
static int read_braces(struct reader *r, struct span span, struct error *e)
{
	const char *text = bytes_text(&r->template->text);
	struct template_part part = { .secret = -1 };
	const struct span all = trim(text, span);

	if (all.end - all.start == 4 && !memcmp(text + all.start, "\"{{\"", 4)) {
		part.start = all.start + 1;
		part.len = 2;
		return part_add(r, &part, e);
	}
	span = all;
	if (read_secret(r, cut(text, &span, '|'), &part, e) < 0)
		return -1;
	while (span.start < span.end || (span.start == span.end && text[span.end - 1] == '|')) {
		const size_t at = span.start;
		const struct span name = cut(text, &span, '|');
		const int encoding = encoding_find(text + name.start, name.end - name.start);

		if (encoding < 0)
			return refuse(r->template, name.start, e,
				      "no encoding is called \"%.*s\"; there are " ENCODING_NAMES,
				      (int)(name.end - name.start), text + name.start);
		if (part.encodings == ENCODINGS_MAX)
			return refuse(r->template, at, e, "more than %d encodings in a row",
				      ENCODINGS_MAX);
		part.encoding[part.encodings++] = encoding;
	}
	r->secret = true;
	return part_add(r, &part, e);
}

static int read_parts(struct reader *r, struct error *e)
{
	struct template *t = r->template;
	const char *text = bytes_text(&t->text);
	size_t at = 0;

	while (at < t->text.len) {
		const char *open = memmem(text + at, t->text.len - at, "{{", 2), *close, *line;
		size_t start = open ? (size_t)(open - text) : t->text.len;

		if (part_add(
			    r,
			    &(struct template_part){ .secret = -1, .start = at, .len = start - at },
			    e) < 0)
			return -1;
		if (!open)
			break;
		start += 2;
		close = memmem(text + start, t->text.len - start, "}}", 2);
		line = memchr(text + start, '\n', t->text.len - start);
		if (!close || (line && line < close))
			return refuse(
				t, start - 2, e,
				"braces that do not end in this line; {{ \"{{\" }} is two braces");
		at = (size_t)(close - text);
		if (read_braces(r, (struct span){ start, at }, e) < 0)
			return -1;
		at += 2;
	}
	if (!r->secret)
		return refuse(t, 0, e,
			      "a template without a secret: {{ NAME }} is the secret NAME");
	return 0;
}

int template_parse(struct template *t, const void *text, size_t len, template_find *find,
		   void *context, struct error *e)
{
	struct reader r = { .template = t, .find = find, .context = context };

	*t = (struct template)TEMPLATE_INIT;
	if (len > TEMPLATE_MAX)
		return error_set(e, ERROR_INPUT, "a template of more than %zu bytes", TEMPLATE_MAX);
	bytes_set(&t->text, text, len);
	if (bytes_check(&t->text, e) == 0 && read_parts(&r, e) == 0)
		return 0;
	template_free(t);
	return -1;
}

bool template_uses(const struct template *t, int number)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->part[i].secret == number && number >= 0)
			return true;
	}
	return false;
}

/* Append a value. @scratch has two locked buffers for what is between its encodings. */
static int render_value(const struct template *t, const struct template_part *part,
			const struct bytes *value, struct bytes *scratch, struct bytes *out,
			size_t *work, struct error *e)
{
	const char *text = bytes_text(&t->text);
	const struct bytes *from = value;
	struct bytes *to = &scratch[0];

	if (!value)
		return error_set(e, ERROR_INPUT, "not there yet");
	*work += value->len;
	if (*work > WORK_MAX)
		return error_set(e, ERROR_INPUT, "too large to be in a template so often");
	if (part->pointer_len > 0) {
		bytes_truncate(to, 0);
		if (pointer_find(from->data, from->len, text + part->pointer, part->pointer_len, to,
				 e) < 0)
			return -1;
		from = to;
	}
	for (size_t i = 0; i < part->encodings; i++) {
		to = from == &scratch[0] ? &scratch[1] : &scratch[0];
		bytes_truncate(to, 0);
		if (from->len > TEMPLATE_OUTPUT_MAX)
			break;
		if (encoding_apply(part->encoding[i], from, TEMPLATE_OUTPUT_MAX, to, e) < 0)
			return -1;
		from = to;
	}
	if (from->len > TEMPLATE_OUTPUT_MAX)
		return error_set(e, ERROR_INPUT, "more than %zu bytes", TEMPLATE_OUTPUT_MAX);
	bytes_append(out, from->data, from->len);
	return bytes_check(out, e);
}

int template_render(const struct template *t, template_value *value, void *context,
		    struct bytes *out, struct error *e)
{
	struct bytes scratch[2] = { BYTES_LOCKED_INIT, BYTES_LOCKED_INIT };
	const char *text = bytes_text(&t->text);
	const size_t before = out->len;
	size_t work = 0;
	int ret = bytes_check(out, e);

	for (size_t i = 0; ret == 0 && i < t->count; i++) {
		const struct template_part *part = &t->part[i];

		if (part->secret < 0)
			bytes_append(out, text + part->start, part->len);
		else if (render_value(t, part, value(context, part->secret), scratch, out, &work,
				      e) < 0)
			ret = error_add(e, "secret %.*s", (int)part->len, text + part->start);
		if (ret == 0 && out->len - before > TEMPLATE_OUTPUT_MAX)
			ret = error_set(e, ERROR_INPUT, "a file of more than %zu bytes",
					TEMPLATE_OUTPUT_MAX);
	}
	if (ret == 0)
		ret = bytes_check(out, e);
	if (ret < 0)
		bytes_truncate(out, before);
	bytes_free(&scratch[0]);
	bytes_free(&scratch[1]);
	return ret;
}

void template_free(struct template *t)
{
	bytes_free(&t->text);
	free(t->part);
	*t = (struct template)TEMPLATE_INIT;
}
