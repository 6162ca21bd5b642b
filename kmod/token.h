/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CCA_TOKEN_H
#define CCA_TOKEN_H

#include <linux/types.h>

/**
 * struct cca_token - a finished attestation token
 * @data: the RMM's bytes, for kvfree()
 * @size: how many
 * @log_seq: number of log records that the token's registers account for
 */
struct cca_token {
	u8 *data;
	size_t size;
	u64 log_seq;
};

int cca_token_make(const u8 *challenge, struct cca_token *token);

#endif /* CCA_TOKEN_H */
