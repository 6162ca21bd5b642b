/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares rim.c, measure.c and REMs with real TF-RMM runs, step by step, and with worked examples.
 */
#include "fake.h"
#include "hash.h"
#include "hex.h"
#include "measure.h"
#include "rsi_fid.h"

#include <jansson.h>
#include <stdlib.h>

static void expect(const struct rim *rim, const char *hex, const char *what)
{
	uint8_t expected[HASH_SIZE_MAX];
	size_t size = hex_parse(hex, expected, sizeof(expected));

	assert_int_equal(size, hash_size(rim->algo));
	if (memcmp(rim->value, expected, size))
		fail_msg("RIM differs after %s", what);
}

static enum hash_algorithm algo_of(const char *name)
{
	return !strcmp(name, "sha256") ? HASH_SHA256 :
	       !strcmp(name, "sha384") ? HASH_SHA384 :
					 HASH_SHA512;
}

static int digest(enum hash_algorithm algo, const void *data, size_t size, uint8_t *value)
{
	hash_bytes(algo, data, size, value);
	return 0;
}

static void start(struct rim *rim, enum rim_flavour flavour, enum hash_algorithm algo,
		  const struct rim_params *params)
{
	*rim = (struct rim){ .flavour = flavour, .algo = algo, .digest = digest };
	rim_create(rim, params);
}

static uint64_t number(const json_t *args, const char *name)
{
	const json_t *value = json_object_get(args, name);

	return json_is_string(value) ? strtoull(json_string_value(value), NULL, 16) :
				       (uint64_t)json_integer_value(value);
}

static void step_realm(struct rim *rim, enum rim_flavour flavour, enum hash_algorithm algo,
		       const json_t *args)
{
	struct rim_params params = {
		.flags = number(args, "flags0"),
		.s2sz = (uint8_t)number(args, "s2sz"),
		.sve_vl = (uint8_t)number(args, "sve_vl"),
		.num_bps = (uint8_t)number(args, "num_bps"),
		.num_wps = (uint8_t)number(args, "num_wps"),
		.pmu_num_ctrs = (uint8_t)number(args, "pmu_num_ctrs"),
	};

	assert_int_equal(number(args, "hash_algo"), algo);
	start(rim, flavour, algo, &params);
}

/*
 * The vector describes the content in words: byte q of the granule is q times a number, modulo 256.
 */
static void step_data(struct rim *rim, const json_t *args)
{
	_Alignas(8) uint8_t granule[RIM_GRANULE];
	unsigned int factor;

	assert_int_equal(sscanf(json_string_value(json_object_get(args, "content")),
				"4096 bytes, byte q = q*%u mod 256", &factor),
			 1);
	for (unsigned int q = 0; q < sizeof(granule); q++)
		granule[q] = (uint8_t)(q * factor);
	rim_data(rim, number(args, "ipa"), number(args, "flags"), granule);
}

static void step_rec(struct rim *rim, const json_t *args)
{
	static const uint64_t gprs[8];

	rim_rec(rim, number(args, "flags"), number(args, "pc"), gprs);
}

static void replay(const json_t *run, enum rim_flavour flavour)
{
	enum hash_algorithm algo = algo_of(json_string_value(json_object_get(run, "hash")));
	struct rim rim;
	json_t *step;
	size_t i;

	json_array_foreach(json_object_get(run, "steps"), i, step) {
		const char *what = json_string_value(json_array_get(step, 0));
		const json_t *args = json_array_get(step, 1);

		if (!strcmp(what, "REALM_CREATE"))
			step_realm(&rim, flavour, algo, args);
		else if (!strcmp(what, "RTT_INIT_RIPAS entry"))
			rim_ripas(&rim, number(args, "base"), number(args, "top"));
		else if (!strcmp(what, "RTT_INIT_RIPAS")) /* "not measured at HEAD" */
			rim_ripas(&rim, 0x1000, 0x2000);
		else if (!strcmp(what, "DATA_CREATE"))
			step_data(&rim, args);
		else if (!strcmp(what, "REC_CREATE"))
			step_rec(&rim, args);
		else
			fail_msg("unknown step in measurements.json: %s", what);
		expect(&rim, json_string_value(json_array_get(step, 2)), what);
	}
	expect(&rim, json_string_value(json_object_get(run, "rim")), "the last step");
}

/* Extends with the first @size bytes of A0 A1 A2 ... */
static void extend(uint64_t index, uint64_t size)
{
	uint64_t x[11] = { RSI_MEASUREMENT_EXTEND, index, size };

	for (int i = 0; i < 64; i++)
		((uint8_t *)&x[3])[i] = (uint8_t)(0xa0 + i);
	fake_call(0, x);
	assert_int_equal(x[0], RSI_SUCCESS);
}

