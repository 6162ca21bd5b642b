// SPDX-License-Identifier: Apache-2.0
#include "rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"
#include "base/json.h"
#include "rego/question.h"
#include "trusteed/http/later.h"
#include "trusteed/policy/pool.h"
#include "trusteed/store/admins.h"

/* What the two kinds differ in. */
static const struct {
	const char *name, *rule; /* the rule that is evaluated */
	const char *without;	 /* what a policy without it does */
} kinds[POLICIES_KINDS] = {
	[POLICIES_ATTESTATION] = { "attestation", REGO_TRUST_CLAIMS, "affirms nothing" },
	[POLICIES_RESOURCE] = { "resource", REGO_ALLOW, "denies everything" },
};

/* A policy that the engine checks before it is set. */
struct setting {
	struct later later; /* first, so that a pointer to it is one to this */
	struct pool_job job;
	struct trustee *t;
	enum policies_kind kind;
	struct policy_request policy;
	char note[128]; /* of the request */
};

static bool rules_for_all(enum policies_kind kind, const char *id)
{
	return kind == POLICIES_RESOURCE && strcmp(id, POLICIES_RESOURCE_ALL) == 0;
}

/* Set a policy that is in order. */
static void rules_set(struct trustee *t, enum policies_kind kind,
		      const struct policy_request *policy, struct reply *reply)
{
	bool built_in = false;
	struct error e = ERROR_INIT;
	enum policy known;
	int ret;

	if (kind == POLICIES_RESOURCE)
		built_in = policy_known(policy->text.data, policy->text.len, &known);
	if (!rules_for_all(kind, policy->id))
		ret = policies_set(&t->policies, &t->store, kind, policy->id, &policy->text, &e);
	else if (built_in)
		ret = trustee_set_policy(t, known, &e);
	else
		ret = trustee_set_policy_rego(t, &policy->text, &e);
	if (ret < 0)
		reply_fail(reply, REPLY_POLICY_TEXT, &e);
	else
		reply_note(reply, "%s policy %s: %s", kinds[kind].name, policy->id,
			   built_in ? policy_name(known) : "Rego");
}

static void setting_free(struct setting *setting)
{
	policy_request_free(&setting->policy);
	free(setting);
}

static void setting_cancel(struct later *later)
{
	struct setting *setting = (struct setting *)later;

	pool_cancel(setting->t->pool, &setting->job);
	setting_free(setting);
}

/* Say in the log what is no mistake, but hardly what was meant. */
static void setting_doubt(const struct setting *setting, const json_t *answer, struct reply *reply)
{
	static const char *const used[] = { "default", "default_cpu", "default_gpu" };
	const json_t *rules = json_object_get(answer, "rules");
	bool evaluated = false, known = setting->kind != POLICIES_ATTESTATION;

	for (size_t i = 0; i < json_array_size(rules); i++) {
		const char *rule = json_string_value(json_array_get(rules, i));

		evaluated |= rule && strcmp(rule, kinds[setting->kind].rule) == 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(used); i++)
		known |= strcmp(setting->policy.id, used[i]) == 0;
	if (!evaluated)
		reply_note(reply, "(WARNING: it has no rule %s, so it %s)",
			   kinds[setting->kind].rule, kinds[setting->kind].without);
	if (!known)
		reply_note(reply, "(WARNING: no attestation uses a policy with this id)");
	reply->warning |= !evaluated || !known;
}

static void setting_done(struct pool_job *job, json_t *answer, const struct error *e)
{
	struct setting *setting = (struct setting *)((char *)job - offsetof(struct setting, job));
	struct reply reply = REPLY_INIT;

	if (setting->note[0])
		reply_note(&reply, "%s", setting->note);
	if (answer) {
		rules_set(setting->t, setting->kind, &setting->policy, &reply);
		if (reply.status == 200)
			setting_doubt(setting, answer, &reply);
	} else {
		reply_fail(&reply, REPLY_POLICY_TEXT, e);
	}
	setting->later.answer(&setting->later, &reply);
	setting_free(setting);
}

