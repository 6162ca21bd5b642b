/* SPDX-License-Identifier: Apache-2.0 */
/* ear_issue: makes EARs like those of Trustee's attestation service, signed with ES256. This file
 * does no I/O. */
#ifndef TRUSTEED_EAR_ISSUE_H
#define TRUSTEED_EAR_ISSUE_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "ear/ear.h"

#define EAR_ISSUE_SECONDS ((int64_t)30 * 60)

/* Append a compact EAR with one appraisal, submod "cpu0", to @out: @vector, annotated with
 * @evidence, with the claim "warning" of the policy unless @warning is NULL, issued at @now (seconds since 1970), and signed with the P-256 key @key, whose public
 * part is in the header. */
int ear_issue(EVP_PKEY *key, const int vector[EAR_CLAIMS], json_t *evidence, const char *warning,
	      int64_t now, struct bytes *out, struct error *e);

/* The key to which the holder of an EAR requires resources to be encrypted; borrowed from @payload,
 * or NULL if it has none. */
json_t *ear_issue_tee_pubkey(const json_t *payload);

#endif
