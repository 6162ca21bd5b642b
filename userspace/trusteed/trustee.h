/* SPDX-License-Identifier: Apache-2.0 */
/* trustee: the state of the running server, read from its state directory. One thread uses it. */
#ifndef TRUSTEED_TRUSTEE_H
#define TRUSTEED_TRUSTEE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "jose/tee_key.h"
#include "trusteed/attest/ear_issue.h"
#include "trusteed/store/admins.h"
#include "trusteed/store/ear_keys.h"
#include "trusteed/store/kbs_seal.h"
#include "trusteed/store/kbs_sessions.h"
#include "appraisal/reference.h"
#include "trusteed/policy/pool.h"
#include "trusteed/store/policies.h"
#include "trusteed/store/policy.h"
#include "trusteed/store/store.h"
#include "trusteed/store/trust.h"

struct trustee {
	struct store store;
	struct ear_keys ear_keys;
	struct ear_issuer issuer; /* uses the key of ear_keys that signs */
	const char *ear_cert;	  /* the file of its certificates; borrowed; NULL: none */
	json_t *x5c;		  /* these, owned, or NULL */
	struct tee_key admin_key; /* signs the admin token, and nothing else */
	struct admins admins;	  /* who may change what */
	struct trust trust;
	struct kbs_seal seal;
	struct kbs_sessions sessions;
	struct reference reference;
	enum policy policy;	  /* the built-in resource policy */
	struct policies policies; /* in Rego */
	struct pool *pool;	  /* evaluates them; borrowed; NULL: they deny */
	int64_t max_token_age; /* seconds; an older EAR gets no resource; 0: it counts until its end */
	bool recheck;	       /* --recheck: each resource is preceded by a new appraisal */
	bool sample_evidence;	/* --dev-sample: evidence that anyone can make is accepted */
	enum kbs_version least; /* the oldest version of the KBS API that is served */
};

#define TRUSTEE_INIT { .store = STORE_INIT, .seal = KBS_SEAL_INIT, .sessions = KBS_SESSIONS_INIT }

struct trustee_options {
	const char *state;   /* directory */
	const char *anchors; /* directory or file; NULL: anchors/ in the state */
	const char *
		ear_cert; /* a file of certificates of the EAR key, or NULL; it is read again by trustee_reload() */
	bool development;
	bool sample_cpak;     /* trust the sample CPAK of firmware trees */
	bool sample_evidence; /* which anyone can make */
	bool recheck;
	unsigned int max_token_age; /* seconds; 0: as long as the EAR is valid */
	unsigned int sessions;	    /* attested sessions at most; 0: the default */
	enum kbs_version least;	    /* the oldest version of the KBS API that is served */
};

/* Read the state. What is missing (keys, admin token, anchors directory) is made. @now is in
 * seconds since 1970. ERROR_CONFIG for a file of the state, ERROR_INPUT for a trust anchor. The caller
 * closes @t in all cases. */
int trustee_open(struct trustee *t, const struct trustee_options *options, int64_t now,
		 struct error *e);
void trustee_close(struct trustee *t);

/* Read again what the operator changes by hand: the keys of administrators, the certificates of the EAR key and
 * the trust anchors. If one of them cannot be used, or if @also, which is called with @context after they were read
 * and may be NULL, fails, then all stay as they are. */
int trustee_reload(struct trustee *t, int (*also)(void *context, struct error *e), void *context,
		   struct error *e);

/* Sign EARs with a new key from @now on, first on disk. The one before verifies as long as an EAR of it can be valid,
 * and those before it as well; if @withdraw, none of them does any more. ERROR_INPUT if too many keys do already, or if a
 * certificate names the key. If this fails, all stays as it was. */
int trustee_rotate(struct trustee *t, bool withdraw, int64_t now, struct error *e);

/* Set the resource policy of all repositories that have none, first on disk: a built-in one, which replaces one in
 * Rego, or @text in Rego. Then the built-in one is deny-all, so that nothing is released if the text gets lost. A
 * crash leaves the old policy or the new one. */
int trustee_set_policy(struct trustee *t, enum policy policy, struct error *e);
int trustee_set_policy_rego(struct trustee *t, const struct bytes *text, struct error *e);
/* Change the reference values, first on disk. If it succeeds, @next is empty afterwards. */
int trustee_set_reference(struct trustee *t, struct reference *next, struct error *e);

#endif
