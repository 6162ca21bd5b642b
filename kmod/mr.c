// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers in sysfs, by the kernel's common measurement registers
 * (tsm-mr). What is written there is extended and logged as any extension is.
 */

#include <linux/tsm-mr.h>

#include "mr.h"
#include "realm.h"
#include "record.h"

#define EV_EVENT_TAG	6

/* TCG_PCClientTaggedEvent: sysfs takes a digest, and says nothing of the event. */
static const u8 sysfs_tag[] = {
	'C', 'C', 'A', 0,	/* taggedEventID */
	5, 0, 0, 0,		/* taggedEventDataSize */
	's', 'y', 's', 'f', 's',
};

static struct tsm_measurement_register mrs[CCA_REALM_REGISTERS] = {
	{ .mr_name = "rim", .mr_flags = TSM_MR_F_READABLE },
	{ .mr_name = "rem0", .mr_flags = TSM_MR_F_READABLE | TSM_MR_F_RTMR },
	{ .mr_name = "rem1", .mr_flags = TSM_MR_F_READABLE | TSM_MR_F_RTMR },
	{ .mr_name = "rem2", .mr_flags = TSM_MR_F_READABLE | TSM_MR_F_RTMR },
	{ .mr_name = "rem3", .mr_flags = TSM_MR_F_READABLE | TSM_MR_F_RTMR },
};

static const enum hash_algo hash_algos[] = {
	[CCA_RSI_HASH_SHA256] = HASH_ALGO_SHA256,
	[CCA_RSI_HASH_SHA512] = HASH_ALGO_SHA512,
	[CCA_RSI_HASH_SHA384] = HASH_ALGO_SHA384,
};

/* The values are the realm's own, and right after an audit. */
static int mr_refresh(const struct tsm_measurements *tm)
{
	int ret = cca_realm_audit_now();

	return ret < 0 ? ret : 0;
}

static int mr_write(const struct tsm_measurements *tm, const struct tsm_measurement_register *mr,
		    const u8 *data)
{
	struct cca_event event = {
		.index = mr - tm->mrs,
		.type = EV_EVENT_TAG,
		.digest = data,
		.digest_size = mr->mr_size,
		.data = sysfs_tag,
		.size = sizeof(sysfs_tag),
	};
	u64 seq;

	return cca_realm_extend(&event, &seq);
}

static const struct tsm_measurements measurements = {
	.mrs = mrs,
	.nr_mrs = CCA_REALM_REGISTERS,
	.refresh = mr_refresh,
	.write = mr_write,
};

/**
 * cca_mr_new() - the registers as attributes
 *
 * Return: a group for the device, for cca_mr_free(), or an ERR_PTR()
 */
const struct attribute_group *cca_mr_new(void)
{
	struct cca_rsi_config config;
	u32 i;

	cca_realm_config(&config);
	for (i = 0; i < CCA_REALM_REGISTERS; i++) {
		mrs[i].mr_value = cca_realm_value(i);
		mrs[i].mr_size = config.digest_size;
		mrs[i].mr_hash = hash_algos[config.hash_algo];
	}
	return tsm_mr_create_attribute_group(&measurements);
}

/**
 * cca_mr_free() - free the group, which no device has any more
 * @group: the group
 */
void cca_mr_free(const struct attribute_group *group)
{
	tsm_mr_free_attribute_group(group);
}
