/* SPDX-License-Identifier: Apache-2.0 */
/* token_pack: a compact JWT in less than half of its size, because the server keeps one for each
 * attested session. Its parts are decoded and compressed together. */
#ifndef TRUSTEED_TOKEN_PACK_H
#define TRUSTEED_TOKEN_PACK_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

#define TOKEN_PACK_PARTS 3

struct token_pack {
	struct bytes data;	       /* the decoded parts, by zlib */
	size_t part[TOKEN_PACK_PARTS]; /* their lengths before compression */
};

/* Pack @token, a compact JWT. ERROR_INPUT if it is none; ERROR_SYSTEM. */
int token_pack(const struct bytes *token, struct token_pack *pack, struct error *e);
/* Append the token to @token, as it was. ERROR_SYSTEM. */
int token_unpack(const struct token_pack *pack, struct bytes *token, struct error *e);
void token_pack_free(struct token_pack *pack);

#endif
