/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cca_token: decode and verify a CCA attestation token (RMM specification A7, draft-ffm-rats-cca-
 * token): outer tags 399 and 907; legacy, 2023, 2024 and 2026 profiles.
 *
 * Verification is a fixed order of checks, and the first that fails gives the verdict its name.
 * realmkey and trusteed both stand on this file.
 */
#ifndef REALMKEY_CCA_TOKEN_H
#define REALMKEY_CCA_TOKEN_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define CCA_TOKEN_MAX ((size_t)64 << 10)
#define CCA_CHALLENGE_SIZE 64
#define CCA_RPV_SIZE 64
#define CCA_REMS 4
#define CCA_COMPONENTS_MAX 64

enum cca_cause {
	CCA_OK,
	CCA_E_SIZE,			/* over CCA_TOKEN_MAX */
	CCA_E_CBOR,
	CCA_E_TOP_TAG,
	CCA_E_TOP_TYPE,
	CCA_E_MISSING_PLATFORM_TOKEN,
	CCA_E_MISSING_REALM_TOKEN,
	CCA_E_TOP_VALUE_TYPE,
	CCA_E_CMW_RECORD,
	CCA_E_COSE,
	CCA_E_COSE_TAG,
	CCA_E_COSE_ARRAY,
	CCA_E_COSE_DETACHED,
	CCA_E_CLAIMS_CBOR,
	CCA_E_CLAIMS_TYPE,
	CCA_E_PROFILE,
	CCA_E_CLAIM_MISSING,
	CCA_E_CLAIM_TYPE,
	CCA_E_CLAIM_SIZE,
	CCA_E_CLAIM_VALUE,
	CCA_E_NO_TRUST_ANCHOR,
	CCA_E_TRUST_ANCHOR_REVOKED,
	CCA_E_ALG_PLATFORM,
	CCA_E_SIG_PLATFORM,
	CCA_E_RAK,
	CCA_E_ALG_REALM,
	CCA_E_SIG_REALM,
	CCA_E_BINDING,
	CCA_E_FRESHNESS,
	CCA_E_LIFECYCLE,
	CCA_CAUSES
};

/* "E_BINDING" and the like; "OK" for CCA_OK. */
const char *cca_cause_name(enum cca_cause cause);

struct cca_verdict {
	enum cca_cause cause;
	char detail[256];	/* printable, names the claim or field */
	char warning[256];	/* e.g. an unlisted pair of profiles; "" when none */
};

/* A slice of the token's own bytes. */
struct cca_slice {
	const uint8_t *data;
	size_t len;
};

struct cca_component {
	char type[64], version[64], hash_algorithm[16];	/* "" when absent; printable */
	struct cca_slice measurement, signer;
};

struct cca_sign1 {
	struct cca_slice protected_header;	/* content of the bstr */
	struct cca_slice payload;
	struct cca_slice signature;
	int algorithm;				/* COSE number; 0 when absent */
};

struct cca_platform {
	struct cca_sign1 sign1;
	char profile[80];
	struct cca_slice binding;		/* claim 10, or 2408 in the 2026 profiles */
	struct cca_slice implementation_id;	/* 32 */
	struct cca_slice instance_id;		/* 33 */
	struct cca_slice config;
	uint16_t lifecycle;
	char hash_algorithm[16];
	char verification_service[256];		/* "" when absent; a hint, never followed */
	size_t component_count;
	struct cca_component component[CCA_COMPONENTS_MAX];
};

struct cca_realm {
	struct cca_sign1 sign1;
	char profile[80];			/* "" for legacy */
	struct cca_slice challenge;		/* 64 */
	struct cca_slice rpv;			/* 64 */
	struct cca_slice rim;
	struct cca_slice rem[CCA_REMS];
	char hash_algorithm[16];		/* of RIM and REMs: "sha-256" ... */
	struct cca_slice rak;			/* claim 44237 exactly as received */
	char rak_hash_algorithm[16];
	struct cca_slice instance_id;		/* 33, or empty */
	int mec_policy;				/* 0 shared, 1 private, -1 absent */
};

struct cca_token {
	struct bytes raw;	/* a copy; every slice points into it */
	uint64_t tag;		/* 399 or 907 */
	struct cca_platform platform;
	struct cca_realm realm;
};

#define CCA_TOKEN_INIT { 0 }

/* Checks 1 to 7 (form and claims). Returns 0 (verdict CCA_OK) or -1 with @verdict set; @token must
 * be released in both cases. */
int cca_token_decode(const void *data, size_t len, struct cca_token *token,
		     struct cca_verdict *verdict);
void cca_token_free(struct cca_token *token);

/* One trust anchor: a CPAK public key, for one platform instance or (no ids) for any. */
struct cca_anchor {
	EVP_PKEY *key;			/* owned */
	bool has_ids;
	uint8_t implementation_id[32], instance_id[33];
	bool development;		/* "realmkey-dev": true: the test bench's own key */
	bool revoked;
	char name[128];			/* file it came from, for logs */
};

struct cca_anchors {
	struct cca_anchor *anchor;	/* owned array */
	size_t count;
};

#define CCA_ANCHORS_INIT { 0 }

/* Add what JSON text @text holds: one JWK (optionally with "implementation-id", "instance-id" hex,
 * "revoked", "realmkey-dev"), or a store: an array of {"pkey": JWK, "implementation-id", ...}. A key
 * that cannot be used (off curve, unknown curve) is an ERROR_INPUT that names @name and the index. */
int cca_anchors_add(struct cca_anchors *anchors, const void *text, size_t len, const char *name,
		    struct error *e);
/* Coordinator: @path is a file, or a directory of *.jwk and *.json files. */
int cca_anchors_load(struct cca_anchors *anchors, const char *path, struct error *e);
void cca_anchors_free(struct cca_anchors *anchors);

/* Checks 8 to 14. @challenge (64 bytes) may be NULL: freshness is then not judged. On success
 * *@used (may be NULL) is the anchor that verified. Returns 0, or -1 with @verdict. */
int cca_token_verify(const struct cca_token *token, const struct cca_anchors *anchors,
		     const uint8_t *challenge, struct cca_verdict *verdict,
		     const struct cca_anchor **used);

/* The claims as JSON for people and --json (hex strings; new reference), NULL out of memory. */
json_t *cca_token_json(const struct cca_token *token);
/* Append a readable text form. */
int cca_token_print(const struct cca_token *token, struct bytes *out);

#endif
