/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CCA_TEST_RSI_H
#define CCA_TEST_RSI_H

#include <linux/jump_label.h>

#include <asm/rsi_cmds.h>

DECLARE_STATIC_KEY_FALSE(rsi_present);

static inline bool is_realm_world(void)
{
	return static_branch_unlikely(&rsi_present);
}

#endif /* CCA_TEST_RSI_H */
