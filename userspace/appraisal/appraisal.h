/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appraisal: verified CCA evidence as the JSON that Trustee gives to its policies and puts into the
 * EAR, and the built-in rules over it (verdict_from_rules() in verdict.h), which are those of the
 * attestation policy in Arm's CCA demonstration. This file does no I/O.
 */
#ifndef REALMKEY_APPRAISAL_H
#define REALMKEY_APPRAISAL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "cca/cca_token.h"

/* Make {"cca": {"platform", "realm"}, "init_data", "init_data_claims", "report_data",
 * "runtime_data_claims"} of the verified @token, of the handshake's @runtime, and of what
 * init_data_claims() gave; both are borrowed. If @init_data_claims is NULL, the member is null. A new
 * reference, or NULL out of memory. */
json_t *appraisal_evidence(const struct cca_token *token, json_t *runtime, json_t *init_data_claims,
			   struct error *e);

/* Whether a built-in rule reads the reference value @name. */
bool appraisal_reads(const char *name);

#endif
