// SPDX-License-Identifier: Apache-2.0
#include "judging.h"

#include <stdio.h>
#include <string.h>

#include "appraisal/reference.h"
#include "rego/question.h"
#include "trustee.h"

static const char *const judging_rules[] = { REGO_TRUST_CLAIMS, REGO_EXTENSIONS, NULL };

int judging_add(struct judging *judging, const char *name, json_t *evidence, const char *warning,
		struct error *e)
{
	struct judged *submod = &judging->submod[judging->count];

	if (judging->count == JUDGING_MAX || strlen(name) >= sizeof(submod->name)) {
		json_decref(evidence);
		return error_set(e, ERROR_ATTESTATION,
				 "%.32s: more devices than this server judges", name);
	}
	snprintf(submod->name, sizeof(submod->name), "%s", name);
	submod->evidence = evidence;
	submod->warning = warning;
	judging->count++;
	return 0;
}

/* Find the policy that was set for @submod. 1; 0 if there is none; -1 with an ERROR_SYSTEM. */
static int judging_find(struct judging *judging, const struct judged *submod, struct bytes *text,
			struct error *e)
{
	int class = (int)strcspn(submod->name, "0123456789"), found;
	const struct policies *policies = &judging->t->policies;

	snprintf(judging->policy, sizeof(judging->policy), "default_%.*s", class, submod->name);
	found = policies_text(policies, POLICIES_ATTESTATION, judging->policy, text, e);
	if (found != 0)
		return found;
	snprintf(judging->policy, sizeof(judging->policy), "default");
	return policies_text(policies, POLICIES_ATTESTATION, judging->policy, text, e);
}

static int judging_ask(struct judging *judging, const struct judged *submod,
		       const struct bytes *policy, struct error *e)
{
	struct bytes question = BYTES_INIT;
	char name[sizeof(judging->job.policy)];
	int ret = -1;

	if (!judging->t->pool)
		return error_set(e, ERROR_POLICY, "nothing here evaluates policies");
	snprintf(name, sizeof(name), "attestation/%s", judging->policy);
	if (pool_keep(judging->t->pool, reference_values(&judging->t->reference), e) == 0 &&
	    rego_ask_evaluate(policy, judging_rules, submod->evidence, NULL, json_true(), &question,
			      e) == 0)
		ret = pool_ask(judging->t->pool, &judging->job, name, &question, e);
	judging->asked = ret == 0;
	bytes_free(&question);
	return ret;
}

/* Judge the submods that have no verdict yet, until one is asked for. As judging_begin(). */
static int judging_step(struct judging *judging, struct error *e)
{
	while (judging->at < judging->count) {
		struct judged *submod = &judging->submod[judging->at];
		struct bytes text = BYTES_INIT;
		int found = judging_find(judging, submod, &text, e);

		if (found > 0)
			found = judging_ask(judging, submod, &text, e) == 0 ? 1 : -1;
		bytes_free(&text);
		if (found != 0)
			return found > 0 ? 0 : -1;
		verdict_from_rules(submod->evidence, reference_values(&judging->t->reference),
				   &submod->verdict);
		judging->at++;
	}
	return 1;
}

static void judging_answered(struct pool_job *job, json_t *answer, const struct error *failed)
{
	struct judging *judging = (struct judging *)job;
	struct error e = ERROR_INIT;
	int ret = -1;

	judging->asked = false;
	if (failed)
		e = *failed;
	else
		ret = verdict_from_values(json_object_get(answer, "values"),
					  &judging->submod[judging->at].verdict, &e);
	if (ret == 0) {
		judging->at++;
		ret = judging_step(judging, &e);
		if (ret == 0)
			return;
	}
	judging->done(judging, ret < 0 ? &e : NULL);
}

int judging_begin(struct judging *judging, struct error *e)
{
	judging->job.done = judging_answered;
	return judging_step(judging, e);
}

int judging_ear(const struct judging *judging, int64_t now, struct bytes *ear, struct error *e)
{
	struct ear_submod submods[JUDGING_MAX];

	for (size_t i = 0; i < judging->count; i++) {
		const struct judged *submod = &judging->submod[i];

		submods[i] = (struct ear_submod){
			.name = submod->name,
			.verdict = &submod->verdict,
			.evidence = submod->evidence,
			.warning = submod->warning,
		};
	}
	return ear_issue(&judging->t->issuer, submods, judging->count, now, ear, e);
}

void judging_free(struct judging *judging)
{
	if (judging->asked)
		pool_cancel(judging->t->pool, &judging->job);
	judging->asked = false;
	for (size_t i = 0; i < judging->count; i++) {
		json_decref(judging->submod[i].evidence);
		verdict_free(&judging->submod[i].verdict);
	}
	judging->count = 0;
}