/*
 * The run of v0.8.0 extended each REM once ("rem_inputs"). The run of HEAD extended two of them
 * again before TOKEN_INIT, as its trace shows.
 */
static void replay_rems(const json_t *run)
{
	const json_t *rems = json_object_get(run, "rems");
	uint8_t expected[HASH_SIZE_MAX];
	json_t *rem;
	size_t i;

	fake_init(0x1000, 48);
	fake.realm.hash_algo = algo_of(json_string_value(json_object_get(run, "hash")));
	for (uint64_t index = 1; index <= 4; index++)
		extend(index, (uint64_t[]){ 1, 32, 48, 64 }[index - 1]);
	if (!rems) {
		rems = json_object_get(run, "rems_at_init");
		extend(4, 0);
		extend(2, 32);
	}
	assert_int_equal(json_array_size(rems), 4);
	json_array_foreach(rems, i, rem) {
		memset(expected, 0, sizeof(expected));
		assert_int_equal(hex_parse(json_string_value(rem), expected, sizeof(expected)),
				 hash_size(fake.realm.hash_algo));
		assert_memory_equal(fake.realm.measurement[1 + i], expected, sizeof(expected));
	}
}

static void replay_version(const char *version, enum rim_flavour flavour, size_t runs)
{
	json_error_t error;
	json_t *all = json_load_file(fake_path("tfrmm-fakehost/measurements.json"), 0, &error);
	json_t *run;
	size_t i;

	if (!all)
		fail_msg("measurements.json: %s", error.text);
	assert_int_equal(json_array_size(json_object_get(all, version)), runs);
	json_array_foreach(json_object_get(all, version), i, run) {
		replay(run, flavour);
		replay_rems(run);
	}
	json_decref(all);
}

static void replays_tfrmm_0_8(void **state)
{
	(void)state;
	replay_version("v0.8.0", RIM_RMM_1_0, 2);
}

static void replays_tfrmm_head(void **state)
{
	(void)state;
	replay_version("HEAD 9a7f8ef4", RIM_TFRMM_0_9, 3);
}

/* The RIM examples: each line has a name, and the value as its last word. */
static void worked_examples(void **state)
{
	static const struct rim_params params = { .s2sz = 48, .num_bps = 5, .num_wps = 3 };
	static const uint64_t zero_page[RIM_GRANULE / 8], gprs[8] = { 0x83000000 };
	char line[1024], name[16];
	unsigned int steps = 0;
	struct rim rim;
	FILE *file = fopen(fake_path("rmm/rem-rim-examples.txt"), "r");

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%15s RIM0 ", name) == 1 && strstr(line, " RIM0 "))
			start(&rim, RIM_RMM_1_0, algo_of(name), &params);
		else if (strstr(line, "+RIPAS"))
			rim_ripas(&rim, 0x80000000, 0x80200000);
		else if (strstr(line, "unmeasured"))
			rim_data(&rim, 0x80081000, 0, NULL);
		else if (strstr(line, "+DATA"))
			rim_data(&rim, 0x80080000, RIM_MEASURED, zero_page);
		else if (strstr(line, "+REC"))
			rim_rec(&rim, RIM_RUNNABLE, 0x80080000, gprs);
		else
			continue;
		expect(&rim, strrchr(line, ' ') + 1, line);
		steps++;
	}
	fclose(file);
	assert_int_equal(steps, 10);
}

/* A small realm of the bench: an image of two and a half granules, and a device tree. */
static _Alignas(8) uint8_t loaded[4][RIM_GRANULE];
static struct layout layout = {
	.magic = LAYOUT_MAGIC,
	.version = LAYOUT_VERSION,
	.vcpus = 1,
	.count = 2,
	.ram_size = LAYOUT_RAM_SIZE,
	.entry_ipa = 0x40200000,
	.dtb_ipa = 0x4fe00000,
	.range = { { 0x40200000, 10240 }, { 0x4fe00000, 4096 } },
};

static void *granule(uint64_t ipa)
{
	return ipa == 0x4fe00000 ? loaded[3] : loaded[(ipa - 0x40200000) / RIM_GRANULE];
}

