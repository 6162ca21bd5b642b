// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers in sysfs, through the kernel's common measurement registers
 * (tsm-mr). A write extends a register and is logged like any other extension.
 */

#include <linux/tsm-mr.h>

#include "cca_rsi.h"

#define EV_EVENT_TAG 6

/* TCG_PCClientTaggedEvent (ID, size, data): a write to sysfs has a digest, but no event. */
static const char sysfs_tag[] = "CCA\0\5\0\0\0sysfs";

static struct tsm_measurement_register mrs[CCA_REALM_REGISTERS] = {
	{ .mr_name = "rim", .mr_flags = TSM_MR_F_READABLE },
	{ .mr_name = "rem0", .mr_flags = TSM_MR_F_READABLE | TSM_MR_F_RTMR },
	{ .mr_name = "rem1", .mr_flags = TSM_MR_F_READABLE | TSM_MR_F_RTMR },
	{ .mr_name = "rem2", .mr_flags = TSM_MR_F_READABLE | TSM_MR_F_RTMR },
	{ .mr_name = "rem3", .mr_flags = TSM_MR_F_READABLE | TSM_MR_F_RTMR },
};

/* An audit brings the values up to date; see cca_mr_new(). */
static int mr_refresh(const struct tsm_measurements *tm)
{
	return min(mlog_audit_now(&cca_log), 0);
}

static int mr_write(const struct tsm_measurements *tm, const struct tsm_measurement_register *mr,
		    const u8 *data)
{
	struct cca_rsi_extend arg = {
		.index = mr - tm->mrs,
		.digest_size = mr->mr_size,
		.event_type = EV_EVENT_TAG,
		.event_size = sizeof(sysfs_tag) - 1,
	};

	memcpy(arg.digest, data, mr->mr_size);
	return cca_realm_extend(&arg, sysfs_tag);
}

static const struct tsm_measurements measurements = {
	.mrs = mrs,
	.nr_mrs = CCA_REALM_REGISTERS,
	.refresh = mr_refresh,
	.write = mr_write,
};

/**
 * cca_mr_new() - make sysfs attributes of the registers
 *
 * Return: a group for the device, to be freed by cca_mr_free(), or an ERR_PTR()
 */
const struct attribute_group *cca_mr_new(void)
{
	const struct mlog_record *record = cca_log.head;
	u32 i;

	for (i = 0; i < CCA_REALM_REGISTERS; i++) {
		mrs[i].mr_value = cca_log.values[i];
		mrs[i].mr_size = cca_realm.hash->digest_size;
		mrs[i].mr_hash = cca_realm.hash->algo;
	}
	/*
	 * tsm-mr copies a value with no lock of ours, and not only after a refresh. So it
	 * gets the value in the register's last record, which never changes.
	 */
	guard(mutex)(&cca_log.lock);
	while ((record = mlog_next(&cca_log, record)))
		if (record->index >= cca_log.first)
			mrs[record->index].mr_value = (void *)record->value;
	for (i = cca_log.first; i < CCA_REALM_REGISTERS; i++)
		cca_log.shown[i] = &mrs[i].mr_value;
	return tsm_mr_create_attribute_group(&measurements);
}

/**
 * cca_mr_free() - free the group, which no device may use any more
 * @group: the group
 */
void cca_mr_free(const struct attribute_group *group)
{
	tsm_mr_free_attribute_group(group);
}
