/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appraisal: the AR4SI values for verified CCA evidence. The rules are those of the attestation
 * policy in Arm's CCA demonstration. They are evaluated over the same JSON that Trustee gives to
 * its policy and puts into the EAR. This file does no I/O.
 */
#ifndef REALMKEY_APPRAISAL_H
#define REALMKEY_APPRAISAL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "cca/cca_token.h"
#include "ear/ear.h"
#include "reference.h"

/* Make {"cca": {"platform", "realm"}, "init_data", "init_data_claims", "report_data",
 * "runtime_data_claims"} of the verified @token and of the handshake's @runtime. A new reference,
 * or NULL out of memory. */
json_t *appraisal_evidence(const struct cca_token *token, json_t *runtime, struct error *e);

/* Whether an appraisal reads the reference value @name. */
bool appraisal_reads(const char *name);

/* Set @vector to the AR4SI values for @evidence, which appraisal_evidence() made. */
void appraisal_vector(const json_t *evidence, const struct reference *reference,
		      int vector[EAR_CLAIMS]);

#endif
