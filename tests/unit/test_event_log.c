// SPDX-License-Identifier: Apache-2.0
/* Event logs: which are accepted and which are refused, and how they are printed. */
#include "event_log_test.h"

/* --- decoding --------------------------------------------------------------------------------- */

/* The bytes are written by hand from the TCG's tables, not by the encoder. */
static void decodes_the_bytes_of_the_specification(void **state)
{
	/* clang-format off */
	static const char text[] =
		"00000000" "03000000" "0000000000000000000000000000000000000000" "21000000"
		"53706563204944204576656e74303300" "00000000" "00" "02" "00" "02" "01000000"
		"0b00" "2000" "00" "02000000" "0d000000" "01000000" "0b00"
		"4141414141414141414141414141414141414141414141414141414141414141"
		"03000000" "616263" "01000000" "03000000" "01000000" "0b00"
		"0000000000000000000000000000000000000000000000000000000000000000"
		"30000000" "43434120525349206261736500000000"
		"4242424242424242424242424242424242424242424242424242424242424242";
	/* clang-format on */
	struct bytes wanted = BYTES_INIT;

	(void)state;
	assert_int_equal(decode_hex(text, strlen(text), "text", &wanted, &error), 0);
	put_event(2, 13, digest_of('A'), "abc", 3);
	put_restart(EVENT_BASE, 1, digest_of('B'));
	assert_int_equal(raw.len, wanted.len);
	assert_memory_equal(raw.data, wanted.data, raw.len);
	bytes_swap(&raw, &wanted);
	bytes_free(&wanted);
	decodes(2);
	assert_ptr_equal(log_.hash, hash_by_number(HASH_SHA256));
	assert_int_equal(log_.record[0].kind, EVENT_BOOT); /* a base record follows */
	assert_int_equal(log_.record[0].index, 2);
	assert_int_equal(log_.record[0].type, 13);
	assert_memory_equal(log_.record[0].digest, digest_of('A'), SHA256_SIZE);
	assert_int_equal(log_.record[0].size, 3);
	assert_memory_equal(log_.record[0].event, "abc", 3);
	assert_null(log_.record[0].value);
	assert_int_equal(log_.record[1].kind, EVENT_BASE);
	assert_memory_equal(log_.record[1].value, digest_of('B'), SHA256_SIZE);
}

static void each_hash_that_rsi_knows(void **state)
{
	static const size_t sizes[] = { 32, 64, 48 };
	static const uint8_t digest[HASH_SIZE_MAX] = { 7 };
	const struct event_record record = { .kind = EVENT_FOREIGN, .index = 4, .value = digest };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		bytes_clear(&raw);
		event_log_put_header(hash_by_number(i), &raw);
		event_log_put(hash_by_number(i), &record, &raw);
		decodes(1);
		assert_ptr_equal(log_.hash, hash_by_number(i));
		assert_int_equal(log_.hash->size, sizes[i]);
		assert_memory_equal(log_.record[0].value, digest, sizes[i]);
	}
}

static void padding_ends_a_log(void **state)
{
	(void)state;
	extend(1, 'a');
	decodes(1);
	for (size_t i = 0; i < 30; i++) {
		bytes_append(&raw, "\xff", 1);
		decodes(1);
	}
	bytes_resize(&raw, raw.len - 30, &error);
	for (size_t i = 0; i < 30; i++) {
		bytes_append(&raw, "\0", 1);
		decodes(1);
	}
	bytes_append(&raw, "\1", 1);
	refused("event log: record 1: number of digests is not that of the header");
}

/* A log that is cut is refused, except between records. ASan detects a read beyond the end. */
static void a_cut_log_is_refused(void **state)
{
	size_t len;

	(void)state;
	extend(1, 'a');
	len = raw.len;
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);

		assert_non_null(copy);
		memcpy(copy, raw.data, cut);
		error = (struct error)ERROR_INIT;
		/* The first byte of the record is 1, so the rest of it is not padding. */
		assert_int_equal(event_log_decode(&log_, copy, cut, &error),
				 cut == HEADER_SIZE ? 0 : -1);
		event_log_free(&log_);
		free(copy);
	}
}

