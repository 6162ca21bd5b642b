// SPDX-License-Identifier: Apache-2.0
#include "resource.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "ear/ear.h"
#include "evidence.h"
#include "jose/jwe.h"
#include "jose/jwt.h"
#include "judging.h"
#include "query.h"
#include "rego/question.h"
#include "storage.h"
#include "trusteed/attest/ear_issue.h"
#include "trusteed/http/later.h"

/* A request for a resource, from its EAR to its answer. */
struct releasing {
	struct later later;	/* used if a policy is asked */
	struct pool_job job;	/* asks the resource policy */
	struct judging judging; /* the new appraisal of --recheck */
	struct trustee *t;
	struct storage_name name;
	json_t *query;	/* owned */
	struct jwt jwt; /* the EAR */
	struct ear ear; /* its appraisals, for --recheck */
	struct reply reply;
	char policy[POLICIES_ID_MAX + 1]; /* that was asked */
	bool asked;			  /* @job is awaited */
};

/* --- the EAR ------------------------------------------------------------------------------------ */

/* Check that the EAR is not older than the operator allows. */
static int resource_check_age(const struct trustee *t, const struct jwt *jwt, int64_t now,
			      struct error *e)
{
	double issued;

	if (t->max_token_age == 0)
		return 0;
	if (!json_date(json_object_get(jwt->payload, "iat"), &issued))
		return error_set(e, ERROR_ATTESTATION, "the EAR does not say when it was issued");
	if ((double)now - issued > (double)t->max_token_age)
		return error_set(e, ERROR_ATTESTATION,
				 "the EAR is older than the %lld s that this server accepts",
				 (long long)t->max_token_age);
	return 0;
}

/* Get the claims of the session's EAR or, without one, of the bearer token. The EAR is verified
 * each time. */
static int resource_claims(struct trustee *t, const struct request *request, struct jwt *jwt,
			   struct reply *reply)
{
	const struct kbs_session *session;
	const char *token = request_bearer(request);
	struct bytes ear = BYTES_INIT;
	struct error e = ERROR_INIT;
	int ret = -1;

	session = kbs_sessions_find(&t->sessions, request->session, request->monotonic);
	if (session) {
		reply_note(reply, "session %.8s", session->id);
		if (token_unpack(&session->ear, &ear, &e) < 0) {
			reply_fail(reply, REPLY_INTERNAL, &e);
			goto out;
		}
		token = bytes_text(&ear);
	}
	if (!token)
		reply_refuse(reply, REPLY_TOKEN_NOT_FOUND, NULL);
	else if (jwt_decode(token, strlen(token), jwt, &e) < 0 ||
		 ear_keys_verify(&t->ear_keys, jwt, request->now, &e) < 0 ||
		 jwt_check_times(jwt, request->now, JWT_LEEWAY, NULL, &e) < 0 ||
		 resource_check_age(t, jwt, request->now, &e) < 0)
		reply_fail(reply, REPLY_TOKEN_VERIFIER, &e);
	else
		ret = 0;
out:
	bytes_free(&ear);
	return ret;
}

/* --- the answer --------------------------------------------------------------------------------- */

static void releasing_free(struct releasing *r)
{
	if (r->asked)
		pool_cancel(r->t->pool, &r->job);
	judging_free(&r->judging);
	ear_free(&r->ear);
	jwt_free(&r->jwt);
	json_decref(r->query);
	reply_free(&r->reply);
	free(r);
}

static void releasing_cancel(struct later *later)
{
	releasing_free((struct releasing *)later);
}

static void releasing_deliver(struct releasing *r)
{
	r->later.answer(&r->later, &r->reply);
	releasing_free(r);
}

/* Refuse as @refusal because a policy could not be evaluated. @cause is for the client, @e for the operator. */
static void releasing_refuse(struct releasing *r, enum reply_refusal refusal, const char *kind,
			     const char *policy, const struct error *e)
{
	char cause[128];

	if (e->kind == ERROR_SYSTEM) {
		reply_fail(&r->reply, refusal, e);
		return;
	}
	snprintf(cause, sizeof(cause), "the %s policy %s failed", kind, policy);
	reply_refuse(&r->reply, refusal, cause);
	reply_note(&r->reply, "(%s)", e->text);
	r->reply.warning = true;
}

/* Encrypt the resource to @jwk, as the reply. Call this only after the policy allowed access: it
 * reveals whether the resource exists. */
