/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ear_keys: the keys of EARs: the one that signs (ear-key.pem in the state directory), and the public keys of
 * those before it (ear-keys.json), which verify until the last EAR that they signed has expired. A key is
 * identified by its thumbprint (RFC 7638), the `kid` in the header of EARs and in the JWK set.
 */
#ifndef TRUSTEED_EAR_KEYS_H
#define TRUSTEED_EAR_KEYS_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "jose/jwt.h"
#include "jose/tee_key.h"
#include "store.h"

#define EAR_KEYS_OLD_MAX 16
#define EAR_KEYS_KID_MAX 44 /* with its NUL */

/* A key that verifies. */
struct ear_key {
	char kid[EAR_KEYS_KID_MAX];
	EVP_PKEY *key; /* P-256; owned */
	int64_t until; /* seconds since 1970; INT64_MAX for the key that signs */
};

struct ear_keys {
	struct tee_key signer;			  /* P-256, with its private part */
	struct ear_key key[1 + EAR_KEYS_OLD_MAX]; /* [0] is the public part of @signer */
	size_t count;
};

#define EAR_KEYS_INIT { 0 }

/* Read the keys at @now; without a key, make one. ERROR_CONFIG for a file that has no such key. The caller
 * releases @keys in all cases. */
int ear_keys_load(struct ear_keys *keys, const struct store *store, int64_t now, struct error *e);
void ear_keys_free(struct ear_keys *keys);

/* Set @kid to the thumbprint of the public part of @key, which is on P-256. ERROR_SYSTEM. */
int ear_keys_kid(const EVP_PKEY *key, char kid[EAR_KEYS_KID_MAX], struct error *e);

/* Make @next, which is empty, of a new key that signs, and the keys of @keys that still verify at @now; the one that
 * signs in @keys does so until @until. @keys NULL: there are none. ERROR_INPUT if EAR_KEYS_OLD_MAX keys do already,
 * ERROR_SYSTEM. The caller releases @next in all cases. */
int ear_keys_next(const struct ear_keys *keys, int64_t now, int64_t until, struct ear_keys *next,
		  struct error *e);
/* Write @keys, which ear_keys_next() made, in an order in which a crash loses no key. */
int ear_keys_save(const struct ear_keys *keys, const struct store *store, struct error *e);

/* Check the signature of the EAR @jwt with the key that its header names (by `kid`, or by `jwk` as in EARs before
 * there were several keys; the key that signs, if by neither), as far as that key verifies at @now. The times in
 * the EAR are the caller's to check. ERROR_ATTESTATION. */
int ear_keys_verify(const struct ear_keys *keys, const struct jwt *jwt, int64_t now,
		    struct error *e);

/* {"keys": [...]}, the JWK set (RFC 7517 section 5) of the keys that verify at @now, the one that signs first, with
 * its certificates @x5c unless that is NULL. A new reference, or NULL. */
json_t *ear_keys_set(const struct ear_keys *keys, const json_t *x5c, int64_t now, struct error *e);

#endif