/* Have the engine check @policy, which is taken if this succeeds. */
static int setting_start(struct trustee *t, enum policies_kind kind, struct policy_request *policy,
			 struct reply *reply, struct error *e)
{
	struct setting *setting;
	struct bytes question = BYTES_INIT;
	int ret = -1;

	if (!t->pool || !pool_available())
		return error_set(e, ERROR_INPUT,
				 "this trusteed has no engine for Rego (realmkey-policy is not "
				 "installed): only the resource policies affirming, allow-all and "
				 "deny-all of `realmkey admin set-resource-policy` can be set");
	setting = calloc(1, sizeof(*setting));
	if (!setting)
		return error_set_memory(e);
	setting->later.cancel = setting_cancel;
	setting->job.done = setting_done;
	setting->t = t;
	setting->kind = kind;
	snprintf(setting->note, sizeof(setting->note), "%.127s", reply->note);
	if (rego_ask_check(&policy->text, &question, e) == 0)
		ret = pool_ask(t->pool, &setting->job, "new", &question, e);
	bytes_free(&question);
	if (ret < 0) {
		free(setting);
		return -1;
	}
	setting->policy = *policy;
	*policy = (struct policy_request)POLICY_REQUEST_INIT;
	reply->later = &setting->later;
	return 0;
}

/* Set @policy, at once if it is built in. */
static void rules_begin(struct trustee *t, enum policies_kind kind, struct policy_request *policy,
			struct reply *reply)
{
	struct error e = ERROR_INIT;
	enum policy known;

	if (kind == POLICIES_RESOURCE && policy_known(policy->text.data, policy->text.len, &known))
		rules_set(t, kind, policy, reply);
	else if (setting_start(t, kind, policy, reply, &e) < 0)
		reply_fail(reply, REPLY_POLICY_TEXT, &e);
}

void rules_attestation_set(struct trustee *t, const struct request *request, const char *rest,
			   struct reply *reply)
{
	struct policy_request policy = POLICY_REQUEST_INIT;
	struct error e = ERROR_INIT;

	(void)rest;
	if (policy_request_parse(request->body, request->len, &policy, &e) == 0 && !policy.id[0])
		error_set(&e, ERROR_INPUT, "policy request: policy_id: missing");
	if (e.kind != ERROR_NONE)
		reply_fail(reply, REPLY_POLICY_TEXT, &e);
	else
		rules_begin(t, POLICIES_ATTESTATION, &policy, reply);
	policy_request_free(&policy);
}

/* Complete the id of @policy, which is the administrator's own repository if none was given, and check the right to
 * set it. */
static int rules_admit(struct trustee *t, const struct request *request,
		       struct policy_request *policy, struct error *e)
{
	const char *token = request_bearer(request);
	const struct admin *admin = admins_find(&t->admins, token, request->now, ADMINS_NEED_ANY,
						NULL, e);

	if (!admin)
		return -1;
	if (!policy->id[0])
		snprintf(policy->id, sizeof(policy->id), "%s",
			 admin->repository[0] ? admin->repository : POLICIES_RESOURCE_ALL);
	admin = admins_find(&t->admins, token, request->now, ADMINS_NEED_REPOSITORY, policy->id, e);
	return admin ? 0 : -1;
}

void rules_resource_set(struct trustee *t, const struct request *request, const char *rest,
			struct reply *reply)
{
	struct policy_request policy = POLICY_REQUEST_INIT;
	struct error e = ERROR_INIT;

	(void)rest;
	if (policy_request_parse(request->body, request->len, &policy, &e) < 0)
		reply_fail(reply, REPLY_POLICY_TEXT, &e);
	else if (rules_admit(t, request, &policy, &e) < 0)
		reply_fail(reply, REPLY_ADMIN, &e);
	else
		rules_begin(t, POLICIES_RESOURCE, &policy, reply);
	policy_request_free(&policy);
}

