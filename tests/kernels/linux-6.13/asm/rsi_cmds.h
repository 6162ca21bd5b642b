/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CCA_TEST_RSI_CMDS_H
#define CCA_TEST_RSI_CMDS_H

#include <asm/rsi_smc.h>

#define RSI_GRANULE_SHIFT 12
#define RSI_GRANULE_SIZE  (_AC(1, UL) << RSI_GRANULE_SHIFT)

#endif /* CCA_TEST_RSI_CMDS_H */
