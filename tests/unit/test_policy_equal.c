// SPDX-License-Identifier: Apache-2.0
/*
 * The built-in policies against the same policies in Rego, verdict by verdict: the rules for CCA over all
 * tokens that can be had, with reference values of all kinds, and the resource policies over all EARs.
 */
#include <ftw.h>
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
#include "base/realm.h"
#include "jose/jwt.h"
#include "kbs/policy_text.h"
#include "rego/process.h"
#include "rego/question.h"
#include "trusteed/store/policy.h"
#include "vector.h"

#define MEMORY	    ((size_t)256 << 20)
#define TIMEOUT_MS  60000 /* a loaded machine, with sanitizers */
#define TOKENS_OURS 25	  /* at least, in tests/vectors */
#define EARS_OURS   10
#define OTHER_RIM   "d4/b2UHyE7C/umobgH7Ss2H/VKI7dQEiTlj2YMZLI4Y="

static struct rego_process process = REGO_PROCESS_INIT;
static struct bytes cpu_policy;
static unsigned int tokens, ears;

/* What @policy says of @rules; a new reference. */
static json_t *rego_values(const struct bytes *policy, const char *const *rules, json_t *input,
			   json_t *data, json_t *references)
{
	struct bytes question = BYTES_INIT, text = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *answer = NULL, *values;

	if (rego_ask_evaluate(policy, rules, input, data, references, &question, &e) == 0 &&
	    rego_call(&process, &question, TIMEOUT_MS, &text, &e) == 0)
		answer = rego_answer(text.data, text.len, &e);
	if (!answer)
		fail_msg("%s", e.text);
	values = json_incref(json_object_get(answer, "values"));
	assert_non_null(values);
	json_decref(answer);
	bytes_free(&question);
	bytes_free(&text);
	return values;
}

/* --- attestation policies -------------------------------------------------------------------- */

static void compare_verdicts(const char *file, json_t *evidence, json_t *references)
{
	static const char *const rules[] = { REGO_TRUST_CLAIMS, REGO_EXTENSIONS, NULL };
	json_t *values = rego_values(&cpu_policy, rules, evidence, NULL, references);
	struct verdict rego = VERDICT_INIT, builtin = VERDICT_INIT;
	struct error e = ERROR_INIT;

	if (verdict_from_values(values, &rego, &e) < 0)
		fail_msg("%s: %s", file, e.text);
	verdict_from_rules(evidence, references, &builtin);
	for (int i = 0; i < EAR_CLAIMS; i++)
		if (rego.vector[i] != builtin.vector[i] || rego.set[i] != builtin.set[i])
			fail_msg("%s: %s is %d in Rego, %d in C, with %s", file,
				 ear_claim_name((enum ear_claim)i), rego.vector[i],
				 builtin.vector[i], json_dumps(references, 0));
	assert_int_equal(verdict_tier(&rego), verdict_tier(&builtin));
	verdict_free(&rego);
	verdict_free(&builtin);
	json_decref(values);
}

/* Reference values, in which RIM stands for the realm's own one. */
static const char *const reference_forms[] = {
	"[]",
	"[RIM]",
	"RIM",
	"[\"" OTHER_RIM "\"]",
	"\"" OTHER_RIM "\"",
	"[\"" OTHER_RIM "\",RIM,\"x\"]",
	"[1,null,true,[RIM],{\"a\":RIM}]",
	"{\"a\":RIM}",
	"{\"a\":[RIM]}",
	"null",
	"true",
	"7",
	"[\"\"]",
	"\"\"",
};

/* @form with @rim in place of RIM. */
static json_t *references_make(const char *form, const json_t *rim)
{
	struct bytes text = BYTES_INIT;
	json_t *references;
	const char *at;

	bytes_append_text(&text, "{\"other\":[1],\"" REALM_RIM_REFERENCE "\":");
	for (; (at = strstr(form, "RIM")) != NULL; form = at + 3) {
		bytes_append(&text, form, (size_t)(at - form));
		bytes_printf(&text, "\"%s\"", rim ? json_string_value(rim) : "none");
	}
	bytes_append_text(&text, form);
	bytes_append_text(&text, "}");
	references = json_loads(bytes_text(&text), 0, NULL);
	assert_non_null(references);
	bytes_free(&text);
	return references;
}

static void compare_evidence(const char *file, json_t *evidence)
{
	const json_t *realm = json_object_get(json_object_get(evidence, "cca"), "realm");
	const json_t *rim = json_object_get(realm, REALM_RIM_CLAIM);
	json_t *references = json_object();

	compare_verdicts(file, evidence, references);
	json_decref(references);
	for (size_t i = 0; i < ARRAY_SIZE(reference_forms); i++) {
		references = references_make(reference_forms[i], rim);
		compare_verdicts(file, evidence, references);
		json_decref(references);
	}
}

