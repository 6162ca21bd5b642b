// SPDX-License-Identifier: Apache-2.0
#include "evidence.h"

#include <string.h>

#include "appraisal/appraisal.h"
#include "appraisal/init_data.h"
#include "base/encode.h"
#include "cca/cca_verify.h"
#include "trusteed/attest/handshake.h"
#include "trusteed/attest/sample.h"

/* In the log and in the EAR. */
#define PUBLISHED_WARNING \
	"the private key of the trust anchor is public: anyone can forge this evidence"

/* What the steps below have in common. */
struct verifying {
	struct trustee *t;
	struct handshake_attest attest;
	json_t *runtime; /* owned */
	struct judging *judging;
	struct bytes *init_data;
	struct reply *reply;
};

/* An anchor was withdrawn: for --recheck, take the worth from the nonces that were given, and thereby from EARs. */
static int evidence_withdraw(struct trustee *t, struct error *e)
{
	if (kbs_seal_init(&t->seal, e) < 0)
		return -1;
	t->trust.withdrawn = false;
	return 0;
}

/* Read the trust anchors again if they changed. */
static int evidence_anchors(struct trustee *t, struct reply *reply, struct error *e)
{
	if (trust_refresh(&t->trust, e) == 0)
		return t->trust.withdrawn && t->recheck ? evidence_withdraw(t, e) : 0;
	if (e->kind == ERROR_SYSTEM)
		return -1;
	/* What is wrong with the anchors is for the operator only. */
	reply_note(reply, "(%s)", e->text);
	reply->warning = true;
	return error_set(e, ERROR_ATTESTATION, "%s: the trust anchors cannot be read",
			 cca_cause_name(CCA_E_NO_TRUST_ANCHOR));
}

/* Verify the token. *@warning, static, is set to what the EAR must say about the anchor, or to NULL. */
static int evidence_token(struct verifying *v, struct cca_token *token, const char **warning,
			  struct error *e)
{
	const struct bytes *raw = &v->attest.token;
	uint8_t challenge[REALM_CHALLENGE_SIZE];
	const struct cca_anchor *used = NULL;
	struct cca_verdict verdict;

	if (handshake_challenge(v->runtime, challenge, e) < 0 ||
	    evidence_anchors(v->t, v->reply, e) < 0 ||
	    cca_token_decode(raw->data, raw->len, token, &verdict, e) < 0 ||
	    cca_token_verify(token, &v->t->trust.anchors, challenge, &verdict, &used, e) < 0)
		return -1;
	if (verdict.warning[0])
		reply_note(v->reply, "(%s)", verdict.warning);
	if (used && used->development) {
		reply_note(v->reply, "WARNING: development anchor %s", used->name);
		v->reply->warning = true;
	}
	*warning = used && used->published ? PUBLISHED_WARNING : NULL;
	if (*warning) {
		reply_note(v->reply, "WARNING: %s: %s", used->published, *warning);
		v->reply->warning = true;
	}
	return 0;
}

static int evidence_cca(struct verifying *v, struct error *e)
{
	const char *init_data = v->attest.init_data, *warning = NULL;
	struct cca_token token = CCA_TOKEN_INIT;
	json_t *claims = NULL;
	int ret = evidence_token(v, &token, &warning, e);

	if (ret == 0 && init_data)
		ret = init_data_check(init_data, strlen(init_data), token.realm.rpv.data,
				      token.realm.rpv.len, e);
	if (ret == 0) {
		claims = appraisal_evidence(&token, v->runtime, NULL, e);
		ret = claims ? judging_add(v->judging, "cpu0", claims, warning, e) : -1;
	}
	cca_token_free(&token);
	return ret;
}

/* What follows for the log from evidence that anyone can make. */
static int evidence_allow_sample(struct verifying *v, const char *tee, struct error *e)
{
	if (!v->t->sample_evidence)
		return handshake_tee_refuse(tee, e);
	reply_note(v->reply, "WARNING: %s: " SAMPLE_WARNING, tee);
	v->reply->warning = true;
	return 0;
}

static int evidence_sample(struct verifying *v, struct error *e)
{
	json_t *claims;

	if (evidence_allow_sample(v, "sample", e) < 0)
		return -1;
	claims = sample_claims(v->attest.evidence, v->runtime, e);
	return claims ? judging_add(v->judging, "cpu0", claims, SAMPLE_WARNING, e) : -1;
}

/* The evidence of the devices; that of the primary TEE covers its text. */
static int evidence_devices(struct verifying *v, struct error *e)
{
	const json_t *device = json_object_get(v->attest.devices, SAMPLE_DEVICE);
	json_t *runtime, *claims;

	if (!device)
		return 0;
	if (evidence_allow_sample(v, SAMPLE_DEVICE, e) < 0)
		return -1;
	runtime = handshake_device_data(&v->attest, e);
	claims = runtime ? sample_device_claims(device, runtime, e) : NULL;
	json_decref(runtime);
	return claims ? judging_add(v->judging, "gpu0", claims, SAMPLE_WARNING, e) : -1;
}

/* Keep the text of the init-data, which was found to be bound to the realm. */
static int evidence_init_data(const struct verifying *v, struct error *e)
{
	if (v->attest.init_data)
		bytes_append_text(v->init_data, v->attest.init_data);
	return bytes_check(v->init_data, e);
}

int evidence_verify(struct trustee *t, const struct request *request,
		    const struct kbs_handshake *handshake, struct judging *judging,
		    struct bytes *init_data, struct reply *reply, struct error *e)
{
	struct verifying v = {
		.t = t,
		.attest = HANDSHAKE_ATTEST_INIT,
		.judging = judging,
		.init_data = init_data,
		.reply = reply,
	};
	int ret = -1;

	if (handshake_attest_parse(handshake, request->body, request->len, &v.attest, e) == 0)
		v.runtime = handshake_runtime_data(&v.attest, e);
	if (v.runtime)
		ret = handshake->tee == KBS_SAMPLE ? evidence_sample(&v, e) : evidence_cca(&v, e);
	if (ret == 0)
		ret = evidence_devices(&v, e);
	if (ret == 0)
		ret = evidence_init_data(&v, e);
	json_decref(v.runtime);
	handshake_attest_free(&v.attest);
	return ret;
}

/* --- evidence that was verified before ---------------------------------------------------------- */

int evidence_still_trusted(struct trustee *t, const json_t *evidence, struct reply *reply,
			   struct error *e)
{
	const json_t *runtime = json_object_get(evidence, "runtime_data_claims");
	const char *nonce = json_string_value(json_object_get(runtime, "nonce"));

	if (evidence_anchors(t, reply, e) < 0)
		return -1;
	if (kbs_seal_check(&t->seal, nonce ? nonce : "", e) == 0)
		return 0;
	return e->kind == ERROR_SYSTEM ?
		       -1 :
		       error_set(e, ERROR_ATTESTATION,
				 "since the nonce in the EAR was given, a trust anchor was "
				 "withdrawn, or trusteed was restarted");
}
