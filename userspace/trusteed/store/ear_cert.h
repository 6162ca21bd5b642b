/* SPDX-License-Identifier: Apache-2.0 */
/* ear_cert: the certificates of the key that signs EARs, for verifiers that know it by a root of theirs. */
#ifndef TRUSTEED_EAR_CERT_H
#define TRUSTEED_EAR_CERT_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stddef.h>

#include "base/error.h"

#define EAR_CERT_FILE_MAX  ((size_t)64 << 10)
#define EAR_CERT_CHAIN_MAX 8

/* Make `x5c` (RFC 7515 section 4.1.6: standard base64 of DER) of @text, @len bytes: certificates in PEM form, that of
 * the public part of @key first, each issued by the next one. A new reference, or NULL with an ERROR_CONFIG. */
json_t *ear_cert_chain(const void *text, size_t len, EVP_PKEY *key, struct error *e);
/* The same for the file @path, which the error names. */
json_t *ear_cert_read(const char *path, EVP_PKEY *key, struct error *e);

#endif
