// SPDX-License-Identifier: Apache-2.0
#include "rim_diff.h"

#include <string.h>

#include "base/io.h"
#include "cli.h"
#include "rim/rim_steps.h"

static json_t *step_object(const struct rim_line *line)
{
	json_t *out = json_object();
	int ret = out ? 0 : -1;

	for (size_t i = 0; !ret && i < line->count; i++) {
		const struct rim_field *field = &line->field[i];
		char name[RIM_NAME];

		memcpy(name, field->name, field->name_len);
		name[field->name_len] = 0;
		ret = json_object_set_new(out, name, json_stringn(field->value, field->value_len));
	}
	if (!ret)
		return out;
	json_decref(out);
	return NULL;
}

json_t *rim_diff_steps(const struct bytes *list)
{
	const char *text = bytes_text(list), *end = text + list->len;
	json_t *out = json_array();
	struct error e = ERROR_INIT;
	struct rim_line line;
	int ret = out ? 0 : -1;

	while (!ret) {
		ret = rim_steps_next(&text, end, &line, &e);
		if (ret || !line.text)
			break;
		ret = json_array_append_new(out, step_object(&line));
	}
	if (!ret)
		return out;
	json_decref(out);
	return NULL;
}

/* The names of what differs, separated by commas: the fields, or "end" if one list goes on. */
static void names_append(struct bytes *out, const struct rim_diff *diff)
{
	const char *comma = "";

	if (!diff->a.text || !diff->b.text)
		bytes_append_text(out, "end");
	for (size_t i = 0; i < diff->a.count; i++) {
		if (!diff->field[i])
			continue;
		bytes_append_text(out, comma);
		bytes_append(out, diff->a.field[i].name, diff->a.field[i].name_len);
		comma = ", ";
	}
}

static void line_append(struct bytes *out, char list, const struct rim_line *line)
{
	bytes_printf(out, "%c: %.*s\n", list, (int)line->len, line->text ? line->text : "");
	if (!line->text) {
		bytes_truncate(out, out->len - 1);
		bytes_append_text(out, "(no more steps)\n");
	}
}

static json_t *line_json(const struct rim_line *line)
{
	return line->text ? step_object(line) : json_null();
}

static int diff_json(const struct rim_diff *diff, const char *names, struct error *e)
{
	json_t *out = json_pack("{s:b, s:I}", "same", !diff->differs, "same-steps",
				(json_int_t)diff->steps);
	int ret = out ? 0 : -1;

	if (!ret && diff->differs) {
		ret |= json_object_set_new(out, "differs", json_string(names));
		ret |= json_object_set_new(out, "a", line_json(&diff->a));
		ret |= json_object_set_new(out, "b", line_json(&diff->b));
	}
	ret = ret ? error_set_memory(e) : cli_output_json(out, e);
	json_decref(out);
	return ret;
}

static int diff_text(const struct rim_diff *diff, const char *names, struct error *e)
{
	struct bytes out = BYTES_INIT;

	if (!diff->differs) {
		bytes_printf(&out, "the same %zu steps\n", diff->steps);
	} else {
		bytes_printf(&out, "step %zu differs: %s\n", diff->steps + 1, names);
		line_append(&out, 'A', &diff->a);
		line_append(&out, 'B', &diff->b);
	}
	return cli_output_text(&out, e);
}

static int diff_print(const struct bytes *a, const struct bytes *b, bool json, struct error *e)
{
	struct bytes names = BYTES_INIT;
	struct rim_diff diff;
	int ret = rim_steps_diff(&diff, a, b, e);

	if (ret < 0)
		return ret;
	if (diff.differs)
		names_append(&names, &diff);
	ret = bytes_check(&names, e);
	if (ret == 0)
		ret = json ? diff_json(&diff, bytes_text(&names), e) :
			     diff_text(&diff, bytes_text(&names), e);
	if (ret == 0 && diff.differs)
		ret = error_set(e, ERROR_ATTESTATION,
				"the measurements differ from step %zu on: %s", diff.steps + 1,
				bytes_text(&names));
	bytes_free(&names);
	return ret;
}

int rim_diff_with(const char *a, const struct bytes *b, bool json, struct error *e)
{
	struct bytes list = BYTES_INIT;
	int ret = io_read_file(a, BYTES_MAX - 1, &list, e);

	if (ret == 0)
		ret = diff_print(&list, b, json, e);
	bytes_free(&list);
	return ret;
}

int rim_diff_files(const char *a, const char *b, bool json, struct error *e)
{
	struct bytes list = BYTES_INIT;
	int ret = io_read_file(b, BYTES_MAX - 1, &list, e);

	if (ret == 0)
		ret = rim_diff_with(a, &list, json, e);
	bytes_free(&list);
	return ret;
}
