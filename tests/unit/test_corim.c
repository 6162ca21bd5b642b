// SPDX-License-Identifier: Apache-2.0
/* Reference values in CoRIMs, and in the messages with which they are registered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "appraisal/corim.h"
#include "appraisal/reference.h"
#include "base/array.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/realm.h"
#include "vector.h"

#define NOW INT64_C(1800000000)

/* The CoRIMs that make-corim writes: values, or the reason why one is refused. */
static const char *const vectors[] = {
	"names",       "realm",	     "realm-text-profile", "other-profile",
	"last-counts", "outer-tags", "passed-over",	   "signed",
	"no-values",   "no-tags",    "not-a-map",	   "bad-comid",
	"no-triples",  "bad-triple", "bad-values",	   "bad-digests",
	"bad-digest",  "bad-vendor", "bad-uuid",	   "bad-raw",
	"bad-name",    "truncated",  "raw-without-tag",	   "not-in-bytes",
};

static void vector_corim(const char *name, struct bytes *cbor)
{
	char path[64];

	snprintf(path, sizeof(path), "corim/%s.cbor", name);
	vector_read(path, cbor);
}

static void check_vector(const char *name)
{
	struct bytes cbor = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *expected, *values;
	char path[64];

	vector_corim(name, &cbor);
	snprintf(path, sizeof(path), "corim/%s.json", name);
	expected = vector_read_json(path);
	values = corim_values(cbor.data, cbor.len, &e);
	if (json_is_object(expected)) {
		if (!values)
			fail_msg("%s: %s", name, e.text);
		if (!json_equal(values, expected))
			fail_msg("%s: %s", name, json_dumps(values, JSON_INDENT(1)));
	} else {
		assert_null(values);
		assert_int_equal(e.kind, ERROR_INPUT);
		assert_memory_equal(e.text, "CoRIM: ", strlen("CoRIM: "));
		if (!strstr(e.text, json_string_value(expected)))
			fail_msg("%s: %s", name, e.text);
	}
	json_decref(values);
	json_decref(expected);
	bytes_free(&cbor);
}

static void reads_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		check_vector(vectors[i]);
}

/* The message {"type": @type, "payload": the base64 of @payload}, on top of @before. */
static int apply(const char *type, const struct bytes *payload, const struct reference *before,
		 struct reference *next, struct error *e)
{
	struct bytes base64 = BYTES_INIT, message = BYTES_INIT;
	int ret;

	encode_base64(ENCODE_BASE64, payload->data, payload->len, &base64);
	bytes_printf(&message, "{\"version\":\"0.1.0\",\"type\":\"%s\",\"payload\":\"%s\"}", type,
		     bytes_text(&base64));
	ret = reference_apply(before, message.data, message.len, NOW, next, e);
	bytes_free(&base64);
	bytes_free(&message);
	return ret;
}

/* A CoRIM for realms endorses them, whatever a policy in Rego makes of its other values. */
static void a_corim_is_registered(void **state)
{
	struct reference none = REFERENCE_INIT, next = REFERENCE_INIT;
	struct bytes cbor = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *expected = vector_read_json("corim/realm.json");

	(void)state;
	assert_int_equal(reference_load(&none, NULL, 0, &e), 0);
	vector_corim("realm", &cbor);
	assert_int_equal(apply("corim", &cbor, &none, &next, &e), 0);
	assert_true(json_equal(reference_values(&next), expected));
	assert_int_equal(json_array_size(reference_value(&next, REALM_RIM_REFERENCE)), 2);
	assert_int_equal(json_object_size(reference_values(&none)), 0);
	reference_free(&none);
	reference_free(&next);
	json_decref(expected);
	bytes_free(&cbor);
}

/* Any JSON is a value; it replaces one with the same name and leaves the others. */
static void single_values_and_types(void **state)
{
	static const char text[] =
		"{\"text\":\"a\",\"integer\":-7,\"yes\":true,\"list\":[1,\"b\"],\"deep\":{\"c\":null}}";
	static const char stored[] = "{\"text\":{\"value\":[]},\"kept\":{\"value\":1}}";
	struct reference before = REFERENCE_INIT, next = REFERENCE_INIT;
	struct bytes payload = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *expected = json_loads(text, 0, NULL);

	(void)state;
	assert_int_equal(reference_load(&before, stored, strlen(stored), &e), 0);
	bytes_append_text(&payload, text);
	assert_int_equal(apply("sample", &payload, &before, &next, &e), 0);
	json_object_set_new(expected, "kept", json_integer(1));
	assert_true(json_equal(reference_values(&next), expected));
	assert_int_equal(json_integer_value(reference_value(&next, "integer")), -7);
	assert_null(reference_value(&next, "other"));
	reference_free(&before);
	reference_free(&next);
	json_decref(expected);
	bytes_free(&payload);
}

static void refused_messages(void **state)
{
	static const struct {
		const char *type, *payload, *text;
	} cases[] = {
		{ "swid", "<x/>",
		  "message: type: 'swid' is not one that this embedded Trustee reads; those are "
		  "'sample' and 'corim'" },
		{ "sample", "[]", "message: payload: not an object of names and values" },
		{ "corim", "", "CoRIM: truncated: empty" },
		{ "corim", "{}", "CoRIM: " },
	};
	struct bytes payload = BYTES_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reference none = REFERENCE_INIT, next = REFERENCE_INIT;
		struct error e = ERROR_INIT;

		bytes_clear(&payload);
		bytes_append_text(&payload, cases[i].payload);
		assert_int_equal(reference_load(&none, NULL, 0, &e), 0);
		assert_int_equal(apply(cases[i].type, &payload, &none, &next, &e), -1);
		assert_int_equal(e.kind, ERROR_INPUT);
		if (!strstr(e.text, cases[i].text))
			fail_msg("%s: %s", cases[i].type, e.text);
		reference_free(&none);
		reference_free(&next);
	}
	bytes_free(&payload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_vectors),
		cmocka_unit_test(a_corim_is_registered),
		cmocka_unit_test(single_values_and_types),
		cmocka_unit_test(refused_messages),
	};

	return cmocka_run_group_tests_name("corim", tests, NULL, NULL);
}
