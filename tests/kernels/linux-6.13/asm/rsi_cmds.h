/* SPDX-License-Identifier: GPL-2.0-only */
/* The types of 6.13's functions; a module that is never loaded needs no bodies that work. */
#ifndef CCA_TEST_RSI_CMDS_H
#define CCA_TEST_RSI_CMDS_H

#include <asm/rsi_smc.h>

#define RSI_GRANULE_SHIFT 12
#define RSI_GRANULE_SIZE  (_AC(1, UL) << RSI_GRANULE_SHIFT)

enum ripas {
	RSI_RIPAS_EMPTY = 0,
	RSI_RIPAS_RAM = 1,
};

static inline unsigned long rsi_request_version(unsigned long req, unsigned long *out_lower,
						unsigned long *out_higher)
{
	return RSI_ERROR_INPUT;
}

static inline unsigned long rsi_get_realm_config(struct realm_config *cfg)
{
	return RSI_ERROR_INPUT;
}

static inline unsigned long rsi_attestation_token_continue(phys_addr_t granule,
							   unsigned long offset, unsigned long size,
							   unsigned long *len)
{
	return RSI_ERROR_INPUT;
}

static inline unsigned long rsi_ipa_state_get(phys_addr_t start, phys_addr_t end, enum ripas *state,
					      phys_addr_t *top)
{
	return RSI_ERROR_INPUT;
}

#endif /* CCA_TEST_RSI_CMDS_H */
