// SPDX-License-Identifier: Apache-2.0
#include "ear.h"

#include <string.h>

#include "base/array.h"
#include "base/encode.h"
#include "base/json.h"

#define CLAIM_PATH_MAX 256 /* for "cpu0.ear.status", with a name of 100 characters */

static const char *const profiles[] = {
	"tag:github.com,2023:veraison/ear",
	"tag:github.com,2024:confidential-containers/Trustee",
	"tag:ietf.org,2026:rats/ear#03",
};

static const struct {
	const char *name;
	int number; /* draft-ietf-rats-ear section 3.2 */
} tiers[] = {
	[EAR_NONE] = { "none", 0 },
	[EAR_AFFIRMING] = { "affirming", 2 },
	[EAR_WARNING] = { "warning", 32 },
	[EAR_CONTRAINDICATED] = { "contraindicated", 96 },
};

static const struct {
	const char *name, *title;
} claims[EAR_CLAIMS] = {
	[EAR_INSTANCE_IDENTITY] = { "instance-identity", "Instance Identity" },
	[EAR_CONFIGURATION] = { "configuration", "Configuration" },
	[EAR_EXECUTABLES] = { "executables", "Executables" },
	[EAR_FILE_SYSTEM] = { "file-system", "File System" },
	[EAR_HARDWARE] = { "hardware", "Hardware" },
	[EAR_RUNTIME_OPAQUE] = { "runtime-opaque", "Runtime Opaque" },
	[EAR_STORAGE_OPAQUE] = { "storage-opaque", "Storage Opaque" },
	[EAR_SOURCED_DATA] = { "sourced-data", "Sourced Data" },
};

/* draft-ietf-rats-ar4si section 2.3. A decoder accepts the alias instead of the number. */
struct code_point {
	int claim, value;
	const char *alias, *text;
};

#define ANY_CLAIM (-1)

static const struct code_point code_points[] = {
	{ ANY_CLAIM, -1, "verifier_malfunction", "verifier malfunction" },
	{ ANY_CLAIM, 0, "no_claim", "no claim being made" },
	{ ANY_CLAIM, 1, "unexpected_evidence", "unexpected evidence" },
	{ ANY_CLAIM, 99, "crypto_failed", "cryptographic validation failed" },

	{ EAR_INSTANCE_IDENTITY, 2, "recognized_instance", "recognized and not compromised" },
	{ EAR_INSTANCE_IDENTITY, 96, "untrustworthy_instance", "recognized but not trustworthy" },
	{ EAR_INSTANCE_IDENTITY, 97, "unrecognized_instance", "not recognized" },

	{ EAR_CONFIGURATION, 2, "approved_config", "all recognized and approved" },
	{ EAR_CONFIGURATION, 3, "safe_config", "no known vulnerabilities" },
	{ EAR_CONFIGURATION, 32, "unsafe_config", "known vulnerabilities" },
	{ EAR_CONFIGURATION, 36, NULL, "security-relevant settings not visible" },
	{ EAR_CONFIGURATION, 96, "unsupportable_config", "unacceptable security vulnerabilities" },

	{ EAR_EXECUTABLES, 2, "approved_rt", "recognized and approved boot- and run-time" },
	{ EAR_EXECUTABLES, 3, "approved_boot", "recognized and approved boot-time" },
	{ EAR_EXECUTABLES, 32, "unsafe_rt", "recognized but known bugs or vulnerabilities" },
	{ EAR_EXECUTABLES, 33, "unrecognized_rt", "unrecognized run-time" },
	{ EAR_EXECUTABLES, 96, "contraindicated_rt", "contraindicated run-time" },

	{ EAR_FILE_SYSTEM, 2, "approved_fs", "all recognized and approved" },
	{ EAR_FILE_SYSTEM, 32, "unrecognized_fs", "unrecognized item(s) found" },
	{ EAR_FILE_SYSTEM, 96, "contraindicated_fs", "contraindicated item(s) found" },

	{ EAR_HARDWARE, 2, "genuine_hw", "genuine" },
	{ EAR_HARDWARE, 32, "unsafe_hw", "genuine but known bugs or vulnerabilities" },
	{ EAR_HARDWARE, 96, "contraindicated_hw", "genuine but contraindicated" },
	{ EAR_HARDWARE, 97, "unrecognized_hw", "unrecognized" },

	{ EAR_RUNTIME_OPAQUE, 2, "encrypted_rt", "memory encryption" },
	{ EAR_RUNTIME_OPAQUE, 32, "isolated_rt", "memory isolation" },
	{ EAR_RUNTIME_OPAQUE, 96, "visible_rt", "visible" },

	{ EAR_STORAGE_OPAQUE, 2, "hw_encrypted_secrets", "encrypted secrets with HW-backed keys" },
	{ EAR_STORAGE_OPAQUE, 32, "sw_encrypted_secrets",
	  "encrypted secrets with non HW-backed keys" },
	{ EAR_STORAGE_OPAQUE, 96, "unencrypted_secrets", "unencrypted secrets" },

	{ EAR_SOURCED_DATA, 2, "trusted_sources", "from attesters in the affirming tier" },
	{ EAR_SOURCED_DATA, 32, "untrusted_sources",
	  "from unattested sources or attesters in the warning tier" },
	{ EAR_SOURCED_DATA, 96, "contraindicated_sources",
	  "from attesters in the contraindicated tier" },
};

