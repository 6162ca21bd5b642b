// SPDX-License-Identifier: Apache-2.0
/* The requests and replies of the API socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "sinks/varlink.h"

#define SERVICE "org.varlink.service"

static int decode(const char *text, struct varlink_request *r, struct bytes *reply, struct error *e)
{
	bytes_clear(reply);
	*e = (struct error)ERROR_INIT;
	return varlink_request_decode(text, strlen(text), r, reply, e);
}

static void requests_are_read(void **state)
{
	static const struct {
		const char *text;
		struct varlink_request request;
	} rows[] = {
		{ "{\"method\":\"io.realmkey.Secrets.Get\",\"parameters\":{\"name\":\"db\"}}",
		  { .method = VARLINK_GET, .name = "db", .wait_ms = -1 } },
		{ "{\"method\":\"io.realmkey.Secrets.Get\",\"parameters\":{\"name\":\"db\",\"wait_ms\":0},"
		  "\"more\":true}",
		  { .method = VARLINK_GET, .name = "db", .wait_ms = 0 } },
		{ "{\"parameters\":{\"name\":\"d-b_2.x\",\"wait_ms\":null},\"oneway\":true,\"more\":null,"
		  "\"method\":\"io.realmkey.Secrets.Get\"}",
		  { .method = VARLINK_GET, .name = "d-b_2.x", .wait_ms = -1, .oneway = true } },
		/* no secret can have such a name */
		{ "{\"method\":\"io.realmkey.Secrets.Get\",\"parameters\":{\"name\":\"../db\"}}",
		  { .method = VARLINK_GET, .wait_ms = -1 } },
		{ "{\"method\":\"io.realmkey.Secrets.Get\",\"parameters\":{\"name\":"
		  "\"1234567890123456789012345678901234567890123456789012345678901234\"}}",
		  { .method = VARLINK_GET, .wait_ms = -1 } },
		{ "{\"method\":\"io.realmkey.Secrets.List\",\"parameters\":{}}",
		  { .method = VARLINK_LIST, .wait_ms = -1 } },
		{ "{\"method\":\"org.varlink.service.GetInfo\"}",
		  { .method = VARLINK_GET_INFO, .wait_ms = -1 } },
	};
	struct bytes reply = BYTES_INIT;
	struct error e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct varlink_request r;

		assert_int_equal(decode(rows[i].text, &r, &reply, &e), VARLINK_REQUEST);
		assert_int_equal(r.method, rows[i].request.method);
		assert_int_equal(r.oneway, rows[i].request.oneway);
		assert_int_equal(r.wait_ms, rows[i].request.wait_ms);
		assert_string_equal(r.name, rows[i].request.name);
		assert_int_equal(reply.len, 0);
	}
	bytes_free(&reply);
}

static void errors_are_replies(void **state)
{
	static const struct {
		const char *text, *reply;
	} rows[] = {
		{ "{\"method\":\"io.realmkey.Secrets.Get\"}",
		  "{\"error\":\"" SERVICE
		  ".InvalidParameter\",\"parameters\":{\"parameter\":\"name\"}}" },
		{ "{\"method\":\"io.realmkey.Secrets.Get\",\"parameters\":{\"name\":1}}",
		  "{\"error\":\"" SERVICE
		  ".InvalidParameter\",\"parameters\":{\"parameter\":\"name\"}}" },
		{ "{\"method\":\"io.realmkey.Secrets.Get\",\"parameters\":{\"name\":\"a\",\"wait_ms\":-1}}",
		  "{\"error\":\"" SERVICE
		  ".InvalidParameter\",\"parameters\":{\"parameter\":\"wait_ms\"}}" },
		{ "{\"method\":\"io.realmkey.Secrets.Get\",\"parameters\":{\"name\":\"a\",\"b\":0}}",
		  "{\"error\":\"" SERVICE
		  ".InvalidParameter\",\"parameters\":{\"parameter\":\"b\"}}" },
		{ "{\"method\":\"io.realmkey.Secrets.Put\"}",
		  "{\"error\":\"" SERVICE
		  ".MethodNotFound\",\"parameters\":{\"method\":\"io.realmkey.Secrets.Put\"}}" },
		{ "{\"method\":\"io.other.Get\"}",
		  "{\"error\":\"" SERVICE
		  ".InterfaceNotFound\",\"parameters\":{\"interface\":\"io.other\"}}" },
		{ "{\"method\":\"Get\"}",
		  "{\"error\":\"" SERVICE
		  ".InterfaceNotFound\",\"parameters\":{\"interface\":\"Get\"}}" },
		{ "{\"method\":\"io.realmkey.Secrets.List\",\"upgrade\":true}",
		  "{\"error\":\"" SERVICE
		  ".MethodNotImplemented\",\"parameters\":{\"method\":\"io.realmkey.Secrets.List\"}}" },
		{ "{\"method\":\"" SERVICE
		  ".GetInterfaceDescription\",\"parameters\":{\"interface\":\"a.b\"}}",
		  "{\"error\":\"" SERVICE
		  ".InterfaceNotFound\",\"parameters\":{\"interface\":\"a.b\"}}" },
		{ "{\"method\":\"io.realmkey.Secrets.Put\",\"oneway\":true}", "" },
	};
	struct bytes reply = BYTES_INIT;
	struct error e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct varlink_request r;

		assert_int_equal(decode(rows[i].text, &r, &reply, &e), VARLINK_REPLY);
		assert_string_equal(bytes_text(&reply), rows[i].reply);
	}
	bytes_free(&reply);
}

