/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Realm Services Interface: each call is one SMC (the first one, two),
 * nothing is kept and nothing is locked. Errors of all of them: EINVAL, ESTALE
 * (no token in progress), EOPNOTSUPP, EIO, as the RMM's status says.
 */
#ifndef CCA_RSI_H
#define CCA_RSI_H

#include <linux/types.h>

struct cca_rsi_config;

/* cca_rsi_token_continue(): call again, there is more to come */
#define CCA_RSI_INCOMPLETE	1

int cca_rsi_config_read(struct cca_rsi_config *config);
int cca_rsi_measurement_read(u32 index, u8 *value, size_t size);
int cca_rsi_measurement_extend(u32 index, const u8 *digest, size_t size);
int cca_rsi_token_init(const u8 *challenge, size_t *bound);
int cca_rsi_token_continue(u8 *granule, size_t offset, size_t size, size_t *len);

#endif /* CCA_RSI_H */
