// SPDX-License-Identifier: Apache-2.0
#include "appraisal.h"

#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/encode.h"
#include "base/json.h"
#include "verdict.h"

/* A claim is @yes if the evidence has section.member (or the section, if no member is named) and,
 * if a reference value is named, that reference value lists it; otherwise it is @no. Claims without
 * a rule are 0. install/policies/default_cpu.rego says the same in Rego. */
static const struct {
	enum ear_claim claim;
	const char *section, *member, *reference;
	int yes, no;
} rules[] = {
	{ EAR_INSTANCE_IDENTITY, "platform", "cca-platform-instance-id", NULL, 2, 0 },
	{ EAR_CONFIGURATION, "platform", "cca-platform-implementation-id", NULL, 0, 36 },
	{ EAR_EXECUTABLES, "realm", REALM_RIM_CLAIM, REALM_RIM_REFERENCE, 3, 33 },
	{ EAR_HARDWARE, "realm", NULL, NULL, 2, 97 },
	{ EAR_RUNTIME_OPAQUE, "realm", NULL, NULL, 2, 0 },
};

bool appraisal_reads(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].reference && strcmp(rules[i].reference, name) == 0)
			return true;
	return false;
}

/* Whether @set has @value: as a member, as the operator "in" of Rego says, or because it is @value. */
static bool rule_lists(json_t *set, const json_t *value)
{
	const char *name;
	json_t *one;
	size_t i;

	json_array_foreach(set, i, one)
		if (json_equal(one, value))
			return true;
	json_object_foreach(set, name, one)
		if (json_equal(one, value))
			return true;
	return json_equal(set, value);
}

void verdict_from_rules(const json_t *evidence, const json_t *references, struct verdict *verdict)
{
	const json_t *cca = json_object_get(evidence, "cca");

	*verdict = (struct verdict)VERDICT_INIT;
	for (int i = 0; i < EAR_CLAIMS; i++)
		verdict->set[i] = true;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		const char *name = rules[i].reference;
		const json_t *value = json_object_get(cca, rules[i].section);
		bool holds;

		if (rules[i].member)
			value = json_object_get(value, rules[i].member);
		/* As in Rego, a condition that is false does not hold. */
		holds = value && !json_is_false(value) &&
			(!name || rule_lists(json_object_get(references, name), value));
		verdict->vector[rules[i].claim] = holds ? rules[i].yes : rules[i].no;
	}
}

/* A new string, or NULL out of memory. */
static json_t *appraisal_base64(struct cbor_slice slice)
{
	struct bytes text = BYTES_INIT;
	json_t *value;

	encode_base64(ENCODE_BASE64, slice.data, slice.len, &text);
	value = text.failed ? NULL : json_string(bytes_text(&text));
	bytes_free(&text);
	return value;
}

json_t *appraisal_evidence(const struct cca_token *token, json_t *runtime, json_t *init_data_claims,
			   struct error *e)
{
	const struct cca_platform *platform = &token->platform;
	const struct cca_realm *realm = &token->realm;
	json_t *evidence;

	evidence = json_pack("{s:{s:{s:o, s:o}, s:{s:o, s:[o, o, o, o], s:s, s:o, s:o}},"
			     " s:o, s:O?, s:o, s:O}",
			     "cca", "platform", "cca-platform-implementation-id",
			     appraisal_base64(platform->implementation_id),
			     "cca-platform-instance-id", appraisal_base64(platform->instance_id),
			     "realm", "cca-realm-challenge", appraisal_base64(realm->challenge),
			     "cca-realm-extensible-measurements", appraisal_base64(realm->rem[0]),
			     appraisal_base64(realm->rem[1]), appraisal_base64(realm->rem[2]),
			     appraisal_base64(realm->rem[3]), "cca-realm-hash-algo-id",
			     realm->hash_algorithm, REALM_RIM_CLAIM, appraisal_base64(realm->rim),
			     "cca-realm-personalization-value", appraisal_base64(realm->rpv),
			     "init_data", json_hex(realm->rpv.data, realm->rpv.len),
			     "init_data_claims", init_data_claims, "report_data",
			     json_hex(realm->challenge.data, realm->challenge.len),
			     "runtime_data_claims", runtime);
	if (!evidence)
		error_set_memory(e);
	return evidence;
}
