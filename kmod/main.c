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

static int cca_rsi_probe(struct arm_smccc_device *device)
{
	int ret;

	if (!is_realm_world()) {
		pr_info("this is not an Arm CCA realm\n");
		return -ENODEV;
	}
	ret = cca_realm_init();
	if (ret)
		return ret;
	ret = cca_tsm_init();
	if (ret)
		goto out_realm;
	/* Before the device, so that extensions by the device are announced too */
	ret = cca_netlink_init();
	if (ret)
		goto out_tsm;
	ret = cca_device_init();
	if (ret)
		goto out_netlink;
	return 0;

out_netlink:
	cca_netlink_exit();
out_tsm:
	cca_tsm_exit();
out_realm:
	cca_realm_exit();
	return ret;
}

static void cca_rsi_remove(struct arm_smccc_device *device)
{
	cca_device_exit();
	cca_netlink_exit();
	cca_tsm_exit();
	cca_realm_exit();
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
