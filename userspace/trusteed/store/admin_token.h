/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_token: the administrator's credential, a bearer JWT (ES256) with a role claim as the admin
 * tokens of Trustee have, made and judged with one key. Pure.
 */
#ifndef TRUSTEED_ADMIN_TOKEN_H
#define TRUSTEED_ADMIN_TOKEN_H

#include <openssl/evp.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define ADMIN_TOKEN_DAYS 3650

/* Append a token signed with @key, good from @now (seconds since 1970) for ADMIN_TOKEN_DAYS. */
int admin_token_issue(EVP_PKEY *key, int64_t now, struct bytes *out, struct error *e);
/* 0 when @text (NULL: none was sent) is such a token and @now is in its time; else -1 with
 * ERROR_POLICY or what jwt says. */
int admin_token_check(EVP_PKEY *key, const char *text, size_t len, int64_t now, struct error *e);

#endif
