// SPDX-License-Identifier: Apache-2.0
/* What a policy in Rego says, as AR4SI values, and the built-in rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "appraisal/appraisal.h"
#include "appraisal/verdict.h"
#include "base/array.h"
#include "base/json.h"
#include "vector.h"

#define CLAIMS(text) "{\"data.policy.trust_claims\":" text "}"
#define EXTENSIONS(text) \
	"{\"data.policy.trust_claims\":{\"hardware\":2},\"data.policy.extensions\":" text "}"
#define ONE(name, key, value) "{\"name\":\"" name "\",\"key\":" key ",\"value\":" value "}"

static json_t *parse(const char *text)
{
	struct error e = ERROR_INIT;
	json_t *value = json_parse(text, strlen(text), JSON_OPERATOR, "test", ERROR_INPUT, &e);

	if (!value)
		fail_msg("%s: %s", text, e.text);
	return value;
}

static int read_values(const char *text, struct verdict *verdict, struct error *e)
{
	json_t *values = parse(text);
	int ret = verdict_from_values(values, verdict, e);

	json_decref(values);
	return ret;
}

/* The claims that a policy sets are in the appraisal, and no others. */
static void only_claims_that_are_set(void **state)
{
	struct verdict verdict = VERDICT_INIT;
	struct error e = ERROR_INIT;
	json_t *appraisal, *expected;

	(void)state;
	assert_int_equal(
		read_values(CLAIMS("{\"hardware\":97,\"executables\":3,\"file-system\":0}"),
			    &verdict, &e),
		0);
	assert_int_equal(verdict_tier(&verdict), EAR_CONTRAINDICATED);
	assert_null(verdict.extensions);
	appraisal = ear_appraisal_json(verdict.vector, verdict.set, &e);
	expected = parse("{\"ear.status\":\"contraindicated\",\"ear.trustworthiness-vector\":"
			 "{\"executables\":3,\"file-system\":0,\"hardware\":97}}");
	assert_true(json_equal(appraisal, expected));
	json_decref(appraisal);
	json_decref(expected);
	verdict_free(&verdict);
}

/* A policy without the rule says nothing of any claim. */
static void no_rule(void **state)
{
	static const int none[EAR_CLAIMS];
	struct verdict verdict = VERDICT_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(read_values("{}", &verdict, &e), 0);
	assert_memory_equal(verdict.vector, none, sizeof(none));
	for (int i = 0; i < EAR_CLAIMS; i++)
		assert_true(verdict.set[i]);
	assert_int_equal(verdict_tier(&verdict), EAR_NONE);
	verdict_free(&verdict);
}

/* All values of 8 bits are values, and all claims have their names. */
static void every_value_of_every_claim(void **state)
{
	struct verdict verdict = VERDICT_INIT;
	struct error e = ERROR_INIT;
	char text[128];

	(void)state;
	for (int claim = 0; claim < EAR_CLAIMS; claim++) {
		const char *name = ear_claim_name((enum ear_claim)claim);

		assert_int_equal(ear_claim_by_name(name), claim);
		for (int value = -128; value <= 127; value++) {
			snprintf(text, sizeof(text), CLAIMS("{\"%s\":%d}"), name, value);
			assert_int_equal(read_values(text, &verdict, &e), 0);
			assert_int_equal(verdict.vector[claim], value);
			assert_int_equal(verdict_tier(&verdict), ear_claim_tier(value));
			verdict_free(&verdict);
		}
	}
}

static void extensions_are_members(void **state)
{
	struct verdict verdict = VERDICT_INIT;
	struct error e = ERROR_INIT;
	json_t *expected = parse("{\"ear.trustee.identifiers\":{\"validated\":{}},\"b\":[1,true]}");

	(void)state;
	assert_int_equal(
		read_values(EXTENSIONS("[" ONE(
				    "ear.trustee.identifiers", "-18",
				    "{\"validated\":{}}") "," ONE("b", "2147483647",
								  "[1,true]") "," ONE("left-out",
										      "-2147483648",
										      "null") "]"),
			    &verdict, &e),
		0);
	assert_true(json_equal(verdict.extensions, expected));
	verdict_free(&verdict);
	json_decref(expected);
	assert_int_equal(read_values(EXTENSIONS("[]"), &verdict, &e), 0);
	verdict_free(&verdict);
}

