// SPDX-License-Identifier: Apache-2.0
#include "denial.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"
#include "base/realm.h"
#include "cca/cca_token.h"
#include "ear/ear.h"
#include "jose/jwt.h"

#define EXECUTABLES_UNKNOWN 33 /* AR4SI: no reference value matches what was booted */

/* An appraisal by a policy without rules for CCA has these values, the defaults of Trustee's policies; claims that are
 * not here are 0. A policy with rules gives hardware 2 to each realm whose token the verifier accepted. */
static const int defaults[EAR_CLAIMS] = {
	[EAR_CONFIGURATION] = 36,
	[EAR_EXECUTABLES] = EXECUTABLES_UNKNOWN,
	[EAR_HARDWARE] = 97,
};

#define CCA_POLICY "/usr/share/realmkey/policies/default_cpu.rego"

/* Advice for a claim that is not affirming: the first row that fits. */
static const struct {
	enum ear_claim claim;
	bool any; /* for any value, else only for @value */
	int value;
	const char *text;
} advices[] = {
	{ EAR_EXECUTABLES, false, EXECUTABLES_UNKNOWN,
	  "no reference value is what this realm booted" },
	{ EAR_EXECUTABLES, true, 0,
	  "the verifier knows this software and does not approve it; boot another image" },
	{ EAR_INSTANCE_IDENTITY, false, 97,
	  "the verifier does not know this platform; enrol its CPAK as trust anchor" },
	{ EAR_INSTANCE_IDENTITY, true, 0, "the verifier does not trust this platform's key" },
	{ EAR_HARDWARE, true, 0,
	  "the verifier does not accept the platform as genuine; check that it knows the "
	  "platform's CPAK and firmware" },
	{ EAR_CONFIGURATION, true, 0,
	  "the verifier does not approve the platform's configuration or life cycle state" },
	{ EAR_RUNTIME_OPAQUE, true, 0,
	  "the verifier does not accept the realm's memory as protected" },
};

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

/* From the evidence that the verifier annotated. The text is decoded and encoded again, because it
 * becomes part of a command line that a person copies. */
static int rim_from_evidence(const json_t *evidence, struct bytes *rim, struct error *e)
{
	const json_t *realm = json_object_get(json_object_get(evidence, "cca"), "realm");
	const json_t *text = json_object_get(realm, REALM_RIM_CLAIM);
	struct error unread = ERROR_INIT;
	struct bytes raw = BYTES_INIT;

	if (json_is_string(text) &&
	    decode_base64(ENCODE_BASE64, json_string_value(text), json_string_length(text), "RIM",
			  &raw, &unread) == 0)
		encode_base64(ENCODE_BASE64, raw.data, raw.len, rim);
	bytes_free(&raw);
	return unread.memory ? error_set_memory(e) : bytes_check(rim, e);
}

/* Append " OPTION WORD", with @word as a shell reads it. Nothing if @word is NULL. */
static void option_append(const char *option, const char *word, struct bytes *out)
{
	if (!word)
		return;
	bytes_printf(out, " %s ", option);
	if (*word && !word[strspn(word, ENCODE_ALPHANUMERIC "@%_-+=:,./")]) {
		bytes_append_text(out, word);
		return;
	}
	bytes_append_text(out, "'");
	for (; *word; word++)
		bytes_printf(out, *word == '\'' ? "'\\%c'" : "%c", *word);
	bytes_append_text(out, "'");
}

/* The beginning of a command for the KBS's operator. It expects the operator's token in the current directory, in a
 * file of the name that trusteed gives it. */
static void command_append(const struct denial_kbs *kbs, struct bytes *out)
{
	char timeout[16];

	snprintf(timeout, sizeof(timeout), "%u", kbs->timeout);
	bytes_append_text(out, "  realmkey admin");
	option_append("--url", kbs->url, out);
	option_append("--ca", kbs->ca, out);
	if (kbs->insecure)
		bytes_append_text(out, " --insecure");
	option_append("--timeout", kbs->timeout ? timeout : NULL, out);
	bytes_append_text(out, " --admin-token-file admin-token ");
}

static int explain_rim(const struct ear_appraisal *appraisal, const struct bytes *token,
		       const struct denial_kbs *kbs, struct bytes *out, struct error *e)
{
	struct bytes rim = BYTES_INIT;
	int ret = 0;

	if (token && token->len)
		ret = rim_from_token(token, &rim, e);
	if (ret == 0 && !rim.len)
		ret = rim_from_evidence(appraisal->evidence, &rim, e);
	if (ret == 0 && rim.len) {
		bytes_printf(out,
			     "  endorse this realm's RIM as reference value " REALM_RIM_REFERENCE
			     ": %s\n",
			     bytes_text(&rim));
		command_append(kbs, out);
		bytes_printf(out, "set-reference-value " REALM_RIM_REFERENCE " %s\n",
			     bytes_text(&rim));
	} else if (ret == 0) {
		bytes_append_text(out, "  endorse its RIM (`realmkey rim` prints it) as "
				       "reference value " REALM_RIM_REFERENCE "\n");
	}
	bytes_free(&rim);
	return ret;
}

