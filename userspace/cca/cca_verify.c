// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>

#include "cca_claims.h"
#include "cca_profile.h"
#include "cca_token.h"
#include "cca_verdict.h"
#include "cose.h"

#define LIFECYCLE_SECURED 0x30

struct verifier {
	const struct cca_token *token;
	const struct cca_anchors *anchors;
	const uint8_t *challenge;
	struct cca_verdict *verdict;
	const struct cca_anchor *used;
	EVP_PKEY *rak;
};

static bool anchor_is_candidate(const struct cca_anchor *anchor,
				const struct cca_platform *platform)
{
	return !anchor->has_ids ||
	       (bytes_equal(anchor->implementation_id, sizeof(anchor->implementation_id),
			    platform->implementation_id.data, platform->implementation_id.len) &&
		bytes_equal(anchor->instance_id, sizeof(anchor->instance_id),
			    platform->instance_id.data, platform->instance_id.len));
}

/*
 * A platform that is revoked by name is refused whatever else could vouch for it. A revoked key
 * without a name speaks for no platform in particular, so it first has to turn out to be the one.
 */
static int anchors_judge(struct verifier *v)
{
	size_t candidates = 0, revoked = 0;

	for (size_t i = 0; i < v->anchors->count; i++) {
		const struct cca_anchor *anchor = &v->anchors->anchor[i];

		if (!anchor_is_candidate(anchor, &v->token->platform))
			continue;
		if (anchor->revoked && anchor->has_ids)
			return cca_verdict_set(v->verdict, CCA_E_TRUST_ANCHOR_REVOKED, "%s",
					       anchor->name);
		candidates++;
		revoked += anchor->revoked;
	}
	if (candidates == 0)
		return cca_verdict_set(v->verdict, CCA_E_NO_TRUST_ANCHOR,
				       "none of %zu trust anchors is for this implementation-id "
				       "and instance-id", v->anchors->count);
	if (candidates == revoked)
		return cca_verdict_set(v->verdict, CCA_E_TRUST_ANCHOR_REVOKED,
				       "every trust anchor that could have signed is revoked");
	return 0;
}

static int algorithm_judge(struct verifier *v, const struct cca_sign1 *sign1, enum cca_cause cause,
			   const char *name)
{
	if (cose_algorithm_name(sign1->algorithm))
		return 0;
	if (sign1->algorithm == 0)
		return cca_verdict_set(v->verdict, cause,
				       "%s token: no algorithm in the protected header", name);
	if (sign1->algorithm == COSE_ALGORITHM_OTHER)
		return cca_verdict_set(v->verdict, cause, "%s token: algorithm is not accepted",
				       name);
	return cca_verdict_set(v->verdict, cause, "%s token: algorithm %d is not accepted", name,
			       sign1->algorithm);
}

/* The first candidate, among those revoked or those not, whose key made the signature. The error
 * is that of the first one that did not. */
static const struct cca_anchor *signer_find(const struct verifier *v, bool revoked,
					    struct error *first)
{
	for (size_t i = 0; i < v->anchors->count; i++) {
		const struct cca_anchor *anchor = &v->anchors->anchor[i];
		struct error e = ERROR_INIT;

		if (anchor->revoked != revoked ||
		    !anchor_is_candidate(anchor, &v->token->platform))
			continue;
		if (cose_sign1_verify(&v->token->platform.sign1, anchor->key, &e) == 0)
			return anchor;
		if (first->kind == ERROR_NONE)
			*first = e;
	}
	return NULL;
}

/*
 * An accepted algorithm that is not the key's is a signature that this key cannot have made, so
 * E_SIG_PLATFORM; E_ALG_PLATFORM is for what no key could make good.
 */
static int platform_judge(struct verifier *v)
{
	struct error e = ERROR_INIT;
	const struct cca_anchor *revoked;

	if (algorithm_judge(v, &v->token->platform.sign1, CCA_E_ALG_PLATFORM, "platform") < 0)
		return -1;
	revoked = signer_find(v, true, &e);
	if (revoked)
		return cca_verdict_set(v->verdict, CCA_E_TRUST_ANCHOR_REVOKED, "%s", revoked->name);
	e = (struct error)ERROR_INIT;
	v->used = signer_find(v, false, &e);
	if (!v->used)
		return cca_verdict_set(v->verdict, CCA_E_SIG_PLATFORM, "platform token: %s", e.text);
	return 0;
}

