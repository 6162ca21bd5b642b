// SPDX-License-Identifier: Apache-2.0
#include "policy.h"

#include <stdbool.h>
#include <stdio.h>
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

const char *policy_text(enum policy policy)
{
	return policies[policy].text;
}

/* Read the member policy_id, which may be absent. */
static int policy_request_id(const json_t *object, struct policy_request *request, struct error *e)
{
	const char *id;

	if (!json_object_get(object, "policy_id"))
		return 0;
	id = json_member_text(object, "policy_id", "policy request", ERROR_INPUT, e);
	if (!id || policies_check_id(id, e) < 0)
		return -1;
	snprintf(request->id, sizeof(request->id), "%s", id);
	return 0;
}

int policy_request_parse(const void *body, size_t len, struct policy_request *request,
			 struct error *e)
{
	json_t *object = json_parse(body, len, JSON_OPERATOR, "policy request", ERROR_INPUT, e);
	const char *base64;
	int ret = -1;

	if (!object)
		return -1;
	base64 = json_member_text(object, "policy", "policy request", ERROR_INPUT, e);
	if (base64 && policy_request_id(object, request, e) == 0)
		ret = decode_base64(ENCODE_BASE64URL, base64, strlen(base64),
				    "policy request: policy", &request->text, e);
	json_decref(object);
	return ret;
}

void policy_request_free(struct policy_request *request)
{
	bytes_free(&request->text);
	*request = (struct policy_request)POLICY_REQUEST_INIT;
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
