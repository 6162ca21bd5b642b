/* SPDX-License-Identifier: Apache-2.0 */
/* ear_issue: an EAR as Trustee's attestation service issues it, signed with ES256. Pure. */
#ifndef TRUSTEED_EAR_ISSUE_H
#define TRUSTEED_EAR_ISSUE_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stdint.h>

#include "bytes.h"
#include "ear.h"
#include "error.h"

#define EAR_ISSUE_SECONDS (30 * 60)

/* Append the compact EAR of one appraisal, submod "cpu0", to @out: @vector, annotated with
 * @evidence, issued at @now (seconds since 1970), signed with the P-256 @key, whose public part
 * travels in the header. */
int ear_issue(EVP_PKEY *key, const int vector[EAR_CLAIMS], json_t *evidence, int64_t now,
	      struct bytes *out, struct error *e);

/* The key that an EAR's holder wants resources encrypted to; borrowed from @payload, or NULL. */
json_t *ear_issue_tee_pubkey(const json_t *payload);

#endif
