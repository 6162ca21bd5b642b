// SPDX-License-Identifier: Apache-2.0
/*
 * CCA tokens: each vector must have the verdict in its table. A valid token is broken in every
 * place.
 */
#include "cca_test.h"

#include <ctype.h>

#include "base/encode.h"
#include "cca/cca_print.h"

#define GENERATED "cca-generated/"
#define FAKEHOST  "tfrmm-fakehost/"
#define RUST	  "data/cca/rust-ccatoken/"
#define TRUSTEE	  "data/cca/trustee-cca/"
#define V01	  GENERATED "v01-907-2023-es384.cbor"
#define ROWS_MAX  100

/* --- cca-generated/EXPECTED.tsv: file, bytes, trust anchor, description, verdict */

struct row {
	char *file, *anchor, *verdict;
	size_t size;
};

static struct row rows[ROWS_MAX];
static size_t row_count;

/* For these causes, our detail must contain the first word of the expected detail. */
static bool detail_matters(const char *cause)
{
	static const char *const causes[] = { "E_CLAIM", "E_LIFECYCLE", "E_PROFILE", "E_CBOR" };

	for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
		if (strncmp(cause, causes[i], strlen(causes[i])) == 0)
			return true;
	}
	return false;
}

/* @expected: "E_CLAIM_SIZE: implementation-id 33", "E_CBOR or E_TOP_TAG", "E_CLAIM: mec-policy" */
static bool verdict_fits(const char *expected, const struct cca_verdict *verdict)
{
	const char *name = cca_cause_name(verdict->cause), *colon = strchr(expected, ':');
	size_t len = colon ? (size_t)(colon - expected) : strlen(expected);
	char word[64] = "";

	if (!colon && strstr(expected, " or "))
		return strstr(expected, name) != NULL;
	if (strncmp(name, expected, len) != 0)
		return false;
	if (name[len] && strncmp(expected, "E_CLAIM:", 8) != 0)
		return false;
	if (!colon || !detail_matters(name))
		return true;
	sscanf(colon + 1, "%63s", word);
	return strstr(verdict->detail, word) != NULL;
}

static void row_expect(const struct row *row, const struct cca_token *token,
		       const struct cca_verdict *verdict, int result)
{
	unsigned int lifecycle;

	if (sscanf(row->verdict, "OK %x", &lifecycle) == 1) {
		if (result != 0)
			fail_msg("%s: %s", cca_cause_name(verdict->cause), verdict->detail);
		assert_int_equal(verdict->cause, CCA_OK);
		assert_string_equal(verdict->detail, "");
		assert_string_equal(verdict->warning, "");
		assert_int_equal(token->platform.lifecycle, lifecycle);
	} else {
		assert_int_equal(result, -1);
		if (!verdict_fits(row->verdict, verdict))
			fail_msg("%s: %s", cca_cause_name(verdict->cause), verdict->detail);
	}
}

static void test_row(void **state)
{
	const struct row *row = *state;
	struct cca_anchors anchors = CCA_ANCHORS_INIT;
	struct cca_token token = CCA_TOKEN_INIT;
	struct bytes data = BYTES_INIT;
	struct cca_verdict verdict;
	char file[256];
	int result;

	if (strcmp(row->anchor, "-") != 0) {
		snprintf(file, sizeof(file), GENERATED "%s.json", row->anchor);
		vector_anchors(file, &anchors);
	}
	snprintf(file, sizeof(file), GENERATED "%s", row->file);
	vector_read(file, &data);
	assert_int_equal(data.len, row->size);
	result = token_judge(data.data, data.len, &anchors, challenge_from(0), &token, &verdict);
	row_expect(row, &token, &verdict, result);
	cca_token_free(&token);
	cca_anchors_free(&anchors);
	bytes_free(&data);
}

static void row_parse(char *line)
{
	struct row *row = &rows[row_count];
	char *size;

	assert_true(row_count < ROWS_MAX);
	row->file = strsep(&line, "\t");
	size = strsep(&line, "\t");
	row->anchor = strsep(&line, "\t");
	strsep(&line, "\t");
	row->verdict = line;
	if (!row->verdict || strcmp(size, "bytes") == 0)
		return;
	row->size = strtoul(size, NULL, 10);
	row_count++;
}

static void rows_load(struct bytes *table)
{
	struct error e = ERROR_INIT;
	const char *top = getenv("REALMKEY_VECTORS");
	char path[512], *text, *line;

	snprintf(path, sizeof(path), "%s/" GENERATED "EXPECTED.tsv", top ? top : "tests/vectors");
	if (io_read_file(path, (size_t)1 << 20, table, &e) < 0)
		return; /* test_table fails */
	text = (char *)table->data;
	while ((line = strsep(&text, "\n")))
		row_parse(line);
}

