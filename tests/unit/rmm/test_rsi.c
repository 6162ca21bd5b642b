/* SPDX-License-Identifier: Apache-2.0 */
/* The RSI commands except tokens: results, order of checks, registers that are kept or zeroed. */
#include "fake.h"
#include "hex.h"
#include "rsi_fid.h"

#define BASE   0x40000000UL
#define SHARED (1UL << 32)
#define JUNK   0xeeeeeeeeeeeeeeee

static int setup(void **state)
{
	(void)state;
	fake_init(BASE, 33);
	return 0;
}

/* Executes a command, with junk in all registers after the first four arguments. */
static void call(uint64_t x[11], uint64_t fid, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4)
{
	for (int i = 5; i < 11; i++)
		x[i] = JUNK;
	x[0] = fid;
	x[1] = x1;
	x[2] = x2;
	x[3] = x3;
	x[4] = x4;
	fake_call(0, x);
}

static void expect(const uint64_t *x, uint64_t x0, uint64_t x1, uint64_t x2)
{
	assert_int_equal(x[0], x0);
	assert_int_equal(x[1], x1);
	assert_int_equal(x[2], x2);
	assert_int_equal(x[3], 0);
}

/* A command that must refuse its input. */
static void refused(uint64_t fid, uint64_t x1, uint64_t x2, uint64_t x3)
{
	uint64_t x[11];

	call(x, fid, x1, x2, x3, 1);
	expect(x, RSI_ERROR_INPUT, 0, 0);
}

/* A command that must fault, with all registers as they were. */
static void faults(uint64_t fid, uint64_t x1)
{
	uint64_t x[11] = { fid, x1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, before[11];

	memcpy(before, x, sizeof(x));
	assert_false(rsi_execute(&fake.realm, &fake.realm.rec[0], x));
	assert_memory_equal(x, before, sizeof(x));
}

static void unknown_functions(void **state)
{
	static const uint64_t fids[] = { 0xc400018f, 0xc400019a, 0xc40001a0, 0xc4000150,
					 0x84000190, 0,		 0xffffffff };
	uint64_t x[11];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fids); i++) {
		call(x, fids[i], 7, 8, 9, 10);
		expect(x, UINT64_MAX, 0, 0);
		assert_int_equal(x[4], 10);
	}
}

static void a_function_number_has_32_bits(void **state)
{
	uint64_t x[11];

	(void)state;
	call(x, 0xdead0000c4000190, 0x10000, 0, 0, 0);
	expect(x, RSI_SUCCESS, 0x10000, 0x10000);
}

static void version_is(uint64_t asked, uint64_t x0, uint64_t x1, uint64_t x2)
{
	uint64_t x[11];

	call(x, RSI_VERSION, asked, JUNK, JUNK, JUNK);
	expect(x, x0, x1, x2);
}

static void version(void **state)
{
	(void)state;
	version_is(0x10000, RSI_SUCCESS, 0x10000, 0x10000);
	version_is(0x10001, RSI_ERROR_INPUT, 0x10000, 0x10000);
	fake.realm.quirks = QUIRK_RSI_1_1;
	version_is(0x10000, RSI_SUCCESS, 0x10000, 0x10001);
	version_is(0x10001, RSI_SUCCESS, 0x10001, 0x10001);
	for (fake.realm.quirks = 0; fake.realm.quirks <= QUIRK_RSI_1_1; fake.realm.quirks++) {
		static const uint64_t refused_ones[] = {
			0, 9, 0xffff, 0x10002, 0x20000, 1UL << 40
		};
		uint64_t highest = 0x10000 + fake.realm.quirks;

		for (size_t i = 0; i < ARRAY_SIZE(refused_ones); i++)
			version_is(refused_ones[i], RSI_ERROR_INPUT, highest, highest);
	}
}

static void features(void **state)
{
	uint64_t x[11];

	(void)state;
	for (uint64_t index = 0; index < 3; index++) {
		fake.realm.quirks = 0;
		call(x, RSI_FEATURES, index, JUNK, JUNK, JUNK);
		expect(x, RSI_SUCCESS, 0, 0);
		fake.realm.quirks = QUIRK_FEATURE_DA;
		call(x, RSI_FEATURES, index, JUNK, JUNK, JUNK);
		expect(x, RSI_SUCCESS, index == 0, 0);
	}
}

