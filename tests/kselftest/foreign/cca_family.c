// SPDX-License-Identifier: GPL-2.0-only
/*
 * A generic netlink family without operations. To register one, the kernel waits for all
 * requests to other families, so tests load this module while such a request takes long.
 */

#include <linux/module.h>

#include <net/genetlink.h>

static struct genl_family cca_family __ro_after_init = {
	.name = "cca-family",
	.version = 1,
	.module = THIS_MODULE,
};

static int __init cca_family_init(void)
{
	return genl_register_family(&cca_family);
}
module_init(cca_family_init);

static void __exit cca_family_exit(void)
{
	genl_unregister_family(&cca_family);
}
module_exit(cca_family_exit);

/* This taints the kernel, and modinfo shows it. */
MODULE_INFO(test, "Y");
MODULE_AUTHOR("Realmkey maintainers <maintainers@users.noreply.r-seed-d287bd46.example>");
MODULE_DESCRIPTION("Registers a generic netlink family, for tests");
MODULE_LICENSE("GPL");