static void refused(void **state)
{
	static const struct {
		const char *values, *text;
	} cases[] = {
		{ CLAIMS("null"), "data.policy.trust_claims: not an object" },
		{ CLAIMS("[\"hardware\"]"), "data.policy.trust_claims: not an object" },
		{ CLAIMS("\"<undefined>\""),
		  "data.policy.trust_claims: undefined for this evidence" },
		{ EXTENSIONS("\"<undefined>\""),
		  "data.policy.extensions: undefined for this evidence" },
		{ CLAIMS("{}"), "data.policy.trust_claims: no claim is set" },
		{ CLAIMS("{\"hardware\":2,\"file_system\":0}"),
		  "data.policy.trust_claims: AR4SI has no claim 'file_system'" },
		{ CLAIMS("{\"hardware\":\"2\"}"), "data.policy.trust_claims: 'hardware': not an "
						  "integer from -128 to 127" },
		{ CLAIMS("{\"hardware\":2.0}"), "data.policy.trust_claims: 'hardware': not an "
						"integer from -128 to 127" },
		{ CLAIMS("{\"hardware\":true}"), "data.policy.trust_claims: 'hardware': not an "
						 "integer from -128 to 127" },
		{ CLAIMS("{\"hardware\":258}"), "data.policy.trust_claims: 'hardware': not an "
						"integer from -128 to 127" },
		{ CLAIMS("{\"executables\":-129}"), "data.policy.trust_claims: 'executables': not "
						    "an integer from -128 to 127" },
		{ EXTENSIONS("{}"), "data.policy.extensions: not an array" },
		{ EXTENSIONS("null"), "data.policy.extensions: not an array" },
		{ EXTENSIONS("[" ONE("a", "1", "1") ",7]"),
		  "data.policy.extensions[1]: not an object with a text \"name\"" },
		{ EXTENSIONS("[{\"name\":\"a\",\"value\":1}]"),
		  "data.policy.extensions: 'a': its key is not an integer of 32 bits" },
		{ EXTENSIONS("[" ONE("a", "2147483648", "1") "]"),
		  "data.policy.extensions: 'a': its key is not an integer of 32 bits" },
		{ EXTENSIONS("[{\"name\":\"a\",\"key\":1}]"),
		  "data.policy.extensions: 'a': it has no value" },
		{ EXTENSIONS("[" ONE("ear.status", "1", "\"affirming\"") "]"),
		  "data.policy.extensions: 'ear.status': only the verifier itself sets this "
		  "member" },
		{ EXTENSIONS("[" ONE("ear_trustworthiness_vector", "1", "{}") "]"),
		  "data.policy.extensions: 'ear_trustworthiness_vector': only the verifier itself "
		  "sets this member" },
		{ EXTENSIONS("[" ONE("a", "1", "null") "," ONE("a", "2", "1") "]"),
		  "data.policy.extensions: 'a': two extensions have this name" },
		{ EXTENSIONS("[" ONE("a", "1", "1") "," ONE("b", "1", "1") "]"),
		  "data.policy.extensions: 'b': another extension has its key" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct verdict verdict = VERDICT_INIT;
		struct error e = ERROR_INIT;

		assert_int_equal(read_values(cases[i].values, &verdict, &e), -1);
		assert_int_equal(e.kind, ERROR_POLICY);
		assert_string_equal(e.text, cases[i].text);
		verdict_free(&verdict);
	}
}

#define RIM "gA=="
#define EVIDENCE \
	"{\"cca\":{\"platform\":{\"cca-platform-implementation-id\":\"aQ==\"," \
	"\"cca-platform-instance-id\":\"aA==\"}," \
	"\"realm\":{\"cca-realm-initial-measurement\":\"" RIM "\"}}}"
#define REFERENCE(value) "{\"cca.realm.cca-realm-initial-measurement\":" value "}"

/* instance-identity, configuration, executables, file-system, hardware, runtime-opaque, and two more. */
static void builtin_rules(void **state)
{
	static const struct {
		const char *evidence, *references;
		int vector[EAR_CLAIMS];
	} cases[] = {
		{ EVIDENCE, "{}", { 2, 0, 33, 0, 2, 2, 0, 0 } },
		{ EVIDENCE, REFERENCE("[]"), { 2, 0, 33, 0, 2, 2, 0, 0 } },
		{ EVIDENCE, REFERENCE("[\"AA==\",\"" RIM "\"]"), { 2, 0, 3, 0, 2, 2, 0, 0 } },
		{ EVIDENCE, REFERENCE("\"" RIM "\""), { 2, 0, 3, 0, 2, 2, 0, 0 } },
		{ EVIDENCE, REFERENCE("[\"AA==\"]"), { 2, 0, 33, 0, 2, 2, 0, 0 } },
		{ EVIDENCE, REFERENCE("{\"a\":\"" RIM "\"}"), { 2, 0, 3, 0, 2, 2, 0, 0 } },
		{ EVIDENCE, REFERENCE("null"), { 2, 0, 33, 0, 2, 2, 0, 0 } },
		{ EVIDENCE, "{\"other\":[\"" RIM "\"]}", { 2, 0, 33, 0, 2, 2, 0, 0 } },
		{ "{\"cca\":{}}", REFERENCE("[\"" RIM "\"]"), { 0, 36, 33, 0, 97, 0, 0, 0 } },
		{ "{\"sample\":{}}", REFERENCE("[\"" RIM "\"]"), { 0, 36, 33, 0, 97, 0, 0, 0 } },
		{ "{\"cca\":{\"realm\":false,\"platform\":null}}",
		  "{}",
		  { 0, 36, 33, 0, 97, 0, 0, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *evidence = parse(cases[i].evidence);
		json_t *references = parse(cases[i].references);
		struct verdict verdict = VERDICT_INIT;

		verdict_from_rules(evidence, references, &verdict);
		assert_memory_equal(verdict.vector, cases[i].vector, sizeof(verdict.vector));
		assert_null(verdict.extensions);
		for (int k = 0; k < EAR_CLAIMS; k++)
			assert_true(verdict.set[k]);
		verdict_free(&verdict);
		json_decref(evidence);
		json_decref(references);
	}
}

static void names_that_rules_read(void **state)
{
	(void)state;
	assert_true(appraisal_reads("cca.realm.cca-realm-initial-measurement"));
	assert_false(appraisal_reads("cca.realm"));
	assert_false(appraisal_reads(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_claims_that_are_set),
		cmocka_unit_test(no_rule),
		cmocka_unit_test(every_value_of_every_claim),
		cmocka_unit_test(extensions_are_members),
		cmocka_unit_test(refused),
		cmocka_unit_test(builtin_rules),
		cmocka_unit_test(names_that_rules_read),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