static void mem_get_perm_value(void **state)
{
	uint64_t x[11];

	(void)state;
	call(x, RSI_PERM_VALUE, 0, 0, JUNK, JUNK);
	expect(x, UINT64_MAX, 0, 0);
	fake.realm.quirks = QUIRK_PERM_VALUE;
	call(x, RSI_PERM_VALUE, 0, 0, JUNK, JUNK);
	expect(x, RSI_SUCCESS, 0xf, 0);
	refused(RSI_PERM_VALUE, 1, 0, 0);
	refused(RSI_PERM_VALUE, 0, 1, 0);
	call(x, RSI_PERM_VALUE + 1, 0, 0, 0, 0);
	expect(x, UINT64_MAX, 0, 0);
}

/* Each name is one quirk or, for an RMM, a set of them. Every quirk has a name. */
static void quirks_have_names(void **state)
{
	uint32_t all = 0;

	(void)state;
	for (const struct quirk_name *q = quirk_names; q->name; q++) {
		assert_int_equal(quirk_find(q->name), q->bits);
		assert_int_not_equal(q->bits & QUIRK_ALL, 0);
		assert_int_equal(q->bits & ~(uint32_t)QUIRK_ALL, 0);
		assert_true(q->text[0]);
		all |= q->bits & (q->bits - 1) ? 0 : q->bits;
	}
	assert_int_equal(all, QUIRK_ALL);
	assert_int_equal(quirk_find("rsi"), 0);
	assert_int_equal(quirk_find("tfrmm-0.8") & QUIRK_RSI_1_1, 0);
	assert_int_equal(quirk_find("tfrmm-head") &
				 (QUIRK_RSI_1_1 | QUIRK_PERM_VALUE | QUIRK_REM_SPEC),
			 QUIRK_RSI_1_1 | QUIRK_PERM_VALUE);
}

static void measurement_read(void **state)
{
	uint64_t x[11], expected[8];

	(void)state;
	for (size_t i = 0; i < REALM_MEASUREMENTS; i++)
		memset(fake.realm.measurement[i], (int)i + 1, 32);
	for (uint64_t i = 0; i < REALM_MEASUREMENTS; i++) {
		call(x, RSI_MEASUREMENT_READ, i, JUNK, JUNK, JUNK);
		assert_int_equal(x[0], RSI_SUCCESS);
		memcpy(expected, fake.realm.measurement[i], sizeof(expected));
		assert_memory_equal(&x[1], expected, sizeof(expected));
		assert_int_equal(x[9], JUNK);
	}
	for (uint64_t i = 5; i; i = i == 5 ? UINT64_MAX : 0) {
		call(x, RSI_MEASUREMENT_READ, i, JUNK, JUNK, JUNK);
		expect(x, RSI_ERROR_INPUT, 0, 0);
		for (int j = 4; j <= 8; j++)
			assert_int_equal(x[j], 0);
	}
}

/* Of the registers between the digest and x8, TF-RMM zeroes only x8; on an error, x1 to x3. */
static void measurement_read_keeps(void **state)
{
	uint64_t x[11], expected[11];

	(void)state;
	fake.realm.quirks = QUIRK_READ_KEEPS;
	for (unsigned int algo = 0; algo <= 2; algo++) {
		size_t size = hash_size((enum hash_algorithm)algo);

		fake.realm.hash_algo = (enum hash_algorithm)algo;
		memset(fake.realm.measurement[2], 0x11, size);
		memset(expected, 0xee, sizeof(expected));
		expected[0] = RSI_SUCCESS;
		expected[8] = 0;
		memset(&expected[1], 0x11, size);
		call(x, RSI_MEASUREMENT_READ, 2, JUNK, JUNK, JUNK);
		assert_memory_equal(x, expected, sizeof(x));
	}
	call(x, RSI_MEASUREMENT_READ, 5, JUNK, JUNK, JUNK);
	expect(x, RSI_ERROR_INPUT, 0, 0);
	for (int i = 4; i < 11; i++)
		assert_int_equal(x[i], JUNK);
}

