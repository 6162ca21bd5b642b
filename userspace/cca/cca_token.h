/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cca_token: a CCA attestation token, decoded (RMM specification A7, draft-ffm-rats-cca-token):
 * outer tags 399 and 907; legacy, 2023, 2024 and 2026 profiles.
 */
#ifndef REALMKEY_CCA_TOKEN_H
#define REALMKEY_CCA_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/realm.h"
#include "cca_verdict.h"
#include "cose.h"

#define CCA_TOKEN_MAX	   ((size_t)64 << 10)
#define CCA_COMPONENTS_MAX 64

struct cca_component {
	char type[64], version[64], hash_algorithm[16]; /* "" when absent; printable ASCII */
	struct cbor_slice measurement, signer;
};

struct cca_platform {
	struct cose_sign1 sign1;
	char profile[80];
	struct cbor_slice binding;	     /* claim 10, or 2408 in the 2026 profiles */
	struct cbor_slice implementation_id; /* 32 bytes */
	struct cbor_slice instance_id;	     /* 33 bytes */
	struct cbor_slice config;
	uint16_t lifecycle;
	char hash_algorithm[16];
	char verification_service[256]; /* "" when absent; a hint, never followed */
	size_t component_count;
	struct cca_component component[CCA_COMPONENTS_MAX];
};

struct cca_realm {
	struct cose_sign1 sign1;
	char profile[80];	     /* "" for the legacy profile */
	struct cbor_slice challenge; /* REALM_CHALLENGE_SIZE bytes */
	struct cbor_slice rpv;	     /* REALM_RPV_SIZE bytes */
	struct cbor_slice rim;
	struct cbor_slice rem[REALM_REMS];
	char hash_algorithm[16];       /* of RIM and REMs: the name in struct hash */
	struct cbor_slice rak;	       /* claim 44237 exactly as received */
	char rak_hash_algorithm[16];   /* likewise a name in struct hash */
	struct cbor_slice instance_id; /* 33 bytes, or empty */
	int mec_policy;		       /* 0 shared, 1 private, -1 absent */
};

struct cca_token {
	struct bytes raw; /* a copy; every slice points into it */
	uint64_t tag;	  /* 399 or 907 */
	struct cca_platform platform;
	struct cca_realm realm;
};

#define CCA_TOKEN_INIT { 0 }

/* Decode @len bytes at @data: checks 1 to 7, form and claims. Returns 0, with @verdict CCA_OK, or
 * -1: a token that is refused has its cause in @verdict and the same as an ERROR_ATTESTATION in @e;
 * after a failure of this machine @verdict is CCA_NO_VERDICT and @e an ERROR_SYSTEM. The caller
 * releases @token in all cases. */
int cca_token_decode(const void *data, size_t len, struct cca_token *token,
		     struct cca_verdict *verdict, struct error *e);
void cca_token_free(struct cca_token *token);

#endif
