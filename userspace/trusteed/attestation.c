// SPDX-License-Identifier: Apache-2.0
#include "attestation.h"

#include <stdlib.h>
#include <string.h>

#include "appraisal/init_data.h"
#include "base/clock.h"
#include "evidence.h"
#include "jose/jwt.h"
#include "judging.h"
#include "rego/question.h"
#include "trusteed/attest/handshake.h"
#include "trusteed/attest/sample.h"
#include "trusteed/http/later.h"

/* An attest request, from its evidence to its answer. */
struct attesting {
	struct later later;  /* used if a policy is asked */
	struct pool_job job; /* asks what the init-data says */
	struct judging judging;
	struct trustee *t;
	struct kbs_handshake handshake;
	struct bytes init_data;
	struct reply reply;
	int64_t monotonic, now; /* of the request */
	int64_t begun;		/* when the answer was put off: boot clock, ms; 0: it was not */
	bool asked;		/* @job is awaited */
};

/* Set the cookie of the session @id, which ends in @left ms, at @now. */
static void attestation_cookie(const char *id, int64_t now, int64_t left, struct reply *reply)
{
	kbs_session_cookie(id, now, left / 1000, reply->cookie, sizeof(reply->cookie));
}

void attestation_auth(struct trustee *t, const struct request *request, const char *rest,
		      struct reply *reply)
{
	struct handshake_hello hello;
	struct kbs_handshake handshake;
	struct error e = ERROR_INIT;

	(void)rest;
	if (handshake_auth_parse(request->body, request->len, t->least, &hello, &e) < 0 ||
	    (hello.tee == KBS_SAMPLE && !t->sample_evidence &&
	     handshake_tee_refuse("sample", &e) < 0)) {
		error_add(&e, "RCAR handshake Auth failed");
		reply_fail(reply, REPLY_ATTESTATION, &e);
		return;
	}
	if (kbs_seal_begin(&t->seal, request->monotonic, hello.version, hello.tee, &handshake, &e) <
	    0) {
		reply_fail(reply, REPLY_ATTESTATION, &e);
		return;
	}
	reply_note(reply, "session %.8s", handshake.id);
	attestation_cookie(handshake.id, request->now, handshake.until - request->monotonic, reply);
	reply_json(reply, handshake_auth_answer(handshake.nonce));
}

/* Answer with the EAR of @session, at @monotonic and @now. */
static void attestation_answer(const struct kbs_session *session, const struct bytes *ear,
			       int64_t monotonic, int64_t now, struct reply *reply)
{
	struct error e = ERROR_INIT;

	/* No character of a compact JWT is escaped in JSON. */
	bytes_printf(&reply->body, "{\"token\":\"%s\"}", bytes_text(ear));
	if (bytes_check(&reply->body, &e) < 0)
		reply_fail(reply, REPLY_INTERNAL, &e);
	else
		attestation_cookie(session->id, now, session->until - monotonic, reply);
}

/* Answer with the EAR that @session has already. It does not change; a new body is not read. */
static void attestation_again(const struct kbs_session *session, int64_t monotonic, int64_t now,
			      struct reply *reply)
{
	struct bytes ear = BYTES_INIT;
	struct error e = ERROR_INIT;

	reply_note(reply, "session %.8s attested before", session->id);
	if (token_unpack(&session->ear, &ear, &e) < 0)
		reply_fail(reply, REPLY_INTERNAL, &e);
	else
		attestation_answer(session, &ear, monotonic, now, reply);
	bytes_free(&ear);
}

/* --- judging ------------------------------------------------------------------------------------ */

static void attesting_free(struct attesting *a)
{
	if (a->asked)
		pool_cancel(a->t->pool, &a->job);
	judging_free(&a->judging);
	bytes_free(&a->init_data);
	reply_free(&a->reply);
	free(a);
}

static void attesting_cancel(struct later *later)
{
	attesting_free((struct attesting *)later);
}

static void attesting_deliver(struct attesting *a)
{
	a->later.answer(&a->later, &a->reply);
	attesting_free(a);
}

