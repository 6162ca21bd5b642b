// SPDX-License-Identifier: Apache-2.0
/* Questions to realmkey-policy and its answers, as texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/json.h"
#include "rego/question.h"

static void text_set(struct bytes *b, const char *text)
{
	bytes_set(b, text, strlen(text));
}

/* The text of the one frame in @frame must be @expected. */
static void expect_frame(const struct bytes *frame, const char *expected)
{
	struct error e = ERROR_INIT;

	assert_int_equal(rego_frame_size(frame->data, frame->len, REGO_QUESTION_MAX, &e),
			 (int64_t)frame->len);
	assert_int_equal(frame->len, strlen(expected) + 4);
	assert_memory_equal(frame->data + 4, expected, strlen(expected));
}

static void evaluate_has_what_is_there(void **state)
{
	static const char *const rules[] = { REGO_ALLOW, REGO_EXTENSIONS, NULL };
	struct bytes policy = BYTES_INIT, frame = BYTES_INIT;
	json_t *input = json_pack("{s:i}", "a", 1), *references = json_pack("{s:[s]}", "r", "v");
	struct error e = ERROR_INIT;

	(void)state;
	text_set(&policy, "package policy\n");
	assert_int_equal(rego_ask_evaluate(&policy, rules, input, NULL, references, &frame, &e), 0);
	expect_frame(&frame,
		     "{\"kind\":\"evaluate\",\"policy\":\"package policy\\n\",\"rules\":"
		     "[\"data.policy.allow\",\"data.policy.extensions\"],\"input\":{\"a\":1},"
		     "\"references\":{\"r\":[\"v\"]}}");
	bytes_clear(&frame);
	assert_int_equal(rego_ask_check(&policy, &frame, &e), 0);
	expect_frame(&frame, "{\"kind\":\"check\",\"policy\":\"package policy\\n\"}");
	bytes_clear(&frame);
	assert_int_equal(rego_ask_init_data("a = 1", &frame, &e), 0);
	expect_frame(&frame, "{\"kind\":\"init-data\",\"text\":\"a = 1\"}");
	json_decref(input);
	json_decref(references);
	bytes_free(&frame);
	bytes_free(&policy);
}

static void question_that_cannot_be_asked(void **state)
{
	struct bytes policy = BYTES_INIT, frame = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *input;

	(void)state;
	bytes_set(&policy, "package \xff", 9);
	assert_int_equal(rego_ask_check(&policy, &frame, &e), -1);
	assert_int_equal(e.kind, ERROR_INPUT);
	assert_string_equal(e.text, "policy: not UTF-8");
	/* The engine would not look at what follows. */
	bytes_set(&policy, "package a\n\0allow := false\n", 26);
	assert_int_equal(rego_ask_check(&policy, &frame, &e), -1);
	assert_int_equal(e.kind, ERROR_INPUT);
	assert_string_equal(e.text, "policy: it has a NUL, so it is not Rego");
	assert_int_equal(bytes_resize(&policy, REGO_POLICY_MAX + 1, &e), 0);
	assert_int_equal(rego_ask_check(&policy, &frame, &e), -1);
	assert_string_equal(e.text, "policy: longer than 262144 bytes");
	/* All together is too long. */
	assert_int_equal(bytes_resize(&policy, 0, &e), 0);
	input = json_array();
	for (int i = 0; i < 1 << 17; i++)
		json_array_append_new(input, json_string("0123456789012345678901234567890123456"));
	assert_int_equal(rego_ask_evaluate(&policy, (const char *[]){ REGO_ALLOW, NULL }, input,
					   NULL, NULL, &frame, &e),
			 -1);
	assert_int_equal(e.kind, ERROR_INPUT);
	assert_int_equal(frame.len, 0);
	json_decref(input);
	bytes_free(&frame);
	bytes_free(&policy);
}

static void frame_size_of_a_part(void **state)
{
	static const uint8_t head[] = { 2, 1, 0, 0, '{' };
	struct error e = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(rego_frame_size(head, i, 1000, &e), 0);
	assert_int_equal(rego_frame_size(head, 4, 1000, &e), 258 + 4);
	assert_int_equal(rego_frame_size(head, 5, 258, &e), 258 + 4);
	assert_int_equal(rego_frame_size(head, 5, 257, &e), -1);
	assert_int_equal(e.kind, ERROR_PROTOCOL);
	assert_int_equal(rego_frame_size("\xff\xff\xff\xff", 4, REGO_ANSWER_MAX, &e), -1);
}

static void answers(void **state)
{
	static const struct {
		const char *text;
		enum error_kind kind; /* ERROR_NONE: it is an answer */
		const char *error;
	} cases[] = {
		{ "{\"values\": {\"data.policy.allow\": true}}", ERROR_NONE, NULL },
		{ "{}", ERROR_NONE, NULL },
		{ "{\"error\": \"bad\"}", ERROR_INPUT, "bad" },
		{ "{\"error\": \"bad\", \"line\": 3, \"column\": 14}", ERROR_INPUT,
		  "line 3, column 14: bad" },
		{ "{\"error\": \"bad\", \"line\": 3}", ERROR_INPUT, "bad" },
		{ "{\"error\": \"a\\nb\\u001b\"}", ERROR_INPUT, "a?b?" },
		{ "{\"error\": 1}", ERROR_PROTOCOL, "realmkey-policy: a malformed answer" },
		{ "[]", ERROR_PROTOCOL, "realmkey-policy: a malformed answer" },
		{ "{", ERROR_PROTOCOL, NULL },
		{ "", ERROR_PROTOCOL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error e = ERROR_INIT;
		json_t *answer = rego_answer(cases[i].text, strlen(cases[i].text), &e);

		assert_int_equal(e.kind, cases[i].kind);
		assert_int_equal(answer != NULL, cases[i].kind == ERROR_NONE);
		if (cases[i].error)
			assert_string_equal(e.text, cases[i].error);
		json_decref(answer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evaluate_has_what_is_there),
		cmocka_unit_test(question_that_cannot_be_asked),
		cmocka_unit_test(frame_size_of_a_part),
		cmocka_unit_test(answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
