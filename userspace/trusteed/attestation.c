// SPDX-License-Identifier: Apache-2.0
#include "attestation.h"

#include <string.h>

#include "cca/cca_verify.h"
#include "appraisal/appraisal.h"
#include "appraisal/verdict.h"
#include "trusteed/attest/ear_issue.h"
#include "trusteed/attest/handshake.h"

/* In the log and in the EAR. */
#define PUBLISHED_WARNING \
	"the private key of the trust anchor is public: anyone can forge this evidence"

/* Set the cookie of the session @id, which ends at @until of the boot clock. */
static void attestation_cookie(const struct request *request, const char *id, int64_t until,
			       struct reply *reply)
{
	kbs_session_cookie(id, request->now, (until - request->monotonic) / 1000, reply->cookie,
			   sizeof(reply->cookie));
}

void attestation_auth(struct trustee *t, const struct request *request, const char *rest,
		      struct reply *reply)
{
	struct handshake_hello hello;
	struct kbs_handshake handshake;
	struct error e = ERROR_INIT;

	(void)rest;
	if (handshake_auth_parse(request->body, request->len, t->least, &hello, &e) < 0 ||
	    (hello.tee == KBS_SAMPLE && handshake_tee_refuse("sample", &e) < 0)) {
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
	attestation_cookie(request, handshake.id, handshake.until, reply);
	reply_json(reply, handshake_auth_answer(handshake.nonce));
}

/* Verify the evidence: form, signatures, binding, freshness, life cycle. *@warning, static, is set to
 * what the EAR must say about the anchor, or to NULL. */
static int attestation_verify(struct trustee *t, const struct bytes *evidence,
			      const uint8_t challenge[REALM_CHALLENGE_SIZE],
			      struct cca_token *token, const char **warning, struct reply *reply,
			      struct error *e)
{
	const struct cca_anchor *used = NULL;
	struct cca_verdict verdict;

	if (trust_refresh(&t->trust, e) < 0) {
		if (e->kind == ERROR_SYSTEM)
			return -1;
		/* What is wrong with the anchors is for the operator only. */
		reply_note(reply, "(%s)", e->text);
		reply->warning = true;
		return error_set(e, ERROR_ATTESTATION, "%s: the trust anchors cannot be read",
				 cca_cause_name(CCA_E_NO_TRUST_ANCHOR));
	}
	if (cca_token_decode(evidence->data, evidence->len, token, &verdict, e) < 0 ||
	    cca_token_verify(token, &t->trust.anchors, challenge, &verdict, &used, e) < 0)
		return -1;
	if (verdict.warning[0])
		reply_note(reply, "(%s)", verdict.warning);
	if (used && used->development) {
		reply_note(reply, "WARNING: development anchor %s", used->name);
		reply->warning = true;
	}
	*warning = used && used->published ? PUBLISHED_WARNING : NULL;
	if (*warning) {
		reply_note(reply, "WARNING: %s: %s", used->published, *warning);
		reply->warning = true;
	}
	return 0;
}

/* Appraise the verified @token, and make the EAR. */
static int attestation_appraise(struct trustee *t, const struct cca_token *token, json_t *runtime,
				const char *warning, int64_t now, struct bytes *ear,
				struct reply *reply, struct error *e)
{
	json_t *evidence = appraisal_evidence(token, runtime, NULL, e);
	struct verdict verdict = VERDICT_INIT;
	const struct ear_submod submod = { "cpu0", &verdict, evidence, warning };
	int ret;

