// SPDX-License-Identifier: Apache-2.0
#include "verdict.h"

#include <stdint.h>
#include <string.h>

#include "base/array.h"

#define TRUST_CLAIMS   "data.policy.trust_claims"
#define EXTENSIONS     "data.policy.extensions"
#define VALUE_MIN      (-128)
#define VALUE_MAX      127
#define EXTENSIONS_MAX 32

/* Members of an appraisal that a verifier writes itself, in the names of deployed verifiers and in those
 * of draft-ietf-rats-ear. A policy that sets one of them could change the result. */
static const char *const reserved[] = {
	"ear.status",
	"ear_status",
	"ear.trustworthiness-vector",
	"ear_trustworthiness_vector",
	"ear.appraisal-policy-id",
	"ear_appraisal_policy_id",
	"ear.veraison.annotated-evidence",
	"ear_veraison_annotated_evidence",
	"ear.veraison.policy-claims",
	"ear_veraison_policy_claims",
	"ear.veraison.key-attestation",
	"ear_veraison_key_attestation",
};

/* How the engine shows that a rule has no value, as that of Trustee does. */
static bool verdict_undefined(const json_t *value)
{
	return json_is_string(value) && strcmp(json_string_value(value), "<undefined>") == 0;
}

static int verdict_claims(json_t *claims, struct verdict *verdict, struct error *e)
{
	const char *name;
	json_t *value;

	if (verdict_undefined(claims))
		return error_set(e, ERROR_POLICY, TRUST_CLAIMS ": undefined for this evidence");
	if (!json_is_object(claims))
		return error_set(e, ERROR_POLICY, TRUST_CLAIMS ": not an object");
	if (json_object_size(claims) == 0)
		return error_set(e, ERROR_POLICY, TRUST_CLAIMS ": no claim is set");
	json_object_foreach(claims, name, value) {
		int claim = ear_claim_by_name(name);
		json_int_t number = json_integer_value(value);

		if (claim < 0)
			return error_set(e, ERROR_POLICY,
					 TRUST_CLAIMS ": AR4SI has no claim '%.64s'", name);
		if (!json_is_integer(value) || number < VALUE_MIN || number > VALUE_MAX)
			return error_set(e, ERROR_POLICY,
					 TRUST_CLAIMS ": '%.64s': not an integer from %d to %d",
					 name, VALUE_MIN, VALUE_MAX);
		verdict->vector[claim] = (int)number;
		verdict->set[claim] = true;
	}
	return 0;
}

static int verdict_refuse(const char *name, const char *why, struct error *e)
{
	return error_set(e, ERROR_POLICY, EXTENSIONS ": '%.64s': %s", name, why);
}

static bool verdict_reserved(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (strcmp(name, reserved[i]) == 0)
			return true;
	return false;
}

/* Whether an extension before number @count of @list has the key @key, which numbers it in CBOR. */
static bool verdict_key_taken(const json_t *list, size_t count, json_int_t key)
{
	for (size_t i = 0; i < count; i++)
		if (json_integer_value(json_object_get(json_array_get(list, i), "key")) == key)
			return true;
	return false;
}

/* Add the extension number @i of @list. Trustee leaves out those whose value is null. */
static int verdict_extension(const json_t *list, size_t i, json_t *extensions, struct error *e)
{
	const json_t *one = json_array_get(list, i), *key = json_object_get(one, "key");
	const char *name = json_string_value(json_object_get(one, "name"));
	json_t *value = json_object_get(one, "value");
	json_int_t number = json_integer_value(key);

	if (!name)
		return error_set(e, ERROR_POLICY,
				 EXTENSIONS "[%zu]: not an object with a text \"name\"", i);
	if (!json_is_integer(key) || number < INT32_MIN || number > INT32_MAX)
		return verdict_refuse(name, "its key is not an integer of 32 bits", e);
	if (!value)
		return verdict_refuse(name, "it has no value", e);
	if (verdict_reserved(name))
		return verdict_refuse(name, "only the verifier itself sets this member", e);
	if (json_object_get(extensions, name))
		return verdict_refuse(name, "two extensions have this name", e);
	if (verdict_key_taken(list, i, number))
		return verdict_refuse(name, "another extension has its key", e);
	return json_object_set(extensions, name, value) < 0 ? error_set_memory(e) : 0;
}

static int verdict_extensions(const json_t *list, struct verdict *verdict, struct error *e)
{
	json_t *value;
	const char *name;
	void *next;

	if (verdict_undefined(list))
		return error_set(e, ERROR_POLICY, EXTENSIONS ": undefined for this evidence");
	if (!json_is_array(list))
		return error_set(e, ERROR_POLICY, EXTENSIONS ": not an array");
	if (json_array_size(list) > EXTENSIONS_MAX)
		return error_set(e, ERROR_POLICY, EXTENSIONS ": more than %d", EXTENSIONS_MAX);
	verdict->extensions = json_object();
	if (!verdict->extensions)
		return error_set_memory(e);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (verdict_extension(list, i, verdict->extensions, e) < 0)
			return -1;
	json_object_foreach_safe(verdict->extensions, next, name, value) if (json_is_null(value))
		json_object_del(verdict->extensions, name);
	return 0;
}

int verdict_from_values(const json_t *values, struct verdict *verdict, struct error *e)
{
	json_t *claims = json_object_get(values, TRUST_CLAIMS);
	const json_t *extensions = json_object_get(values, EXTENSIONS);

	*verdict = (struct verdict)VERDICT_INIT;
	for (int i = 0; !claims && i < EAR_CLAIMS; i++)
		verdict->set[i] = true;
	if (claims && verdict_claims(claims, verdict, e) < 0)
		return -1;
	return extensions ? verdict_extensions(extensions, verdict, e) : 0;
}

enum ear_tier verdict_tier(const struct verdict *verdict)
{
	return ear_vector_tier(verdict->vector);
}

void verdict_free(struct verdict *verdict)
{
	json_decref(verdict->extensions);
	*verdict = (struct verdict)VERDICT_INIT;
}
