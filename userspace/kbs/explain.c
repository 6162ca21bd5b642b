// SPDX-License-Identifier: Apache-2.0
/* session_explain(): a denial in the words of what the client itself holds. */
#include <jansson.h>

#include "base/encode.h"
#include "cca/cca_token.h"
#include "ear/ear.h"
#include "jose/jwt.h"
#include "session.h"

#define RIM_REFERENCE "cca.realm.cca-realm-initial-measurement"
#define ANY 1000	/* no claim has this value */

/* What Trustee's policies default to, and so what an appraisal without rules for CCA says. */
#define DEFAULT_HARDWARE 97
#define DEFAULT_CONFIGURATION 36

/* The first row that fits is the advice. */
static const struct {
	enum ear_claim claim;
	int value;
	const char *text;
} cures[] = {
	{ EAR_EXECUTABLES, 33, "no reference value is what this realm booted" },
	{ EAR_EXECUTABLES, ANY, "the verifier knows this software and does not approve of it; boot "
				"another image" },
	{ EAR_INSTANCE_IDENTITY, 97, "the verifier does not know this platform; enrol its CPAK as "
				     "trust anchor" },
	{ EAR_INSTANCE_IDENTITY, ANY, "the verifier does not trust this platform's key" },
	{ EAR_HARDWARE, ANY, "the verifier does not take the platform for genuine; are its CPAK "
			     "and its firmware known there?" },
	{ EAR_CONFIGURATION, ANY, "the verifier does not approve of the platform's configuration "
				  "or life cycle state" },
	{ EAR_RUNTIME_OPAQUE, ANY, "the verifier does not take the realm's memory for protected" },
};

/* --- the RIM ---------------------------------------------------------------------------------- */

static int rim_from_token(const struct bytes *token, struct bytes *rim, struct error *e)
{
	struct cca_token decoded = CCA_TOKEN_INIT;
	struct error refused = ERROR_INIT;
	struct cca_verdict verdict;
	int ret = 0;

	if (cca_token_decode(token->data, token->len, &decoded, &verdict, &refused) == 0) {
		encode_base64(ENCODE_BASE64, decoded.realm.rim.data, decoded.realm.rim.len, rim);
		ret = bytes_check(rim, e);
	} else if (verdict.cause == CCA_NO_VERDICT) {
		*e = refused;
		ret = -1;
	}
	cca_token_free(&decoded);
	return ret;
}

/* The evidence that the verifier annotated. Decoded and encoded again: it becomes part of a command
 * line that a person is to paste. */
static int rim_from_evidence(const json_t *evidence, struct bytes *rim, struct error *e)
{
	const json_t *realm = json_object_get(json_object_get(evidence, "cca"), "realm");
	const json_t *text = json_object_get(realm, "cca-realm-initial-measurement");
	struct error unread = ERROR_INIT;
	struct bytes raw = BYTES_INIT;
	int ret = 0;

	if (json_is_string(text) &&
	    decode_base64(ENCODE_BASE64, json_string_value(text), json_string_length(text), "RIM",
			  &raw, &unread) == 0 &&
	    encode_base64(ENCODE_BASE64, raw.data, raw.len, rim) < 0)
		ret = error_set_memory(e);
	bytes_free(&raw);
	return ret;
}

/* Append the RIM in base64, or nothing when it is not known here. */
static int rim_find(const struct bytes *token, const json_t *evidence, struct bytes *rim,
		    struct error *e)
{
	if (token && token->len && rim_from_token(token, rim, e) < 0)
		return -1;
	return rim->len ? 0 : rim_from_evidence(evidence, rim, e);
}

/* --- the words -------------------------------------------------------------------------------- */

static int explain_rim(const struct ear_appraisal *appraisal, const struct bytes *token,
		       struct bytes *out, struct error *e)
{
	struct bytes rim = BYTES_INIT;
	int ret = rim_find(token, appraisal->evidence, &rim, e), written;

	if (ret < 0)
		goto out;
	if (rim.len)
		written = bytes_printf(out, "  endorse this realm's RIM as reference value "
				       RIM_REFERENCE ": %s\n"
				       "  realmkey admin --url URL --admin-token-file FILE "
				       "set-reference-value " RIM_REFERENCE " %s\n",
				       bytes_text(&rim), bytes_text(&rim));
	else
		written = bytes_append_text(out, "  endorse its RIM (`realmkey rim` prints it) as "
					    "reference value " RIM_REFERENCE "\n");
	if (written < 0)
		ret = error_set_memory(e);
out:
	bytes_free(&rim);
	return ret;
}

