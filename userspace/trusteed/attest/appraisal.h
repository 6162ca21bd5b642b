/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appraisal: what verified CCA evidence is worth. The rules are those of the attestation policy in
 * Arm's CCA demonstration, evaluated over the same JSON that a full Trustee gives its policy and
 * puts in the EAR. Pure.
 */
#ifndef TRUSTEED_APPRAISAL_H
#define TRUSTEED_APPRAISAL_H

#include <jansson.h>

#include "base/error.h"
#include "cca/cca_token.h"
#include "ear/ear.h"
#include "trusteed/store/reference.h"

/* {"cca": {"platform", "realm"}, "init_data", "init_data_claims", "report_data",
 * "runtime_data_claims"} of the verified @token and the handshake's @runtime. New reference, or
 * NULL with ERROR_SYSTEM. */
json_t *appraisal_evidence(const struct cca_token *token, json_t *runtime, struct error *e);

/* The AR4SI vector of @evidence (as appraisal_evidence() made it). */
void appraisal_vector(const json_t *evidence, const struct reference *reference,
		      int vector[EAR_CLAIMS]);

#endif