static void extend_checks(void **state)
{
	(void)state;
	refused(RSI_MEASUREMENT_EXTEND, 0, 32, JUNK);
	refused(RSI_MEASUREMENT_EXTEND, 5, 32, JUNK);
	refused(RSI_MEASUREMENT_EXTEND, UINT64_MAX, 32, JUNK);
	refused(RSI_MEASUREMENT_EXTEND, 1, 65, JUNK);
	refused(RSI_MEASUREMENT_EXTEND, 4, UINT64_MAX, JUNK);
	for (int i = 0; i < REALM_MEASUREMENTS; i++)
		assert_memory_equal(fake.realm.measurement[i], (uint8_t[HASH_SIZE_MAX]){ 0 },
				    HASH_SIZE_MAX);
}

static void extend(uint64_t index, uint64_t size, const char *hex)
{
	uint8_t value[64], expected[HASH_SIZE_MAX] = { 0 };
	uint64_t x[11] = { RSI_MEASUREMENT_EXTEND, index, size };

	for (int i = 0; i < 64; i++)
		value[i] = size == 1 ? 0xa5 : (uint8_t)i;
	memcpy(&x[3], value, sizeof(value));
	fake_call(0, x);
	expect(x, RSI_SUCCESS, 0, 0);
	assert_memory_equal(&x[4], value + 8, 56);
	if (!hex)
		return;
	assert_int_equal(hex_parse(hex, expected, sizeof(expected)),
			 hash_size(fake.realm.hash_algo));
	assert_memory_equal(fake.realm.measurement[index], expected, sizeof(expected));
}

/*
 * Plays a line of the examples. "| size | TF-RMM's value | the specification's | ... |" extends
 * REM1 from zero. "chain ... tf-rmm X" and "chain spec X" extend by 1, 32, 48 and 64 bytes. "size0
 * from zero X" has TF-RMM's value. Returns false if the line is none of these.
 */
static bool extend_example(const char *line, bool spec)
{
	static const char zero[] = "size0 from zero ";
	const char *chain = spec ? "chain spec " : "chain 1,32,48,64 tf-rmm ";
	unsigned long size;
	char hex[2][129];

	memset(fake.realm.measurement, 0, sizeof(fake.realm.measurement));
	if (sscanf(line, "| %lu | %128s | %128s |", &size, hex[0], hex[1]) == 3) {
		extend(1, size, hex[spec]);
	} else if (!strncmp(line, chain, strlen(chain))) {
		extend(2, 1, NULL);
		extend(2, 32, NULL);
		extend(2, 48, NULL);
		extend(2, 64, line + strlen(chain));
	} else if (!spec && !strncmp(line, zero, strlen(zero))) {
		extend(4, 0, line + strlen(zero));
	} else {
		return false;
	}
	return true;
}

static unsigned int extend_examples_play(bool spec)
{
	FILE *file = fopen(fake_path("rmm/rem-rim-examples.txt"), "r");
	unsigned int count = 0;
	char line[1024];

	assert_non_null(file);
	fake.realm.quirks = spec ? QUIRK_REM_SPEC : 0;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "## sha", 6))
			fake.realm.hash_algo = !strncmp(line, "## sha256", 9) ? HASH_SHA256 :
					       !strncmp(line, "## sha384", 9) ? HASH_SHA384 :
										HASH_SHA512;
		count += extend_example(line, spec);
	}
	fclose(file);
	return count;
}

static void extend_examples(void **state)
{
	(void)state;
	assert_int_equal(extend_examples_play(false), 3 * 6);
}

static void extend_examples_of_the_specification(void **state)
{
	(void)state;
	assert_int_equal(extend_examples_play(true), 3 * 5);
}

