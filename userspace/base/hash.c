// SPDX-License-Identifier: Apache-2.0
#include "hash.h"

#include <string.h>

static const struct hash hashes[HASH_ALGORITHMS] = {
	[HASH_SHA256] = { HASH_SHA256, "sha-256", "sha256", "SHA256", 0x000b, 32 },
	[HASH_SHA512] = { HASH_SHA512, "sha-512", "sha512", "SHA512", 0x000d, 64 },
	[HASH_SHA384] = { HASH_SHA384, "sha-384", "sha384", "SHA384", 0x000c, 48 },
};

const struct hash *hash_by_number(unsigned int number)
{
	return number < HASH_ALGORITHMS ? &hashes[number] : NULL;
}

const struct hash *hash_by_name(const char *name)
{
	for (size_t i = 0; i < HASH_ALGORITHMS; i++)
		if (strcmp(name, hashes[i].name) == 0)
			return &hashes[i];
	return NULL;
}

const struct hash *hash_by_plain_name(const char *plain)
{
	for (size_t i = 0; i < HASH_ALGORITHMS; i++)
		if (strcmp(plain, hashes[i].plain) == 0)
			return &hashes[i];
	return NULL;
}

const struct hash *hash_by_tpm(unsigned int tpm)
{
	for (size_t i = 0; i < HASH_ALGORITHMS; i++)
		if (tpm == hashes[i].tpm)
			return &hashes[i];
	return NULL;
}
