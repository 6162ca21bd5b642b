// SPDX-License-Identifier: GPL-2.0-only
/* The device /dev/cca-rsi. Reading it reads the event log; the ioctls are in ioctl.c. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "cca_rsi.h"

static int device_open(struct inode *inode, struct file *file)
{
	mlog_file_open(file);
	return 0;
}

static ssize_t device_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	return mlog_file_read(&cca_log, file, buf, count, pos);
}

static loff_t device_llseek(struct file *file, loff_t offset, int whence)
{
	return mlog_file_llseek(&cca_log, file, offset, whence);
}

static __poll_t device_poll(struct file *file, poll_table *wait)
{
	return mlog_file_poll(&cca_log, file, wait);
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.read = device_read,
	.llseek = device_llseek,
	.poll = device_poll,
	.unlocked_ioctl = cca_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static const struct attribute_group *device_groups[2];

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "cca-rsi",
	.mode = 0600,
	.fops = &device_fops,
	.groups = device_groups,
};

/**
 * cca_device_init() - register /dev/cca-rsi
 *
 * Return: 0 or an error of misc_register() or tsm_mr_create_attribute_group()
 */
int cca_device_init(void)
{
	int ret;

	if (IS_ENABLED(CONFIG_TSM_MEASUREMENTS))
		device_groups[0] = cca_mr_new();
	if (IS_ERR(device_groups[0]))
		return PTR_ERR(device_groups[0]);
	ret = misc_register(&device);
	if (ret && IS_ENABLED(CONFIG_TSM_MEASUREMENTS))
		cca_mr_free(device_groups[0]);
	return ret;
}

/**
 * cca_device_exit() - unregister /dev/cca-rsi
 */
void cca_device_exit(void)
{
	misc_deregister(&device);
	if (IS_ENABLED(CONFIG_TSM_MEASUREMENTS))
		cca_mr_free(device_groups[0]);
}
