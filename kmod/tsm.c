// SPDX-License-Identifier: GPL-2.0-only
/*
 * The provider of configfs-tsm. There is one at a time, which is what makes
 * this registration the lock on the token calls: two drivers that make tokens
 * on one vCPU would get the tail of each other's.
 */

#include <linux/printk.h>
#include <linux/string.h>

#include <asm/rsi.h>

#include "compat.h"
#include "token.h"
#include "tsm.h"

static int report_new(struct tsm_report *report, void *data)
{
	u8 challenge[CCA_RSI_CHALLENGE_SIZE] = {};
	struct cca_token token;
	int ret;

	if (report->desc.inblob_len < RSI_ATTEST_CHALLENGE_MIN_SIZE ||
	    report->desc.inblob_len > sizeof(challenge))
		return -EINVAL;
	memcpy(challenge, report->desc.inblob, report->desc.inblob_len);
	ret = cca_token_make(challenge, &token);
	if (ret)
		return ret;
	report->outblob = token.data;
	report->outblob_len = token.size;
	return 0;
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
	/* The in-tree driver's name, which attesters look for. */
	.name = "arm_cca_guest",
	.report_new = report_new,
	.report_attr_visible = report_attr_visible,
	.report_bin_attr_visible = report_bin_attr_visible,
};

/**
 * cca_tsm_init() - take ownership of tokens
 *
 * That another driver has it is no error: the rest of the module is of use
 * without tokens.
 *
 * Return: 0 or an error of tsm_report_register()
 */
int cca_tsm_init(void)
{
	int ret;

	/* First, since the provider may be asked as soon as it is known. */
	cca_realm_tokens_own(true);
	ret = tsm_report_register(&ops, NULL);
	if (ret)
		cca_realm_tokens_own(false);
	if (ret != -EBUSY)
		return ret;
	pr_notice("no tokens here: another driver owns configfs-tsm, or reports are left in it\n");
	return 0;
}

/**
 * cca_tsm_exit() - give it back
 */
void cca_tsm_exit(void)
{
	if (cca_realm_tokens_owned())
		tsm_report_unregister(&ops);
}
