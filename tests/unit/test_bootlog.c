// SPDX-License-Identifier: Apache-2.0
/*
 * Firmware's log: what the kernel module's parser finds, and what it refuses and why; and what its
 * records in the kernel's log explain.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"
#include "event/event_print.h"
#include "kmod_bootlog.h"
#include "vector.h"

#define SHA256_SIZE 32
#define HEADER_SIZE 65 /* bytes of the header of a log with one algorithm */
#define EVENT_SIZE  55 /* bytes of a record with an event of 5 bytes */

static struct bytes raw; /* the log of the test */
static struct error error;

/* What the parser passes on without knowing it */
struct mlog {
	size_t count;
	struct mlog_event event[8];
};

static struct mlog seen;

static int setup(void **state)
{
	(void)state;
	error = (struct error)ERROR_INIT;
	bytes_clear(&raw);
	event_log_put_header(hash_by_number(HASH_SHA256), &raw);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bytes_free(&raw);
	return 0;
}

static void put(uint32_t index, uint32_t type)
{
	static const uint8_t digest[SHA256_SIZE] = { 0xd1, [SHA256_SIZE - 1] = 0xd2 };
	/* clang-format off */
	const struct event_record record = {
		.kind = EVENT_EXTENSION, .index = index, .type = type, .digest = digest,
		.event = (const uint8_t *)"event", .size = 5,
	};
	/* clang-format on */

	event_log_put(hash_by_number(HASH_SHA256), &record, &raw);
}

static int visit(struct mlog *log, const struct mlog_event *event)
{
	if (log->count < ARRAY_SIZE(log->event))
		log->event[log->count] = *event;
	log->count++;
	return 0;
}

/* Parses a copy that ends where the log does, so that a sanitizer detects a read beyond its end. */
static const char *parse(enum hash_algorithm algorithm, uint32_t *records)
{
	const struct hash *hash = hash_by_number(algorithm);
	struct cca_bootlog log = {
		.algo = hash->tpm,
		.digest_size = (u32)hash->size,
		.registers = 5,
		.visit = visit,
		.log = &seen,
	};
	static uint8_t *copy;
	const char *fault;

	free(copy);
	copy = malloc(raw.len ? raw.len : 1);
	assert_non_null(copy);
	if (raw.len)
		memcpy(copy, raw.data, raw.len);
	memset(&seen, 0, sizeof(seen));
	fault = cca_bootlog_parse(&log, copy, raw.len);
	*records = log.records;
	return fault;
}

static void accepted(enum hash_algorithm algorithm, size_t count)
{
	uint32_t records;

	assert_null(parse(algorithm, &records));
	assert_int_equal(seen.count, count);
}

static void refused(const char *field, uint32_t at)
{
	uint32_t records;
	const char *fault = parse(HASH_SHA256, &records);

	assert_non_null(fault);
	assert_string_equal(fault, field);
	assert_int_equal(records, at);
}

/* The bytes are written by hand from the TCG's tables. SHA-1 comes first, and both have padding. */
static void the_bytes_of_the_specification(void **state)
{
	static const char text[] =
		"00000000"
		"03000000"
		"0000000000000000000000000000000000000000"
		"25000000"
		"53706563204944204576656e74303300"
		"00000000"
		"00020002"
		"02000000"
		"0400"
		"1400"
		"0b00"
		"2000"
		"00"
		"02000000"
		"08000080"
		"02000000"
		"0400"
		"0000000000000000000000000000000000000000"
		"0b00"
		"4142434441424344414243444142434441424344414243444142434441424344"
		"03000000"
		"616263"
		"ffffffffffff";

	(void)state;
	bytes_clear(&raw);
	assert_int_equal(decode_hex(text, strlen(text), "text", &raw, &error), 0);
	accepted(HASH_SHA256, 1);
	assert_int_equal(seen.event[0].index, 2);
	assert_int_equal(seen.event[0].type, 0x80000008);
	assert_int_equal(seen.event[0].size, 3);
	assert_memory_equal(seen.event[0].data, "abc", 3);
	assert_memory_equal(seen.event[0].digest, "ABCDABCDABCDABCDABCDABCDABCDABCD", SHA256_SIZE);
	raw.data[60 + 8] = 1; /* information of the vendor that is not there */
	accepted(HASH_SHA256, 1);
}