static void releasing_seal(struct releasing *r, const json_t *jwk)
{
	struct bytes secret = BYTES_LOCKED_INIT;
	struct error e = ERROR_INIT;
	int found = store_read(&r->t->store, r->name.file, JWE_PLAINTEXT_MAX, &secret, &e);

	if (found < 0) {
		error_reclassify(&e, ERROR_ANY, ERROR_SYSTEM); /* the store is this machine's */
		reply_fail(&r->reply, REPLY_INTERNAL, &e);
	} else if (found == 0) {
		reply_refuse(&r->reply, REPLY_RESOURCE_NOT_FOUND, r->name.path);
	} else if (jwe_seal(jwk, secret.data, secret.len, NULL, &r->reply.body, &e) < 0) {
		reply_fail(&r->reply, REPLY_JWE, &e);
	}
	bytes_free(&secret);
}

static void releasing_allow(struct releasing *r)
{
	const json_t *jwk = ear_issue_tee_pubkey(r->jwt.payload);

	if (jwk)
		releasing_seal(r, jwk);
	else
		reply_refuse(&r->reply, REPLY_TOKEN_VERIFIER, "no tee-pubkey");
}

/* --- the resource policy ------------------------------------------------------------------------ */

static void releasing_built_in(struct releasing *r, enum policy policy)
{
	struct error e = ERROR_INIT;

	if (policy_check(policy, r->jwt.payload, &e) == 0) {
		releasing_allow(r);
	} else if (e.kind == ERROR_SYSTEM) {
		reply_fail(&r->reply, REPLY_INTERNAL, &e);
	} else {
		reply_refuse(&r->reply, REPLY_POLICY_DENY, NULL);
		reply_note(&r->reply, "(%s)", e.text);
	}
}

/* Only the JSON value true allows access. */
static void releasing_decided(struct pool_job *job, json_t *answer, const struct error *e)
{
	struct releasing *r = (struct releasing *)((char *)job - offsetof(struct releasing, job));
	const json_t *allow = json_object_get(json_object_get(answer, "values"), REGO_ALLOW);

	r->asked = false;
	if (e) {
		releasing_refuse(r, REPLY_POLICY_DENY, "resource", r->policy, e);
	} else if (json_is_true(allow)) {
		releasing_allow(r);
	} else {
		reply_refuse(&r->reply, REPLY_POLICY_DENY, NULL);
		reply_note(&r->reply, "(policy %s%s)", r->policy,
			   json_is_false(allow) ? "" : ": allow is not a boolean");
	}
	releasing_deliver(r);
}

/* {"plugin": "resource", "resource-path": [REPOSITORY, TYPE, TAG], "query"}: what Trustee calls "data". A new
 * reference, or NULL out of memory. */
static json_t *releasing_data(const struct releasing *r)
{
	json_t *path = json_array();
	int ret = path ? 0 : -1;

	for (const char *at = r->name.path; ret == 0; at++) {
		size_t len = strcspn(at, "/");

		ret = json_array_append_new(path, json_stringn(at, len));
		at += len;
		if (!*at)
			break;
	}
	if (ret < 0) {
		json_decref(path);
		return NULL;
	}
	return json_pack("{s:s, s:o, s:O}", "plugin", "resource", "resource-path", path, "query",
			 r->query);
}

static int releasing_ask(struct releasing *r, const struct bytes *policy, struct error *e)
{
	static const char *const rules[] = { REGO_ALLOW, NULL };
	struct bytes question = BYTES_INIT;
	char name[sizeof(r->job.policy)];
	json_t *data;
	int ret = -1;

	if (!r->t->pool)
		return error_set(e, ERROR_POLICY, "nothing here evaluates policies");
	data = releasing_data(r);
	if (!data)
		return error_set_memory(e);
	r->job.done = releasing_decided;
	snprintf(name, sizeof(name), "resource/%s", r->policy);
	if (rego_ask_evaluate(policy, rules, r->jwt.payload, data, NULL, &question, e) == 0)
		ret = pool_ask(r->t->pool, &r->job, name, &question, e);
	r->asked = ret == 0;
	json_decref(data);
	bytes_free(&question);
	return ret;
}

/* Find the policy in Rego for the repository. 1; 0 if there is none; -1 with an ERROR_SYSTEM. */
static int releasing_find(struct releasing *r, struct bytes *text, struct error *e)
{
	int repository = (int)strcspn(r->name.path, "/"), found = 0;

	if (repository <= POLICIES_ID_MAX) {
		snprintf(r->policy, sizeof(r->policy), "%.*s", repository, r->name.path);
		found = policies_text(&r->t->policies, POLICIES_RESOURCE, r->policy, text, e);
	}
	if (found != 0)
		return found;
	snprintf(r->policy, sizeof(r->policy), "%s", POLICIES_RESOURCE_ALL);
	return policies_text(&r->t->policies, POLICIES_RESOURCE, r->policy, text, e);
}

