/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample: the evidence of Trustee's TEEs "sample" and "sampledevice", which has no signature: anyone can
 * make it. It is for tests with clients that run outside of a realm. This file does no I/O.
 */
#ifndef TRUSTEED_SAMPLE_H
#define TRUSTEED_SAMPLE_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

#define SAMPLE_DEVICE "sampledevice"
/* For the EAR. */
#define SAMPLE_WARNING "sample evidence has no signature: anyone can make it"

/*
 * Check that the report data in @evidence is SHA-384 of the canonical form of @runtime, and make the claims
 * that Trustee gives to its policy: of the TEE "sample", or of SAMPLE_DEVICE. @runtime is borrowed. A new
 * reference, or NULL: an ERROR_PROTOCOL names the member that is wrong, an ERROR_ATTESTATION is other
 * report data.
 */
json_t *sample_claims(const json_t *evidence, json_t *runtime, struct error *e);
json_t *sample_device_claims(const json_t *evidence, json_t *runtime, struct error *e);

/*
 * Add the member "init_data" to @claims of the TEE "sample": the hash of @text by the algorithm that it names.
 * Nothing binds it to the evidence. @answer is what realmkey-policy made of it (see rego/question.h); the
 * claims in it are returned, borrowed. NULL with an ERROR_ATTESTATION for another algorithm.
 */
json_t *sample_init_data(json_t *claims, const char *text, json_t *answer, struct error *e);

#endif
