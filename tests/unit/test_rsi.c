// SPDX-License-Identifier: Apache-2.0
/*
 * The parts of rsi that can be tested without a realm. tests/e2e compares its sources in a realm.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "rsi/rsi_chunks.h"
#include "rsi/rsi_source.h"

static void test_sources(void **state)
{
	const char *const *names = rsi_sources();

	(void)state;
	assert_string_equal(names[0], "device");
	assert_string_equal(names[1], "netlink");
	assert_null(names[2]);
}

static void test_unknown_source(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	assert_null(rsi_open("smoke-signals", &e));
	assert_int_equal(e.kind, ERROR_USAGE);
	assert_string_equal(e.text, "no RSI source 'smoke-signals'; there are: device, netlink");
}

/* On a machine that is not a realm, each source reports this. */
static void test_no_realm(void **state)
{
	static const char *const names[] = { NULL, "device", "netlink" };

	(void)state;
	if (!access("/sys/devices/platform/arm-cca-dev", F_OK) ||
	    !access("/sys/firmware/cca/realm_guest", F_OK) || !access("/dev/cca-rsi", F_OK))
		skip();
	for (size_t i = 0; i < 3; i++) {
		struct error e = ERROR_INIT;

		assert_null(rsi_open(names[i], &e));
		assert_int_equal(e.kind, ERROR_NO_REALM);
		assert_string_equal(e.text, "this machine is not an Arm CCA realm");
	}
}

