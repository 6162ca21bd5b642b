/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict: what an attestation policy says of one submod: AR4SI values, and claims that it adds to
 * the EAR. It comes from the built-in rules or from a policy in Rego. This file does no I/O.
 */
#ifndef REALMKEY_VERDICT_H
#define REALMKEY_VERDICT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "ear/ear.h"

struct verdict {
	int vector[EAR_CLAIMS]; /* 0 where not set */
	bool set[EAR_CLAIMS];	/* only these claims are in the EAR */
	json_t *extensions; /* owned; {name: value}, further members of the appraisal; or NULL */
};

#define VERDICT_INIT { 0 }

/*
 * Read @values, the member "values" of an answer of realmkey-policy: REGO_TRUST_CLAIMS (an object of
 * names of AR4SI and integers from -128 to 127; if the policy has no such rule, all claims are 0) and
 * REGO_EXTENSIONS (an array of {"name", "key", "value"}, or absent). An ERROR_POLICY names the claim
 * that is wrong. Nothing is needed of @values afterwards. The caller releases @verdict in all cases.
 */
int verdict_from_values(const json_t *values, struct verdict *verdict, struct error *e);
/* The verdict of the built-in rules for @evidence, which appraisal_evidence() made; @references is
 * {name: value}. It sets all claims, and has no extensions. */
void verdict_from_rules(const json_t *evidence, const json_t *references, struct verdict *verdict);
/* The worst tier of the claims: the status in the EAR. */
enum ear_tier verdict_tier(const struct verdict *verdict);
void verdict_free(struct verdict *verdict);

#endif