static int rak_judge(struct verifier *v)
{
	const struct cca_realm *realm = &v->token->realm;
	struct error e = ERROR_INIT;

	/* Only the legacy profile, which has no name, gives the RAK as a bare point. */
	v->rak = realm->profile[0] ? cose_key_decode(realm->rak, &e) :
				     cose_key_from_point(realm->rak, &e);
	if (!v->rak)
		return cca_verdict_set(v->verdict, CCA_E_RAK, "realm public-key: %s", e.text);
	return 0;
}

static int realm_judge(struct verifier *v)
{
	const struct cca_sign1 *sign1 = &v->token->realm.sign1;
	struct error e = ERROR_INIT;

	if (algorithm_judge(v, sign1, CCA_E_ALG_REALM, "realm") < 0)
		return -1;
	if (cose_sign1_verify(sign1, v->rak, &e) < 0)
		return cca_verdict_set(v->verdict, CCA_E_SIG_REALM, "realm token: %s", e.text);
	return 0;
}

/* The hash is over the claim's bytes as they came: encoding the key again could change them. */
static int binding_judge(struct verifier *v)
{
	const struct cca_realm *realm = &v->token->realm;
	const struct cca_slice *binding = &v->token->platform.binding;
	const char *digest = NULL;
	uint8_t hash[EVP_MAX_MD_SIZE];
	size_t len = 0;

	if (cca_hash_size(realm->rak_hash_algorithm, &digest) == 0 ||
	    EVP_Q_digest(NULL, digest, NULL, realm->rak.data, realm->rak.len, hash, &len) != 1)
		return cca_verdict_set(v->verdict, CCA_E_BINDING, "%s cannot be computed",
				       realm->rak_hash_algorithm);
	if (!bytes_equal(hash, len, binding->data, binding->len))
		return cca_verdict_set(v->verdict, CCA_E_BINDING,
				       "the platform token is not bound to %s of the realm's "
				       "public-key", realm->rak_hash_algorithm);
	return 0;
}

static int freshness_judge(struct verifier *v)
{
	const struct cca_slice *challenge = &v->token->realm.challenge;

	if (!v->challenge ||
	    bytes_equal(v->challenge, CCA_CHALLENGE_SIZE, challenge->data, challenge->len))
		return 0;
	return cca_verdict_set(v->verdict, CCA_E_FRESHNESS,
			       "realm challenge is not the one that was given");
}

static int lifecycle_judge(struct verifier *v)
{
	uint16_t lifecycle = v->token->platform.lifecycle;
	const char *name = cca_lifecycle_name(lifecycle);

	if (lifecycle >> 8 == LIFECYCLE_SECURED)
		return 0;
	return cca_verdict_set(v->verdict, CCA_E_LIFECYCLE, "platform lifecycle 0x%04x (%s)",
			       lifecycle, name ? name : "undefined");
}

static int steps_run(struct verifier *v)
{
	static int (*const steps[])(struct verifier *v) = {
		anchors_judge, platform_judge, rak_judge, realm_judge, binding_judge,
		freshness_judge, lifecycle_judge,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i](v) < 0)
			return -1;
	}
	return 0;
}

int cca_token_verify(const struct cca_token *token, const struct cca_anchors *anchors,
		     const uint8_t *challenge, struct cca_verdict *verdict,
		     const struct cca_anchor **used)
{
	struct verifier v = {
		.token = token, .anchors = anchors, .challenge = challenge, .verdict = verdict,
	};
	int ret;

	cca_verdict_clear(verdict);
	cca_profile_judge_pair(token, verdict);
	ret = steps_run(&v);
	EVP_PKEY_free(v.rak);
	if (used)
		*used = ret == 0 ? v.used : NULL;
	return ret;
}