/* The name of a claim in deployed verifiers, and in draft-ietf-rats-ear-03. */
struct claim_name {
	const char *deployed, *draft;
};

static const struct claim_name name_verifier = { "ear.verifier-id", "ear_verifier_id" };
static const struct claim_name name_raw_evidence = { "ear.raw-evidence", "ear_raw_evidence" };
static const struct claim_name name_status = { "ear.status", "ear_status" };
static const struct claim_name name_vector = {
	"ear.trustworthiness-vector",
	"ear_trustworthiness_vector",
};
static const struct claim_name name_evidence = {
	"ear.veraison.annotated-evidence",
	"ear_veraison_annotated_evidence",
};

static json_t *claim_get(const json_t *object, const struct claim_name *name)
{
	json_t *value = json_object_get(object, name->deployed);

	return value ? value : json_object_get(object, name->draft);
}

static int claim_missing(const char *name, struct error *e)
{
	return error_set(e, ERROR_ATTESTATION, "EAR: missing mandatory '%s'", name);
}

static int claim_invalid(const char *name, const char *why, struct error *e)
{
	return error_set(e, ERROR_ATTESTATION, "EAR: invalid value for '%s' (%s)", name, why);
}

static int profile_read(const json_t *payload, struct ear *ear, struct error *e)
{
	const json_t *value = json_object_get(payload, "eat_profile");

	if (!value)
		return claim_missing("eat_profile", e);
	if (!json_is_string(value))
		return claim_invalid("eat_profile", "not a string", e);
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		if (strcmp(json_string_value(value), profiles[i]) == 0) {
			ear->profile = profiles[i];
			return 0;
		}
	}
	return claim_invalid("eat_profile", json_string_value(value), e);
}

static int verifier_check(const json_t *payload, struct error *e)
{
	static const char *const members[] = { "developer", "build" };
	const json_t *verifier = claim_get(payload, &name_verifier);

	if (!verifier)
		return claim_missing(name_verifier.deployed, e);
	if (!json_is_object(verifier))
		return claim_invalid(name_verifier.deployed, "not an object", e);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const json_t *value = json_object_get(verifier, members[i]);

		if (!json_is_string(value))
			return error_set(e, ERROR_ATTESTATION, "EAR: %s '%s.%s'",
					 value ? "not a string:" : "missing mandatory",
					 name_verifier.deployed, members[i]);
	}
	return 0;
}

static int raw_evidence_check(const json_t *payload, struct error *e)
{
	const json_t *value = claim_get(payload, &name_raw_evidence);
	struct bytes raw = BYTES_INIT;
	int ret = 0;

	if (!value)
		return 0;
	if (!json_is_string(value))
		return claim_invalid(name_raw_evidence.deployed, "not a string", e);
	if (decode_base64(ENCODE_BASE64URL, json_string_value(value), json_string_length(value),
			  "base64url", &raw, e) < 0)
		ret = e->memory ? -1 : claim_invalid(name_raw_evidence.deployed, e->text, e);
	bytes_free(&raw);
	return ret;
}

