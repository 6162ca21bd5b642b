// SPDX-License-Identifier: Apache-2.0
/* Requests and answers of realmkeyd's control socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/array.h"
#include "status/control.h"

static void requests_are_text(void **state)
{
	static const struct {
		struct control_request request;
		const char *text;
	} rows[] = {
		{ { CONTROL_REFRESH, false, "" }, "refresh due" },
		{ { CONTROL_REFRESH, true, "" }, "refresh now" },
		{ { CONTROL_REFRESH, false, "now" }, "refresh due now" },
		{ { CONTROL_REFRESH, true, "db_password-2.x" }, "refresh now db_password-2.x" },
		{ { CONTROL_RELOAD, false, "" }, "reload" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct control_request request;
		struct bytes text = BYTES_INIT;
		struct error e = ERROR_INIT;

		assert_int_equal(control_request_encode(&rows[i].request, &text, &e), 0);
		assert_string_equal(bytes_text(&text), rows[i].text);
		assert_int_equal(control_request_decode(text.data, text.len, &request, &e), 0);
		assert_int_equal(request.verb, rows[i].request.verb);
		assert_int_equal(request.now, rows[i].request.now);
		assert_string_equal(request.name, rows[i].request.name);
		bytes_free(&text);
	}
}

static void a_name_must_be_that_of_a_secret(void **state)
{
	struct control_request request = { CONTROL_REFRESH, false, "a b" };
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(control_request_encode(&request, &text, &e), -1);
	assert_int_equal(e.kind, ERROR_USAGE);
	assert_string_equal(e.text, "'a b' is not the name of a secret");
	bytes_free(&text);
}

static void malformed_requests_are_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"refresh",
		"refresh ",
		"refresh later",
		"refresh due ",
		"refresh due a b",
		"refresh due a/b",
		"refresh now a\n",
		"reload now",
		"reload ",
		"restart",
		"refresh due 123456789012345678901234567890123456789012345678",
		"refresh due 12345678901234567890123456789012345678901234567890123456",
	};
	struct control_request request;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error e = ERROR_INIT;

		if (control_request_decode(rows[i], strlen(rows[i]), &request, &e) != -1)
			fail_msg("accepted: %s", rows[i]);
		assert_int_equal(e.kind, ERROR_INPUT);
	}
	assert_int_equal(
		control_request_decode("reload\0x", 8, &request, &(struct error)ERROR_INIT), -1);
}

static int answer_read(const char *data, size_t len, int *code, struct bytes *text)
{
	struct error e = ERROR_INIT;
	int ret = control_answer_decode(data, len, code, text, &e);

	assert_int_equal(e.kind, ret < 0 ? ERROR_INPUT : ERROR_NONE);
	return ret;
}

static void answers_have_a_status_and_lines(void **state)
{
	struct bytes data = BYTES_INIT, text = BYTES_INIT;
	int code = -1;

	(void)state;
	control_answer_encode(3, "first\nsecond", &data);
	assert_string_equal(bytes_text(&data), "3 first\nsecond");
	assert_int_equal(answer_read((char *)data.data, data.len, &code, &text), 0);
	assert_int_equal(code, 3);
	assert_string_equal(bytes_text(&text), "first\nsecond");
	bytes_clear(&text);
	/* A status that is none becomes 1, and what a terminal would obey is taken out. */
	bytes_clear(&data);
	control_answer_encode(1000, "a\033[1m\n\n\tb\n", &data);
	assert_int_equal(answer_read((char *)data.data, data.len, &code, &text), 0);
	assert_int_equal(code, 1);
	assert_string_equal(bytes_text(&text), "a?[1m\n?b");
	bytes_free(&data);
	bytes_free(&text);
}

static void answers_are_bounded(void **state)
{
	static char long_text[2 * CONTROL_ANSWER_MAX];
	static const char *const malformed[] = { "",	 "3",	 "x y",	  " 3 x",
						 "-1 x", "+1 x", "256 x", "0001 x" };
	struct bytes data = BYTES_INIT, text = BYTES_INIT;
	int code;

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	control_answer_encode(0, long_text, &data);
	assert_int_equal(data.len, CONTROL_ANSWER_MAX);
	assert_int_equal(answer_read((char *)data.data, data.len, &code, &text), 0);
	assert_int_equal(text.len, CONTROL_ANSWER_MAX - 2);
	assert_int_equal(answer_read(long_text, CONTROL_ANSWER_MAX + 1, &code, &text), -1);
	assert_int_equal(answer_read("0 a\0b", 5, &code, &text), -1);
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++)
		assert_int_equal(answer_read(malformed[i], strlen(malformed[i]), &code, &text), -1);
	bytes_free(&data);
	bytes_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_text),
		cmocka_unit_test(a_name_must_be_that_of_a_secret),
		cmocka_unit_test(malformed_requests_are_refused),
		cmocka_unit_test(answers_have_a_status_and_lines),
		cmocka_unit_test(answers_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
