// SPDX-License-Identifier: GPL-2.0-only

#include <linux/arm-smccc-bus.h>
#include <linux/module.h>

#include <asm/rsi.h>

#include "cca_rsi.h"

/**
 * DOC: Arm CCA Realm Services Interface
 *
 * A realm is a virtual machine whose memory its host cannot read. The Realm
 * Management Monitor (RMM) keeps measurement registers for it: RIM measures what
 * the realm was started from and does not change afterwards; the realm extends
 * REM0..REM3 while it runs. Each extension through this module has a record in a
 * log, which replays to the registers. An attestation token consists of the
 * registers and a challenge, signed by the RMM. Unlike a TPM, this interface has no
 * sealing, no keys and no policy: a remote verifier appraises the token.
 *
 * There are three user interfaces: /dev/cca-rsi and the generic netlink family
 * cca-rsi for registers and tokens, and configfs-tsm for tokens. They
 * share one log, which mlog.h declares for any provider, and there is one owner of
 * the tokens. The driver binds to the
 * device of the SMCCC bus that stands for the RMM. A kernel without that bus has
 * only a platform device, which loads the module and needs no driver.
 */

/* Started in this order. Netlink precedes the device, whose extensions it announces. */
static const struct part {
	int (*init)(void);
	void (*exit)(void);
} parts[] = {
	{ cca_realm_init, cca_realm_exit },	{ cca_tsm_init, cca_tsm_exit },
#ifdef CONFIG_CCA_RSI_NETLINK
	{ cca_netlink_init, cca_netlink_exit },
#endif
#ifdef CONFIG_TSM_MEASUREMENTS
	{ cca_mr_init, cca_mr_exit },
#endif
	{ cca_device_init, cca_device_exit },
};

static void parts_exit(size_t count)
{
	while (count--)
		parts[count].exit();
}

static int cca_rsi_probe(struct arm_smccc_device *device)
{
	int ret = 0;
	size_t i;

	if (!is_realm_world()) {
		pr_info("this is not an Arm CCA realm\n");
		return -ENODEV;
	}
	for (i = 0; !ret && i < ARRAY_SIZE(parts); i++)
		ret = parts[i].init();
	if (ret)
		parts_exit(i - 1);
	return ret;
}

static void cca_rsi_remove(struct arm_smccc_device *device)
{
	parts_exit(ARRAY_SIZE(parts));
}

static const struct arm_smccc_device_id cca_rsi_ids[] = { { .func_id = SMC_RSI_ABI_VERSION }, {} };
MODULE_DEVICE_TABLE(arm_smccc, cca_rsi_ids);

static struct arm_smccc_driver cca_rsi_driver = {
	/* Open files and other interfaces may use the log until the module is unloaded. */
	.driver.suppress_bind_attrs = true, .name = KBUILD_MODNAME,  .probe = cca_rsi_probe,
	.remove = cca_rsi_remove,	    .id_table = cca_rsi_ids,
};
module_arm_smccc_driver(cca_rsi_driver);

/* The device of kernels without the bus */
MODULE_ALIAS("platform:arm-cca-dev");
MODULE_AUTHOR("Realmkey maintainers <maintainers@users.noreply.r-seed-d287bd46.example>");
MODULE_DESCRIPTION("Arm CCA Realm Services Interface");
MODULE_LICENSE("GPL");
