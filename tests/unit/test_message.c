// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "kbs/message.h"

static struct message_field text(const char *s)
{
	return (struct message_field){ (const uint8_t *)s, strlen(s) };
}

static void test_bytes_on_the_wire(void **state)
{
	static const uint8_t wanted[] = {
		4, 0, 0, 0, 14, 0, 0, 0, 5, 0, 0, 0, 'a', '/', 'b', '/', 'c', 1, 0, 0, 0, 't',
	};
	const struct message m = { .type = MESSAGE_RESOURCE,
				   .count = 2,
				   .field = { text("a/b/c"), text("t") } };
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	bytes_append_text(&out, "before");
	assert_int_equal(message_encode(&m, &out, &e), 0);
	assert_int_equal(out.len, 6 + sizeof(wanted));
	assert_memory_equal(out.data + 6, wanted, sizeof(wanted));
	bytes_free(&out);
}

/* A valid message of each type. */
static const struct {
	enum message_type type;
	size_t count;
	const char *field[MESSAGE_FIELDS_MAX];
} valid[] = {
	{ MESSAGE_SERVER, 2, { "https://kbs", "" } },
	{ MESSAGE_OPEN, 6, { "flag", "time", "http://proxy:3128", "u:p", "", "key" } },
	{ MESSAGE_AUTH, 1, { "{}" } },
	{ MESSAGE_ATTEST, 1, { "{}" } },
	{ MESSAGE_RESOURCE, 2, { "a/b/c", "" } },
	{ MESSAGE_ADMIN, 4, { "POST", "resource/a/b/c", "token", "" } },
	{ MESSAGE_ANSWER, 4, { "\1\2\3\4", "wait", "kbs0", "body" } },
	{ MESSAGE_FAILURE, 3, { "kind", "tran", "text" } },
};

static struct message valid_message(size_t i)
{
	struct message m = { .type = valid[i].type, .count = valid[i].count };

	for (size_t k = 0; k < m.count; k++)
		m.field[k] = text(valid[i].field[k]);
	return m;
}

static void test_there_and_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(valid); i++) {
		struct message m = valid_message(i), back;
		struct bytes raw = BYTES_INIT;
		struct error e = ERROR_INIT;
		enum message_type type;
		size_t len;

		assert_int_equal(message_encode(&m, &raw, &e), 0);
		assert_int_equal(message_decode_header(raw.data, &type, &len, &e), 0);
		assert_int_equal(type, m.type);
		assert_int_equal(len, raw.len - MESSAGE_HEADER_SIZE);
		assert_int_equal(message_decode_body(type, raw.data + MESSAGE_HEADER_SIZE, len,
						     &back, &e),
				 0);
		assert_int_equal(back.count, m.count);
		for (size_t k = 0; k < m.count; k++) {
			assert_int_equal(back.field[k].len, m.field[k].len);
			assert_memory_equal(back.field[k].data, m.field[k].data, m.field[k].len);
		}
		bytes_free(&raw);
	}
}

/* A body that is cut anywhere, or one byte too long, is refused. */
static void test_cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(valid); i++) {
		struct message m = valid_message(i), back;
		struct bytes raw = BYTES_INIT;
		struct error e = ERROR_INIT;

		assert_int_equal(message_encode(&m, &raw, &e), 0);
		for (size_t len = 0; len < raw.len - MESSAGE_HEADER_SIZE; len++) {
			uint8_t *exact = malloc(len + !len); /* ASan detects a read beyond it */

			memcpy(exact, raw.data + MESSAGE_HEADER_SIZE, len);
			assert_int_equal(message_decode_body(m.type, exact, len, &back, &e), -1);
			assert_int_equal(e.kind, ERROR_PROTOCOL);
			free(exact);
		}
		bytes_append(&raw, "x", 1);
		assert_int_equal(message_decode_body(m.type, raw.data + MESSAGE_HEADER_SIZE,
						     raw.len - MESSAGE_HEADER_SIZE, &back, &e),
				 -1);
		assert_non_null(strstr(e.text, "1 bytes after its last field"));
		bytes_free(&raw);
	}
}

/* Encodes the valid message @i with a field of @len bytes at @index; returns the result. */
static int try_length(size_t i, size_t index, size_t len, struct error *e)
{
	struct message m = valid_message(i);
	struct bytes raw = BYTES_INIT, field = BYTES_INIT;
	int ret;

	assert_int_equal(bytes_resize(&field, len, &(struct error)ERROR_INIT), 0);
	m.field[index] = (struct message_field){ field.data, field.len };
	ret = message_encode(&m, &raw, e);
	bytes_free(&raw);
	bytes_free(&field);
	return ret;
}