static int tier_read(const json_t *value, enum ear_tier *tier)
{
	for (size_t i = 0; i < ARRAY_SIZE(tiers); i++) {
		if ((json_is_string(value) &&
		     strcmp(json_string_value(value), tiers[i].name) == 0) ||
		    (json_is_integer(value) && json_integer_value(value) == tiers[i].number)) {
			*tier = (enum ear_tier)i;
			return 0;
		}
	}
	return -1;
}

/* A number, or the alias of one. */
static int vector_value_read(int claim, const json_t *value, int *number)
{
	const char *alias = json_string_value(value);
	json_int_t integer = json_integer_value(value);

	for (size_t i = 0; alias && i < ARRAY_SIZE(code_points); i++) {
		const struct code_point *point = &code_points[i];

		if ((point->claim == claim || point->claim == ANY_CLAIM) && point->alias &&
		    strcmp(point->alias, alias) == 0) {
			*number = point->value;
			return 0;
		}
	}
	if (!json_is_integer(value) || integer < -128 || integer > 127)
		return -1;
	*number = (int)integer;
	return 0;
}

int ear_claim_by_name(const char *name)
{
	for (int i = 0; i < EAR_CLAIMS; i++)
		if (strcmp(claims[i].name, name) == 0)
			return i;
	return -1;
}

static int vector_read(json_t *vector, struct ear_appraisal *appraisal, struct error *e)
{
	const char *name;
	json_t *value;

	json_object_foreach(vector, name, value) {
		int claim = ear_claim_by_name(name);

		if (claim < 0)
			return error_set(e, ERROR_ATTESTATION, "EAR: unexpected '%s.%s.%s'",
					 appraisal->name, name_vector.deployed, name);
		if (vector_value_read(claim, value, &appraisal->vector[claim]) < 0)
			return error_set(e, ERROR_ATTESTATION,
					 "EAR: invalid value for '%s.%s.%s' (not -128 to 127)",
					 appraisal->name, name_vector.deployed, name);
	}
	appraisal->has_vector = true;
	return 0;
}

/* A status may be worse than all claims, because a verifier can have other reasons, but never
 * better. */
static int status_check(const struct ear_appraisal *appraisal, struct error *e)
{
	enum ear_tier worst = ear_vector_tier(appraisal->vector);

	if (worst <= EAR_AFFIRMING || appraisal->status >= worst)
		return 0;
	return error_set(e, ERROR_ATTESTATION,
			 "EAR: invalid value for '%s.%s' (%s, but its vector is %s)",
			 appraisal->name, name_status.deployed, ear_tier_name(appraisal->status),
			 ear_tier_name(worst));
}

static int appraisal_read(const char *name, const json_t *object, struct ear_appraisal *appraisal,
			  struct error *e)
{
	const json_t *status = claim_get(object, &name_status);
	json_t *vector = claim_get(object, &name_vector);
	char path[CLAIM_PATH_MAX];

	*appraisal = (struct ear_appraisal){ .name = name };
	if (!json_is_object(object))
		return error_set(e, ERROR_ATTESTATION,
				 "EAR: invalid value for 'submods.%s' (not an object)", name);
	snprintf(path, sizeof(path), "%.100s.%s", name, name_status.deployed);
	if (!status)
		return claim_missing(path, e);
	if (tier_read(status, &appraisal->status) < 0)
		return claim_invalid(path,
				     json_is_string(status) ? "not the name of a trust tier" :
							      "not the number of a trust tier",
				     e);
	snprintf(path, sizeof(path), "%.100s.%s", name, name_vector.deployed);
	if (vector && !json_is_object(vector))
		return claim_invalid(path, "not an object", e);
	if (vector && vector_read(vector, appraisal, e) < 0)
		return -1;
	appraisal->evidence = claim_get(object, &name_evidence);
	return status_check(appraisal, e);
}

static int submods_read(const json_t *payload, struct ear *ear, struct error *e)
{
	json_t *submods = json_object_get(payload, "submods");
	const char *name;
	json_t *object;

	if (!submods)
		return claim_missing("submods", e);
	if (!json_is_object(submods))
		return claim_invalid("submods", "not an object", e);
	if (json_object_size(submods) == 0)
		return error_set(e, ERROR_ATTESTATION,
				 "EAR: missing mandatory 'submods' (at least one appraisal)");
	if (json_object_size(submods) > EAR_APPRAISALS_MAX)
		return claim_invalid("submods", "too many appraisals", e);
	json_object_foreach(submods, name, object) {
		if (appraisal_read(name, object, &ear->appraisal[ear->count], e) < 0)
			return -1;
		ear->count++;
	}
	return 0;
}

