// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "vector.h"

static json_t *parse(const char *text, struct error *e)
{
	return json_parse(text, strlen(text), JSON_OPERATOR, "answer", ERROR_PROTOCOL, e);
}

static void assert_canonical(const char *text, const char *expected)
{
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *value = parse(text, &e);

	assert_non_null(value);
	assert_int_equal(json_canonical(value, &out, &e), 0);
	assert_string_equal(bytes_text(&out), expected);
	json_decref(value);
	bytes_free(&out);
}

static void accepts_exactly_one_json_text(void **state)
{
	static const struct {
		const char *text, *cause;
	} cases[] = {
		{ "", "not JSON" },
		{ "{", "not JSON" },
		{ "{} {}", "end of file expected" },
		{ "{}x", "end of file expected" },
		{ "{\"a\":1,\"a\":2}", "duplicate object key" },
		{ "{\"a\":\"\\u0000\"}", "not JSON" },
		{ "[\"\xff\"]", "not JSON" },
		{ "[01]", "not JSON" },
		{ "[99999999999999999999]", "not JSON" },
		{ "[NaN]", "not JSON" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;

		assert_null(parse(cases[i].text, &e));
		assert_int_equal(e.kind, ERROR_PROTOCOL);
		assert_memory_equal(e.text, "answer: not JSON: ", 18);
		if (!strstr(e.text, cases[i].cause))
			fail_msg("'%s' for '%s'", e.text, cases[i].text);
	}
}

static void does_not_quote_its_input(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	assert_null(parse("{\"d\": hunter2}", &e));
	assert_null(strstr(e.text, "hunter2"));
	assert_non_null(strstr(e.text, "line 1, column"));
	assert_null(parse("{\"hunter2\":1,\"hunter2\":1}", &e));
	assert_null(strstr(e.text, "hunter2"));
}

static void bounds_depth_and_size(void **state)
{
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *value;

	(void)state;
	for (int i = 0; i < 64; i++)
		bytes_append_text(&text, "[");
	for (int i = 0; i < 64; i++)
		bytes_append_text(&text, "]");
	value = parse(bytes_text(&text), &e);
	assert_non_null(value);
	json_decref(value);

	bytes_clear(&text);
	for (int i = 0; i < 32; i++)
		bytes_append_text(&text, "[{\"\\\"]\":");
	bytes_append_text(&text, "[");
	assert_null(parse(bytes_text(&text), &e));
	assert_string_equal(e.text, "answer: JSON nested deeper than 64");

	assert_int_equal(bytes_resize(&text, 0, &(struct error)ERROR_INIT), 0);
	assert_int_equal(bytes_resize(&text, JSON_INPUT_MAX + 1, &(struct error)ERROR_INIT), 0);
	memset(text.data, ' ', text.len);
	assert_null(json_parse(text.data, text.len, JSON_OPERATOR, "answer", ERROR_PROTOCOL, &e));
	assert_string_equal(e.text, "answer: JSON of more than 4194304 bytes");
	bytes_free(&text);
}

static json_t *parse_repeated(const char *start, const char *unit, size_t size, const char *end,
			      enum json_use use, struct error *e)
{
	struct bytes text = BYTES_INIT;
	json_t *value;

	bytes_append_text(&text, start);
	while (text.len < size)
		bytes_append_text(&text, unit);
	bytes_append_text(&text, end);
	value = json_parse(text.data, text.len, use, "answer", ERROR_PROTOCOL, e);
	bytes_free(&text);
	return value;
}

/* A short text can become a large tree: each of these {} costs 240 bytes. */
static void bounds_the_memory_of_the_tree(void **state)
{
	static const struct {
		const char *start, *unit, *end;
	} cases[] = {
		{ "[0", ",{}", "]" },	       { "[0", ",[]", "]" },   { "[0", ",0", "]" },
		{ "[0", ",{\"\":\"\"}", "]" }, { "[0", ",\"\"", "]" },
	};
	static const struct {
		enum json_use use;
		size_t size;
		const char *words;
	} uses[] = {
		{ JSON_SMALL, 64 << 10, "answer: JSON that needs more than 1048576 bytes" },
		{ JSON_TOKEN, 512 << 10, "answer: JSON that needs more than 3145728 bytes" },
		{ JSON_SECRET, 3 << 19, "answer: JSON that needs more than 3670016 bytes" },
		{ JSON_EVIDENCE, 2 << 20, "answer: JSON that needs more than 4194304 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t use = 0; use < ARRAY_SIZE(uses); use++) {
			struct error e = ERROR_INIT;

			assert_null(parse_repeated(cases[i].start, cases[i].unit,
						   uses[use].size - 16, cases[i].end, uses[use].use,
						   &e));
			assert_int_equal(e.kind, ERROR_PROTOCOL);
			assert_false(e.memory);
			if (!strstr(e.text, uses[use].words))
				fail_msg("%s: %s", cases[i].unit, e.text);
		}
}

/* What honest peers send at most: a secret of 1 MiB as JWE, an EAR of 256 KiB, evidence of 64 KiB. */
static void accepts_the_largest_honest_texts(void **state)
{
	static const struct {
		enum json_use use;
		const char *start, *unit, *end;
		size_t size;
	} cases[] = {
		{ JSON_SMALL, "{\"type\":\"t\",\"detail\":\"", "d", "\"}", 65000 },
		{ JSON_TOKEN, "{\"token\":\"", "e", "\"}", 262144 },
		{ JSON_SECRET, "{\"ciphertext\":\"", "c", "\"}", 1398120 },
		{ JSON_EVIDENCE, "{\"token\":[255", ",255", "]}", 4 * 65536 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;
		json_t *value = parse_repeated(cases[i].start, cases[i].unit, cases[i].size,
					       cases[i].end, cases[i].use, &e);

		if (!value)
			fail_msg("%s: %s", cases[i].start, e.text);
		json_decref(value);
	}
}

static void members_are_named_in_errors(void **state)
{
	struct error e = ERROR_INIT;
	json_t *value = parse("{\"t\":\"x\",\"o\":{\"n\":1}}", &e);
	json_t *array = parse("[]", &e);

	(void)state;
	assert_string_equal(json_member_text(value, "t", "answer", ERROR_PROTOCOL, &e), "x");
	assert_non_null(json_member_object(value, "o", "answer", ERROR_PROTOCOL, &e));
	assert_null(json_member_text(value, "nonce", "answer", ERROR_PROTOCOL, &e));
	assert_string_equal(e.text, "answer: nonce: missing");
	assert_null(json_member_text(value, "o", "answer", ERROR_INPUT, &e));
	assert_string_equal(e.text, "answer: o: not a string");
	assert_int_equal(e.kind, ERROR_INPUT);
	assert_null(json_member_object(value, "t", "answer", ERROR_PROTOCOL, &e));
	assert_string_equal(e.text, "answer: t: not an object");
	assert_null(json_member_object(array, "t", "answer", ERROR_PROTOCOL, &e));
	assert_string_equal(e.text, "answer: not an object");
	assert_null(json_member_text(NULL, "t", "answer", ERROR_PROTOCOL, &e));
	json_decref(value);
	json_decref(array);
}

/* RFC 8785 sections 3.2.2 and 3.2.3, the sorting example included. */
static void canonical_form_is_that_of_rfc_8785(void **state)
{
	(void)state;
	assert_canonical("{ \"b\" : [ 1 , -0 , true, false, null ], \"a\": { } }",
			 "{\"a\":{},\"b\":[1,0,true,false,null]}");
	assert_canonical("[\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\"]",
			 "[\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"]");
	assert_canonical("[\"\\b\\t\\n\\f\\r\\u001f\\u007f\"]", "[\"\\b\\t\\n\\f\\r\\u001f\x7f\"]");
	assert_canonical("{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\","
			 "\"\\ufb33\":\"Hebrew Letter Dalet With Dagesh\",\"1\":\"One\","
			 "\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\","
			 "\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
			 "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
			 "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\","
			 "\"\xe2\x82\xac\":\"Euro Sign\","
			 "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
			 "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
	assert_canonical("{\"ab\":1,\"a\":2,\"\":3,\"\xed\x9f\xbf\":4,\"\xee\x80\x80\":5,"
			 "\"\xf4\x8f\xbf\xbf\":6}",
			 "{\"\":3,\"a\":2,\"ab\":1,\"\xed\x9f\xbf\":4,\"\xf4\x8f\xbf\xbf\":6,"
			 "\"\xee\x80\x80\":5}");
	assert_canonical("[9007199254740991,-9007199254740991]",
			 "[9007199254740991,-9007199254740991]");
}

static void canonical_form_refuses_other_numbers(void **state)
{
	static const char *const cases[] = { "[1.5]", "[1e3]", "[9007199254740992]",
					     "{\"a\":[-9007199254740992]}" };
	struct bytes out = BYTES_INIT;

	(void)state;
	bytes_append_text(&out, "kept");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;
		json_t *value = parse(cases[i], &e);

		assert_non_null(value);
		assert_int_equal(json_canonical(value, &out, &e), -1);
		assert_string_equal(bytes_text(&out), "kept");
		json_decref(value);
	}
	bytes_free(&out);
}

/* A KBS and an attester must hash the same bytes. */
static void canonical_form_is_that_of_trustee(void **state)
{
	json_t *vectors = vector_read_json("own-vectors/vectors.json");
	json_t *ec = json_object_get(vectors, "ec_report_data");
	json_t *rsa = json_object_get(vectors, "rsa_report_data");
	json_t *unit = json_object_get(vectors, "trustee_unit_test");
	const char *nonce = json_string_value(json_object_get(ec, "nonce"));
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *value;

	(void)state;
	assert_canonical("{\"b\":1,\"a\":\"test\",\"c\":{\"d\":\"e\"}}",
			 json_string_value(json_object_get(unit, "jcs")));
	for (int i = 0; i < 2; i++) {
		json_t *from = i == 0 ? ec : rsa;
		const char *member = i == 0 ? "primary_canonical_json" : "canonical_json";

		value = json_pack("{s:O, s:s, s:s}", "tee-pubkey",
				  json_object_get(from, "tee_pubkey_jwk"), "nonce", nonce,
				  "additional-evidence", "");
		bytes_clear(&out);
		assert_int_equal(json_canonical(value, &out, &e), 0);
		assert_string_equal(bytes_text(&out),
				    json_string_value(json_object_get(from, member)));
		json_decref(value);
	}
	bytes_free(&out);
	json_decref(vectors);
}

static void other_forms_keep_the_order(void **state)
{
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *value = parse("{\"z\":\"a/b\",\"a\":[1]}", &e);

	(void)state;
	assert_int_equal(json_compact(value, &out, &e), 0);
	assert_string_equal(bytes_text(&out), "{\"z\":\"a/b\",\"a\":[1]}");
	bytes_clear(&out);
	assert_int_equal(json_pretty(value, &out, &e), 0);
	assert_string_equal(bytes_text(&out), "{\n  \"z\": \"a/b\",\n  \"a\": [\n    1\n  ]\n}\n");
	bytes_free(&out);
	json_decref(value);
}

/* `realmkey verify` shows text that an untrusted party signed; U+009B is CSI for a terminal. */
static void pretty_form_has_no_terminal_controls(void **state)
{
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *value = parse("[\"\xc2\x9b\\u001b\xe2\x80\xae\"]", &e);

	(void)state;
	assert_int_equal(json_pretty(value, &out, &e), 0);
	assert_string_equal(bytes_text(&out), "[\n  \"\\u009B\\u001B\\u202E\"\n]\n");
	bytes_free(&out);
	json_decref(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_exactly_one_json_text),
		cmocka_unit_test(does_not_quote_its_input),
		cmocka_unit_test(bounds_depth_and_size),
		cmocka_unit_test(bounds_the_memory_of_the_tree),
		cmocka_unit_test(accepts_the_largest_honest_texts),
		cmocka_unit_test(members_are_named_in_errors),
		cmocka_unit_test(canonical_form_is_that_of_rfc_8785),
		cmocka_unit_test(canonical_form_refuses_other_numbers),
		cmocka_unit_test(canonical_form_is_that_of_trustee),
		cmocka_unit_test(other_forms_keep_the_order),
		cmocka_unit_test(pretty_form_has_no_terminal_controls),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