static void explain_claim(const struct ear_appraisal *appraisal, enum ear_claim claim,
			  struct bytes *out)
{
	int value = appraisal->vector[claim];
	char buffer[64];

	bytes_printf(out, "%s %s is %d [%s]: %s\n", appraisal->name, ear_claim_name(claim), value,
		     ear_tier_name(ear_claim_tier(value)),
		     ear_claim_text(claim, value, buffer, sizeof(buffer)));
	for (size_t i = 0; i < ARRAY_SIZE(advices); i++)
		if (advices[i].claim == claim && (advices[i].any || advices[i].value == value)) {
			bytes_printf(out, "  %s\n", advices[i].text);
			break;
		}
}

/* Whether the policy that appraised a realm had no rules for realms. Then no claim says anything about this realm,
 * and what helps against a single claim helps nothing. */
static bool appraised_without_rules(const struct ear_appraisal *appraisal)
{
	const json_t *cca = json_object_get(appraisal->evidence, "cca");

	if (!appraisal->has_vector || !json_object_get(cca, "realm"))
		return false;
	for (int i = 0; i < EAR_CLAIMS; i++)
		if (appraisal->vector[i] != defaults[i])
			return false;
	return true;
}

static void explain_policy(const struct ear_appraisal *appraisal, const struct denial_kbs *kbs,
			   struct bytes *out)
{
	bytes_printf(out,
		     "%s: the KBS's attestation policy has no rules for Arm CCA, so each claim has "
		     "the policy's default\n"
		     "  the KBS's operator sets a policy with such rules, for example the one of "
		     "trusteed, and then endorses this realm's RIM\n",
		     appraisal->name);
	command_append(kbs, out);
	bytes_append_text(out, "set-attestation-policy --policy-file " CCA_POLICY "\n");
}

/* *@causes is increased by each cause that is found. */
static int explain_appraisal(const struct ear_appraisal *appraisal, const struct bytes *token,
			     const struct denial_kbs *kbs, struct bytes *out, size_t *causes,
			     struct error *e)
{
	const int *vector = appraisal->vector;
	size_t before = *causes;

	if (appraised_without_rules(appraisal)) {
		++*causes;
		explain_policy(appraisal, kbs, out);
		return 0;
	}
	for (int i = 0; appraisal->has_vector && i < EAR_CLAIMS; i++) {
		if (ear_claim_tier(vector[i]) <= EAR_AFFIRMING)
			continue;
		++*causes;
		explain_claim(appraisal, (enum ear_claim)i, out);
		if (i == EAR_EXECUTABLES && vector[i] == EXECUTABLES_UNKNOWN &&
		    explain_rim(appraisal, token, kbs, out, e) < 0)
			return -1;
	}
	if (*causes == before && appraisal->status != EAR_AFFIRMING) {
		++*causes;
		bytes_printf(out, "%s is '%s', and none of its claims says why\n", appraisal->name,
			     ear_tier_name(appraisal->status));
	}
	return 0;
}

int denial_explain(const struct bytes *ear, const struct bytes *token, const struct denial_kbs *kbs,
		   struct bytes *out, struct error *e)
{
	struct ear decoded = EAR_INIT;
	struct jwt jwt = JWT_INIT;
	size_t causes = 0;
	char name[64];
	int ret;

	ret = jwt_decode(ear->data, ear->len, &jwt, e);
	if (ret == 0)
		ret = ear_from_payload(jwt.payload, &decoded, e);
	for (size_t i = 0; ret == 0 && i < decoded.count; i++) {
		struct ear_appraisal appraisal = decoded.appraisal[i];

		snprintf(name, sizeof(name), "%s", appraisal.name);
		error_text_clean(name); /* it comes from the KBS */
		appraisal.name = name;
		ret = explain_appraisal(&appraisal, token, kbs, out, &causes, e);
	}
	if (ret == 0 && !causes)
		bytes_append_text(out, "the attestation is affirming: the resource policy itself "
				       "does not release this\n");
	ear_free(&decoded);
	jwt_free(&jwt);
	return ret < 0 ? -1 : bytes_check(out, e);
}