/* Tokens that are refused before a policy sees them are compared as far as they can be decoded. */
static int compare_token(const char *path, const struct stat *status, int type, struct FTW *at)
{
	const char *end = strrchr(path, '.');
	struct cca_token token = CCA_TOKEN_INIT;
	struct bytes cbor = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct cca_verdict verdict;
	json_t *evidence, *runtime;

	(void)status;
	(void)at;
	if (type != FTW_F || !end || strcmp(end, ".cbor") != 0)
		return 0;
	assert_int_equal(io_read_file(path, VECTOR_MAX, &cbor, &e), 0);
	if (cca_token_decode(cbor.data, cbor.len, &token, &verdict, &e) == 0) {
		runtime = json_pack("{s:s}", "nonce", "");
		evidence = appraisal_evidence(&token, runtime, NULL, &e);
		assert_non_null(evidence);
		compare_evidence(path, evidence);
		json_decref(evidence);
		json_decref(runtime);
		tokens++;
	}
	cca_token_free(&token);
	bytes_free(&cbor);
	return 0;
}

/* Compare what is at each path below our vectors, of which *@count must be at least @ours, and below @folder of the shared ones. */
static void compare_all(int (*compare)(const char *, const struct stat *, int, struct FTW *),
			const char *folder, const unsigned int *count, unsigned int ours)
{
	const char *shared = getenv("REALMKEY_SHARED"), *vectors = getenv("REALMKEY_VECTORS");
	char path[4096];

	assert_int_equal(nftw(vectors ? vectors : "tests/vectors", compare, 16, FTW_PHYS), 0);
	if (*count < ours)
		fail_msg("only %u of our own", *count);
	snprintf(path, sizeof(path), "%s/%s", shared ? shared : "../shared", folder);
	if (nftw(path, compare, 16, FTW_PHYS) < 0)
		print_message("# SKIP: %s cannot be read\n", path);
}

static void rules_are_equal_for_all_tokens(void **state)
{
	(void)state;
	compare_all(compare_token, "data/cca", &tokens, TOKENS_OURS);
	print_message("# %u tokens, %zu kinds of reference values\n", tokens,
		      ARRAY_SIZE(reference_forms) + 1);
}

/* Evidence that is not as appraisal_evidence() makes it. */
static void rules_are_equal_for_other_evidence(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"sample\":{\"svn\":\"1\"}}",
		"{\"cca\":{}}",
		"{\"cca\":{\"realm\":{}}}",
		"{\"cca\":{\"realm\":{\"" REALM_RIM_CLAIM "\":\"" OTHER_RIM "\"}}}",
		"{\"cca\":{\"realm\":{\"" REALM_RIM_CLAIM "\":\"\"},\"platform\":{}}}",
		"{\"cca\":{\"platform\":{\"cca-platform-instance-id\":\"aA==\"}}}",
		"{\"cca\":{\"platform\":{\"cca-platform-implementation-id\":\"aA==\"}}}",
		"{\"cca\":{\"platform\":{\"cca-platform-implementation-id\":false}}}",
		"{\"cca\":{\"platform\":{\"cca-platform-instance-id\":null}}}",
		"{\"cca\":{\"realm\":null,\"platform\":7}}",
		"{\"cca\":{\"realm\":false}}",
		"{\"cca\":[{\"realm\":{}}]}",
		"{\"cca\":null}",
	};
	json_t *evidence = vector_read_json("own-vectors/cca-policy-input.json");

	(void)state;
	compare_evidence("cca-policy-input.json", evidence);
	json_decref(evidence);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		evidence = json_loads(texts[i], 0, NULL);
		assert_non_null(evidence);
		compare_evidence(texts[i], evidence);
		json_decref(evidence);
	}
}

/* --- resource policies ----------------------------------------------------------------------- */

static const struct {
	enum policy policy;
	const char *text;
} resource_policies[] = {
	{ POLICY_AFFIRMING, POLICY_TEXT_AFFIRMING },
	{ POLICY_ALLOW_ALL, POLICY_TEXT_ALLOW_ALL },
	{ POLICY_DENY_ALL, POLICY_TEXT_DENY_ALL },
};

/* Whether the claims @payload have the form of an EAR. trusteed makes no others, and denies them. */
static bool ear_is_one(json_t *payload)
{
	struct error e = ERROR_INIT;
	struct ear ear = EAR_INIT;
	bool is = ear_from_payload(payload, &ear, &e) == 0;

	ear_free(&ear);
	return is;
}