static const char *cure_find(enum ear_claim claim, int value)
{
	for (size_t i = 0; i < sizeof(cures) / sizeof(cures[0]); i++)
		if (cures[i].claim == claim && (cures[i].value == value || cures[i].value == ANY))
			return cures[i].text;
	return NULL;
}

static int explain_claim(const struct ear_appraisal *appraisal, enum ear_claim claim,
			 struct bytes *out)
{
	int value = appraisal->vector[claim];
	const char *cure = cure_find(claim, value);
	char buffer[64];

	if (bytes_printf(out, "%s %s is %d [%s]: %s\n", appraisal->name, ear_claim_name(claim),
			 value, ear_tier_name(ear_claim_tier(value)),
			 ear_claim_text(claim, value, buffer, sizeof(buffer))) < 0)
		return -1;
	return cure ? bytes_printf(out, "  %s\n", cure) : 0;
}

static bool claim_at_fault(const struct ear_appraisal *appraisal, enum ear_claim claim)
{
	return appraisal->has_vector && ear_claim_tier(appraisal->vector[claim]) > EAR_AFFIRMING;
}

/* Where no rule speaks of CCA, each claim keeps its default: none of them says anything about this
 * realm, and so none of the cures helps. */
static bool policy_lacks_cca(const struct ear_appraisal *appraisal)
{
	return appraisal->has_vector &&
	       appraisal->vector[EAR_HARDWARE] == DEFAULT_HARDWARE &&
	       appraisal->vector[EAR_CONFIGURATION] == DEFAULT_CONFIGURATION &&
	       appraisal->vector[EAR_INSTANCE_IDENTITY] == 0;
}

static int explain_policy(const struct ear_appraisal *appraisal, struct bytes *out)
{
	return bytes_printf(out, "%s: hardware %d, configuration %d and no instance-identity are "
			    "what an attestation policy without rules for Arm CCA says of every "
			    "realm, as Trustee's own does: set one that has such rules as policy "
			    "\"default_%.3s\"\n",
			    appraisal->name, DEFAULT_HARDWARE, DEFAULT_CONFIGURATION,
			    appraisal->name);
}

/* Returns the number of claims at fault, -1 out of memory. */
static int explain_appraisal(const struct ear_appraisal *appraisal, const struct bytes *token,
			     struct bytes *out, struct error *e)
{
	int faults = 0;

	if (policy_lacks_cca(appraisal) && explain_policy(appraisal, out) < 0)
		return error_set_memory(e);
	for (int claim = 0; claim < EAR_CLAIMS; claim++) {
		if (!claim_at_fault(appraisal, (enum ear_claim)claim))
			continue;
		faults++;
		if (explain_claim(appraisal, (enum ear_claim)claim, out) < 0)
			return error_set_memory(e);
		if (claim == EAR_EXECUTABLES && appraisal->vector[claim] == 33 &&
		    explain_rim(appraisal, token, out, e) < 0)
			return -1;
	}
	if (!faults && appraisal->status != EAR_AFFIRMING) {
		faults++;
		if (bytes_printf(out, "%s is '%s', and no claim of it says why\n", appraisal->name,
				 ear_tier_name(appraisal->status)) < 0)
			return error_set_memory(e);
	}
	return faults;
}

static int explain_ear(const struct ear *ear, const struct bytes *token, struct bytes *out,
		       struct error *e)
{
	struct ear_appraisal appraisal;
	int faults = 0, found;
	char name[64];

	for (size_t i = 0; i < ear->count; i++) {
		appraisal = ear->appraisal[i];
		snprintf(name, sizeof(name), "%s", appraisal.name);
		error_text_clean(name);	/* the KBS chose it */
		appraisal.name = name;
		found = explain_appraisal(&appraisal, token, out, e);
		if (found < 0)
			return -1;
		faults += found;
	}
	if (!faults && bytes_append_text(out, "the attestation is affirming: the resource policy "
					 "itself does not release this\n") < 0)
		return error_set_memory(e);
	return 0;
}

int session_explain(const struct bytes *ear, const struct bytes *token, struct bytes *out,
		    struct error *e)
{
	struct jwt jwt = JWT_INIT;
	struct ear decoded = EAR_INIT;
	int ret = -1;

	if (jwt_decode(ear->data, ear->len, &jwt, e) == 0 &&
	    ear_from_payload(jwt.payload, &decoded, e) == 0)
		ret = explain_ear(&decoded, token, out, e);
	ear_free(&decoded);
	jwt_free(&jwt);
	return ret;
}