static void test_table(void **state)
{
	(void)state;
	assert_true(row_count >= 47);
}

/* --- one valid token, broken */

struct fixture {
	struct bytes data;
	struct cca_anchors anchors;
};

static int fixture_setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){ 0 };
	vector_read(V01, &f.data);
	vector_anchors(GENERATED "ta-p384.json", &f.anchors);
	*state = &f;
	return 0;
}

static int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	bytes_free(&f->data);
	cca_anchors_free(&f->anchors);
	return 0;
}

static enum cca_cause bytes_judge(const struct fixture *f, const void *data, size_t len)
{
	struct cca_token token = CCA_TOKEN_INIT;
	struct cca_verdict verdict;
	int ret = token_judge(data, len, &f->anchors, challenge_from(0), &token, &verdict);

	assert_int_equal(ret == 0, verdict.cause == CCA_OK);
	if (ret < 0)
		assert_true(strlen(verdict.detail) > 0);
	cca_token_free(&token);
	return verdict.cause;
}

static void test_truncated_anywhere(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bytes_judge(f, f->data.data, f->data.len), CCA_OK);
	for (size_t len = 0; len < f->data.len; len++) {
		/* A copy of exactly that size, so that ASan detects a read beyond it. */
		uint8_t *copy = malloc(len ? len : 1);

		memcpy(copy, f->data.data, len);
		assert_int_equal(bytes_judge(f, copy, len), CCA_E_CBOR);
		free(copy);
	}
}

static void test_any_bit_flipped(void **state)
{
	struct fixture *f = *state;

	for (size_t bit = 0; bit < f->data.len * 8; bit++) {
		uint8_t mask = (uint8_t)(1 << bit % 8);

		f->data.data[bit / 8] ^= mask;
		if (bytes_judge(f, f->data.data, f->data.len) == CCA_OK)
			fail_msg("accepted with bit %zu of byte %zu flipped", bit % 8, bit / 8);
		f->data.data[bit / 8] ^= mask;
	}
}

static void test_size(void **state)
{
	struct fixture *f = *state;
	struct bytes big = BYTES_INIT;

	bytes_set(&big, f->data.data, f->data.len);
	assert_int_equal(bytes_resize(&big, CCA_TOKEN_MAX, &(struct error)ERROR_INIT), 0);
	assert_int_equal(bytes_judge(f, big.data, big.len), CCA_E_CBOR); /* trailing bytes */
	assert_int_equal(bytes_resize(&big, CCA_TOKEN_MAX + 1, &(struct error)ERROR_INIT), 0);
	assert_int_equal(bytes_judge(f, big.data, big.len), CCA_E_SIZE);
	bytes_free(&big);
}

static void test_empty(void **state)
{
	assert_int_equal(bytes_judge(*state, NULL, 0), CCA_E_CBOR);
	assert_int_equal(bytes_judge(*state, "\xd9\x01\x8f\xa0", 4), CCA_E_MISSING_PLATFORM_TOKEN);
	assert_int_equal(bytes_judge(*state, "\xd9\x01\x8f\x80", 4), CCA_E_TOP_TYPE);
}

static void test_freshness(void **state)
{
	struct fixture *f = *state;
	uint8_t challenge[REALM_CHALLENGE_SIZE];
	struct cca_token token = CCA_TOKEN_INIT;
	struct error e = ERROR_INIT;
	struct cca_verdict verdict;

	assert_int_equal(cca_token_decode(f->data.data, f->data.len, &token, &verdict, &e), 0);
	assert_int_equal(cca_token_verify(&token, &f->anchors, NULL, &verdict, NULL, &e), 0);
	for (size_t i = 0; i < sizeof(challenge); i++) {
		memcpy(challenge, challenge_from(0), sizeof(challenge));
		challenge[i] ^= 1;
		assert_int_equal(
			cca_token_verify(&token, &f->anchors, challenge, &verdict, NULL, &e), -1);
		assert_int_equal(verdict.cause, CCA_E_FRESHNESS);
	}
	cca_token_free(&token);
}

/* --- the contents of a token */

static void slice_expect(const struct cca_token *token, struct cbor_slice slice, const char *hex)
{
	struct bytes text = BYTES_INIT;

	assert_true(slice.data >= token->raw.data);
	assert_true(slice.data + slice.len <= token->raw.data + token->raw.len);
	encode_hex(slice.data, slice.len, &text);
	assert_string_equal(bytes_text(&text), hex);
	bytes_free(&text);
}

static void token_read(const char *file, struct cca_token *token)
{
	struct bytes data = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct cca_verdict verdict;

	vector_read(file, &data);
	assert_int_equal(cca_token_decode(data.data, data.len, token, &verdict, &e), 0);
	bytes_free(&data); /* the token must not refer to it */
}

