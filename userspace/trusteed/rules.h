/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules: the handlers of attestation-policy and resource-policy: what operators set, list, read and remove. A
 * policy in Rego is checked by the engine before it is set, so that the answer comes later.
 */
#ifndef TRUSTEED_RULES_H
#define TRUSTEED_RULES_H

#include "trustee.h"
#include "trusteed/http/reply.h"
#include "trusteed/http/request.h"

void rules_attestation_list(struct trustee *t, const struct request *request, const char *rest,
			    struct reply *reply);
void rules_attestation_set(struct trustee *t, const struct request *request, const char *rest,
			   struct reply *reply);
void rules_attestation_get(struct trustee *t, const struct request *request, const char *rest,
			   struct reply *reply);
void rules_attestation_remove(struct trustee *t, const struct request *request, const char *rest,
			      struct reply *reply);

/* Policies of repositories, and POLICIES_RESOURCE_ALL, that of those that have none. An administrator of one
 * repository sets that one's. */
void rules_resource_list(struct trustee *t, const struct request *request, const char *rest,
			 struct reply *reply);
void rules_resource_set(struct trustee *t, const struct request *request, const char *rest,
			struct reply *reply);
void rules_resource_get(struct trustee *t, const struct request *request, const char *rest,
			struct reply *reply);
void rules_resource_remove(struct trustee *t, const struct request *request, const char *rest,
			   struct reply *reply);

#endif
