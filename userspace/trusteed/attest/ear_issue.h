/* SPDX-License-Identifier: Apache-2.0 */
/* ear_issue: makes EARs like those of Trustee's attestation service, signed with ES256. This file
 * does no I/O. */
#ifndef TRUSTEED_EAR_ISSUE_H
#define TRUSTEED_EAR_ISSUE_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stdint.h>

#include "appraisal/verdict.h"
#include "base/bytes.h"
#include "base/error.h"

#define EAR_ISSUE_SECONDS ((int64_t)30 * 60)

/* A key that signs EARs, and the header that all of them have. */
struct ear_issuer {
	EVP_PKEY *key; /* P-256; borrowed */
	json_t *header;
};

#define EAR_ISSUER_INIT { 0 }

/* @x5c, or NULL: the certificates of @key, in standard base64. @key must outlive @issuer, which the caller
 * releases in all cases. */
int ear_issuer_init(struct ear_issuer *issuer, EVP_PKEY *key, json_t *x5c, struct error *e);
void ear_issuer_free(struct ear_issuer *issuer);

/* One appraisal: what the policy said of the evidence of one device. All is borrowed. */
struct ear_submod {
	const char *name; /* cpu0, gpu0 */
	const struct verdict *verdict;
	json_t *evidence;    /* the claims, which become the annotated evidence */
	const char *warning; /* the claim "warning" of the policy, or NULL */
};

/* Append a compact EAR with @n appraisals to @out, issued at @now (seconds since 1970) and signed by
 * @issuer, whose public key is in the header. */
int ear_issue(const struct ear_issuer *issuer, const struct ear_submod *submods, size_t n,
	      int64_t now, struct bytes *out, struct error *e);

/* The key to which the holder of an EAR requires resources to be encrypted; borrowed from @payload,
 * or NULL if it has none. */
json_t *ear_issue_tee_pubkey(const json_t *payload);

#endif
