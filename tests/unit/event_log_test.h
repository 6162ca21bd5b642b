/* SPDX-License-Identifier: Apache-2.0 */
/* event_log_test: the log of a test, record by record, and the registers that it leads to. */
#ifndef TESTS_EVENT_LOG_TEST_H
#define TESTS_EVENT_LOG_TEST_H

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
#include "vector.h"

#define SHA256_SIZE 32
#define HEADER_SIZE 65 /* bytes of the header of a log with one algorithm */

static struct bytes raw; /* the log of the test */
static struct event_log log_;
static struct event_replay replay;
static struct error error;
static uint8_t value[REALM_REGISTERS][HASH_SIZE_MAX];

static inline int setup(void **state)
{
	(void)state;
	memset(value, 0, sizeof(value));
	error = (struct error)ERROR_INIT;
	bytes_clear(&raw);
	event_log_put_header(hash_by_number(HASH_SHA256), &raw);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	event_log_free(&log_);
	bytes_free(&raw);
	return 0;
}

/* Returns a digest whose bytes are all @c; valid until the next call. */
static inline const uint8_t *digest_of(char c)
{
	static uint8_t digest[SHA256_SIZE];

	memset(digest, c, sizeof(digest));
	return digest;
}

static inline void register_extend(uint32_t index, const uint8_t *digest)
{
	uint8_t both[2 * SHA256_SIZE];

	memcpy(both, value[index], SHA256_SIZE);
	memcpy(both + SHA256_SIZE, digest, SHA256_SIZE);
	SHA256(both, sizeof(both), value[index]);
}

static inline void put_event(uint32_t index, uint32_t type, const uint8_t *digest,
			     const void *event, size_t size)
{
	/* clang-format off */
	const struct event_record record = {
		.kind = EVENT_EXTENSION, .index = index, .type = type, .digest = digest,
		.event = event, .size = size,
	};
	/* clang-format on */

	event_log_put(hash_by_number(HASH_SHA256), &record, &raw);
}

/* Logs an extension and makes it. */
static inline void extend(uint32_t index, char c)
{
	put_event(index, 13, digest_of(c), "event", 5);
	register_extend(index, digest_of(c));
}

static inline void put_restart(enum event_kind kind, uint32_t index, const uint8_t *found)
{
	const struct event_record record = { .kind = kind, .index = index, .value = found };

	event_log_put(hash_by_number(HASH_SHA256), &record, &raw);
}

static inline void decodes(size_t count)
{
	event_log_free(&log_);
	assert_int_equal(event_log_decode(&log_, raw.data, raw.len, &error), 0);
	assert_int_equal(log_.count, count);
}

static inline void refused(const char *why)
{
	event_log_free(&log_);
	error = (struct error)ERROR_INIT;
	assert_int_equal(event_log_decode(&log_, raw.data, raw.len, &error), -1);
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_string_equal(error.text, why);
	assert_null(log_.record);
}

static inline void replays(bool fits, size_t misfit)
{
	assert_int_equal(event_replay_run(&log_, value, &replay, &error), 0);
	assert_int_equal(replay.fits, fits);
	assert_int_equal(replay.misfit, misfit);
}

#endif
