// SPDX-License-Identifier: Apache-2.0
#include "attestation.h"

#include <string.h>

#include "cca/cca_verify.h"
#include "trusteed/attest/appraisal.h"
#include "trusteed/attest/ear_issue.h"
#include "trusteed/attest/handshake.h"

static void attestation_note_session(struct reply *reply, const struct kbs_session *session)
{
	reply_note(reply, "session %.8s", session->id);
}

static void attestation_answer(struct reply *reply, const struct kbs_session *session, json_t *body)
{
	struct error e = ERROR_INIT;

	kbs_session_cookie(session, reply->cookie, sizeof(reply->cookie));
	if (reply_json(reply, body, &e) < 0)
		reply_fail(reply, REPLY_INTERNAL, &e);
}

void attestation_auth(struct trustee *t, const struct request *request, const char *rest,
		      struct reply *reply)
{
	struct kbs_session *session;
	struct error e = ERROR_INIT;

	(void)rest;
	if (handshake_auth_parse(request->body, request->len, &e) < 0) {
		error_add(&e, "RCAR handshake Auth failed");
		reply_fail(reply, REPLY_ATTESTATION, &e);
		return;
	}
	session = kbs_sessions_new(&t->sessions, request->monotonic, request->now, &e);
	if (!session) {
		reply_fail(reply, REPLY_ATTESTATION, &e);
		return;
	}
	attestation_note_session(reply, session);
	attestation_answer(reply, session, handshake_auth_answer(session->nonce));
}

/* The anchors, as the directory has them now. What is wrong there concerns the operator alone. */
static int attestation_anchors(struct trustee *t, struct reply *reply, struct error *e)
{
	struct error cause = ERROR_INIT;

	if (trust_refresh(&t->trust, &cause) == 0)
		return 0;
	reply_note(reply, "(%s)", cause.text);
	reply->warning = true;
	return error_set(e, ERROR_ATTESTATION, "%s: the trust anchors cannot be read",
			 cca_cause_name(CCA_E_NO_TRUST_ANCHOR));
}

/* The one judgement of evidence: form, signatures, binding, freshness, lifecycle. */
static int attestation_verify(struct trustee *t, const struct bytes *evidence,
			      const uint8_t challenge[REALM_CHALLENGE_SIZE],
			      struct cca_token *token, struct reply *reply, struct error *e)
{
	struct cca_verdict verdict;
	const struct cca_anchor *used = NULL;

	if (attestation_anchors(t, reply, e) < 0)
		return -1;
	if (cca_token_decode(evidence->data, evidence->len, token, &verdict, e) < 0 ||
	    cca_token_verify(token, &t->trust.anchors, challenge, &verdict, &used, e) < 0)
		return -1;
	if (verdict.warning[0])
		reply_note(reply, "(%s)", verdict.warning);
	if (used && used->development) {
		reply_note(reply, "WARNING: development anchor %s", used->name);
		reply->warning = true;
	}
	return 0;
}

static void attestation_note_vector(struct reply *reply, const int vector[EAR_CLAIMS])
{
	reply_note(reply, "OK %s", ear_tier_name(ear_vector_tier(vector)));
	for (int i = 0; i < EAR_CLAIMS; i++)
		if (ear_claim_tier(vector[i]) > EAR_AFFIRMING)
			reply_note(reply, "%s %d", ear_claim_name((enum ear_claim)i), vector[i]);
}

/* Appraise the verified @token; its EAR goes into the session. */
static int attestation_appraise(struct trustee *t, const struct cca_token *token, json_t *runtime,
				struct kbs_session *session, int64_t now, struct reply *reply,
				struct error *e)
{
	json_t *evidence = appraisal_evidence(token, runtime, e);
	int vector[EAR_CLAIMS], ret;

	if (!evidence)
		return -1;
	appraisal_vector(evidence, &t->reference, vector);
	ret = ear_issue(t->ear_key.pkey, vector, evidence, now, &session->token, e);
	if (ret < 0)
		bytes_free(&session->token);
	else
		attestation_note_vector(reply, vector);
	json_decref(evidence);
	return ret;
}

static int attestation_judge(struct trustee *t, const struct handshake_attest *attest,
			     struct kbs_session *session, int64_t now, struct reply *reply,
			     struct error *e)
{
	struct cca_token token = CCA_TOKEN_INIT;
	uint8_t challenge[REALM_CHALLENGE_SIZE];
	json_t *runtime = NULL;
	int ret = -1;

	if (strcmp(attest->nonce, session->nonce) != 0) {
		error_set(e, ERROR_ATTESTATION, "nonce: not the one of this session");
		goto out;
	}
	runtime = handshake_runtime_data(attest, e);
	if (!runtime || handshake_challenge(runtime, challenge, e) < 0)
		goto out;
	if (attestation_verify(t, &attest->token, challenge, &token, reply, e) == 0)
		ret = attestation_appraise(t, &token, runtime, session, now, reply, e);
out:
	cca_token_free(&token);
	json_decref(runtime);
	return ret;
}

static int attestation_session(struct trustee *t, const struct request *request,
			       struct kbs_session *session, struct reply *reply, struct error *e)
{
	struct handshake_attest attest = HANDSHAKE_ATTEST_INIT;
	int ret = -1;

	if (handshake_attest_parse(request->body, request->len, &attest, e) == 0)
		ret = attestation_judge(t, &attest, session, request->now, reply, e);
	handshake_attest_free(&attest);
	return ret;
}

void attestation_attest(struct trustee *t, const struct request *request, const char *rest,
			struct reply *reply)
{
	struct kbs_session *session;
	struct error e = ERROR_INIT;

	(void)rest;
	session = kbs_sessions_find(&t->sessions, request->session, request->monotonic);
	if (!session) {
		reply_refuse(reply, REPLY_ATTESTATION, request->session ?
			     "the session is unknown or over" : "no session cookie");
		return;
	}
	attestation_note_session(reply, session);
	if (session->token.len > 0) {
		/* Once attested a session stays what it is; the new body is not looked at. */
		reply_note(reply, "attested before");
	} else if (attestation_session(t, request, session, reply, &e) < 0) {
		reply_fail(reply, REPLY_ATTESTATION, &e);
		return;
	}
	attestation_answer(reply, session,
			   json_pack("{s:s}", "token", bytes_text(&session->token)));
}