/* Answer with the text of the policy @id. */
static void rules_get(struct trustee *t, enum policies_kind kind, const char *id,
		      struct reply *reply)
{
	struct bytes text = BYTES_INIT, base64 = BYTES_INIT;
	struct error e = ERROR_INIT;
	int found = policies_text(&t->policies, kind, id, &text, &e);

	if (found == 0 && rules_for_all(kind, id)) {
		bytes_append_text(&text, policy_text(t->policy));
		found = bytes_check(&text, &e) < 0 ? -1 : 1;
	}
	if (found > 0) {
		encode_base64(ENCODE_BASE64URL, text.data, text.len, &base64);
		found = bytes_check(&base64, &e) < 0 ? -1 : 1;
	}
	if (found < 0)
		reply_fail(reply, REPLY_INTERNAL, &e);
	else if (found == 0)
		reply_refuse(reply, REPLY_POLICY_NOT_FOUND, id);
	else
		reply_json(reply,
			   json_pack("{s:s, s:s}", "policy_id", id, "policy", bytes_text(&base64)));
	bytes_free(&text);
	bytes_free(&base64);
}

static void rules_remove(struct trustee *t, enum policies_kind kind, const char *id,
			 struct reply *reply)
{
	struct error e = ERROR_INIT;
	int ret;

	if (!json_object_get(t->policies.kind[kind], id)) {
		reply_refuse(reply, REPLY_POLICY_NOT_FOUND, id);
		return;
	}
	/* The built-in policy of all may be another one, if a change to it was cut off. */
	if (rules_for_all(kind, id))
		ret = trustee_set_policy(t, POLICY_DENY_ALL, &e);
	else
		ret = policies_set(&t->policies, &t->store, kind, id, NULL, &e);
	if (ret < 0)
		reply_fail(reply, REPLY_INTERNAL, &e);
	else
		reply_note(reply, "%s policy %s removed", kinds[kind].name, id);
}

void rules_attestation_list(struct trustee *t, const struct request *request, const char *rest,
			    struct reply *reply)
{
	struct error e = ERROR_INIT;

	(void)request;
	(void)rest;
	reply_json(reply, policies_list(&t->policies, POLICIES_ATTESTATION, &e));
}

void rules_attestation_get(struct trustee *t, const struct request *request, const char *rest,
			   struct reply *reply)
{
	(void)request;
	rules_get(t, POLICIES_ATTESTATION, rest, reply);
}

void rules_attestation_remove(struct trustee *t, const struct request *request, const char *rest,
			      struct reply *reply)
{
	(void)request;
	rules_remove(t, POLICIES_ATTESTATION, rest, reply);
}

void rules_resource_list(struct trustee *t, const struct request *request, const char *rest,
			 struct reply *reply)
{
	struct error e = ERROR_INIT;
	json_t *list = policies_list(&t->policies, POLICIES_RESOURCE, &e);

	(void)request;
	(void)rest;
	/* There is always one for all, in Rego or built in. */
	if (list && !json_object_get(t->policies.kind[POLICIES_RESOURCE], POLICIES_RESOURCE_ALL) &&
	    json_array_insert_new(list, 0, json_string(POLICIES_RESOURCE_ALL)) < 0) {
		json_decref(list);
		list = NULL;
	}
	reply_json(reply, list);
}

void rules_resource_get(struct trustee *t, const struct request *request, const char *rest,
			struct reply *reply)
{
	(void)request;
	rules_get(t, POLICIES_RESOURCE, rest, reply);
}

void rules_resource_remove(struct trustee *t, const struct request *request, const char *rest,
			   struct reply *reply)
{
	(void)request;
	rules_remove(t, POLICIES_RESOURCE, rest, reply);
}