static void bench_realm_by_hand(void **state)
{
	static const struct rim_params params = { .s2sz = 33, .num_bps = 1, .num_wps = 1 };
	static const uint64_t gprs[8] = { 0x4fe00000 };
	struct rim rim, expected;

	(void)state;
	assert_null(layout_check(&layout));
	for (layout.hash_algo = 0; layout.hash_algo <= 2; layout.hash_algo++) {
		start(&expected, RIM_RMM_1_0, (enum hash_algorithm)layout.hash_algo, &params);
		for (uint64_t ipa = 0x40000000; ipa < 0x80000000; ipa += 0x200000)
			rim_ripas(&expected, ipa, ipa + 0x200000);
		rim_data(&expected, 0x40200000, 1, loaded[0]);
		rim_data(&expected, 0x40201000, 1, loaded[1]);
		rim_data(&expected, 0x40202000, 1, loaded[2]);
		rim_data(&expected, 0x4fe00000, 1, loaded[3]);
		rim_rec(&expected, 1, 0x40200000, gprs);
		measure_layout(&rim, &layout, granule, NULL);
		assert_memory_equal(rim.value, expected.value, HASH_SIZE_MAX);
	}
	layout.hash_algo = 0;
}

static void loaded_bytes_change_the_rim(void **state)
{
	struct rim rim, other;

	(void)state;
	measure_layout(&rim, &layout, granule, NULL);
	for (size_t at = 0; at < sizeof(loaded); at += 509) {
		((uint8_t *)loaded)[at] ^= 0x10;
		measure_layout(&other, &layout, granule, NULL);
		((uint8_t *)loaded)[at] ^= 0x10;
		assert_memory_not_equal(rim.value, other.value, HASH_SIZE_MAX);
	}
	measure_layout(&other, &layout, granule, NULL);
	assert_memory_equal(rim.value, other.value, HASH_SIZE_MAX);
}

static void the_entry_and_x0_change_the_rim(void **state)
{
	struct rim rim, other;

	(void)state;
	measure_layout(&rim, &layout, granule, NULL);
	layout.entry_ipa += 4;
	measure_layout(&other, &layout, granule, NULL);
	layout.entry_ipa -= 4;
	assert_memory_not_equal(rim.value, other.value, HASH_SIZE_MAX);
	layout.dtb_ipa += 8;
	measure_layout(&other, &layout, granule, NULL);
	layout.dtb_ipa -= 8;
	assert_memory_not_equal(rim.value, other.value, HASH_SIZE_MAX);
}

static void memory_and_flavour_change_the_rim(void **state)
{
	struct rim rim, less, later, latest;

	(void)state;
	measure_layout(&rim, &layout, granule, NULL);
	layout.ram_size -= LAYOUT_RAM_STEP;
	measure_layout(&less, &layout, granule, NULL);
	layout.flavour = LAYOUT_TFRMM_0_9;
	measure_layout(&later, &layout, granule, NULL);
	layout.ram_size += LAYOUT_RAM_STEP;
	measure_layout(&latest, &layout, granule, NULL);
	assert_memory_not_equal(rim.value, less.value, HASH_SIZE_MAX);
	assert_memory_not_equal(rim.value, latest.value, HASH_SIZE_MAX);
	assert_memory_equal(later.value, latest.value, HASH_SIZE_MAX); /* RIPAS is not measured */
	layout.flavour = LAYOUT_RMM_2_0;
	measure_layout(&latest, &layout, granule, NULL);
	layout.flavour = LAYOUT_RMM_1_0;
	assert_memory_not_equal(later.value, latest.value, HASH_SIZE_MAX);
}

/* By specification 2.0, the RIM starts from zero and does not include parameters and RIPAS. */
static void rmm_2_0_by_hand(void **state)
{
	static const struct rim_params params = { .s2sz = 48, .num_bps = 5 };
	static const uint64_t page[RIM_GRANULE / 8], gprs[8];
	struct rim rim, expected = { .algo = HASH_SHA384, .digest = digest };

	(void)state;
	start(&rim, RIM_RMM_2_0, HASH_SHA384, &params);
	rim_ram(&rim, 0x40000000, 0x80000000, 48);
	for (size_t i = 0; i < HASH_SIZE_MAX; i++)
		assert_int_equal(rim.value[i], 0);
	rim_data(&rim, 0x1000, RIM_MEASURED, page);
	rim_rec(&rim, RIM_RUNNABLE, 0x1000, gprs);
	rim_data(&expected, 0x1000, RIM_MEASURED, page);
	rim_rec(&expected, RIM_RUNNABLE, 0x1000, gprs);
	assert_memory_equal(rim.value, expected.value, HASH_SIZE_MAX);
}

