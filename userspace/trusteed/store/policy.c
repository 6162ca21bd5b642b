// SPDX-License-Identifier: Apache-2.0
#include "policy.h"

#include <stdbool.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "ear/ear.h"
#include "kbs/policy_text.h"

static const struct {
	const char *name, *text;
} policies[POLICIES] = {
	[POLICY_AFFIRMING] = { "affirming", POLICY_TEXT_AFFIRMING },
	[POLICY_ALLOW_ALL] = { "allow-all", POLICY_TEXT_ALLOW_ALL },
	[POLICY_DENY_ALL] = { "deny-all", POLICY_TEXT_DENY_ALL },
};

const char *policy_name(enum policy policy)
{
	return policies[policy].name;
}

/* The length without the white space that editors and shells leave at the end. */
static size_t policy_trim(const char *text, size_t len)
{
	while (len > 0 && strchr(" \t\r\n", text[len - 1]))
		len--;
	return len;
}

static bool policy_same(const char *text, size_t len, const char *known)
{
	size_t known_len = policy_trim(known, strlen(known));

	return policy_trim(text, len) == known_len && memcmp(text, known, known_len) == 0;
}

int policy_from_name(const char *name, size_t len, enum policy *policy, struct error *e)
{
	for (int i = 0; i < POLICIES; i++) {
		if (policy_same(name, len, policies[i].name)) {
			*policy = (enum policy)i;
			return 0;
		}
	}
	return error_set(e, ERROR_CONFIG, "policy: neither affirming nor allow-all nor deny-all");
}

bool policy_known(const void *text, size_t len, enum policy *policy)
{
	for (int i = 0; i < POLICIES; i++) {
		if (policy_same(text, len, policies[i].text)) {
			*policy = (enum policy)i;
			return true;
		}
	}
	return false;
}

static int policy_from_text(const void *text, size_t len, enum policy *policy, struct error *e)
{
	if (policy_known(text, len, policy))
		return 0;
	if (len >= strlen(POLICY_TEXT_MARK) &&
	    memcmp(text, POLICY_TEXT_MARK, strlen(POLICY_TEXT_MARK)) == 0)
		return error_set(e, ERROR_INPUT,
				 "the text differs from the built-in policy that "
				 "its first line names");
	return error_set(e, ERROR_INPUT,
			 "this embedded Trustee knows only the policies affirming, "
			 "allow-all and deny-all of `realmkey admin set-resource-policy`, and has "
			 "no Rego engine");
}

int policy_from_body(const void *body, size_t len, enum policy *policy, struct error *e)
{
	json_t *object = json_parse(body, len, JSON_OPERATOR, "policy request", ERROR_INPUT, e);
	struct bytes text = BYTES_INIT;
	const char *base64;
	int ret = -1;

	if (!object)
		return -1;
	base64 = json_member_text(object, "policy", "policy request", ERROR_INPUT, e);
	if (base64 && decode_base64(ENCODE_BASE64URL, base64, strlen(base64),
				    "policy request: policy", &text, e) == 0)
		ret = policy_from_text(text.data, text.len, policy, e);
	bytes_free(&text);
	json_decref(object);
	return ret;
}

/* As the policy in Rego compares it: a number, or a name of the draft, is not the same. */
static bool policy_text_affirming(const json_t *payload, const char *submod)
{
	const json_t *appraisal = json_object_get(json_object_get(payload, "submods"), submod);
	const char *status = json_string_value(json_object_get(appraisal, "ear.status"));

	return status && strcmp(status, ear_tier_name(EAR_AFFIRMING)) == 0;
}

static int policy_affirming(json_t *payload, struct error *e)
{
	struct ear ear = EAR_INIT;
	int ret = ear_from_payload(payload, &ear, e);

	if (ret == 0 && ear.count == 0)
		ret = error_set(e, ERROR_POLICY, "no appraisal");
	for (size_t i = 0; ret == 0 && i < ear.count; i++) {
		const struct ear_appraisal *appraisal = &ear.appraisal[i];

		if (appraisal->status != EAR_AFFIRMING)
			ret = error_set(e, ERROR_POLICY, "%.64s is %s", appraisal->name,
					ear_tier_name(appraisal->status));
		else if (!policy_text_affirming(payload, appraisal->name))
			ret = error_set(e, ERROR_POLICY, "%.64s: its ear.status is not a text",
					appraisal->name);
	}
	ear_free(&ear);
	return ret;
}

int policy_check(enum policy policy, json_t *payload, struct error *e)
{
	switch (policy) {
	case POLICY_AFFIRMING:
		return policy_affirming(payload, e);
	case POLICY_ALLOW_ALL:
		return 0;
	default:
		return error_set(e, ERROR_POLICY, "the policy is deny-all");
	}
}