static void bad_headers_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *why;
	} cases[] = {
		{ 4, 4, "event log: header: event type 0x4" },
		{ 31, 0xff, "event log: header: ends in event" },
		{ 32, 's', "event log: header: no 'Spec ID Event03'" },
		{ 28, 20, "event log: header: ends in version" },
		{ 56, 0, "event log: header: 0 digest algorithms, not 1 to 8" },
		{ 56, 9, "event log: header: 9 digest algorithms, not 1 to 8" },
		{ 56, 2, "event log: header: ends in algorithm" },
		{ 60, 4, "event log: header: neither SHA-256, SHA-384 nor SHA-512" },
		{ 62, 31, "event log: header: algorithm 0x000b has digests of 31 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bytes_clear(&raw);
		event_log_put_header(hash_by_number(HASH_SHA256), &raw);
		raw.data[cases[i].at] = cases[i].byte;
		refused(cases[i].why);
	}
}

static void bad_records_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *why;
	} cases[] = {
		{ 8, 0, "event log: record 1: number of digests is not that of the header" },
		{ 8, 2, "event log: record 1: number of digests is not that of the header" },
		{ 11, 0xff, "event log: record 1: number of digests is not that of the header" },
		{ 12, 0x0c, "event log: record 1: a digest algorithm that is not in the header" },
		{ 46, 49, "event log: record 1: ends in event" },
		{ 49, 0xff, "event log: record 1: ends in event" },
		{ 46, 47, "event log: record 1: event does not have the size of a register" },
		{ 0, 5, "event log: record 1: there is no such register" },
	};

	(void)state;
	extend(2, 'a');
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = raw.len;

		put_restart(EVENT_BASE, 1, digest_of('b'));
		raw.data[len + cases[i].at] = cases[i].byte;
		refused(cases[i].why);
		bytes_resize(&raw, len, &error);
	}
}

static void one_of_several_algorithms_is_used(void **state)
{
	/* clang-format off */
	static const char text[] =
		"00000000" "03000000" "0000000000000000000000000000000000000000" "25000000"
		"53706563204944204576656e74303300" "00000000" "00" "02" "00" "02" "02000000"
		"0400" "1400" "0b00" "2000" "00" "01000000" "0d000000" "02000000"
		"0400" "0000000000000000000000000000000000000000"
		"0b00" "4141414141414141414141414141414141414141414141414141414141414141"
		"00000000";
	/* clang-format on */

	(void)state;
	bytes_clear(&raw);
	assert_int_equal(decode_hex(text, strlen(text), "text", &raw, &error), 0);
	decodes(1);
	assert_memory_equal(log_.record[0].digest, digest_of('A'), SHA256_SIZE);
	raw.data[69 + 8] = 1; /* only SHA-1; the rest is then invalid, but is not read */
	refused("event log: record 0: no digest in the log's algorithm");
}

static void a_large_log_is_refused(void **state)
{
	(void)state;
	assert_int_equal(event_log_decode(&log_, "", EVENT_LOG_MAX + 1, &error), -1);
	assert_string_equal(error.text, "event log: more than 16 MiB");
}

/* --- printing --------------------------------------------------------------------------------- */

static void printed(void **state)
{
	static const char wanted[] =
		"    0 REM0  base sha-256:0000000000000000000000000000000000000000000000000000000000000000\n"
		"    1 REM1  EV_IPL sha-256:"
		"6161616161616161616161616161616161616161616161616161616161616161 \"event\"\n"
		"    2 register 7 0x00001234 sha-256:"
		"6262626262626262626262626262626262626262626262626262626262626262 0a1b5b33316d\n"
		"    3 REM0  foreign sha-256:"
		"7979797979797979797979797979797979797979797979797979797979797979 extended by another "
		"program\n";
	static const uint8_t zeros[SHA256_SIZE];
	struct bytes out = BYTES_INIT;
	json_t *json, *record;

	(void)state;
	put_restart(EVENT_BASE, 1, zeros);
	extend(2, 'a');
	put_event(7, 0x1234, digest_of('b'), "\n\033[31m", 6);
	put_restart(EVENT_FOREIGN, 1, digest_of('y'));
	decodes(4);
	event_print_log(&log_, &out);
	assert_string_equal(bytes_text(&out), wanted);
	bytes_free(&out);
	replays(false, 2);
	event_print_replay(&log_, &replay, &out);
	assert_non_null(strstr(bytes_text(&out),
			       "REM0 does not fit, 0 extensions, 1 gap; the log leads "
			       "to sha-256:7979"));
	assert_non_null(strstr(bytes_text(&out), "REM1 fits, 1 extension\n"));
	assert_non_null(
		strstr(bytes_text(&out), "record 2 does not fit: there is no register 7\n"));
	bytes_free(&out);
	json = event_print_json(&log_, &replay);
	assert_non_null(json);
	record = json_array_get(json_object_get(json, "records"), 1);
	assert_string_equal(json_string_value(json_object_get(record, "event-text")), "event");
	assert_int_equal(json_integer_value(
				 json_object_get(json_object_get(json, "replay"), "first-misfit")),
			 2);
	json_decref(json);
}