	if (!evidence)
		return -1;
	verdict_from_rules(evidence, reference_values(&t->reference), &verdict);
	ret = ear_issue(&t->issuer, &submod, 1, now, ear, e);
	json_decref(evidence);
	if (ret < 0)
		return -1;
	reply_note(reply, "OK %s", ear_tier_name(verdict_tier(&verdict)));
	for (int i = 0; i < EAR_CLAIMS; i++)
		if (ear_claim_tier(verdict.vector[i]) > EAR_AFFIRMING)
			reply_note(reply, "%s %d", ear_claim_name((enum ear_claim)i),
				   verdict.vector[i]);
	return 0;
}

static int attestation_judge(struct trustee *t, const struct request *request,
			     const struct kbs_handshake *handshake, struct bytes *ear,
			     struct reply *reply, struct error *e)
{
	struct handshake_attest attest = HANDSHAKE_ATTEST_INIT;
	struct cca_token token = CCA_TOKEN_INIT;
	uint8_t challenge[REALM_CHALLENGE_SIZE];
	const char *warning = NULL;
	json_t *runtime = NULL;
	int ret = -1;

	if (handshake_attest_parse(handshake, request->body, request->len, &attest, e) < 0)
		goto out;
	if (attest.init_data || attest.devices) {
		error_set(e, ERROR_PROTOCOL, "%s: not supported by this embedded Trustee",
			  attest.init_data ? "init-data" : "additional_evidence");
		goto out;
	}
	runtime = handshake_runtime_data(&attest, e);
	if (!runtime || handshake_challenge(runtime, challenge, e) < 0)
		goto out;
	if (attestation_verify(t, &attest.token, challenge, &token, &warning, reply, e) == 0)
		ret = attestation_appraise(t, &token, runtime, warning, request->now, ear, reply,
					   e);
out:
	json_decref(runtime);
	cca_token_free(&token);
	handshake_attest_free(&attest);
	return ret;
}

/* Judge the evidence of a handshake that is not attested yet, and make its session. @ear receives the
 * EAR. */
static struct kbs_session *attestation_new(struct trustee *t, const struct request *request,
					   struct bytes *ear, struct reply *reply)
{
	struct kbs_session *session = NULL;
	struct kbs_handshake handshake;
	struct error e = ERROR_INIT;
	int found = kbs_seal_find(&t->seal, request->session, request->monotonic, &handshake, &e);

	if (found == 0 || (found > 0 && handshake.until <= t->sessions.floor)) {
		reply_refuse(reply, REPLY_ATTESTATION,
			     request->session ? "the session is unknown or over" :
						"no session cookie");
		return NULL;
	}
	if (found > 0) {
		reply_note(reply, "session %.8s", handshake.id);
		if (attestation_judge(t, request, &handshake, ear, reply, &e) == 0)
			session = kbs_sessions_add(&t->sessions, &handshake, ear,
						   request->monotonic, &e);
	}
	if (!session)
		reply_fail(reply, REPLY_ATTESTATION, &e);
	return session;
}

/* Answer with the EAR of @session. */
static void attestation_answer(const struct request *request, const struct kbs_session *session,
			       const struct bytes *ear, struct reply *reply)
{
	struct error e = ERROR_INIT;

	/* No character of a compact JWT is escaped in JSON. */
	bytes_printf(&reply->body, "{\"token\":\"%s\"}", bytes_text(ear));
	if (bytes_check(&reply->body, &e) < 0)
		reply_fail(reply, REPLY_INTERNAL, &e);
	else
		attestation_cookie(request, session->id, session->until, reply);
}

void attestation_attest(struct trustee *t, const struct request *request, const char *rest,
			struct reply *reply)
{
	struct kbs_session *session = kbs_sessions_find(&t->sessions, request->session,
							request->monotonic);
	struct bytes ear = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)rest;
	if (!session) {
		session = attestation_new(t, request, &ear, reply);
	} else {
		/* An attested session does not change; the new body is not read. */
		reply_note(reply, "session %.8s attested before", session->id);
		if (token_unpack(&session->ear, &ear, &e) < 0) {
			reply_fail(reply, REPLY_INTERNAL, &e);
			session = NULL;
		}
	}
	if (session)
		attestation_answer(request, session, &ear, reply);
	bytes_free(&ear);
}