static void realm_config(void **state)
{
	static const uint8_t zero[GRANULE];
	uint8_t *page = fake.memory[2];
	uint64_t x[11];

	(void)state;
	memset(fake.realm.rpv, 0x77, 64);
	for (unsigned int algo = 0; algo <= 2; algo++) {
		fake.realm.hash_algo = (enum hash_algorithm)algo;
		memset(fake.memory, 0xee, sizeof(fake.memory));
		call(x, RSI_REALM_CONFIG, BASE + 2 * GRANULE, JUNK, JUNK, JUNK);
		expect(x, RSI_SUCCESS, 0, 0);
		assert_memory_equal(page, &(uint64_t){ 33 }, 8);
		assert_memory_equal(page + 8, &(uint64_t){ algo }, 8);
		assert_memory_equal(page + 16, zero, 0x200 - 16);
		assert_memory_equal(page + 0x200, fake.realm.rpv, 64);
		assert_memory_equal(page + 0x240, zero, GRANULE - 0x240);
		assert_int_equal(fake.memory[1][GRANULE - 1], 0xee);
		assert_int_equal(fake.memory[3][0], 0xee);
	}
}

static void realm_config_quirks(void **state)
{
	static const uint8_t zero[GRANULE];
	uint8_t *page = fake.memory[0];
	uint64_t x[11];

	(void)state;
	fake.realm.quirks = QUIRK_SHA384_AS_SHA512 | QUIRK_GICV3_VTR;
	fake.realm.gicv3_vtr = 0x90b80003;
	for (unsigned int algo = 0; algo <= 2; algo++) {
		fake.realm.hash_algo = (enum hash_algorithm)algo;
		call(x, RSI_REALM_CONFIG, BASE, JUNK, JUNK, JUNK);
		expect(x, RSI_SUCCESS, 0, 0);
		assert_memory_equal(page + 8, &(uint64_t){ algo == HASH_SHA256 ? 0 : 1 }, 8);
		assert_memory_equal(page + 0x18, &(uint64_t){ 0x90b80003 }, 8);
		assert_memory_equal(page + 0x20, zero, 0x200 - 0x20);
	}
}

static void realm_config_checks(void **state)
{
	(void)state;
	fake.states[1] = RIPAS_EMPTY;
	fake.states[2] = RIPAS_DESTROYED;
	refused(RSI_REALM_CONFIG, BASE + 8, 0, 0);
	refused(RSI_REALM_CONFIG, BASE | SHARED, 0, 0);
	refused(RSI_REALM_CONFIG, UINT64_MAX - 4095, 0, 0);
	refused(RSI_REALM_CONFIG, BASE + GRANULE, 0, 0);
	refused(RSI_REALM_CONFIG, BASE - GRANULE, 0, 0);
	faults(RSI_REALM_CONFIG, BASE + 2 * GRANULE);
}

static void state_set(void **state)
{
	uint64_t x[11];

	(void)state;
	call(x, RSI_IPA_STATE_SET, BASE, BASE + 2 * GRANULE, RIPAS_EMPTY, 0);
	expect(x, RSI_SUCCESS, BASE + 2 * GRANULE, 0);
	assert_int_equal(fake.changes, 2);
	assert_int_equal(fake.syncs, 1);
	call(x, RSI_IPA_STATE_GET, BASE, BASE + 8 * GRANULE, JUNK, JUNK);
	expect(x, RSI_SUCCESS, BASE + 2 * GRANULE, RIPAS_EMPTY);
	call(x, RSI_IPA_STATE_SET, BASE, BASE + 4 * GRANULE, RIPAS_RAM, 0);
	expect(x, RSI_SUCCESS, BASE + 4 * GRANULE, 0);
	assert_int_equal(fake.changes, 4);
}

static void state_set_stops_and_rejects(void **state)
{
	uint64_t x[11];

	(void)state;
	fake.states[3] = RIPAS_DESTROYED;
	call(x, RSI_IPA_STATE_SET, BASE, BASE + 5 * GRANULE, RIPAS_EMPTY, 0);
	expect(x, RSI_SUCCESS, BASE + 3 * GRANULE, 0);
	call(x, RSI_IPA_STATE_SET, BASE + 3 * GRANULE, BASE + 5 * GRANULE, RIPAS_EMPTY, 2);
	expect(x, RSI_SUCCESS, BASE + 3 * GRANULE, 1);
	call(x, RSI_IPA_STATE_SET, BASE + 3 * GRANULE, BASE + 5 * GRANULE, RIPAS_EMPTY, 1);
	expect(x, RSI_SUCCESS, BASE + 5 * GRANULE, 0);
	call(x, RSI_IPA_STATE_SET, 0, GRANULE, RIPAS_RAM, 1);
	expect(x, RSI_SUCCESS, 0, 1);
}