static void other_texts_end_the_connection(void **state)
{
	static const char *const rows[] = {
		"",
		"{",
		"[]",
		"1",
		"{}",
		"{\"method\":1}",
		"{\"method\":\"a.b\",\"parameters\":[]}",
		"{\"method\":\"a.b\",\"oneway\":1}",
		"{\"method\":\"a.b\",\"method\":\"a.b\"}",
		"{\"method\":\"a.b\"}{\"method\":\"a.b\"}",
		"{\"method\":\"a\\u0000b\"}",
	};
	struct bytes reply = BYTES_INIT;
	char *large = calloc(1, VARLINK_REQUEST_MAX + 2);
	struct varlink_request r;
	struct error e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(decode(rows[i], &r, &reply, &e), -1);
		assert_int_equal(e.kind, ERROR_PROTOCOL);
	}
	assert_non_null(large);
	memset(large, ' ', VARLINK_REQUEST_MAX + 1);
	assert_int_equal(decode(large, &r, &reply, &e), -1);
	assert_string_equal(e.text, "request: more than 4096 bytes");
	free(large);
	bytes_free(&reply);
}

static void a_call_of_get_is_read_again(void **state)
{
	struct bytes text = BYTES_INIT, reply = BYTES_INIT;
	struct varlink_request r;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(varlink_get_encode("db", 1500, &text, &e), 0);
	assert_int_equal(decode(bytes_text(&text), &r, &reply, &e), VARLINK_REQUEST);
	assert_string_equal(r.name, "db");
	assert_int_equal(r.wait_ms, 1500);
	bytes_clear(&text);
	assert_int_equal(varlink_get_encode("db", -1, &text, &e), 0);
	assert_string_equal(
		bytes_text(&text),
		"{\"method\":\"io.realmkey.Secrets.Get\",\"parameters\":{\"name\":\"db\"}}");
	assert_int_equal(varlink_get_encode("\xff", -1, &text, &e), -1);
	assert_int_equal(e.kind, ERROR_USAGE);
	bytes_free(&text);
	bytes_free(&reply);
}

/* Each length modulo 3, and each byte. */
static void values_are_read_again(void **state)
{
	uint8_t value[513];

	(void)state;
	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (uint8_t)(i * 7);
	for (size_t len = 0; len <= sizeof(value); len++) {
		struct bytes text = BYTES_INIT, again = BYTES_INIT;
		struct error e = ERROR_INIT;

		varlink_value_encode(value, len, &text);
		assert_int_equal(varlink_value_decode(text.data, text.len, &again, &e), 0);
		assert_int_equal(again.len, len);
		assert_true(!len || !memcmp(again.data, value, len));
		bytes_free(&text);
		bytes_free(&again);
	}
}

static void the_longest_value_fits(void **state)
{
	struct bytes value = BYTES_INIT, text = BYTES_INIT, again = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(bytes_resize(&value, VARLINK_VALUE_MAX, &e), 0);
	memset(value.data, 0xa5, value.len);
	varlink_value_encode(value.data, value.len, &text);
	assert_true(text.len <= VARLINK_REPLY_MAX);
	assert_int_equal(varlink_value_decode(text.data, text.len, &again, &e), 0);
	assert_true(bytes_equal(value.data, value.len, again.data, again.len));
	bytes_free(&value);
	bytes_free(&text);
	bytes_free(&again);
}