/* Refuse for @e. The client gets to know no more than @cause of what the operator's policies say. */
static void attesting_refuse(struct attesting *a, const char *cause, const struct error *e)
{
	if (e->kind == ERROR_SYSTEM) {
		reply_fail(&a->reply, REPLY_ATTESTATION, e);
		return;
	}
	reply_refuse(&a->reply, REPLY_ATTESTATION, cause);
	reply_note(&a->reply, "(%s)", e->text);
	a->reply.warning = true;
}

static void attesting_refuse_policy(struct attesting *a, const struct error *e)
{
	char cause[128];

	snprintf(cause, sizeof(cause), "the attestation policy %s failed", a->judging.policy);
	attesting_refuse(a, cause, e);
}

static void attesting_note(struct attesting *a)
{
	for (size_t i = 0; i < a->judging.count; i++) {
		const struct judged *submod = &a->judging.submod[i];

		reply_note(&a->reply, "%s%s%s", i == 0 ? "OK " : submod->name, i == 0 ? "" : " ",
			   ear_tier_name(verdict_tier(&submod->verdict)));
		for (int k = 0; k < EAR_CLAIMS; k++)
			if (ear_claim_tier(submod->verdict.vector[k]) > EAR_AFFIRMING)
				reply_note(&a->reply, "%s %d", ear_claim_name((enum ear_claim)k),
					   submod->verdict.vector[k]);
	}
}

/* Make the EAR and the session. Returns NULL after @a has been answered otherwise. */
static struct kbs_session *attesting_session(struct attesting *a, struct bytes *ear,
					     int64_t monotonic, int64_t now)
{
	struct kbs_session *session = NULL;
	struct error e = ERROR_INIT;

	if (judging_ear(&a->judging, now, ear, &e) == 0) {
		if (ear->len > JWT_MAX)
			error_set(&e, ERROR_ATTESTATION, "an EAR of %zu bytes, at most %zu",
				  ear->len, JWT_MAX);
		else
			session = kbs_sessions_add(&a->t->sessions, &a->handshake, ear, monotonic,
						   &e);
	}
	if (!session)
		reply_fail(&a->reply, REPLY_ATTESTATION, &e);
	return session;
}

/*
 * All verdicts are there: answer. Meanwhile another request may have attested the session, so that the
 * nonce is used, or the session may have ended; what this request found counts no more then.
 */
static void attesting_finish(struct attesting *a)
{
	int64_t passed = a->begun ? clock_boot_ms() - a->begun : 0;
	int64_t monotonic = a->monotonic + passed, now = a->now + passed / 1000;
	struct kbs_sessions *sessions = &a->t->sessions;
	struct kbs_session *session = kbs_sessions_find(sessions, a->handshake.id, monotonic);
	struct bytes ear = BYTES_INIT;

	if (session) {
		attestation_again(session, monotonic, now, &a->reply);
		return;
	}
	if (a->handshake.until <= monotonic || a->handshake.until <= sessions->floor) {
		reply_refuse(&a->reply, REPLY_ATTESTATION, "the session is unknown or over");
		return;
	}
	session = attesting_session(a, &ear, monotonic, now);
	if (session) {
		attesting_note(a);
		attestation_answer(session, &ear, monotonic, now, &a->reply);
	}
	bytes_free(&ear);
}

static void attesting_judged(struct judging *judging, const struct error *e)
{
	struct attesting *a =
		(struct attesting *)((char *)judging - offsetof(struct attesting, judging));

	if (e)
		attesting_refuse_policy(a, e);
	else
		attesting_finish(a);
	attesting_deliver(a);
}

/* Returns whether the answer is there. */
static bool attesting_judge(struct attesting *a)
{
	struct error e = ERROR_INIT;
	int ret;

	a->judging.done = attesting_judged;
	ret = judging_begin(&a->judging, &e);
	if (ret < 0)
		attesting_refuse_policy(a, &e);
	else if (ret > 0)
		attesting_finish(a);
	return ret != 0;
}

/* --- init-data ---------------------------------------------------------------------------------- */

/* A mistake in the text is the client's own. */
static void attesting_refuse_init_data(struct attesting *a, struct error *e)
{
	if (e->kind == ERROR_INPUT || e->kind == ERROR_ATTESTATION) {
		error_add(e, "init-data");
		reply_fail(&a->reply, REPLY_ATTESTATION, e);
	} else {
		attesting_refuse(a,
				 "init-data: this server cannot read it, for it has no engine for "
				 "policies, or that failed",
				 e);
	}
}

