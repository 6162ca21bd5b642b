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

/* A key that signs EARs, and the header that all of them have. */
struct ear_issuer {
	EVP_PKEY *key; /* P-256; borrowed */
	json_t *header;
};

#define EAR_ISSUER_INIT { 0 }

/* @key must outlive @issuer, which the caller releases if this succeeds. */
int ear_issuer_init(struct ear_issuer *issuer, EVP_PKEY *key, struct error *e);
void ear_issuer_free(struct ear_issuer *issuer);

/* Append a compact EAR with one appraisal, submod "cpu0", to @out: @vector, annotated with
 * @evidence, with the claim "warning" of the policy unless @warning is NULL, issued at @now (seconds
 * since 1970), and signed by @issuer, whose public key is in the header. */
int ear_issue(const struct ear_issuer *issuer, const int vector[EAR_CLAIMS], json_t *evidence,
	      const char *warning, int64_t now, struct bytes *out, struct error *e);

/* The key to which the holder of an EAR requires resources to be encrypted; borrowed from @payload,
 * or NULL if it has none. */
json_t *ear_issue_tee_pubkey(const json_t *payload);

#endif
