// SPDX-License-Identifier: GPL-2.0-only

#include <linux/module.h>

#include <net/genetlink.h>

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
 * cca-rsi for registers and tokens, and configfs-tsm for tokens. One lock covers
 * all of them, and there is one owner of the tokens. The module binds to no
 * device: a call of the RMM is enough to find out whether this is a realm.
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
module_init(cca_rsi_init);

static void __exit cca_rsi_exit(void)
{
	cca_device_exit();
	cca_netlink_exit();
	cca_tsm_exit();
	cca_realm_exit();
}
module_exit(cca_rsi_exit);

/* The device of kernels up to 7.3, and its proposed successor */
MODULE_ALIAS("platform:arm-cca-dev");
MODULE_ALIAS("arm_smccc:arm-rsi-dev");
MODULE_ALIAS_GENL_FAMILY(CCA_RSI_FAMILY_NAME);
MODULE_AUTHOR("Realmkey maintainers <maintainers@users.noreply.r-seed-d287bd46.example>");
MODULE_DESCRIPTION("Arm CCA Realm Services Interface");
MODULE_LICENSE("GPL");
