/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash: the three hash algorithms of a realm, and what each protocol calls them. The numbers are
 * the RMM specification's (RmmHashAlgorithm).
 */
#ifndef REALMKEY_HASH_H
#define REALMKEY_HASH_H

#include <stddef.h>
#include <stdint.h>

enum hash_algorithm { HASH_SHA256, HASH_SHA512, HASH_SHA384, HASH_ALGORITHMS };

#define HASH_SIZE_MAX 64

struct hash {
	enum hash_algorithm number;
	const char *name;    /* in a CCA token: "sha-256" */
	const char *plain;   /* in the KBS protocol and in output: "sha256" */
	const char *openssl; /* for EVP_get_digestbyname() and EVP_MD_fetch(): "SHA256" */
	uint16_t tpm;	     /* in an event log: TPM_ALG_ID (TCG Algorithm Registry) */
	size_t size;	     /* of a digest, bytes */
};

/* Returns the algorithm with this number in RSI, this name, plain name or TPM_ALG_ID, or NULL. The
 * result is static. */
const struct hash *hash_by_number(unsigned int number);
const struct hash *hash_by_name(const char *name);
const struct hash *hash_by_plain_name(const char *plain);
const struct hash *hash_by_tpm(unsigned int tpm);

#endif