static void attesting_init_data(struct pool_job *job, json_t *answer, const struct error *failed)
{
	struct attesting *a = (struct attesting *)((char *)job - offsetof(struct attesting, job));
	json_t *evidence = a->judging.submod[0].evidence;
	struct error e = failed ? *failed : (struct error)ERROR_INIT;
	json_t *claims = NULL;

	a->asked = false;
	if (!failed && a->handshake.tee == KBS_SAMPLE)
		claims = sample_init_data(evidence, bytes_text(&a->init_data), answer, &e);
	else if (!failed)
		claims = init_data_claims(answer, &e);
	if (claims && json_object_set(evidence, "init_data_claims", claims) < 0) {
		error_set_memory(&e);
		claims = NULL;
	}
	if (!claims)
		attesting_refuse_init_data(a, &e);
	if (!claims || attesting_judge(a))
		attesting_deliver(a);
}

/* Ask what the init-data says. Returns whether the answer is there: that it cannot be asked. */
static bool attesting_ask(struct attesting *a)
{
	struct bytes question = BYTES_INIT;
	struct error e = ERROR_INIT;

	a->job.done = attesting_init_data;
	if (!a->t->pool)
		error_set(&e, ERROR_POLICY, "nothing here evaluates policies");
	else if (rego_ask_init_data(bytes_text(&a->init_data), &question, &e) == 0)
		a->asked = pool_ask(a->t->pool, &a->job, "init-data", &question, &e) == 0;
	if (!a->asked)
		attesting_refuse_init_data(a, &e);
	bytes_free(&question);
	return !a->asked;
}

/* --- the request -------------------------------------------------------------------------------- */

/* Judge the evidence of the handshake in @a. Returns whether the answer is there. */
static bool attesting_begin(struct attesting *a, const struct request *request)
{
	struct error e = ERROR_INIT;

	if (evidence_verify(a->t, request, &a->handshake, &a->judging, &a->init_data, &a->reply,
			    &e) < 0) {
		reply_fail(&a->reply, REPLY_ATTESTATION, &e);
		return true;
	}
	return a->init_data.len > 0 ? attesting_ask(a) : attesting_judge(a);
}

static void attestation_new(struct trustee *t, const struct request *request,
			    const struct kbs_handshake *handshake, struct reply *reply)
{
	struct attesting *a = calloc(1, sizeof(*a));
	struct error e = ERROR_INIT;

	if (!a) {
		error_set_memory(&e);
		reply_fail(reply, REPLY_ATTESTATION, &e);
		return;
	}
	*a = (struct attesting){
		.later.cancel = attesting_cancel,
		.judging.t = t,
		.t = t,
		.handshake = *handshake,
		.reply = REPLY_INIT,
		.monotonic = request->monotonic,
		.now = request->now,
	};
	reply_note(&a->reply, "session %.8s", handshake->id);
	if (!attesting_begin(a, request)) {
		a->begun = clock_boot_ms();
		reply->later = &a->later;
		return;
	}
	*reply = a->reply;
	a->reply = (struct reply)REPLY_INIT;
	attesting_free(a);
}

void attestation_attest(struct trustee *t, const struct request *request, const char *rest,
			struct reply *reply)
{
	const struct kbs_session *session = kbs_sessions_find(&t->sessions, request->session,
							      request->monotonic);
	struct kbs_handshake handshake;
	struct error e = ERROR_INIT;
	int found;

	(void)rest;
	if (session) {
		attestation_again(session, request->monotonic, request->now, reply);
		return;
	}
	found = kbs_seal_find(&t->seal, request->session, request->monotonic, &handshake, &e);
	if (found < 0)
		reply_fail(reply, REPLY_ATTESTATION, &e);
	else if (found == 0 || handshake.until <= t->sessions.floor)
		reply_refuse(reply, REPLY_ATTESTATION,
			     request->session ? "the session is unknown or over" :
						"no session cookie");
	else
		attestation_new(t, request, &handshake, reply);
}