static void compare_payload(const char *file, json_t *payload)
{
	static const char *const rules[] = { REGO_ALLOW, NULL };
	json_t *data = json_pack("{s:s, s:[s,s,s], s:{}}", "plugin", "resource", "resource-path",
				 "a", "b", "c", "query");
	bool is_ear = ear_is_one(payload);

	for (size_t i = 0; i < ARRAY_SIZE(resource_policies); i++) {
		struct bytes text = BYTES_INIT;
		struct error e = ERROR_INIT;
		json_t *values;
		bool rego, builtin;

		bytes_append_text(&text, resource_policies[i].text);
		values = rego_values(&text, rules, payload, data, NULL);
		rego = json_is_true(json_object_get(values, REGO_ALLOW));
		builtin = policy_check(resource_policies[i].policy, payload, &e) == 0;
		if (is_ear ? rego != builtin : builtin && !rego)
			fail_msg("%s: %s %s in Rego, and %s in C", file,
				 policy_name(resource_policies[i].policy),
				 rego ? "allows" : "denies", builtin ? "allows" : "denies");
		json_decref(values);
		bytes_free(&text);
	}
	ears += is_ear;
	json_decref(data);
}

static int compare_ear(const char *path, const struct stat *status, int type, struct FTW *at)
{
	const char *end = strrchr(path, '.');
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct jwt jwt = JWT_INIT;

	(void)status;
	(void)at;
	if (type != FTW_F || !end || strcmp(end, ".jwt") != 0)
		return 0;
	assert_int_equal(io_read_file(path, VECTOR_MAX, &text, &e), 0);
	while (text.len && text.data[text.len - 1] == '\n')
		bytes_truncate(&text, text.len - 1);
	if (jwt_decode(text.data, text.len, &jwt, &e) == 0)
		compare_payload(path, jwt.payload);
	jwt_free(&jwt);
	bytes_free(&text);
	return 0;
}

static void resource_policies_are_equal_for_all_ears(void **state)
{
	(void)state;
	compare_all(compare_ear, "data", &ears, EARS_OURS);
	print_message("# %u EARs, %zu policies\n", ears, ARRAY_SIZE(resource_policies));
}

#define APPRAISAL(status) "{\"ear.status\":" status "}"
#define SUBMODS(text) \
	"{\"eat_profile\":\"tag:github.com,2024:confidential-containers/Trustee\",\"iat\":1," \
	"\"ear.verifier-id\":{\"developer\":\"d\",\"build\":\"b\"},\"submods\":" text "}"

/* Several submods, and each way to say "affirming". */
static void resource_policies_are_equal_for_several_submods(void **state)
{
	static const char *const texts[] = {
		SUBMODS("{}"),
		SUBMODS("{\"cpu0\":" APPRAISAL("\"affirming\"") "}"),
		SUBMODS("{\"cpu0\":" APPRAISAL("2") "}"),
		SUBMODS("{\"cpu0\":{\"ear_status\":\"affirming\"}}"),
		SUBMODS("{\"cpu0\":" APPRAISAL("\"none\"") "}"),
		SUBMODS("{\"cpu0\":" APPRAISAL("\"affirming\"") ",\"gpu0\":" APPRAISAL(
			"\"affirming\"") "}"),
		SUBMODS("{\"cpu0\":" APPRAISAL("\"affirming\"") ",\"gpu0\":" APPRAISAL(
			"\"warning\"") "}"),
		SUBMODS("{\"gpu0\":" APPRAISAL("\"contraindicated\"") ",\"cpu0\":" APPRAISAL(
			"\"affirming\"") "}"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		json_t *payload = json_loads(texts[i], 0, NULL);

		assert_non_null(payload);
		compare_payload(texts[i], payload);
		json_decref(payload);
	}
}

static int engine_setup(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	vector_read("../../userspace/install/policies/default_cpu.rego", &cpu_policy);
	if (rego_start(&process, MEMORY, &e) < 0)
		fail_msg("%s", e.text);
	return 0;
}

static int engine_teardown(void **state)
{
	(void)state;
	rego_end(&process, NULL);
	bytes_free(&cpu_policy);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_equal_for_all_tokens),
		cmocka_unit_test(rules_are_equal_for_other_evidence),
		cmocka_unit_test(resource_policies_are_equal_for_all_ears),
		cmocka_unit_test(resource_policies_are_equal_for_several_submods),
	};

	if (!rego_available()) {
		printf("ok 1 # SKIP %s is absent, so the built-in policies are NOT compared with "
		       "Rego\n1..1\n",
		       rego_program());
		return 0;
	}
	return cmocka_run_group_tests_name("policy_equal", tests, engine_setup, engine_teardown);
}
