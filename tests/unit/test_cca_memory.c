// SPDX-License-Identifier: Apache-2.0
/* CCA tokens when memory fails: no failed allocation changes the verdict on a token. */
#include "cca_test.h"

#include "cca/cca_print.h"
#include "memory_limit.h"

#define TOKEN		"cca-generated/v01-907-2023-es384.cbor"
#define ANCHORS		"cca-generated/cpak-p384.pub.jwk"
#define STRANGER	"cca-generated/other-p384.pub.jwk"
#define ALLOCATIONS_MAX 100000

struct fixture {
	struct bytes token, anchors, stranger;
};

static int set_up(void **state)
{
	static struct fixture f;

	vector_read(TOKEN, &f.token);
	vector_read(ANCHORS, &f.anchors);
	vector_read(STRANGER, &f.stranger);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	bytes_free(&f->token);
	bytes_free(&f->anchors);
	bytes_free(&f->stranger);
	return 0;
}

/* Judge the token by the keys in @anchors, after @count allocations without memory for one. Returns
 * whether an allocation failed. */
static bool token_judge_limited(const struct fixture *f, const struct bytes *anchors,
				const uint8_t *challenge, enum cca_cause cause, size_t count)
{
	struct cca_anchors added = CCA_ANCHORS_INIT;
	struct cca_token token = CCA_TOKEN_INIT;
	struct cca_verdict verdict = CCA_VERDICT_INIT;
	const struct cca_anchor *used = NULL;
	struct error e = ERROR_INIT;
	bool failed;
	int ret;

	memory_limit_start(count);
	ret = cca_anchors_add(&added, anchors->data, anchors->len, "x.jwk", &e);
	if (ret == 0)
		ret = cca_token_decode(f->token.data, f->token.len, &token, &verdict, &e);
	if (ret == 0)
		ret = cca_token_verify(&token, &added, challenge, &verdict, &used, &e);
	failed = memory_limit_stop();
	if (verdict.cause != cause && (!failed || verdict.cause != CCA_NO_VERDICT))
		fail_msg("allocation %zu: %s: %s", count, cca_cause_name(verdict.cause),
			 verdict.detail);
	if (verdict.cause == CCA_NO_VERDICT && (ret == 0 || e.kind != ERROR_SYSTEM || used))
		fail_msg("allocation %zu: %d, %s", count, e.kind, e.text);
	cca_token_free(&token);
	cca_anchors_free(&added);
	return failed;
}

static void no_allocation_decides_about_a_token(void **state)
{
	const struct fixture *f = *state;
	const struct {
		const struct bytes *anchors;
		const uint8_t *challenge;
		enum cca_cause cause;
	} cases[] = {
		{ &f->anchors, NULL, CCA_OK },
		{ &f->anchors,
		  (const uint8_t *)"0123456789012345678901234567890123456789"
				   "0123456789012345678901234",
		  CCA_E_FRESHNESS },
		{ &f->stranger, NULL, CCA_E_SIG_PLATFORM },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t count = 0;

		while (token_judge_limited(f, cases[i].anchors, cases[i].challenge, cases[i].cause,
					   count))
			assert_true(++count < ALLOCATIONS_MAX);
		assert_true(count > 50); /* or the allocations were not seen */
	}
}

static void what_cannot_be_shown_whole_is_not_shown(void **state)
{
	const struct fixture *f = *state;
	struct cca_token token = CCA_TOKEN_INIT;
	struct bytes whole = BYTES_INIT;
	struct cca_verdict verdict;
	struct error e = ERROR_INIT;
	json_t *complete;
	bool failed = true;

	assert_int_equal(cca_token_decode(f->token.data, f->token.len, &token, &verdict, &e), 0);
	complete = cca_token_json(&token, &e);
	cca_token_print(&token, &whole);
	assert_non_null(complete);
	for (size_t count = 0; failed; count++) {
		json_t *value;

		e = (struct error)ERROR_INIT;
		memory_limit_start(count);
		value = cca_token_json(&token, &e);
		failed = memory_limit_stop();
		assert_true(value ? json_equal(value, complete) : e.memory);
		json_decref(value);
	}
	failed = true;
	for (size_t count = 0; failed; count++) {
		struct bytes text = BYTES_INIT;

		memory_limit_start(count);
		cca_token_print(&token, &text);
		failed = memory_limit_stop();
		assert_true(text.failed == failed);
		assert_string_equal(bytes_text(&text), failed ? "" : bytes_text(&whole));
		bytes_free(&text);
	}
	json_decref(complete);
	bytes_free(&whole);
	cca_token_free(&token);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_allocation_decides_about_a_token),
		cmocka_unit_test(what_cannot_be_shown_whole_is_not_shown),
	};

	memory_limit_setup();
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
