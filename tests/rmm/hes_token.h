/* SPDX-License-Identifier: Apache-2.0 */
/* CCA tokens as a platform of 2023 signs them: COSE_Sign1 with ES384, RAK bound to the platform. */
#ifndef HES_TOKEN_H
#define HES_TOKEN_H

#include "channel.h"
#include "hes_keys.h"

enum hes_layout {
	HES_LAYOUT_399 = 399,	/* RMM 1.0: byte strings */
	HES_LAYOUT_907 = 907,	/* later: CMW records */
};

/*
 * hes_token_make - a signed token for what the RMM asks
 * @token: room for CHANNEL_PAYLOAD_MAX bytes
 * @size: out: bytes of the token
 *
 * Returns NULL, or which part could not be made.
 */
const char *hes_token_make(const struct hes_keys *keys, enum hes_layout layout,
			   const struct channel_request *request, uint8_t *token, size_t *size);

#endif
