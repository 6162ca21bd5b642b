// SPDX-License-Identifier: Apache-2.0
/* The steps of a realm in each order of RIPAS, their list as text, and the difference of two lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "rim/rim_realm.h"
#include "rim/rim_steps.h"

static int digest(enum hash_algorithm algo, const void *data, size_t size, uint8_t *value)
{
	const EVP_MD *md = EVP_get_digestbyname(hash_by_number(algo)->openssl);

	return EVP_Digest(data, size, value, NULL, md, NULL) == 1 ? 0 : -1;
}

static const void *page_of_zeros(void *context, uint64_t ipa)
{
	static const uint64_t page[RIM_GRANULE / 8];

	(void)context;
	assert_int_equal(ipa % RIM_GRANULE, 0);
	return page;
}

static void append(void *context, const struct rim *rim, const struct rim_step *step)
{
	rim_steps_append(context, rim, step);
}

/* A kernel of two pages that uses 2 MiB + 1, and a tree, in RAM of 4 MiB. */
static const struct rim_range ranges[] = { { 0x80000000, 5000 }, { 0x803f0000, 4096 } };
static const struct rim_realm realm = {
	.params = { .s2sz = 33, .num_bps = 5, .num_wps = 3 },
	.ram_base = 0x80000000,
	.ram_size = 0x400000,
	.range = ranges,
	.count = 2,
	.memory = 0x200001,
	.entry = 0x80000000,
	.x0 = 0x803f0000,
};

/* Compute the RIM of @realm, and append its list to @list. */
static void compute(const struct rim_realm *of, struct bytes *list)
{
	struct rim rim;

	assert_int_equal(rim_compute(&rim, of, digest, page_of_zeros, append, list), 0);
}

/* "WHAT FIRST" of each step of @list: "ripas 0x80000000, data 0x80000000, ..." */
static void outline(const struct bytes *list, char *out, size_t size)
{
	const char *text = bytes_text(list), *end = text + list->len;
	struct error e = ERROR_INIT;
	struct rim_line line;
	size_t used = 0;

	for (;;) {
		assert_int_equal(rim_steps_next(&text, end, &line, &e), 0);
		if (!line.text)
			return;
		used += (size_t)snprintf(out + used, size - used, "%s%.*s %.*s", used ? ", " : "",
					 (int)line.field[0].value_len, line.field[0].value,
					 (int)line.field[1].value_len, line.field[1].value);
		assert_true(used < size);
	}
}

static void orders(void **state)
{
	static const char *const expected[RIM_ORDERS] = {
		"params 0x0, ripas 0x80000000, ripas 0x80200000, data 0x80000000, data 0x80001000, "
		"data 0x803f0000, rec 0x1",
		"params 0x0, ripas 0x80000000, ripas 0x80200000, data 0x80000000, data 0x80001000, "
		"ripas 0x803f0000, data 0x803f0000, rec 0x1",
		NULL, /* the pages from 0x80002000 up to 0x80200000, and one more */
	};

	(void)state;
	for (int order = 0; order < RIM_ORDERS; order++) {
		struct bytes list = BYTES_INIT;
		struct rim_realm other = realm;
		char seen[16384];

		other.order = (enum rim_order)order;
		compute(&other, &list);
		outline(&list, seen, sizeof(seen));
		if (expected[order]) {
			assert_string_equal(seen, expected[order]);
		} else {
			const char *first = "params 0x0, data 0x80000000, data 0x80001000, "
					    "ripas 0x80002000, ripas 0x80003000, ";
			const char *last = "ripas 0x801ff000, ripas 0x80200000, data 0x803f0000, "
					   "rec 0x1";

			assert_memory_equal(seen, first, strlen(first));
			assert_string_equal(seen + strlen(seen) - strlen(last), last);
		}
		bytes_free(&list);
	}
}

static void files_in_larger_blocks(void **state)
{
	struct bytes list = BYTES_INIT;
	struct rim_realm other = realm;
	char seen[16384];

	(void)state;
	other.align = 0x10000;
	other.flavour = RIM_TFRMM_0_9;
	compute(&other, &list);
	outline(&list, seen, sizeof(seen));
	assert_non_null(strstr(seen, "data 0x8000e000, data 0x8000f000, data 0x803f0000, "));
	assert_non_null(strstr(seen, "data 0x803ff000, rec 0x1"));
	bytes_free(&list);
}

static int digest_fails(enum hash_algorithm algo, const void *data, size_t size, uint8_t *value)
{
	return size == RIM_GRANULE ? digest(algo, data, size, value) : -1;
}

static void a_failed_digest_is_reported(void **state)
{
	struct rim rim;

	(void)state;
	assert_int_equal(rim_compute(&rim, &realm, digest_fails, page_of_zeros, NULL, NULL), -1);
}

