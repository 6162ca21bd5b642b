// SPDX-License-Identifier: Apache-2.0
/* Appraisals when memory fails: no failed allocation changes a verdict, a reference value or an
 * endorsement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "appraisal/appraisal.h"
#include "appraisal/corim.h"
#include "appraisal/reference.h"
#include "appraisal/verdict.h"
#include "base/encode.h"
#include "base/json.h"
#include "memory_limit.h"
#include "vector.h"

#define ALLOCATIONS_MAX 10000

/* What is done with one allocation that fails: the result, a new reference, or NULL with @e. */
typedef json_t *work_function(const struct bytes *input, struct error *e);

static json_t *work_corim(const struct bytes *input, struct error *e)
{
	return corim_values(input->data, input->len, e);
}

/* The message with which a CoRIM is registered. */
static json_t *work_reference(const struct bytes *input, struct error *e)
{
	struct reference none = REFERENCE_INIT, next = REFERENCE_INIT;
	struct bytes message = BYTES_INIT;
	json_t *values = NULL;

	bytes_append_text(&message, "{\"type\":\"corim\",\"payload\":\"");
	encode_base64(ENCODE_BASE64, input->data, input->len, &message);
	bytes_append_text(&message, "\"}");
	if (bytes_check(&message, e) == 0 && reference_load(&none, NULL, 0, e) == 0 &&
	    reference_apply(&none, message.data, message.len, 1800000000, &next, e) == 0)
		values = json_incref(reference_values(&next));
	reference_free(&none);
	reference_free(&next);
	bytes_free(&message);
	return values;
}

static json_t *work_verdict(const struct bytes *input, struct error *e)
{
	json_t *values = json_parse(input->data, input->len, JSON_OPERATOR, "values", ERROR_INPUT,
				    e);
	struct verdict verdict = VERDICT_INIT;
	json_t *appraisal = NULL;

	if (values && verdict_from_values(values, &verdict, e) == 0)
		appraisal = ear_appraisal_json(verdict.vector, verdict.set, e);
	if (appraisal && json_object_update(appraisal, verdict.extensions) < 0) {
		error_set_memory(e);
		json_decref(appraisal);
		appraisal = NULL;
	}
	verdict_free(&verdict);
	json_decref(values);
	return appraisal;
}

static json_t *work_evidence(const struct bytes *input, struct error *e)
{
	struct cca_token token = CCA_TOKEN_INIT;
	struct cca_verdict verdict;
	json_t *evidence = NULL;

	if (cca_token_decode(input->data, input->len, &token, &verdict, e) == 0)
		evidence = appraisal_evidence(&token, json_null(), NULL, e);
	cca_token_free(&token);
	return evidence;
}

/* With each allocation of @work in turn failing: the same result as with none, or "out of memory". */
static void limit(work_function *work, const struct bytes *input)
{
	struct error e = ERROR_INIT;
	json_t *expected = work(input, &e);
	bool failed = true;

	if (!expected)
		fail_msg("%s", e.text);
	for (size_t count = 0; failed && count < ALLOCATIONS_MAX; count++) {
		json_t *result;

		e = (struct error)ERROR_INIT;
		memory_limit_start(count);
		result = work(input, &e);
		failed = memory_limit_stop();
		if (result ? !json_equal(result, expected) : e.kind != ERROR_SYSTEM || !e.memory)
			fail_msg("allocation %zu: %s", count, result ? "other result" : e.text);
		json_decref(result);
	}
	assert_false(failed);
	json_decref(expected);
}

static void limit_vector(work_function *work, const char *name)
{
	struct bytes input = BYTES_INIT;

	vector_read(name, &input);
	limit(work, &input);
	bytes_free(&input);
}

static void corims(void **state)
{
	(void)state;
	limit_vector(work_corim, "corim/names.cbor");
	limit_vector(work_corim, "corim/realm.cbor");
	limit_vector(work_corim, "corim/passed-over.cbor");
	limit_vector(work_reference, "corim/realm.cbor");
}

static void verdicts(void **state)
{
	static const char values[] =
		"{\"data.policy.trust_claims\":{\"hardware\":2,\"executables\":33},"
		"\"data.policy.extensions\":[{\"name\":\"a\",\"key\":1,\"value\":[]},"
		"{\"name\":\"b\",\"key\":2,\"value\":null}]}";
	struct bytes input = BYTES_INIT;

	(void)state;
	bytes_append_text(&input, values);
	limit(work_verdict, &input);
	bytes_free(&input);
}

static void evidence(void **state)
{
	(void)state;
	limit_vector(work_evidence, "cca-generated/v01-907-2023-es384.cbor");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(corims),
		cmocka_unit_test(verdicts),
		cmocka_unit_test(evidence),
	};

	memory_limit_setup();
	return cmocka_run_group_tests_name("appraisal_memory", tests, NULL, NULL);
}
