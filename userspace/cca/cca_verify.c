// SPDX-License-Identifier: Apache-2.0
#include "cca_verify.h"

#include <openssl/evp.h>

#include "base/array.h"
#include "base/crypto.h"
#include "base/hash.h"
#include "cca_claims.h"
#include "cca_profile.h"
#include "cose.h"

#define LIFECYCLE_SECURED 0x30

struct verifier {
	const struct cca_token *token;
	const struct cca_anchors *anchors;
	const uint8_t *challenge;
	struct cca_verdict *verdict;
	struct error *e;
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
 * A platform whose ids are revoked is refused, whichever other anchor could have signed. A revoked
 * key without ids is not about a particular platform, so it counts only if it turns out to be the
 * signer.
 */
static int anchors_judge(struct verifier *v)
{
	const struct cca_anchors *anchors = v->anchors;
	size_t candidates = 0, revoked = 0;

	for (size_t i = 0; i < anchors->count; i++) {
		const struct cca_anchor *anchor = &anchors->anchor[i];

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
				       "and instance-id",
				       anchors->count);
	if (candidates == revoked)
		return cca_verdict_set(v->verdict, CCA_E_TRUST_ANCHOR_REVOKED,
				       "every trust anchor that could have signed is revoked");
	return 0;
}

static int algorithm_judge(struct verifier *v, const struct cose_sign1 *sign1, enum cca_cause cause,
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

/*
 * Find the first candidate, among those revoked or those not, whose key made the signature, and set
 * *@signer to it. If there is none, set *@signer to NULL and @first (may be NULL) to the reason of
 * the first candidate. Returns 0, or -1 if a signature could not be checked.
 */
static int signer_find(const struct verifier *v, bool revoked, const struct cca_anchor **signer,
		       struct error *first)
{
	*signer = NULL;
	for (size_t i = 0; i < v->anchors->count; i++) {
		const struct cca_anchor *anchor = &v->anchors->anchor[i];
		struct error reason = ERROR_INIT;

		if (anchor->revoked != revoked || !anchor_is_candidate(anchor, &v->token->platform))
			continue;
		if (cose_sign1_verify(&v->token->platform.sign1, anchor->key, &reason) == 0) {
			*signer = anchor;
			return 0;
		}
		if (reason.kind == ERROR_SYSTEM) {
			*v->e = reason;
			return -1;
		}
		if (first && first->kind == ERROR_NONE)
			*first = reason;
	}
	return 0;
}

/*
 * If the header names an accepted algorithm that is not the key's, this key cannot have made the
 * signature: E_SIG_PLATFORM. E_ALG_PLATFORM is for an algorithm that is accepted with no key.
 */
static int platform_judge(struct verifier *v)
{
	const struct cca_anchor *revoked;
	struct error first = ERROR_INIT;

	if (algorithm_judge(v, &v->token->platform.sign1, CCA_E_ALG_PLATFORM, "platform") < 0)
		return -1;
	if (signer_find(v, true, &revoked, NULL) < 0)
		return -1;
	if (revoked)
		return cca_verdict_set(v->verdict, CCA_E_TRUST_ANCHOR_REVOKED, "%s", revoked->name);
	if (signer_find(v, false, &v->used, &first) < 0)
		return -1;
	if (!v->used)
		return cca_verdict_set(v->verdict, CCA_E_SIG_PLATFORM, "platform token: %s",
				       first.text);
	return 0;
}

static int rak_judge(struct verifier *v)
{
	const struct cca_realm *realm = &v->token->realm;

	/* Only the legacy profile, which has no name, has the RAK as a bare point. */
	v->rak = realm->profile[0] ? cose_key_decode(realm->rak, v->e) :
				     cose_key_from_point(realm->rak, v->e);
	if (v->rak)
		return 0;
	error_add(v->e, "realm public-key");
	return cca_verdict_set_error(v->verdict, CCA_E_RAK, v->e);
}

static int realm_judge(struct verifier *v)
{
	const struct cose_sign1 *sign1 = &v->token->realm.sign1;

	if (algorithm_judge(v, sign1, CCA_E_ALG_REALM, "realm") < 0)
		return -1;
	if (cose_sign1_verify(sign1, v->rak, v->e) == 0)
		return 0;
	error_add(v->e, "realm token");
	return cca_verdict_set_error(v->verdict, CCA_E_SIG_REALM, v->e);
}

/* The digest is over the bytes of the claim as they came, because encoding the key again could
 * change them. */
static int binding_judge(struct verifier *v)
{
	const struct cca_realm *realm = &v->token->realm;
	const struct cbor_slice *binding = &v->token->platform.binding;
	const struct hash *hash = hash_by_name(realm->rak_hash_algorithm);
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t len = 0;

	crypto_begin();
	if (!hash || EVP_Q_digest(NULL, hash->openssl, NULL, realm->rak.data, realm->rak.len,
				  digest, &len) != 1)
		return crypto_error(v->e, ERROR_SYSTEM, "OpenSSL cannot compute %s",
				    realm->rak_hash_algorithm);
	if (!bytes_equal(digest, len, binding->data, binding->len))
		return cca_verdict_set(v->verdict, CCA_E_BINDING,
				       "the platform token is not bound to %s of the realm's "
				       "public-key",
				       realm->rak_hash_algorithm);
	return 0;
}

static int freshness_judge(struct verifier *v)
{
	const struct cbor_slice *challenge = &v->token->realm.challenge;

	if (!v->challenge ||
	    bytes_equal(v->challenge, REALM_CHALLENGE_SIZE, challenge->data, challenge->len))
		return 0;
	return cca_verdict_set(v->verdict, CCA_E_FRESHNESS,
			       "realm challenge is not the one that was given");
}

static int secured_judge(struct verifier *v)
{
	uint16_t lifecycle = v->token->platform.lifecycle;
	const char *name = cca_lifecycle_name(lifecycle);

	if (lifecycle >> 8 == LIFECYCLE_SECURED)
		return 0;
	return cca_verdict_set(v->verdict, CCA_E_LIFECYCLE, "platform lifecycle 0x%04x (%s)",
			       lifecycle, name ? name : "undefined");
}

int cca_token_verify(const struct cca_token *token, const struct cca_anchors *anchors,
		     const uint8_t *challenge, struct cca_verdict *verdict,
		     const struct cca_anchor **used, struct error *e)
{
	static int (*const steps[])(struct verifier *v) = {
		anchors_judge, platform_judge,	rak_judge,     realm_judge,
		binding_judge, freshness_judge, secured_judge,
	};
	struct verifier v = {
		.token = token,
		.anchors = anchors,
		.challenge = challenge,
		.verdict = verdict,
		.e = e,
	};
	int ret = 0;

	*verdict = (struct cca_verdict)CCA_VERDICT_INIT;
	cca_profile_judge_pair(token, verdict);
	for (size_t i = 0; ret == 0 && i < ARRAY_SIZE(steps); i++)
		ret = steps[i](&v);
	EVP_PKEY_free(v.rak);
	if (used)
		*used = ret == 0 ? v.used : NULL;
	return cca_verdict_conclude(verdict, ret, e);
}