static void state_checks(void **state)
{
	static const uint64_t ranges[][2] = {
		{ BASE + 1, BASE + GRANULE },
		{ BASE, BASE + 1 },
		{ BASE, BASE },
		{ BASE + GRANULE, BASE },
		{ SHARED, SHARED + GRANULE },
		{ SHARED - GRANULE, SHARED + GRANULE },
		{ UINT64_MAX - 4095, 0 },
	};
	uint64_t x[11];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		refused(RSI_IPA_STATE_SET, ranges[i][0], ranges[i][1], RIPAS_RAM);
		refused(RSI_IPA_STATE_GET, ranges[i][0], ranges[i][1], JUNK);
	}
	refused(RSI_IPA_STATE_SET, BASE, BASE + GRANULE, RIPAS_DESTROYED);
	refused(RSI_IPA_STATE_SET, BASE, BASE + GRANULE, UINT64_MAX);
	assert_int_equal(fake.changes, 0);
	call(x, RSI_IPA_STATE_GET, SHARED - GRANULE, SHARED, 0, 0);
	expect(x, RSI_SUCCESS, SHARED, RIPAS_EMPTY);
}

static void host_call(void **state)
{
	uint64_t x[11];

	(void)state;
	memset(fake.memory, 0xee, sizeof(fake.memory));
	call(x, RSI_HOST_CALL, BASE + 0x300, 0x11, 0x22, 0x33);
	assert_memory_equal(x, ((uint64_t[]){ RSI_SUCCESS, BASE + 0x300, 0x11, 0x22, 0x33 }), 40);
	assert_int_equal(fake.memory[0][0x307], 0xee);
	assert_memory_equal(&fake.memory[0][0x308], &(uint64_t){ UINT64_MAX }, 8);
	assert_int_equal(fake.memory[0][0x310], 0xee);
}

static void host_call_checks(void **state)
{
	(void)state;
	fake.states[1] = RIPAS_EMPTY;
	fake.states[2] = RIPAS_DESTROYED;
	refused(RSI_HOST_CALL, BASE + 8, 0, 0);
	refused(RSI_HOST_CALL, BASE | SHARED, 0, 0);
	refused(RSI_HOST_CALL, UINT64_MAX - 255, 0, 0);
	refused(RSI_HOST_CALL, BASE + GRANULE + 0x100, 0, 0);
	faults(RSI_HOST_CALL, BASE + 2 * GRANULE + 0x100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(unknown_functions, setup),
		cmocka_unit_test_setup(a_function_number_has_32_bits, setup),
		cmocka_unit_test_setup(version, setup),
		cmocka_unit_test_setup(features, setup),
		cmocka_unit_test_setup(mem_get_perm_value, setup),
		cmocka_unit_test_setup(quirks_have_names, setup),
		cmocka_unit_test_setup(measurement_read, setup),
		cmocka_unit_test_setup(measurement_read_keeps, setup),
		cmocka_unit_test_setup(extend_checks, setup),
		cmocka_unit_test_setup(extend_examples, setup),
		cmocka_unit_test_setup(extend_examples_of_the_specification, setup),
		cmocka_unit_test_setup(realm_config, setup),
		cmocka_unit_test_setup(realm_config_quirks, setup),
		cmocka_unit_test_setup(realm_config_checks, setup),
		cmocka_unit_test_setup(state_set, setup),
		cmocka_unit_test_setup(state_set_stops_and_rejects, setup),
		cmocka_unit_test_setup(state_checks, setup),
		cmocka_unit_test_setup(host_call, setup),
		cmocka_unit_test_setup(host_call_checks, setup),
	};

	return cmocka_run_group_tests_name("rsi", tests, NULL, NULL);
}
