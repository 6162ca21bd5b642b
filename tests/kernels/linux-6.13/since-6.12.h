/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Declares, for 6.12's headers, what the module uses and 6.13 introduced, except <asm/rsi.h>.
 * Included before each file. Nothing may be added here unless 6.13 has it.
 */
#ifndef CCA_TEST_SINCE_6_12_H
#define CCA_TEST_SINCE_6_12_H

#include <linux/netlink.h>
#include <linux/types.h>

#include <net/netlink.h>

int copy_struct_to_user(void __user *dst, size_t usize, const void *src, size_t ksize,
			bool *ignored_trailing);

#define NL_ASSERT_CTX_FITS	NL_ASSERT_DUMP_CTX_FITS
#define NLA_POLICY_MAX_LEN(len) NLA_POLICY_RANGE(NLA_BINARY, 0, len)

#endif /* CCA_TEST_SINCE_6_12_H */