static void long_events_are_cut_when_printed(void **state)
{
	struct bytes out = BYTES_INIT;
	char event[300];

	(void)state;
	memset(event, 'e', sizeof(event));
	put_event(1, 13, digest_of('a'), event, sizeof(event));
	decodes(1);
	event_print_log(&log_, &out);
	assert_non_null(strstr(bytes_text(&out), "eee\"... (300 bytes)\n"));
	assert_true(out.len < 400);
	bytes_free(&out);
}

/* --- logs of other projects ------------------------------------------------------------------- */

static void foreign_read(const char *name, const char *own)
{
	char path[4096];

	foreign_path(name, own, path, sizeof(path));
	bytes_clear(&raw);
	assert_int_equal(io_read_file(path, EVENT_LOG_MAX, &raw, &error), 0);
}

/* The steps that build a RIM, from Veraison's cca-realm-measurements. */
static void veraison_boot_log(void **state)
{
	(void)state;
	foreign_read("data/cca/cca-realm-measurements/realm-bootlog.bin",
		     "own-vectors/bootlog.bin");
	decodes(3);
	assert_ptr_equal(log_.hash, hash_by_number(HASH_SHA256));
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(event_type_name(log_.record[i].type), "EV_POST_CODE2");
	assert_non_null(memmem(log_.record[0].event, log_.record[0].size, "KERNEL", 6));
	assert_non_null(memmem(log_.record[2].event, log_.record[2].size, "DTB", 3));
}

/*
 * The firmware's log of a TDX machine, followed by an agent's log; compared with Trustee's parser.
 */
static void trustee_ccel(void **state)
{
	struct bytes text = BYTES_INIT;
	char path[4096];
	json_t *json, *wanted;
	size_t index;

	(void)state;
	foreign_path("data/trustee/trustee/vectors/CCEL_AAEL_alibabacloud_out.json",
		     "own-vectors/ccel.json", path, sizeof(path));
	assert_int_equal(io_read_file(path, EVENT_LOG_MAX, &text, &error), 0);
	json = json_parse(text.data, text.len, JSON_OPERATOR, path, ERROR_INPUT, &error);
	assert_non_null(json);
	foreign_read("data/trustee/trustee/vectors/CCEL_AAEL_alibabacloud", "own-vectors/ccel.bin");
	decodes(json_array_size(json_object_get(json, "uefi_event_logs")));
	assert_int_not_equal(log_.count, 0);
	json_array_foreach(json_object_get(json, "uefi_event_logs"), index, wanted) {
		struct bytes hex = BYTES_INIT;
		json_t *digest = json_array_get(json_object_get(wanted, "digests"), 0);

		assert_int_equal(json_integer_value(json_object_get(wanted, "index")),
				 log_.record[index].index);
		encode_hex(log_.record[index].digest, log_.hash->size, &hex);
		assert_string_equal(json_string_value(json_object_get(digest, "digest")),
				    bytes_text(&hex));
		assert_string_equal(json_string_value(json_object_get(wanted, "type_name")),
				    event_type_name(log_.record[index].type));
		bytes_free(&hex);
	}
	json_decref(json);
	bytes_free(&text);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(decodes_the_bytes_of_the_specification),
		TEST(each_hash_that_rsi_knows),
		TEST(padding_ends_a_log),
		TEST(a_cut_log_is_refused),
		TEST(bad_headers_are_refused),
		TEST(bad_records_are_refused),
		TEST(one_of_several_algorithms_is_used),
		TEST(a_large_log_is_refused),
		TEST(printed),
		TEST(long_events_are_cut_when_printed),
		TEST(veraison_boot_log),
		TEST(trustee_ccel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