static void other_replies_are_errors(void **state)
{
	static const struct {
		const char *text;
		enum error_kind kind;
		const char *error;
	} rows[] = {
		{ "{\"error\":\"io.realmkey.Secrets.NotDelivered\",\"parameters\":{\"reason\":\"denied\"}}",
		  ERROR_DELIVERY, "not delivered: denied" },
		{ "{\"error\":\"io.realmkey.Secrets.PermissionDenied\"}", ERROR_POLICY,
		  "this program may not have such a secret; [secret] allow in realmkeyd.conf names the "
		  "programs that may" },
		{ "{\"error\":\"a.b\"}", ERROR_PROTOCOL, "realmkey-local: a.b" },
		{ "{}", ERROR_PROTOCOL, "realmkey-local: not a reply to Get" },
		{ "{\"parameters\":{\"value\":\"QUJD\"}} ", ERROR_PROTOCOL,
		  "realmkey-local: not a reply to Get" },
		{ "{\"parameters\":{\"value\":\"QUJ\"}}", ERROR_PROTOCOL,
		  "realmkey-local: the value is not base64" },
		{ "{\"parameters\":{\"value\":\"QUJDRA=D\"}}", ERROR_PROTOCOL,
		  "realmkey-local: the value is not base64" },
		{ "{\"parameters\":{\"value\":\"====\"}}", ERROR_PROTOCOL,
		  "realmkey-local: the value is not base64" },
		{ "{\"parameters\":{\"value\":\"QUJDRB==\"}}", ERROR_PROTOCOL,
		  "realmkey-local: the value is not base64" },
		{ "{\"parameters\":{\"value\":\"QU-D\"}}", ERROR_PROTOCOL,
		  "realmkey-local: the value is not base64" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bytes value = BYTES_INIT;
		struct error e = ERROR_INIT;

		assert_int_equal(
			varlink_value_decode(rows[i].text, strlen(rows[i].text), &value, &e), -1);
		assert_int_equal(e.kind, rows[i].kind);
		assert_string_equal(e.text, rows[i].error);
		assert_int_equal(value.len, 0);
		bytes_free(&value);
	}
}

static void services_describe_themselves(void **state)
{
	static const char *const interfaces[] = { SERVICE, VARLINK_INTERFACE };
	struct bytes text = BYTES_INIT, reply = BYTES_INIT;
	const char *const names[] = { "a", "b" };
	struct error e = ERROR_INIT;
	struct varlink_request r;

	(void)state;
	assert_int_equal(varlink_info_encode(&reply, &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(interfaces); i++) {
		assert_non_null(strstr(bytes_text(&reply), interfaces[i]));
		bytes_clear(&text);
		bytes_printf(&text,
			     "{\"method\":\"" SERVICE ".GetInterfaceDescription\",\"parameters\":{"
			     "\"interface\":\"%s\"}}",
			     interfaces[i]);
		assert_int_equal(decode(bytes_text(&text), &r, &reply, &e), VARLINK_REQUEST);
		assert_non_null(strstr(r.description, interfaces[i]));
		assert_int_equal(varlink_description_encode(r.description, &reply, &e), 0);
		bytes_clear(&reply);
		assert_int_equal(varlink_info_encode(&reply, &e), 0);
	}
	bytes_clear(&reply);
	assert_int_equal(varlink_names_encode(names, 2, &reply, &e), 0);
	assert_string_equal(bytes_text(&reply), "{\"parameters\":{\"names\":[\"a\",\"b\"]}}");
	bytes_clear(&reply);
	assert_int_equal(varlink_error_encode(NULL, &reply, &e), 0);
	assert_string_equal(
		bytes_text(&reply),
		"{\"error\":\"io.realmkey.Secrets.PermissionDenied\",\"parameters\":{}}");
	bytes_free(&text);
	bytes_free(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_read),
		cmocka_unit_test(errors_are_replies),
		cmocka_unit_test(other_texts_end_the_connection),
		cmocka_unit_test(a_call_of_get_is_read_again),
		cmocka_unit_test(values_are_read_again),
		cmocka_unit_test(the_longest_value_fits),
		cmocka_unit_test(other_replies_are_errors),
		cmocka_unit_test(services_describe_themselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
