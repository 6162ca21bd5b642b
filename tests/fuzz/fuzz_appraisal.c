// SPDX-License-Identifier: Apache-2.0
/*
 * The input is {"evidence", "reference", "values"}: the evidence is appraised with the reference
 * values, or by the values of a policy in Rego, and an EAR is issued for the result. A client can read
 * that EAR, and a policy can judge it.
 */
#include "base/json.h"
#include "fuzz.h"
#include "jose/jwt.h"
#include "jose/tee_key.h"
#include "appraisal/reference.h"
#include "appraisal/verdict.h"
#include "trusteed/attest/ear_issue.h"
#include "trusteed/store/policy.h"

static const int64_t now = 1800000000;

/* The reference values, stored and read as in the file of trusteed. */
static void reference_read(const json_t *records, struct reference *reference)
{
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;

	if (records && json_compact(records, &text, &e) == 0)
		must_explain(reference_load(reference, text.data, text.len, &e), &e);
	if (!reference->records)
		must(reference_load(reference, NULL, 0, &e) == 0);
	bytes_free(&text);
}

static void ear_read(EVP_PKEY *key, const struct bytes *text)
{
	struct jwt jwt = JWT_INIT;
	struct ear ear = EAR_INIT;
	struct error e = ERROR_INIT;

	must(jwt_decode(text->data, text->len, &jwt, &e) == 0);
	must(jwt_verify(&jwt, key, &e) == 0 && jwt_check_times(&jwt, now, 0, NULL, &e) == 0);
	must(ear_from_payload(jwt.payload, &ear, &e) == 0);
	for (enum policy policy = 0; policy < POLICIES; policy++)
		policy_check(policy, jwt.payload, &e);
	ear_issue_tee_pubkey(jwt.payload);
	ear_free(&ear);
	jwt_free(&jwt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tee_key key;
	static struct ear_issuer issuer;
	struct reference reference = REFERENCE_INIT;
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct verdict verdict = VERDICT_INIT;
	json_t *input = json_parse(data, size, JSON_OPERATOR, "input", ERROR_INPUT, &e);
	json_t *evidence = json_object_get(input, "evidence");
	const struct ear_submod submod = { "cpu0", &verdict, evidence, NULL };
	json_t *values = json_object_get(input, "values");

	must(key.pkey || (tee_key_generate(&key, &e) == 0 &&
			  ear_issuer_init(&issuer, key.pkey, NULL, &e) == 0));
	if (evidence) {
		reference_read(json_object_get(input, "reference"), &reference);
		if (!values)
			verdict_from_rules(evidence, reference_values(&reference), &verdict);
		else if (verdict_from_values(values, &verdict, &e) < 0)
			must(e.kind == ERROR_POLICY);
		if (ear_issue(&issuer, &submod, 1, now, &text, &e) == 0)
			ear_read(key.pkey, &text);
	}
	verdict_free(&verdict);
	bytes_free(&text);
	reference_free(&reference);
	json_decref(input);
	return 0;
}
