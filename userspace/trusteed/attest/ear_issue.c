// SPDX-License-Identifier: Apache-2.0
#include "ear_issue.h"

#include "base/array.h"
#include "jose/jwk.h"
#include "jose/jwt.h"
#include "trusteed/store/ear_keys.h"

#define PROFILE	 "tag:github.com,2024:confidential-containers/Trustee"
#define SUBMOD	 "cpu0"
#define EVIDENCE "ear.veraison.annotated-evidence"

/* The header is {"typ","alg","jwk":{"alg","kty","crv","x","y","x5c"},"kid"}. */
int ear_issuer_init(struct ear_issuer *issuer, EVP_PKEY *key, json_t *x5c, struct error *e)
{
	json_t *public = jwk_from_public_key(key, NULL, e), *jwk;
	char kid[EAR_KEYS_KID_MAX];

	*issuer = (struct ear_issuer){ .key = key };
	if (!public || ear_keys_kid(key, kid, e) < 0) {
		json_decref(public);
		return -1;
	}
	issuer->header = json_pack("{s:s, s:s, s:{s:s}, s:s}", "typ", "JWT", "alg", "ES256", "jwk",
				   "alg", "ES256", "kid", kid);
	jwk = json_object_get(issuer->header, "jwk");
	if (!jwk || json_object_update(jwk, public) < 0 ||
	    (x5c && json_object_set(jwk, "x5c", x5c) < 0)) {
		ear_issuer_free(issuer);
		error_set_memory(e);
	}
	json_decref(public);
	return issuer->header ? 0 : -1;
}

void ear_issuer_free(struct ear_issuer *issuer)
{
	json_decref(issuer->header);
	*issuer = (struct ear_issuer)EAR_ISSUER_INIT;
}

static json_t *ear_issue_appraisal(const struct ear_submod *submod, struct error *e)
{
	const struct verdict *verdict = submod->verdict;
	json_t *appraisal = ear_appraisal_json(verdict->vector, verdict->set, e);
	json_t *extensions = verdict->extensions;

	if (!appraisal)
		return NULL;
	if (json_object_set_new(appraisal, "ear.appraisal-policy-id", json_string("default")) < 0 ||
	    json_object_set(appraisal, EVIDENCE, submod->evidence) < 0 ||
	    (extensions && json_object_update_missing(appraisal, extensions) < 0) ||
	    (submod->warning &&
	     json_object_set_new(appraisal, "ear.veraison.policy-claims",
				 json_pack("{s:s}", "warning", submod->warning)) < 0)) {
		json_decref(appraisal);
		error_set_memory(e);
		return NULL;
	}
	return appraisal;
}

static json_t *ear_issue_submods(const struct ear_submod *submods, size_t n, struct error *e)
{
	json_t *object = json_object();

	for (size_t i = 0; i < n; i++) {
		json_t *appraisal = ear_issue_appraisal(&submods[i], e);

		if (!appraisal || json_object_set_new(object, submods[i].name, appraisal) < 0) {
			json_decref(object);
			error_set_memory(e);
			return NULL;
		}
	}
	return object;
}

int ear_issue(const struct ear_issuer *issuer, const struct ear_submod *submods, size_t n,
	      int64_t now, struct bytes *out, struct error *e)
{
	json_t *object = ear_issue_submods(submods, n, e), *payload;
	int ret;

	if (!object)
		return error_set_memory(e);
	payload = json_pack("{s:s, s:I, s:{s:s, s:s}, s:o, s:I, s:s}", "eat_profile", PROFILE,
			    "iat", (json_int_t)now, "ear.verifier-id", "developer", "Realmkey",
			    "build", "trusteed " REALMKEY_VERSION, "submods", object, "exp",
			    (json_int_t)now + EAR_ISSUE_SECONDS, "iss", "trusteed");
	if (!payload)
		return error_set_memory(e);
	ret = jwt_sign(issuer->header, payload, issuer->key, out, e);
	json_decref(payload);
	return ret;
}

json_t *ear_issue_tee_pubkey(const json_t *payload)
{
	static const char *const pointer[] = {
		"submods", SUBMOD, EVIDENCE, "runtime_data_claims", "tee-pubkey",
	};
	json_t *value = (json_t *)payload;

	for (size_t i = 0; i < ARRAY_SIZE(pointer); i++)
		value = json_object_get(value, pointer[i]);
	return json_is_object(value) ? value : NULL;
}