/* The entries of KVM's tables, by IPA width. Their sizes are in units of 4 KiB. */
static void entries_of_a_range(void **state)
{
	static const struct {
		uint64_t base, top;
		unsigned int s2sz;
		uint64_t entries[6];
	} cases[] = {
		{ 0x40000000, 0x40400000, 33, { 512, 512 } },
		{ 0x40000000, 0x80000000, 39, { 262144 } },
		{ 0x40000000, 0x80000000, 41, { 262144 } },
		{ 0x40000000, 0xc0200000, 48, { 262144, 262144, 512 } },
		{ 0x401ff000, 0x40402000, 41, { 1, 512, 1, 1 } },
		{ 0x1000, 0x3000, 20, { 1, 1 } },
		{ 0x200000, 0x201000, 25, { 1 } },
		{ 0, 0x8000000000, 44, { 512UL << 18 } },
		{ 0, 0x80000000, 43, { 262144, 262144 } }, /* concatenated tables, from level 1 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rim rim = { .algo = HASH_SHA256, .digest = digest }, expected = rim;
		uint64_t at = cases[i].base;

		for (const uint64_t *n = cases[i].entries; *n; at += *n++ * RIM_GRANULE)
			rim_ripas(&expected, at, at + *n * RIM_GRANULE);
		assert_int_equal(at, cases[i].top);
		rim_ram(&rim, cases[i].base, cases[i].top, cases[i].s2sz);
		assert_memory_equal(rim.value, expected.value, HASH_SIZE_MAX);
	}
}

static int digest_fails(enum hash_algorithm algo, const void *data, size_t size, uint8_t *value)
{
	return size == RIM_GRANULE ? digest(algo, data, size, value) : -1;
}

static void a_failed_digest_is_reported(void **state)
{
	static const struct rim_params params = { .s2sz = 33 };
	struct rim rim = { .digest = digest_fails };

	(void)state;
	rim_create(&rim, &params);
	assert_false(rim.failed);
	rim_ripas(&rim, 0x1000, 0x2000);
	assert_true(rim.failed);
}

struct seen {
	char what[8][8];
	size_t count;
	uint64_t last[2]; /* its first two numbers */
	uint8_t value[HASH_SIZE_MAX];
};

static void see(void *context, const struct rim *rim, const struct rim_step *step)
{
	struct seen *seen = context;

	assert_true(seen->count < ARRAY_SIZE(seen->what));
	snprintf(seen->what[seen->count++], sizeof(seen->what[0]), "%s", step->what);
	memcpy(seen->last, step->number, sizeof(seen->last));
	memcpy(seen->value, rim->value, sizeof(seen->value));
	assert_true(!step->content == (*step->what == 'r' && step->count == 2) ||
		    *step->what == 'p');
}

/* Each step is traced, except those that the flavour does not measure. */
static void steps_are_traced(void **state)
{
	static const struct rim_params params = { .flags = 6, .s2sz = 33 };
	static const uint64_t gprs[8] = { 1 }, page[RIM_GRANULE / 8];
	static const char *const expected[RIM_FLAVOURS] = { "params ripas data rec",
							    "params data rec", "data rec" };

	(void)state;
	for (int flavour = 0; flavour < RIM_FLAVOURS; flavour++) {
		struct seen seen = { 0 };
		struct rim rim = { .flavour = (enum rim_flavour)flavour,
				   .digest = digest,
				   .trace = see,
				   .context = &seen };
		char all[64] = "";

		rim_create(&rim, &params);
		if (seen.count)
			assert_int_equal(seen.last[0] << 8 | seen.last[1], 6 << 8 | 33);
		rim_ripas(&rim, 0x1000, 0x2000);
		rim_data(&rim, 0x1000, 1, page);
		assert_int_equal(seen.last[0] | seen.last[1], 0x1001);
		rim_rec(&rim, 1, 0x1234, gprs);
		assert_int_equal(seen.last[1], 0x1234);
		assert_memory_equal(seen.value, rim.value, HASH_SIZE_MAX);
		for (size_t i = 0; i < seen.count; i++)
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? " " : "",
				 seen.what[i]);
		assert_string_equal(all, expected[flavour]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replays_tfrmm_0_8),
		cmocka_unit_test(replays_tfrmm_head),
		cmocka_unit_test(worked_examples),
		cmocka_unit_test(bench_realm_by_hand),
		cmocka_unit_test(loaded_bytes_change_the_rim),
		cmocka_unit_test(the_entry_and_x0_change_the_rim),
		cmocka_unit_test(memory_and_flavour_change_the_rim),
		cmocka_unit_test(rmm_2_0_by_hand),
		cmocka_unit_test(entries_of_a_range),
		cmocka_unit_test(a_failed_digest_is_reported),
		cmocka_unit_test(steps_are_traced),
	};

	return cmocka_run_group_tests_name("rim", tests, NULL, NULL);
}
