// SPDX-License-Identifier: GPL-2.0-only
/*
 * The provider of configfs-tsm. There can be only one, so this registration is also
 * the lock on the token calls: two drivers that make tokens on the same vCPU would
 * get parts of each other's.
 */

#include <linux/tsm.h>

#include "cca_rsi.h"

/* The in-tree driver's minimum, because fewer bytes are too short for a challenge */
#define CHALLENGE_SIZE_MIN 32

static int report_new(struct tsm_report *report, void *data)
{
	u8 challenge[CCA_RSI_CHALLENGE_SIZE] = {};

	if (report->desc.inblob_len < CHALLENGE_SIZE_MIN ||
	    report->desc.inblob_len > sizeof(challenge))
		return -EINVAL;
	memcpy(challenge, report->desc.inblob, report->desc.inblob_len);
	struct cca_token *token __free(kvfree) = cca_token_make(challenge);
	if (IS_ERR(token))
		return PTR_ERR(token);
	report->outblob = kvmemdup(token->data, token->size, GFP_KERNEL_ACCOUNT);
	report->outblob_len = token->size;
	return report->outblob ? 0 : -ENOMEM;
}

static bool report_attr_visible(int n)
{
	return n == TSM_REPORT_GENERATION || n == TSM_REPORT_PROVIDER;
}

static bool report_bin_attr_visible(int n)
{
	return n == TSM_REPORT_INBLOB || n == TSM_REPORT_OUTBLOB;
}

static const struct tsm_report_ops ops = {
	/* The in-tree driver's name, which attesters look for */
	.name = "arm_cca_guest",
	.report_new = report_new,
	.report_attr_visible = report_attr_visible,
	.report_bin_attr_visible = report_bin_attr_visible,
};

/**
 * cca_tsm_init() - become the owner of tokens
 *
 * It is not an error if another driver owns them: the rest of the module is useful
 * without tokens. Nor is it an error if the kernel has no configfs-tsm: then no other
 * driver can own tokens either.
 *
 * Return: 0 or an error of tsm_report_register()
 */
int cca_tsm_init(void)
{
	int ret = IS_REACHABLE(CONFIG_TSM_REPORTS) ? tsm_report_register(&ops, NULL) : 0;

	if (ret != -EBUSY)
		return ret;
	cca_realm.config.flags &= ~CCA_RSI_CONFIG_F_TOKEN;
	/* clang-format off */
	pr_notice("tokens are disabled: configfs-tsm has another driver, or reports of an earlier one\n");
	/* clang-format on */
	return 0;
}

/**
 * cca_tsm_exit() - give up the ownership of tokens
 */
void cca_tsm_exit(void)
{
	if (IS_REACHABLE(CONFIG_TSM_REPORTS))
		tsm_report_unregister(&ops);
}