static void test_claims(void **state)
{
	struct cca_token token = CCA_TOKEN_INIT;
	const struct cca_platform *platform = &token.platform;

	(void)state;
	token_read(FAKEHOST "v0.8.0-sha256-token.cbor", &token);
	assert_int_equal(token.tag, 399);
	assert_string_equal(platform->profile, "tag:arm.com,2023:cca_platform#1.0.0");
	assert_int_equal(platform->sign1.algorithm, -35);
	assert_int_equal(platform->lifecycle, 0x3003);
	slice_expect(&token, platform->config, "cfcfcfcf");
	slice_expect(&token, platform->binding,
		     "0d22e08a98469058486318283489bdb36f09dbefeb1864df433fa6e54ea2d711");
	slice_expect(&token, platform->instance_id,
		     "0107060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918");
	assert_int_equal(platform->component_count, 13);
	assert_string_equal(platform->component[8].type, "RMM");
	assert_string_equal(platform->component[8].version, "");
	slice_expect(&token, platform->component[8].measurement,
		     "a1fb50e6c86fae1679ef3351296fd6713411a08cf8dd1790a4fd05fae8688164");
	slice_expect(&token, token.realm.rim,
		     "ca294ac7c5a283eecaec3da0d34ee21fad87c73a57fcc126e11eb60ee49f156d");
	slice_expect(&token, token.realm.rem[3],
		     "1ce7782eb0e7db3fed8fe693ce4b8bb8d4d3b46d299899549859dc602fc77909");
	assert_string_equal(token.realm.hash_algorithm, "sha-256");
	assert_int_equal(token.realm.rak.len, 107);
	/* The claim is text, and not a claim of this profile. */
	assert_int_equal(token.realm.mec_policy, -1);
	assert_int_equal(token.realm.instance_id.len, 0);
	cca_token_free(&token);
}

static const char *member(const json_t *object, const char *a, const char *b)
{
	return json_string_value(json_object_get(json_object_get(object, a), b));
}

static void test_json(void **state)
{
	struct cca_token token = CCA_TOKEN_INIT;
	struct error e = ERROR_INIT;
	json_t *json, *array;

	(void)state;
	token_read(GENERATED "v05-907-2024-profiles.cbor", &token);
	json = cca_token_json(&token, &e);
	assert_non_null(json);
	assert_int_equal(json_integer_value(json_object_get(json, "tag")), 907);
	assert_string_equal(member(json, "platform", "lifecycle-name"), "secured");
	assert_string_equal(member(json, "platform", "config"), "cfcfcfcf");
	assert_string_equal(member(json, "realm", "mec-policy"), "shared");
	assert_string_equal(member(json, "realm", "instance-id"),
			    "017777777777777777777777777777777777777777777777777777777777777777");
	array = json_object_get(json_object_get(json, "realm"), "extensible-measurements");
	assert_int_equal(json_array_size(array), 4);
	array = json_object_get(json_object_get(json, "platform"), "sw-components");
	assert_int_equal(json_array_size(array), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(array, 0), "version")),
			    "1.2.3");
	assert_null(json_object_get(json_array_get(array, 1), "version"));
	json_decref(json);
	cca_token_free(&token);
}

static void test_print(void **state)
{
	static const char *const words[] = {
		"399",
		"legacy",
		"ES384",
		"0x3000 (secured)",
		"BL2",
		"1.2.3",
		"RPV",
		"RIM",
		"REM3",
		"a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1\n",
		"2222222222222222222222222222222222222222222222222222222222222222\n",
		"b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3\n",
	};
	struct cca_token token = CCA_TOKEN_INIT;
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	token_read(GENERATED "v03-399-legacy-rawrak.cbor", &token);
	cca_token_print(&token, &out);
	assert_int_equal(bytes_check(&out, &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strstr(bytes_text(&out), words[i]))
			fail_msg("no \"%s\" in:\n%s", words[i], bytes_text(&out));
	}
	for (size_t i = 0; i < out.len; i++)
		assert_true(isprint(out.data[i]) || out.data[i] == '\n');
	bytes_free(&out);
	cca_token_free(&token);
}

static void test_cause_names(void **state)
{
	(void)state;
	for (int i = 0; i < CCA_CAUSES; i++)
		assert_non_null(cca_cause_name((enum cca_cause)i));
	assert_string_equal(cca_cause_name(CCA_E_MISSING_REALM_TOKEN), "E_MISSING_REALM_TOKEN");
	assert_string_equal(cca_cause_name(CCA_CAUSES), "unknown");
}

/* --- tokens of other projects */

