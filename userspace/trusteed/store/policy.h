/* SPDX-License-Identifier: Apache-2.0 */
/* policy: the three built-in resource policies. This file does no I/O. */
#ifndef TRUSTEED_POLICY_H
#define TRUSTEED_POLICY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "policies.h"

enum policy {
	POLICY_AFFIRMING, /* the default: at least one appraisal, and all are affirming */
	POLICY_ALLOW_ALL, /* any valid EAR */
	POLICY_DENY_ALL,
	POLICIES
};

/* "affirming", "allow-all" or "deny-all". Static. */
const char *policy_name(enum policy policy);
/* The policy with the name @name, of @len characters; white space at the end is ignored.
 * ERROR_CONFIG. */
int policy_from_name(const char *name, size_t len, enum policy *policy, struct error *e);
/* Whether @text, of @len bytes, is that of a built-in policy in kbs/policy_text.h, white space at the end
 * aside; and which one. The whole text is compared, because the text below the mark in its first line may
 * have been edited. */
bool policy_known(const void *text, size_t len, enum policy *policy);
/* The text of a built-in policy. Static. */
const char *policy_text(enum policy policy);

/* What POST attestation-policy and POST resource-policy ask for. */
struct policy_request {
	char id[POLICIES_ID_MAX + 1]; /* "": none was given */
	struct bytes text;
};

#define POLICY_REQUEST_INIT { 0 }

/* Read {"policy": base64url of the text, "policy_id": ID}. Other members, such as the type that kbs-client sends,
 * are ignored, as in Trustee. ERROR_INPUT. The caller releases @request in all cases. */
int policy_request_parse(const void *body, size_t len, struct policy_request *request,
			 struct error *e);
void policy_request_free(struct policy_request *request);

/* Apply @policy to the verified claims @payload of an EAR. 0 if it allows access, or -1: an
 * ERROR_POLICY or ERROR_ATTESTATION is the reason of a denial, an ERROR_SYSTEM is not a denial. */
int policy_check(enum policy policy, json_t *payload, struct error *e);

#endif
