// SPDX-License-Identifier: Apache-2.0
#include "admin.h"

#include <stdio.h>

void admin_policy_get(struct trustee *t, const struct request *request, const char *rest,
		      struct reply *reply)
{
	struct error e = ERROR_INIT;

	(void)request;
	(void)rest;
	reply_note(reply, "policy %s", policy_name(t->policy));
	if (reply_json(reply, json_pack("[s]", "resource-policy"), &e) < 0)
		reply_fail(reply, REPLY_INTERNAL, &e);
}

void admin_policy_set(struct trustee *t, const struct request *request, const char *rest,
		      struct reply *reply)
{
	struct error e = ERROR_INIT;
	enum policy policy;

	(void)rest;
	if (policy_from_body(request->body, request->len, &policy, &e) < 0 ||
	    trustee_set_policy(t, policy, &e) < 0)
		reply_fail(reply, REPLY_POLICY_TEXT, &e);
	else
		reply_note(reply, "policy %s", policy_name(policy));
}

void admin_reference_get(struct trustee *t, const struct request *request, const char *rest,
			 struct reply *reply)
{
	json_t *value = reference_value(&t->reference, rest);
	struct error e = ERROR_INIT;

	(void)request;
	if (!value) {
		error_set(&e, ERROR_NOT_FOUND, "Failed to get reference_values: No reference value "
			  "found for the given id: %.256s", rest);
		reply_fail(reply, REPLY_RVPS, &e);
	} else if (reply_json(reply, json_incref(value), &e) < 0) {
		reply_fail(reply, REPLY_INTERNAL, &e);
	}
}

/* What an operator endorsed must be told from the log: the names whose record is another one now. */
static void admin_note_endorsed(const json_t *before, const json_t *after, struct reply *reply)
{
	const char *name;
	json_t *record;

	json_object_foreach((json_t *)after, name, record)
		if (json_object_get(before, name) != record)
			reply_note(reply, "endorsed %s", name);
}

void admin_reference_set(struct trustee *t, const struct request *request, const char *rest,
			 struct reply *reply)
{
	struct reference next = REFERENCE_INIT;
	struct error e = ERROR_INIT;
	json_t *before = NULL;

	(void)rest;
	if (reference_apply(&t->reference, request->body, request->len, request->now, &next,
			    &e) < 0) {
		reply_fail(reply, REPLY_RVPS, &e);
		goto out;
	}
	before = json_incref(t->reference.records);
	if (trustee_set_reference(t, &next, &e) < 0)
		reply_fail(reply, REPLY_RVPS, &e);
	else
		admin_note_endorsed(before, t->reference.records, reply);
out:
	json_decref(before);
	reference_free(&next);
}
