// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device /dev/cca-rsi. Reading it reads the event log, record by record; the
 * only state of an open file is its position in the log. The ioctls are in ioctl.c.
 */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/uaccess.h>

#include "cca_rsi.h"

static int log_open(struct inode *inode, struct file *file)
{
	/* The last record that was read; NULL until the header has been read */
	file->private_data = NULL;
	/* No pread() or pwrite(): the position must stay on a record boundary. */
	file->f_mode &= ~(FMODE_PREAD | FMODE_PWRITE);
	return 0;
}

/* Copies the whole records after @at that fit into @count bytes, and moves @at to the last one. */
static ssize_t records_read(const struct cca_record **at, char __user *buf, size_t count)
{
	const struct cca_record *record;
	ssize_t used = 0;

	while ((record = cca_log_next(*at)) && record->size <= count - used) {
		if (copy_to_user(buf + used, record->bytes, record->size))
			return used ?: -EFAULT;
		*at = record;
		used += record->size;
	}
	return record && count && !used ? -EINVAL : used;
}

static ssize_t log_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	const struct cca_record *from, *at;
	ssize_t used;
	int ret;

	/* -ENOSPC: a foreign record could not be added, but the log can still be read. */
	ret = cca_realm_audit_now();
	if (ret < 0 && ret != -ENOSPC)
		return ret;
	/* Two threads that read one file must get different records. */
	do {
		from = READ_ONCE(file->private_data);
		at = from;
		used = records_read(&at, buf, count);
	} while (cmpxchg(&file->private_data, (void *)from, (void *)at) != from);
	*pos = at ? at->end : 0;
	return used;
}

/* Moves to the start or to the end; there is no other position to seek to. */
static loff_t log_llseek(struct file *file, loff_t offset, int whence)
{
	const struct cca_record *at = whence == SEEK_END ? cca_log_last() : NULL;

	if (offset || (whence != SEEK_SET && whence != SEEK_END))
		return -EINVAL;
	WRITE_ONCE(file->private_data, (void *)at);
	file->f_pos = at ? at->end : 0;
	return file->f_pos;
}

static __poll_t log_poll(struct file *file, poll_table *wait)
{
	poll_wait(file, &cca_log_wait, wait);
	return cca_log_next(READ_ONCE(file->private_data)) ? EPOLLIN | EPOLLRDNORM : 0;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = log_open,
	.read = log_read,
	.llseek = log_llseek,
	.poll = log_poll,
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
