/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_token: the administrator's credential, a bearer JWT (ES256) with the role claim that admin
 * tokens of Trustee have. One key signs and verifies it. This file does no I/O.
 */
#ifndef TRUSTEED_ADMIN_TOKEN_H
#define TRUSTEED_ADMIN_TOKEN_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "jose/jwt.h"

#define ADMIN_TOKEN_DAYS 3650

/* Append a token signed with @key, valid from @now (seconds since 1970) for ADMIN_TOKEN_DAYS. */
int admin_token_issue(EVP_PKEY *key, int64_t now, struct bytes *out, struct error *e);
/* Check that @text, of @len characters, is such a token and that it is valid at @now. @text is NULL
 * if none was sent. -1 with an ERROR_POLICY, or with an error of jwt.h. */
int admin_token_check(EVP_PKEY *key, const char *text, size_t len, int64_t now, struct error *e);

/* The same for the claims of a token that is verified: whether iss and role are those of an admin token. */
int admin_token_check_claims(const struct jwt *jwt, struct error *e);

/* Whether @text is such a token, but issued after @now: then @now is wrong. */
bool admin_token_ahead(EVP_PKEY *key, const char *text, size_t len, int64_t now);

#endif
