// SPDX-License-Identifier: GPL-2.0-only

#include <linux/module.h>

#include <net/genetlink.h>

#include <asm/rsi.h>

#include "cca_rsi.h"

/**
 * DOC: Arm CCA Realm Services Interface
 *
 * A realm is a virtual machine that its host cannot look into. What it was
 * started from and what it has done since is held by the Realm Management
 * Monitor (RMM) in measurement registers: RIM, fixed at the start, and
 * REM0..REM3, which the realm extends. Each extension through this module has
 * its record in a log, which replays to the registers. An attestation token is these values and
 * a challenge, signed. There is no seal, no key and no policy here as a TPM has;
 * a remote verifier judges the token.
 *
 * The registers and the tokens have three doors: /dev/cca-rsi, the generic
 * netlink family cca-rsi, and (tokens only) configfs-tsm. Behind them is one
 * lock, and one owner of tokens. The module is bound to no device: a realm is
 * known by calling the RMM.
 */

static int __init cca_rsi_init(void)
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
	/* First, since it is told of what comes through the device. */
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
module_init(cca_rsi_init);

static void __exit cca_rsi_exit(void)
{
	cca_device_exit();
	cca_netlink_exit();
	cca_tsm_exit();
	cca_realm_exit();
}
module_exit(cca_rsi_exit);

/* The device that kernels up to 7.3 have, and the one proposed in its place */
MODULE_ALIAS("platform:arm-cca-dev");
MODULE_ALIAS("arm_smccc:arm-rsi-dev");
MODULE_ALIAS_GENL_FAMILY(CCA_RSI_FAMILY_NAME);
MODULE_AUTHOR("Realmkey maintainers <maintainers@users.noreply.r-seed-d287bd46.example>");
MODULE_DESCRIPTION("Arm CCA Realm Services Interface");
MODULE_LICENSE("GPL");