static void each_register_once(void **state)
{
	(void)state;
	accepted(HASH_SHA256, 0);
	for (uint32_t i = 0; i < 5; i++)
		put(i, 13);
	accepted(HASH_SHA256, 5);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(seen.event[i].index, i);
}

/* Records that extend nothing may have any register, and may look like those of the module. */
static void records_without_action_are_left_out(void **state)
{
	static const uint8_t zeros[SHA256_SIZE];
	const struct event_record base = { .kind = EVENT_BASE, .index = 1, .value = zeros };

	(void)state;
	put(0xffffffff, 3);
	put(1, 13);
	event_log_put(hash_by_number(HASH_SHA256), &base, &raw);
	accepted(HASH_SHA256, 1);
	assert_int_equal(seen.event[0].index, 1);
}

static void padding_ends_the_log(void **state)
{
	static const uint8_t fill[] = { 0x00, 0xff };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fill); i++) {
		setup(state);
		put(1, 13);
		for (int j = 0; j < 4000; j++)
			bytes_append(&raw, &fill[i], 1);
		accepted(HASH_SHA256, 1);
		raw.data[raw.len - 1] = 1;
		refused(fill[i] ? "number of digests" : "digest in the realm's algorithm", 2);
	}
}

/* Wherever the log is cut, it is refused, unless it is cut between two records. */
static void each_end_is_found(void **state)
{
	uint32_t records;

	(void)state;
	put(1, 13);
	put(2, 13);
	for (size_t cut = raw.len; cut-- > 0;) {
		const char *fault;

		bytes_resize(&raw, cut, &error);
		fault = parse(HASH_SHA256, &records);
		assert_true(!fault == (cut == HEADER_SIZE || cut == HEADER_SIZE + EVENT_SIZE));
		assert_int_equal(seen.count, cut >= HEADER_SIZE + EVENT_SIZE);
	}
}

static void bad_fields_are_named(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *field;
		uint32_t record;
	} cases[] = {
		{ 4, 4, "event type", 0 },
		{ 28, 34, "event size", 0 },
		{ 31, 0xff, "event size", 0 },
		{ 28, 15, "signature", 0 },
		{ 32, 's', "signature", 0 },
		{ 28, 27, "signature", 0 },
		{ 28, 31, "number of algorithms", 0 },
		{ 56, 0, "digest size of the realm's algorithm", 0 },
		{ 56, 9, "number of algorithms", 0 },
		{ 56, 2, "number of algorithms", 0 },
		{ 59, 0xff, "number of algorithms", 0 },
		{ 60, 4, "digest size of the realm's algorithm", 0 },
		{ 62, 31, "digest size of the realm's algorithm", 0 },
		{ 65, 5, "register", 1 },
		{ 65 + 3, 0x80, "register", 1 },
		{ 65 + 8, 0, "digest in the realm's algorithm", 1 },
		{ 65 + 8, 2, "number of digests", 1 },
		{ 65 + 11, 0x80, "number of digests", 1 },
		{ 65 + 12, 0x0c, "digest algorithm", 1 },
		{ 65 + 46, 6, "event size", 1 },
		{ 65 + 49, 0xff, "event size", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		setup(state);
		if (cases[i].record)
			put(1, 13);
		raw.data[cases[i].at] = cases[i].byte;
		refused(cases[i].field, cases[i].record);
	}
}

/* A digest that is there twice is refused: readers could take either. */
static void one_digest_of_each_algorithm(void **state)
{
	static const uint8_t digests[2 + SHA256_SIZE] = { 0x0b };
	static const char sha384[] = "0c003000";

	(void)state;
	bytes_clear(&raw);
	event_log_put_header(hash_by_number(HASH_SHA256), &raw);
	raw.data[56] = 2;
	raw.data[28] += 4;
	bytes_resize(&raw, HEADER_SIZE - 1, &error);
	assert_int_equal(decode_hex(sha384, strlen(sha384), "text", &raw, &error), 0);
	bytes_append(&raw, "", 1);
	bytes_append(&raw, "\1\0\0\0\15\0\0\0\2\0\0\0", 12);
	bytes_append(&raw, digests, sizeof(digests));
	bytes_append(&raw, digests, sizeof(digests));
	bytes_append(&raw, "\0\0\0\0", 4);
	refused("digest algorithm", 1);
}