/* The list ends with the RIM that is computed without it. */
static void the_list_ends_with_the_rim(void **state)
{
	struct bytes list = BYTES_INIT;
	char hex[2 * HASH_SIZE_MAX + 2] = "";
	struct rim rim;

	(void)state;
	compute(&realm, &list);
	assert_int_equal(rim_compute(&rim, &realm, digest, page_of_zeros, NULL, NULL), 0);
	for (size_t i = 0; i < 32; i++)
		sprintf(hex + 2 * i, "%02x", rim.value[i]);
	strcat(hex, "\n");
	assert_string_equal(bytes_text(&list) + list.len - 65, hex);
	bytes_free(&list);
}

#define D(digit) \
	digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit \
		digit digit digit digit digit digit digit digit digit digit digit digit digit \
			digit digit digit digit

static void malformed_lists(void **state)
{
	static const char *const bad[] = {
		"step",	 /* no line that begins with "step " */
		"step ", /* ... */
		"step data",
		"step data ",
		"step data ipa",
		"step data ipa=",
		"step data =1",
		"step data ipa=0x",
		"step data ipa=1g",
		"step data ipa=-1",
		"step data ipa=1 ipa=1 rim=" D("00"),
		"step data ipa=0x10000000000000000",
		"step data ipa=18446744073709551616",
		"step data a_name_of_13c=1",
		"step data rim=00",
		"step data rim=" D("00") "0",
		"step data rim=" D("0x"),
		"step data  ipa=1",
		"step a a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1 j=1 k=1 l=1 m=1 n=1 o=1 p=1",
		"ste\nstep\n step data ipa=1",
		"",
	};
	struct bytes good = BYTES_INIT, list = BYTES_INIT;
	struct error none = ERROR_INIT;
	struct rim_diff diff;

	(void)state;
	bytes_append_text(
		&good,
		"step data ipa=18446744073709551615 rim=" D("00")
			D("00") "\r\n"
				"step a a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1 j=1 k=1 l=1 m=1 n=1 "
				"a_name_of_12=1\nrmm: anything\n");
	assert_int_equal(rim_steps_diff(&diff, &good, &good, &none), 0);
	assert_false(diff.differs);
	assert_int_equal(diff.steps, 2);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error e = ERROR_INIT;

		bytes_set(&list, bad[i], strlen(bad[i]));
		assert_int_equal(rim_steps_diff(&diff, &list, &good, &e), -1);
		assert_int_equal(e.kind, ERROR_INPUT);
		e = (struct error)ERROR_INIT;
		assert_int_equal(rim_steps_diff(&diff, &good, &list, &e), -1);
	}
	bytes_free(&good);
	bytes_free(&list);
}

static void differences(void **state)
{
	static const char rim1[] = " rim=" D("00") "\n", rim2[] = " rim=" D("01") "\n";
	static const struct {
		const char *a, *b;  /* after one step that both have */
		const char *fields; /* "": the same */
	} cases[] = {
		{ "step data ipa=0x10", "step data ipa=16", "" },
		{ "step data ipa=0x10", "step data ipa=0x11", "ipa" },
		{ "step data ipa=1 flags=1", "step data ipa=2 flags=0", "ipa flags" },
		{ "step data ipa=1 flags=1", "step data flags=1", "" },
		{ "step data ipa=1", "step ripas ipa=2", "what" },
		{ "step data content=" D("aa"), "step data content=" D("AA"), "" },
		{ "step data content=" D("aa"), "step data content=" D("ab"), "content" },
		{ "step data content=" D("aa"), "step data content=" D("aa") D("0"), "content" },
		{ "step data ipa=1", "", "end" },
		{ "", "step data ipa=1", "end" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		size_t n = i / 2;
		bool other_rim = i % 2;
		struct bytes a = BYTES_INIT, b = BYTES_INIT;
		struct error e = ERROR_INIT;
		struct rim_diff diff;
		char fields[64] = "";

		bytes_printf(&a, "step params flags=0%s%s%s", rim1, cases[n].a,
			     *cases[n].a ? rim1 : "");
		bytes_printf(&b, "x\nstep params flags=0%s%s%s", rim1, cases[n].b,
			     !*cases[n].b ? "" :
			     other_rim	  ? rim2 :
					    rim1);
		assert_int_equal(rim_steps_diff(&diff, &a, &b, &e), 0);
		for (size_t f = 0; f < diff.a.count; f++)
			if (diff.field[f])
				sprintf(fields + strlen(fields), "%s%.*s", *fields ? " " : "",
					(int)diff.a.field[f].name_len, diff.a.field[f].name);
		if (diff.differs && (!diff.a.text || !diff.b.text))
			strcpy(fields, "end");
		assert_string_equal(fields,
				    !*cases[n].fields && other_rim ? "rim" : cases[n].fields);
		assert_int_equal(diff.differs, *fields != 0);
		assert_int_equal(diff.steps, diff.differs ? 1 : 2);
		bytes_free(&a);
		bytes_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders),
		cmocka_unit_test(files_in_larger_blocks),
		cmocka_unit_test(a_failed_digest_is_reported),
		cmocka_unit_test(the_list_ends_with_the_rim),
		cmocka_unit_test(malformed_lists),
		cmocka_unit_test(differences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