/* @warning: a part of the expected warning, or "" for none */
static void real_token(const struct bytes *data, const struct cca_anchors *anchors,
		       const uint8_t *challenge, enum cca_cause cause, const char *warning)
{
	struct cca_token token = CCA_TOKEN_INIT;
	struct cca_verdict verdict;

	token_judge(data->data, data->len, anchors, challenge, &token, &verdict);
	verdict_expect(&verdict, cause, "");
	if (*warning)
		assert_non_null(strstr(verdict.warning, warning));
	else
		assert_string_equal(verdict.warning, "");
	cca_token_free(&token);
}

static void fakehost_token(const char *file, uint8_t challenge, const char *warning)
{
	struct cca_anchors anchors = CCA_ANCHORS_INIT;
	struct bytes data = BYTES_INIT;

	vector_read(file, &data);
	vector_anchors(FAKEHOST "cpak-sample.pub.jwk", &anchors);
	real_token(&data, &anchors, challenge_from(challenge), CCA_OK, warning);
	cca_anchors_free(&anchors);
	bytes_free(&data);
}

static void test_tfrmm_v080(void **state)
{
	(void)state;
	fakehost_token(FAKEHOST "v0.8.0-sha256-token.cbor", 0, "");
}

static void test_tfrmm_head(void **state)
{
	(void)state;
	fakehost_token(FAKEHOST "head-9a7f8ef4-sha256-token.cbor", 0x40, "2024:realm#2.0.0");
	fakehost_token(FAKEHOST "head-9a7f8ef4-sha512-token.cbor", 0x40, "2024:realm#2.0.0");
	fakehost_token(FAKEHOST "head-9a7f8ef4-sha256-token-rewrapped-399.cbor", 0x40,
		       "2024:realm#2.0.0");
}

/* The token @own of ours, for which ta-p384.json is the anchor, is of the same kind. */
static void foreign_token(const char *file, const char *store, const char *own,
			  enum cca_cause cause)
{
	struct cca_anchors anchors = CCA_ANCHORS_INIT;
	struct bytes data = BYTES_INIT;
	char path[512];

	foreign_path(file, own, path, sizeof(path));
	file_read(path, &data);
	foreign_path(store, "cca-generated/ta-p384.json", path, sizeof(path));
	anchors_read(path, &anchors);
	real_token(&data, &anchors, NULL, cause, "");
	cca_anchors_free(&anchors);
	bytes_free(&data);
}

static void test_rust_ccatoken_legacy(void **state)
{
	(void)state;
	foreign_token(RUST "cca-token-01.cbor", RUST "ta-tfa.json",
		      "cca-generated/v03-399-legacy-rawrak.cbor", CCA_OK);
}

/* The token names sha-256, but its digests have 64 bytes. */
static void test_rust_ccatoken_lengths(void **state)
{
	(void)state;
	foreign_token(RUST "cca-token-02.cbor", RUST "ta-02-ok.json",
		      "cca-generated/b40-challenge-63.cbor", CCA_E_CLAIM_SIZE);
}

static void test_rust_ccatoken_2023(void **state)
{
	(void)state;
	foreign_token(RUST "cca-token-draft-ffm-00.cbor", RUST "ta-tfa.json",
		      "cca-generated/v01-907-2023-es384.cbor", CCA_OK);
}

static void test_trustee_cca(void **state)
{
	(void)state;
	foreign_token(TRUSTEE "cca-example-token.cbor", TRUSTEE "tastore.json",
		      "cca-generated/v02-399-2023-es384.cbor", CCA_OK);
}

#define BROKEN(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

static const struct CMUnitTest fixed_tests[] = {
	cmocka_unit_test(test_table),
	BROKEN(test_truncated_anywhere),
	BROKEN(test_any_bit_flipped),
	BROKEN(test_size),
	BROKEN(test_empty),
	BROKEN(test_freshness),
	cmocka_unit_test(test_claims),
	cmocka_unit_test(test_json),
	cmocka_unit_test(test_print),
	cmocka_unit_test(test_cause_names),
	cmocka_unit_test(test_tfrmm_v080),
	cmocka_unit_test(test_tfrmm_head),
	cmocka_unit_test(test_rust_ccatoken_legacy),
	cmocka_unit_test(test_rust_ccatoken_lengths),
	cmocka_unit_test(test_rust_ccatoken_2023),
	cmocka_unit_test(test_trustee_cca),
};

#define FIXED (ARRAY_SIZE(fixed_tests))

int main(void)
{
	static struct CMUnitTest tests[FIXED + ROWS_MAX];
	struct bytes table = BYTES_INIT;
	int failed;

	rows_load(&table);
	memcpy(tests, fixed_tests, sizeof(fixed_tests));
	for (size_t i = 0; i < row_count; i++) {
		tests[FIXED + i] = (struct CMUnitTest){
			.name = rows[i].file,
			.test_func = test_row,
			.initial_state = &rows[i],
		};
	}
	failed = _cmocka_run_group_tests("cca_token", tests, FIXED + row_count, NULL, NULL);
	bytes_free(&table);
	return failed;
}