/* --- in the kernel's log ---------------------------------------------------------------------- */

/* Logs an extension by a digest of @c, and makes it in @value unless that is NULL. */
static void extend(uint32_t index, char c, uint8_t *value)
{
	uint8_t both[2 * SHA256_SIZE];
	/* clang-format off */
	const struct event_record record = {
		.kind = EVENT_EXTENSION, .index = index, .type = 13, .digest = both + SHA256_SIZE,
		.event = (const uint8_t *)"event", .size = 5,
	};
	/* clang-format on */

	memset(both + SHA256_SIZE, c, SHA256_SIZE);
	event_log_put(hash_by_number(HASH_SHA256), &record, &raw);
	if (!value)
		return;
	memcpy(both, value, SHA256_SIZE);
	SHA256(both, sizeof(both), value);
}

static void put_base(uint32_t index, const uint8_t *value)
{
	const struct event_record record = { .kind = EVENT_BASE, .index = index, .value = value };

	event_log_put(hash_by_number(HASH_SHA256), &record, &raw);
}

/* What precedes the base records is firmware's. It may lead to them, or not. */
static void firmware_explains_the_start(void **state)
{
	uint8_t value[REALM_REGISTERS][HASH_SIZE_MAX] = { { 'r' } };
	struct bytes out = BYTES_INIT;
	struct event_replay replay;
	struct event_log log;

	(void)state;
	extend(0, 'k', NULL);
	extend(1, 'a', value[1]);
	extend(1, 'b', value[1]);
	extend(2, 'c', NULL);
	put_base(1, value[1]);
	put_base(2, value[2]);
	extend(1, 'd', value[1]);
	assert_int_equal(event_log_decode(&log, raw.data, raw.len, &error), 0);
	assert_int_equal(log.count, 7);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(log.record[i].kind, EVENT_BOOT);
	assert_int_equal(log.record[6].kind, EVENT_EXTENSION);
	assert_int_equal(
		event_replay_run(&log, (const uint8_t(*)[HASH_SIZE_MAX])value, &replay, &error), 0);
	assert_true(replay.fits && replay.reg[1].explained && !replay.reg[2].explained);
	assert_int_equal(replay.reg[0].extensions, 0);
	event_print_log(&log, &out);
	event_print_replay(&log, &replay, &out);
	assert_non_null(strstr(bytes_text(&out), "    1 REM0  boot EV_IPL sha-256:6161"));
	assert_non_null(strstr(bytes_text(&out), "    6 REM0  EV_IPL sha-256:6464"));
	assert_non_null(strstr(bytes_text(&out), "REM0 fits, 3 extensions; explained from the "
						 "start, 2 by firmware\n"));
	assert_non_null(strstr(bytes_text(&out), "REM1 fits, 1 extension, 1 gap; firmware's 1 "
						 "does not explain the start\n"));
	assert_null(strstr(bytes_text(&out), "RIM fits"));
	bytes_free(&out);
	event_log_free(&log);
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
	accepted(HASH_SHA256, 3);
	assert_int_equal(seen.event[0].index, 0);
	assert_non_null(memmem(seen.event[0].data, seen.event[0].size, "KERNEL", 6));
	assert_non_null(memmem(seen.event[2].data, seen.event[2].size, "DTB", 3));
}

/* The firmware's log of a TDX machine, which has the same format, with SHA-384. */
static void trustee_ccel(void **state)
{
	struct event_log log;
	size_t count = 0;

	(void)state;
	foreign_read("data/trustee/trustee/vectors/CCEL_AAEL_alibabacloud", "own-vectors/ccel.bin");
	assert_int_equal(event_log_decode(&log, raw.data, raw.len, &error), 0);
	for (size_t i = 0; i < log.count; i++)
		count += log.record[i].kind == EVENT_EXTENSION;
	assert_true(count > 0);
	accepted(HASH_SHA384, count);
	event_log_free(&log);
	refused("digest size of the realm's algorithm", 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_bytes_of_the_specification),
		TEST(each_register_once),
		TEST(records_without_action_are_left_out),
		TEST(padding_ends_the_log),
		TEST(each_end_is_found),
		TEST(bad_fields_are_named),
		TEST(one_digest_of_each_algorithm),
		TEST(firmware_explains_the_start),
		TEST(veraison_boot_log),
		TEST(trustee_ccel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
