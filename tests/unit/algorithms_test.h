/* SPDX-License-Identifier: Apache-2.0 */
/* algorithms_test: whether an algorithm of OpenSSL can be used in this process. */
#ifndef REALMKEY_ALGORITHMS_TEST_H
#define REALMKEY_ALGORITHMS_TEST_H

#include <openssl/evp.h>
#include <stdbool.h>

static inline bool cipher(const char *name)
{
	EVP_CIPHER *found = EVP_CIPHER_fetch(NULL, name, NULL);

	EVP_CIPHER_free(found);
	return found;
}

static inline bool digest(const char *name)
{
	EVP_MD *found = EVP_MD_fetch(NULL, name, NULL);

	EVP_MD_free(found);
	return found;
}

static inline bool key(const char *name)
{
	EVP_PKEY_CTX *found = EVP_PKEY_CTX_new_from_name(NULL, name, NULL);

	EVP_PKEY_CTX_free(found);
	return found;
}

#endif