static void test_errnos(void **state)
{
	static const struct {
		int error;
		enum error_kind kind;
		const char *words;
	} cases[] = {
		{ EACCES, ERROR_SYSTEM, "run as root" },
		{ EPERM, ERROR_SYSTEM, "run as root" },
		{ EBUSY, ERROR_NO_DRIVER, "unload arm_cca_guest" },
		{ EBUSY, ERROR_NO_DRIVER, "remove the reports" },
		{ ENOTTY, ERROR_NO_DRIVER, "does not know this call" },
		{ EIO, ERROR_SYSTEM, "the RMM failed" },
		{ ENOMEM, ERROR_SYSTEM, "Cannot allocate memory" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;

		assert_int_equal(rsi_source_error(cases[i].error, "where", &e), -1);
		assert_int_equal(e.kind, cases[i].kind);
		assert_non_null(strstr(e.text, cases[i].words));
		assert_int_equal(strncmp(e.text, "where: ", 7), 0);
	}
}

/* --- a fake source ---------------------------------------------------------------------------- */

static struct {
	unsigned int hash_algo;
	size_t digest_size, event_max;
} fake_values;
static size_t fake_measurement_size;
static int fake_extended;

static int fake_config(struct rsi *rsi, struct rsi_config *config, struct error *e)
{
	(void)rsi;
	config->event_max = fake_values.event_max;
	return rsi_source_hash(fake_values.hash_algo, fake_values.digest_size, config, e);
}

static int fake_measurement(struct rsi *rsi, unsigned int index, uint8_t value[HASH_SIZE_MAX],
			    size_t *size, struct error *e)
{
	(void)rsi;
	(void)e;
	value[0] = (uint8_t)index;
	*size = fake_measurement_size;
	return 0;
}

static struct rsi_event fake_event;

static int fake_extend(struct rsi *rsi, unsigned int index, const void *digest, size_t size,
		       const struct rsi_event *event, uint64_t *seq, struct error *e)
{
	(void)rsi;
	(void)digest;
	(void)size;
	(void)e;
	fake_extended = (int)index;
	fake_event = *event;
	*seq = 17;
	return 0;
}

static const struct rsi_source fake_source = {
	.name = "fake",
	.config = fake_config,
	.measurement = fake_measurement,
	.extend = fake_extend,
};

static struct rsi fake_rsi = { .source = &fake_source };

static void test_config_is_checked(void **state)
{
	struct rsi_config config;
	struct error e = ERROR_INIT;

	(void)state;
	fake_values.hash_algo = 1;
	fake_values.digest_size = 64;
	assert_int_equal(rsi_config_get(&fake_rsi, &config, &e), 0);
	fake_values.digest_size = 32;
	assert_int_equal(rsi_config_get(&fake_rsi, &config, &e), -1);
	fake_values.hash_algo = 3;
	assert_int_equal(rsi_config_get(&fake_rsi, &config, &e), -1);
	assert_string_equal(e.text, "RSI: hash algorithm 3 with digests of 32 bytes");
}

static void test_measurement_is_checked(void **state)
{
	uint8_t value[HASH_SIZE_MAX];
	struct error e = ERROR_INIT;
	size_t size;

	(void)state;
	fake_measurement_size = 32;
	assert_int_equal(rsi_measurement_get(&fake_rsi, 4, value, &size, &e), 0);
	assert_int_equal(value[0], 4);
	assert_int_equal(rsi_measurement_get(&fake_rsi, 5, value, &size, &e), -1);
	assert_int_equal(e.kind, ERROR_USAGE);
	fake_measurement_size = 65;
	assert_int_equal(rsi_measurement_get(&fake_rsi, 0, value, &size, &e), -1);
}

static void test_extend_is_checked(void **state)
{
	static const uint8_t digest[64];
	struct error e = ERROR_INIT;

	(void)state;
	fake_values.hash_algo = 0;
	fake_values.digest_size = 32;
	fake_extended = -1;
	assert_int_equal(rsi_measurement_extend(&fake_rsi, 0, digest, 32, NULL, NULL, &e), -1);
	assert_int_equal(rsi_measurement_extend(&fake_rsi, 5, digest, 32, NULL, NULL, &e), -1);
	assert_int_equal(rsi_measurement_extend(&fake_rsi, 1, digest, 64, NULL, NULL, &e), -1);
	assert_string_equal(e.text, "digest of 64 bytes, this realm's have 32 (sha-256)");
	assert_int_equal(fake_extended, -1);
	assert_int_equal(rsi_measurement_extend(&fake_rsi, 4, digest, 32, NULL, NULL, &e), 0);
	assert_int_equal(fake_extended, 4);
	assert_int_equal(fake_event.type, 13);
	assert_int_equal(fake_event.size, 0);
}

static void test_extend_with_an_event(void **state)
{
	static const uint8_t digest[32];
	struct rsi_event event = { .type = 13, .data = "abc", .size = 3 };
	struct error e = ERROR_INIT;
	uint64_t seq = 0;

	(void)state;
	fake_values.hash_algo = 0;
	fake_values.digest_size = 32;
	fake_values.event_max = 4096;
	assert_int_equal(rsi_measurement_extend(&fake_rsi, 2, digest, 32, &event, &seq, &e), 0);
	assert_int_equal(seq, 17);
	assert_int_equal(fake_event.type, 13);
	assert_ptr_equal(fake_event.data, event.data);
	assert_int_equal(fake_event.size, 3);
	fake_extended = -1;
	event.size = fake_values.event_max + 1;
	assert_int_equal(rsi_measurement_extend(&fake_rsi, 2, digest, 32, &event, &seq, &e), -1);
	assert_string_equal(e.text, "event of 4097 bytes, more than 4096");
	assert_int_equal(fake_extended, -1);
}

/* --- a token in pieces ------------------------------------------------------------------------ */

static void test_chunks(void **state)
{
	struct rsi_chunks chunks = RSI_CHUNKS_INIT;
	struct bytes token = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(rsi_chunks_add(&chunks, 7, 0, 3, "abc", 3, &token, &e), 0);
	assert_int_equal(rsi_chunks_end(&chunks, &e), -1);
	assert_string_equal(e.text, "CCA token: ends at 3 of 7 bytes");
	assert_int_equal(rsi_chunks_add(&chunks, 7, 3, 3, "defg", 4, &token, &e), 0);
	assert_int_equal(rsi_chunks_end(&chunks, &e), 0);
	assert_string_equal(bytes_text(&token), "abcdefg");
	assert_int_equal(rsi_chunks_add(&chunks, 7, 7, 3, "h", 1, &token, &e), -1);
	bytes_free(&token);
}

static void test_chunks_that_do_not_fit(void **state)
{
	static const struct {
		uint32_t size, offset;
		uint64_t log_seq;
		size_t len;
		const char *words;
	} second[] = {
		{ 8, 3, 3, 1, "different tokens" }, { 7, 3, 4, 1, "different tokens" },
		{ 7, 4, 3, 1, "do not follow" },    { 7, 0, 3, 3, "do not follow" },
		{ 7, 3, 3, 5, "do not follow" },    { 7, 3, 3, 0, "do not follow" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(second); i++) {
		struct rsi_chunks chunks = RSI_CHUNKS_INIT;
		struct bytes token = BYTES_INIT;
		struct error e = ERROR_INIT;

		assert_int_equal(rsi_chunks_add(&chunks, 7, 0, 3, "abc", 3, &token, &e), 0);
		assert_int_equal(rsi_chunks_add(&chunks, second[i].size, second[i].offset,
						second[i].log_seq, "defgh", second[i].len, &token,
						&e),
				 -1);
		assert_non_null(strstr(e.text, second[i].words));
		assert_int_equal(token.len, 3);
		bytes_free(&token);
	}
}

static void test_chunks_of_a_bad_size(void **state)
{
	static const uint32_t sizes[] = { 0, 65537, 0xffffffff };
	struct bytes token = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct rsi_chunks chunks = RSI_CHUNKS_INIT;

		assert_int_equal(rsi_chunks_add(&chunks, sizes[i], 0, 0, "a", 1, &token, &e), -1);
		assert_int_equal(e.kind, ERROR_INPUT);
		assert_int_equal(token.len, 0);
	}
}

static void test_no_chunks(void **state)
{
	struct rsi_chunks chunks = RSI_CHUNKS_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(rsi_chunks_end(&chunks, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_unknown_source),
		cmocka_unit_test(test_no_realm),
		cmocka_unit_test(test_errnos),
		cmocka_unit_test(test_config_is_checked),
		cmocka_unit_test(test_measurement_is_checked),
		cmocka_unit_test(test_extend_is_checked),
		cmocka_unit_test(test_extend_with_an_event),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_chunks_that_do_not_fit),
		cmocka_unit_test(test_chunks_of_a_bad_size),
		cmocka_unit_test(test_no_chunks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
