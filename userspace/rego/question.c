// SPDX-License-Identifier: Apache-2.0
#include "question.h"

#include <string.h>

#include "base/encode.h"
#include "base/json.h"

#define ENGINE "realmkey-policy"

/* --- questions ------------------------------------------------------------------------------- */

/* Write the length of a question to @head. */
static int frame_length(size_t len, uint8_t head[4], struct error *e)
{
	if (len > REGO_QUESTION_MAX)
		return error_set(e, ERROR_INPUT, "question to " ENGINE ": longer than %zu bytes",
				 REGO_QUESTION_MAX);
	encode_u32((uint32_t)len, head);
	return 0;
}

/* Append the frame of @question, which is consumed; NULL if memory ran out while it was made. */
static int frame_append(json_t *question, struct bytes *out, struct error *e)
{
	struct bytes text = BYTES_INIT;
	uint8_t head[4];
	int ret = question ? json_compact(question, &text, e) : error_set_memory(e);

	json_decref(question);
	if (ret == 0)
		ret = frame_length(text.len, head, e);
	if (ret == 0) {
		bytes_append(out, head, sizeof(head));
		bytes_append(out, text.data, text.len);
		ret = bytes_check(out, e);
	}
	bytes_free(&text);
	return ret;
}

/* Whether @policy can be asked about. */
static int policy_check(const struct bytes *policy, struct error *e)
{
	if (policy->len > REGO_POLICY_MAX)
		return error_set(e, ERROR_INPUT, "policy: longer than %zu bytes", REGO_POLICY_MAX);
	/* The engine takes it for the end of the text. */
	if (policy->len > 0 && memchr(policy->data, '\0', policy->len))
		return error_set(e, ERROR_INPUT, "policy: it has a NUL, so it is not Rego");
	return 0;
}

/* A text that may be no UTF-8; a new reference, or NULL with an error. */
static json_t *text_value(const void *data, size_t len, const char *what, struct error *e)
{
	json_error_t cause;
	/* An empty buffer has no address. */
	json_t *value = json_pack_ex(&cause, 0, "s%", len ? data : "", len);

	if (!value && json_error_code(&cause) == json_error_invalid_utf8)
		error_set(e, ERROR_INPUT, "%s: not UTF-8", what);
	else if (!value)
		error_set_memory(e);
	return value;
}

static json_t *rules_value(const char *const *rules)
{
	json_t *list = json_array();

	for (; *rules; rules++)
		if (json_array_append_new(list, json_string(*rules)) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static int member_add(json_t *question, const char *name, json_t *value)
{
	return value ? json_object_set(question, name, value) : 0;
}

int rego_ask_evaluate(const struct bytes *policy, const char *const *rules, json_t *input,
		      json_t *data, json_t *references, struct bytes *out, struct error *e)
{
	json_t *text, *question;

	if (policy_check(policy, e) < 0)
		return -1;
	text = text_value(policy->data, policy->len, "policy", e);
	if (!text)
		return -1;
	question = json_pack("{s:s, s:o, s:o}", "kind", "evaluate", "policy", text, "rules",
			     rules_value(rules));
	if (question &&
	    (member_add(question, "input", input) < 0 || member_add(question, "data", data) < 0 ||
	     member_add(question, "references", references) < 0)) {
		json_decref(question);
		question = NULL;
	}
	return frame_append(question, out, e);
}

int rego_ask_check(const struct bytes *policy, struct bytes *out, struct error *e)
{
	json_t *text;

	if (policy_check(policy, e) < 0)
		return -1;
	text = text_value(policy->data, policy->len, "policy", e);
	if (!text)
		return -1;
	return frame_append(json_pack("{s:s, s:o}", "kind", "check", "policy", text), out, e);
}

int rego_ask_init_data(const char *text, struct bytes *out, struct error *e)
{
	json_t *value = text_value(text, strlen(text), "init-data", e);

	if (!value)
		return -1;
	return frame_append(json_pack("{s:s, s:o}", "kind", "init-data", "text", value), out, e);
}

int rego_keep(struct bytes *question, const struct bytes *values, struct error *e)
{
	bytes_truncate(question, question->len - strlen("}"));
	bytes_append_text(question, ",\"keep\":");
	bytes_append(question, values->data, values->len);
	bytes_append_text(question, "}");
	if (bytes_check(question, e) < 0)
		return -1;
	return frame_length(question->len - 4, question->data, e);
}

/* --- answers --------------------------------------------------------------------------------- */

int64_t rego_frame_size(const void *data, size_t len, size_t max, struct error *e)
{
	uint32_t text;

	if (len < 4)
		return 0;
	text = decode_u32(data);
	if (text > max)
		return error_set(e, ERROR_PROTOCOL, ENGINE ": a message of %u bytes", text);
	return (int64_t)text + 4;
}

/* The mistake that the answer tells. */
static int mistake_read(const json_t *answer, const char *text, struct error *e)
{
	const json_t *line = json_object_get(answer, "line");
	const json_t *column = json_object_get(answer, "column");

	error_set(e, ERROR_INPUT, "%s", text);
	if (json_is_integer(line) && json_is_integer(column))
		error_add(e, "line %lld, column %lld", (long long)json_integer_value(line),
			  (long long)json_integer_value(column));
	return -1;
}

json_t *rego_answer(const void *text, size_t len, struct error *e)
{
	json_t *answer = json_parse(text, len, JSON_OPERATOR, ENGINE, ERROR_PROTOCOL, e);
	const json_t *mistake;

	if (!answer)
		return NULL;
	mistake = json_object_get(answer, "error");
	if (json_is_string(mistake))
		mistake_read(answer, json_string_value(mistake), e);
	else if (!json_is_object(answer) || mistake)
		error_set(e, ERROR_PROTOCOL, ENGINE ": a malformed answer");
	else
		return answer;
	json_decref(answer);
	return NULL;
}
