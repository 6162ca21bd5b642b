/* SPDX-License-Identifier: Apache-2.0 */
/* CCA tokens as platforms sign them: COSE_Sign1 with ES384, the RAK bound to the platform token. */
#ifndef HES_TOKEN_H
#define HES_TOKEN_H

#include "channel.h"
#include "hes_keys.h"
#include "hes_profile.h"

enum {
	HES_TAG_399 = 399, /* RMM 1.0: inner tokens are byte strings, as with any other tag */
	HES_TAG_907 = 907, /* later: inner tokens are CMW records */
};

struct hes_style {
	uint32_t tag;
	const struct hes_profile *platform, *realm;
	size_t size; /* bytes to which an unknown claim enlarges a smaller token */
};

/*
 * hes_token_make - make and sign the token that the RMM requests
 * @token: receives the token, at most CHANNEL_PAYLOAD_MAX bytes
 * @size: set to the bytes of the token
 *
 * Returns NULL, or an error message.
 */
const char *hes_token_make(const struct hes_keys *keys, const struct hes_style *style,
			   const struct channel_request *request, uint8_t *token, size_t *size);

#endif