static void test_limits(void **state)
{
	static const struct {
		size_t i, index, min, max;
		const char *name;
	} limits[] = {
		{ 0, 0, 1, 2048, "SERVER: url" },
		{ 0, 1, 0, 1 << 20, "SERVER: ca" },
		{ 1, 0, 4, 4, "OPEN: flags" },
		{ 1, 1, 4, 4, "OPEN: timeout" },
		{ 1, 2, 0, 2048, "OPEN: proxy" },
		{ 1, 3, 0, 2048, "OPEN: credentials" },
		{ 1, 4, 0, 64 << 10, "OPEN: certificate" },
		{ 1, 5, 0, 32 << 10, "OPEN: key" },
		{ 2, 0, 1, 16384, "AUTH: body" },
		{ 3, 0, 1, 512 << 10, "ATTEST: body" },
		{ 4, 0, 1, 1024, "RESOURCE: path" },
		{ 4, 1, 0, 256 << 10, "RESOURCE: bearer" },
		{ 5, 0, 1, 8, "ADMIN: method" },
		{ 5, 1, 1, 1024, "ADMIN: path" },
		{ 5, 2, 0, 256 << 10, "ADMIN: bearer" },
		{ 5, 3, 0, 3 << 20, "ADMIN: body" },
		{ 6, 0, 4, 4, "ANSWER: status" },
		{ 6, 1, 4, 4, "ANSWER: wait" },
		{ 6, 2, 4, 4, "ANSWER: server" },
		{ 6, 3, 0, MESSAGE_ANSWER_MAX, "ANSWER: body" },
		{ 7, 0, 4, 4, "FAILURE: kind" },
		{ 7, 1, 4, 4, "FAILURE: transient" },
		{ 7, 2, 1, ERROR_TEXT_MAX - 1, "FAILURE: text" },
	};

	(void)state;
	for (size_t n = 0; n < ARRAY_SIZE(limits); n++) {
		struct error e = ERROR_INIT;

		assert_int_equal(try_length(limits[n].i, limits[n].index, limits[n].min, &e), 0);
		assert_int_equal(try_length(limits[n].i, limits[n].index, limits[n].max, &e), 0);
		assert_int_equal(try_length(limits[n].i, limits[n].index, limits[n].max + 1, &e),
				 -1);
		assert_non_null(strstr(e.text, limits[n].name));
		if (limits[n].min)
			assert_int_equal(try_length(limits[n].i, limits[n].index, limits[n].min - 1,
						    &e),
					 -1);
	}
}

/* message_decode_header() accepts the length of the largest message. */
static void test_largest_fits_header(void **state)
{
	const struct message m = { .type = MESSAGE_ANSWER, .count = 4 };
	struct message largest = m;
	struct bytes raw = BYTES_INIT, body = BYTES_INIT, front = BYTES_INIT;
	struct error e = ERROR_INIT;
	enum message_type type;
	uint8_t number[4], wait[4], server[4];
	size_t len;

	(void)state;
	assert_int_equal(bytes_resize(&body, MESSAGE_ANSWER_MAX, &(struct error)ERROR_INIT), 0);
	largest.field[0] = message_u32(200, number);
	largest.field[1] = message_u32(0, wait);
	largest.field[2] = message_u32(0, server);
	largest.field[3] = (struct message_field){ body.data, body.len };
	assert_int_equal(message_encode(&largest, &raw, &e), 0);
	assert_int_equal(message_decode_header(raw.data, &type, &len, &e), 0);
	assert_int_equal(len, MESSAGE_ANSWER_MAX + 28);
	/* What is sent from where it is follows the front. */
	assert_int_equal(message_encode_front(&largest, &front, &e), 0);
	assert_int_equal(front.len, MESSAGE_HEADER_SIZE + 28);
	assert_memory_equal(front.data, raw.data, front.len);
	assert_int_equal(front.len + body.len, raw.len);
	bytes_free(&front);
	bytes_free(&raw);
	bytes_free(&body);
}

static void test_bad_headers(void **state)
{
	static const struct {
		uint8_t header[MESSAGE_HEADER_SIZE];
		const char *words;
	} cases[] = {
		{ { 0, 0, 0, 0, 0, 0, 0, 0 }, "unknown type 0" },
		{ { 9, 0, 0, 0, 0, 0, 0, 0 }, "unknown type 9" },
		{ { 1, 0, 0, 0x80, 0, 0, 0, 0 }, "unknown type 2147483649" },
		{ { 6, 0, 0, 0, 1, 0, 0x40, 0 }, "4194305 bytes, over the limit of 4194304" },
		{ { 6, 0, 0, 0, 0xff, 0xff, 0xff, 0xff }, "over the limit" },
	};
	enum message_type type;
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;

		assert_int_equal(message_decode_header(cases[i].header, &type, &len, &e), -1);
		assert_int_equal(e.kind, ERROR_PROTOCOL);
		assert_non_null(strstr(e.text, cases[i].words));
	}
}

static void test_wrong_count(void **state)
{
	struct message m = { .type = MESSAGE_RESOURCE, .count = 1, .field = { text("a/b/c") } };
	struct bytes raw = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(message_encode(&m, &raw, &e), -1);
	assert_string_equal(e.text, "message RESOURCE: 1 fields, not 2");
	m.type = (enum message_type)77;
	assert_int_equal(message_encode(&m, &raw, &e), -1);
	assert_int_equal(message_decode_body((enum message_type)77, "", 0, &m, &e), -1);
	assert_int_equal(raw.len, 0);
}

static void test_numbers(void **state)
{
	uint8_t buffer[4];
	struct message m = { .count = 2,
			     .field = { message_u32(0x80000102, buffer), text("abc") } };
	struct error e = ERROR_INIT;
	uint32_t value = 0;

	(void)state;
	assert_memory_equal(buffer, "\2\1\0\x80", 4);
	assert_int_equal(message_field_u32(&m, 0, &value, &e), 0);
	assert_int_equal(value, 0x80000102);
	assert_int_equal(message_field_u32(&m, 1, &value, &e), -1);
	assert_int_equal(message_field_u32(&m, 2, &value, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_on_the_wire),   cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_cut_anywhere),	    cmocka_unit_test(test_limits),
		cmocka_unit_test(test_largest_fits_header), cmocka_unit_test(test_bad_headers),
		cmocka_unit_test(test_wrong_count),	    cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
