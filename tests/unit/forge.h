/* SPDX-License-Identifier: Apache-2.0 */
/* forge: makes CCA tokens with new keys, valid until a test changes something. */
#ifndef REALMKEY_FORGE_H
#define REALMKEY_FORGE_H

#include <openssl/evp.h>
#include <stdint.h>

#include "base/bytes.h"
#include "cca/cca_anchors.h"

/* These append CBOR to @out. */
void put_uint(struct bytes *out, uint64_t value);
void put_int(struct bytes *out, int64_t value);
void put_bytes(struct bytes *out, const void *data, size_t len);
void put_fill(struct bytes *out, uint8_t byte, size_t len);
void put_text(struct bytes *out, const char *text);
void put_array(struct bytes *out, uint64_t elements);
void put_map(struct bytes *out, uint64_t pairs);
void put_tag(struct bytes *out, uint64_t tag);
void put_hex(struct bytes *out, const char *hex); /* already encoded */

#define FORGE_CLAIMS_MAX 32

struct forge_claims {
	size_t count;
	struct {
		int64_t key;
		struct bytes value; /* as CBOR */
	} claim[FORGE_CLAIMS_MAX];
};

struct forge_part {
	struct forge_claims claims;
	EVP_PKEY *key;		  /* signs the part; owned */
	int algorithm;		  /* in the protected header */
	struct bytes header;	  /* encoded protected header; empty: { 1: algorithm } */
	struct bytes unprotected; /* encoded map; empty: {} */
	struct bytes payload;	  /* if not empty, signed instead of the claims */
	struct bytes sign1;	  /* if not empty, used instead of a COSE_Sign1 */
	bool empty_payload;
};

struct forge {
	uint64_t tag;
	const char *rak_hash; /* by OpenSSL's name */
	int64_t binding_key;  /* 10 or 2408; 0: the test makes the claim */
	struct forge_part platform, realm;
	struct cca_anchors anchors; /* with the platform's key */
};

/* Prepare a valid token of the 2024 profiles, with keys of @curve ("P-256", "P-384", "P-521"). */
void forge_setup(struct forge *forge, const char *curve);
void forge_teardown(struct forge *forge);

/* Returns claim @key, new or emptied, to which the caller appends its encoded value. */
struct bytes *forge_claim(struct forge_part *part, int64_t key);
void forge_remove(struct forge_part *part, int64_t key);
/* Put the realm's public key as a COSE_Key into claim 44237. */
void forge_rak(struct forge *forge);

/* Sign one part; bind the parts to each other; do both and put the token together. */
void forge_inner(struct forge_part *part, struct bytes *out);
void forge_bind(struct forge *forge);
void forge_make(struct forge *forge, struct bytes *out);

#endif