/* Have the policy for the repository decide. Returns whether the answer is there. */
static bool releasing_decide(struct releasing *r)
{
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	enum policy policy = r->t->policy;
	int found = releasing_find(r, &text, &e);
	bool rego = found > 0 && !policy_known(text.data, text.len, &policy);

	if (found >= 0 && !rego)
		releasing_built_in(r, policy);
	else if (found < 0 || releasing_ask(r, &text, &e) < 0)
		releasing_refuse(r, REPLY_POLICY_DENY, "resource", r->policy, &e);
	bytes_free(&text);
	return !r->asked;
}

/* --- the new appraisal (--recheck) --------------------------------------------------------------- */

/* Refuse if a submod is worse now than its EAR says. Otherwise returns true. */
static bool releasing_compare(struct releasing *r)
{
	for (size_t i = 0; i < r->judging.count; i++) {
		enum ear_tier tier = verdict_tier(&r->judging.submod[i].verdict);
		enum ear_tier before = r->ear.appraisal[i].status;
		char cause[128];

		/* To say nothing is worse than to affirm. */
		if (tier <= before && (tier != EAR_NONE || before != EAR_AFFIRMING))
			continue;
		snprintf(cause, sizeof(cause), "%.16s is %s now, after it was %s",
			 r->judging.submod[i].name, ear_tier_name(tier), ear_tier_name(before));
		reply_refuse(&r->reply, REPLY_TOKEN_VERIFIER, cause);
		return false;
	}
	return true;
}

static void releasing_rejudged(struct judging *judging, const struct error *e)
{
	struct releasing *r =
		(struct releasing *)((char *)judging - offsetof(struct releasing, judging));

	if (e)
		releasing_refuse(r, REPLY_TOKEN_VERIFIER, "attestation", judging->policy, e);
	if (e || !releasing_compare(r) || releasing_decide(r))
		releasing_deliver(r);
}

/* Check that what the EAR says of one device could still be verified, and have it judged again. */
static int releasing_resume(struct releasing *r, const struct ear_appraisal *appraisal,
			    struct error *e)
{
	bool sample = !json_object_get(appraisal->evidence, "cca");

	if (!appraisal->evidence)
		return error_set(e, ERROR_ATTESTATION, "%.64s has no annotated evidence",
				 appraisal->name);
	if (sample && !r->t->sample_evidence)
		return error_set(e, ERROR_ATTESTATION, "%.64s is no longer accepted",
				 appraisal->name);
	if (!sample && evidence_still_trusted(r->t, appraisal->evidence, &r->reply, e) < 0)
		return -1;
	return judging_add(&r->judging, appraisal->name, json_incref((json_t *)appraisal->evidence),
			   NULL, e);
}

/* Judge the evidence in the EAR again. Returns whether the answer is there. */
static bool releasing_recheck(struct releasing *r)
{
	struct error e = ERROR_INIT;
	int ret = ear_from_payload(r->jwt.payload, &r->ear, &e);

	for (size_t i = 0; ret == 0 && i < r->ear.count; i++)
		ret = releasing_resume(r, &r->ear.appraisal[i], &e);
	if (ret < 0) {
		reply_fail(&r->reply, REPLY_TOKEN_VERIFIER, &e);
		return true;
	}
	r->judging.done = releasing_rejudged;
	ret = judging_begin(&r->judging, &e);
	if (ret < 0)
		releasing_refuse(r, REPLY_TOKEN_VERIFIER, "attestation", r->judging.policy, &e);
	else if (ret > 0)
		return !releasing_compare(r) || releasing_decide(r);
	return ret < 0;
}

/* --- the request -------------------------------------------------------------------------------- */

/* Returns whether the answer is there. */
static bool releasing_begin(struct releasing *r, const struct request *request, const char *rest)
{
	struct error e = ERROR_INIT;

	if (storage_name(rest, &r->name, &r->reply) < 0)
		return true;
	r->query = query_parse(request->query, &e);
	if (!r->query) {
		reply_fail(&r->reply, REPLY_REQUEST_PATH, &e);
		return true;
	}
	if (resource_claims(r->t, request, &r->jwt, &r->reply) < 0)
		return true;
	return r->t->recheck ? releasing_recheck(r) : releasing_decide(r);
}

void resource_get(struct trustee *t, const struct request *request, const char *rest,
		  struct reply *reply)
{
	struct releasing *r = calloc(1, sizeof(*r));
	struct error e = ERROR_INIT;

	if (!r) {
		error_set_memory(&e);
		reply_fail(reply, REPLY_INTERNAL, &e);
		return;
	}
	*r = (struct releasing){
		.later.cancel = releasing_cancel,
		.judging.t = t,
		.t = t,
		.jwt = JWT_INIT,
		.ear = EAR_INIT,
		.reply = REPLY_INIT,
	};
	if (!releasing_begin(r, request, rest)) {
		reply->later = &r->later;
		return;
	}
	*reply = r->reply;
	r->reply = (struct reply)REPLY_INIT;
	releasing_free(r);
}
