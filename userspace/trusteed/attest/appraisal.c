// SPDX-License-Identifier: Apache-2.0
#include "appraisal.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "base/encode.h"

#define REALM_RIM "cca.realm.cca-realm-initial-measurement"

/* A claim gets @yes when the evidence has section.member (or the section, if no member is named)
 * and, where a reference value is named, that value lists it; otherwise @no. The rest are 0. */
static const struct {
	enum ear_claim claim;
	const char *section, *member, *reference;
	int yes, no;
} rules[] = {
	{ EAR_INSTANCE_IDENTITY, "platform", "cca-platform-instance-id", NULL, 2, 0 },
	{ EAR_CONFIGURATION, "platform", "cca-platform-implementation-id", NULL, 0, 36 },
	{ EAR_EXECUTABLES, "realm", "cca-realm-initial-measurement", REALM_RIM, 3, 33 },
	{ EAR_HARDWARE, "realm", NULL, NULL, 2, 97 },
	{ EAR_RUNTIME_OPAQUE, "realm", NULL, NULL, 2, 0 },
};

void appraisal_vector(const json_t *evidence, const struct reference *reference,
		      int vector[EAR_CLAIMS])
{
	const json_t *cca = json_object_get(evidence, "cca");

	memset(vector, 0, EAR_CLAIMS * sizeof(vector[0]));
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const json_t *value = json_object_get(cca, rules[i].section);
		bool holds;

		if (rules[i].member)
			value = json_object_get(value, rules[i].member);
		holds = value && (!rules[i].reference ||
				  reference_contains(reference, rules[i].reference, value));
		vector[rules[i].claim] = holds ? rules[i].yes : rules[i].no;
	}
}

/* New string, or NULL out of memory. */
static json_t *appraisal_base64(struct cbor_slice slice)
{
	struct bytes text = BYTES_INIT;
	json_t *value = NULL;

	if (encode_base64(ENCODE_BASE64, slice.data, slice.len, &text) == 0)
		value = json_string(bytes_text(&text));
	bytes_free(&text);
	return value;
}

static json_t *appraisal_hex(struct cbor_slice slice)
{
	struct bytes text = BYTES_INIT;
	json_t *value = NULL;

	if (encode_hex(slice.data, slice.len, &text) == 0)
		value = json_string(bytes_text(&text));
	bytes_free(&text);
	return value;
}

static json_t *appraisal_platform(const struct cca_platform *platform)
{
	return json_pack("{s:o, s:o}",
			 "cca-platform-implementation-id",
			 appraisal_base64(platform->implementation_id),
			 "cca-platform-instance-id", appraisal_base64(platform->instance_id));
}

static json_t *appraisal_rems(const struct cca_realm *realm)
{
	json_t *rems = json_array();

	for (size_t i = 0; i < REALM_REMS; i++) {
		if (json_array_append_new(rems, appraisal_base64(realm->rem[i])) < 0) {
			json_decref(rems);
			return NULL;
		}
	}
	return rems;
}

static json_t *appraisal_realm(const struct cca_realm *realm)
{
	return json_pack("{s:o, s:o, s:s, s:o, s:o}",
			 "cca-realm-challenge", appraisal_base64(realm->challenge),
			 "cca-realm-extensible-measurements", appraisal_rems(realm),
			 "cca-realm-hash-algo-id", realm->hash_algorithm,
			 "cca-realm-initial-measurement", appraisal_base64(realm->rim),
			 "cca-realm-personalization-value", appraisal_base64(realm->rpv));
}

json_t *appraisal_evidence(const struct cca_token *token, json_t *runtime, struct error *e)
{
	json_t *evidence;

	evidence = json_pack("{s:{s:o, s:o}, s:o, s:n, s:o, s:O}",
			     "cca", "platform", appraisal_platform(&token->platform),
			     "realm", appraisal_realm(&token->realm),
			     "init_data", appraisal_hex(token->realm.rpv),
			     "init_data_claims",
			     "report_data", appraisal_hex(token->realm.challenge),
			     "runtime_data_claims", runtime);
	if (!evidence)
		error_set_memory(e);
	return evidence;
}