int ear_from_payload(json_t *payload, struct ear *ear, struct error *e)
{
	const json_t *issued = json_object_get(payload, "iat");
	double seconds;
	int ret;

	ear_free(ear);
	if (!json_is_object(payload))
		return error_set(e, ERROR_ATTESTATION, "EAR: not an object");
	ear->payload = json_incref(payload);
	ret = profile_read(payload, ear, e);
	if (ret == 0 && !issued)
		ret = claim_missing("iat", e);
	if (ret == 0 && !json_date(issued, &seconds))
		ret = claim_invalid("iat", "not a number", e);
	if (ret == 0)
		ret = verifier_check(payload, e);
	if (ret == 0)
		ret = raw_evidence_check(payload, e);
	if (ret == 0)
		ret = submods_read(payload, ear, e);
	if (ret < 0)
		ear_free(ear);
	return ret;
}

void ear_free(struct ear *ear)
{
	json_decref(ear->payload);
	*ear = (struct ear)EAR_INIT;
}

enum ear_tier ear_claim_tier(int value)
{
	if (value >= -1 && value <= 1)
		return EAR_NONE;
	if (value >= -32 && value <= 31)
		return EAR_AFFIRMING;
	if (value >= -96 && value <= 95)
		return EAR_WARNING;
	return EAR_CONTRAINDICATED;
}

enum ear_tier ear_vector_tier(const int vector[EAR_CLAIMS])
{
	enum ear_tier worst = EAR_NONE;

	for (int i = 0; i < EAR_CLAIMS; i++)
		if (ear_claim_tier(vector[i]) > worst)
			worst = ear_claim_tier(vector[i]);
	return worst;
}

const char *ear_tier_name(enum ear_tier tier)
{
	return tiers[tier].name;
}

const char *ear_claim_name(enum ear_claim claim)
{
	return claims[claim].name;
}

const char *ear_claim_text(enum ear_claim claim, int value, char *buffer, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(code_points); i++) {
		const struct code_point *point = &code_points[i];

		if ((point->claim == (int)claim || point->claim == ANY_CLAIM) &&
		    point->value == value)
			return point->text;
	}
	snprintf(buffer, size, "unknown code-point %d", value);
	return buffer;
}

void ear_print_vectors(const struct ear *ear, struct bytes *out)
{
	char name[CLAIM_PATH_MAX], text[64];

	bytes_append_text(out, "[trustworthiness vectors]\n");
	for (size_t i = 0; i < ear->count; i++) {
		const struct ear_appraisal *appraisal = &ear->appraisal[i];

		snprintf(name, sizeof(name), "%s", appraisal->name);
		error_text_clean(name);
		bytes_printf(out, "submod(%s):\n", name);
		if (!appraisal->has_vector)
			bytes_append_text(out, "not present\n");
		for (int k = 0; appraisal->has_vector && k < EAR_CLAIMS; k++) {
			int value = appraisal->vector[k];

			bytes_printf(out, "%s [%s]: %s\n", claims[k].title,
				     ear_tier_name(ear_claim_tier(value)),
				     ear_claim_text((enum ear_claim)k, value, text, sizeof(text)));
		}
		bytes_append_text(out, "\n");
	}
}

json_t *ear_appraisal_json(const int vector[EAR_CLAIMS], const bool set[EAR_CLAIMS],
			   struct error *e)
{
	json_t *values = json_object(), *appraisal = NULL;
	int ret = 0;

	for (int i = 0; i < EAR_CLAIMS; i++)
		if (!set || set[i])
			ret |= json_object_set_new(values, claims[i].name, json_integer(vector[i]));
	if (ret == 0)
		appraisal = json_pack("{s:s, s:O}", name_status.deployed,
				      ear_tier_name(ear_vector_tier(vector)), name_vector.deployed,
				      values);
	if (!appraisal)
		error_set_memory(e);
	json_decref(values);
	return appraisal;
}
