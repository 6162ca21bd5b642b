// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another module that extends the realm's registers, without a log and without
 * cca_rsi's lock. Tests use it to check that cca_rsi detects such extensions.
 */

#include <linux/arm-smccc.h>
#include <linux/errno.h>
#include <linux/hex.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include <asm/rsi.h>
#include <asm/rsi_smc.h>

#define DIGEST_MAX 64

union foreign_call {
	struct arm_smccc_1_2_regs regs;
	u64 x[sizeof(struct arm_smccc_1_2_regs) / sizeof(u64)];
};

static int register_extend(u32 index, const u8 *digest, size_t size)
{
	union foreign_call call = { .x = { SMC_RSI_MEASUREMENT_EXTEND, index, size } };

	memcpy(&call.x[3], digest, size);
	arm_smccc_1_2_smc(&call.regs, &call.regs);
	return call.x[0] == RSI_SUCCESS ? 0 : -EIO;
}

/* @text is "INDEX DIGEST": the digest in hexadecimal, of any size up to DIGEST_MAX. */
static int extend_set(const char *text, const struct kernel_param *param)
{
	char hex[2 * DIGEST_MAX + 1];
	u8 digest[DIGEST_MAX];
	size_t size;
	u32 index;

	if (sscanf(text, "%u %128s", &index, hex) != 2)
		return -EINVAL;
	size = strlen(hex) / 2;
	if (!size || strlen(hex) % 2 || hex2bin(digest, hex, size))
		return -EINVAL;
	return register_extend(index, digest, size);
}

static const struct kernel_param_ops extend_ops = {
	.set = extend_set,
};

module_param_cb(extend, &extend_ops, NULL, 0200);
MODULE_PARM_DESC(extend, "\"INDEX DIGEST\": extend a register with a digest");

static int __init cca_foreign_init(void)
{
	return is_realm_world() ? 0 : -ENODEV;
}
module_init(cca_foreign_init);

static void __exit cca_foreign_exit(void)
{
}
module_exit(cca_foreign_exit);

/* This taints the kernel, and modinfo shows it. */
MODULE_INFO(test, "Y");
MODULE_AUTHOR("Realmkey maintainers <maintainers@users.noreply.r-seed-d287bd46.example>");
MODULE_DESCRIPTION("Extends the registers of a realm without a log, for tests");
MODULE_LICENSE("GPL");
