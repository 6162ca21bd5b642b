/* SPDX-License-Identifier: Apache-2.0 */
/* CCA tokens as platforms sign them: COSE_Sign1 with ES384, RAK bound to the platform. */
#ifndef HES_TOKEN_H
#define HES_TOKEN_H

#include "channel.h"
#include "hes_keys.h"
#include "hes_profile.h"

enum {
	HES_TAG_399 = 399,	/* RMM 1.0: byte strings; so does any other tag */
	HES_TAG_907 = 907,	/* later: CMW records */
};

struct hes_style {
	uint32_t tag;
	const struct hes_profile *platform, *realm;
	size_t size;	/* bytes that the token is filled up to, by a claim that nobody knows */
};

/*
 * hes_token_make - a signed token for what the RMM asks
 * @token: room for CHANNEL_PAYLOAD_MAX bytes
 * @size: out: bytes of the token
 *
 * Returns NULL, or which part could not be made.
 */
const char *hes_token_make(const struct hes_keys *keys, const struct hes_style *style,
			   const struct channel_request *request, uint8_t *token, size_t *size);

#endif
