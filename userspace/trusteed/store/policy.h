/* SPDX-License-Identifier: Apache-2.0 */
/* policy: the three resource policies built in. Pure. */
#ifndef TRUSTEED_POLICY_H
#define TRUSTEED_POLICY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum policy {
	POLICY_AFFIRMING,	/* the default: at least one appraisal, every one affirming */
	POLICY_ALLOW_ALL,	/* any valid EAR */
	POLICY_DENY_ALL,
	POLICIES
};

const char *policy_name(enum policy policy);
/* By its name, as store keeps it (white space at the end is no matter). ERROR_CONFIG. */
int policy_from_name(const char *name, size_t len, enum policy *policy, struct error *e);
/* From the Rego text of lib/policy_text.h. ERROR_INPUT for any other text. */
int policy_from_text(const void *text, size_t len, enum policy *policy, struct error *e);
/* From the body of POST resource-policy: {"policy": base64url of the text}. ERROR_INPUT. */
int policy_from_body(const void *body, size_t len, enum policy *policy, struct error *e);

/* Judge the verified claims @payload of an EAR. False with the reason, ERROR_POLICY, in @e. */
bool policy_allows(enum policy policy, json_t *payload, struct error *e);

#endif
