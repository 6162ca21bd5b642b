// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading /dev/cca-rsi is reading the event log, record by record. What an open
 * file keeps is how far it has come.
 */

#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "log.h"
#include "reader.h"
#include "realm.h"

struct reader {
	/* Two threads that read one file get different records. */
	struct mutex lock;
	/* The last record that was read, NULL before the header */
	const struct cca_record *at;
};

/**
 * cca_reader_open() - open a file at the log's start
 * @inode: the device's
 * @file: the file, whose private_data is ours from here on
 *
 * Return: 0 or -ENOMEM
 */
int cca_reader_open(struct inode *inode, struct file *file)
{
	struct reader *reader = kzalloc(sizeof(*reader), GFP_KERNEL_ACCOUNT);

	if (!reader)
		return -ENOMEM;
	mutex_init(&reader->lock);
	file->private_data = reader;
	/* There is one cursor, and it stops at records only. */
	file->f_mode &= ~(FMODE_PREAD | FMODE_PWRITE);
	return 0;
}

/**
 * cca_reader_release() - the file is closed
 * @inode: the device's
 * @file: the file
 *
 * Return: 0
 */
int cca_reader_release(struct inode *inode, struct file *file)
{
	struct reader *reader = file->private_data;

	mutex_destroy(&reader->lock);
	kfree(reader);
	return 0;
}

/* As many whole records as there are and @count has room for */
static ssize_t records_read(struct reader *reader, char __user *buf, size_t count)
{
	const struct cca_record *record;
	ssize_t used = 0;

	while ((record = cca_log_next(reader->at)) && record->size <= count - used) {
		if (copy_to_user(buf + used, record->bytes, record->size))
			return used ?: -EFAULT;
		WRITE_ONCE(reader->at, record);
		used += record->size;
	}
	return record && !used ? -EINVAL : used;
}

/**
 * cca_reader_read() - the next records, whole, the log's header first
 * @file: the file
 * @buf: takes them
 * @count: room in @buf
 * @pos: takes how far the file has come
 *
 * Return: bytes; 0 at the end of the log, which may grow; -EINVAL if there is no
 * room for the next record; -EFAULT; -EINTR; -ENOMEM; or an error as in rsi.h
 */
ssize_t cca_reader_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct reader *reader = file->private_data;
	ssize_t used;
	int ret;

	if (!count)
		return 0;
	/* A log without room for one more finding can still be read. */
	ret = cca_realm_audit_now();
	if (ret < 0 && ret != -ENOSPC)
		return ret;
	scoped_cond_guard(mutex_intr, return -EINTR, &reader->lock) {
		used = records_read(reader, buf, count);
		*pos = reader->at ? reader->at->end : 0;
	}
	return used;
}

/**
 * cca_reader_llseek() - back to the start, or on to the end
 * @file: the file
 * @offset: 0
 * @whence: SEEK_SET or SEEK_END
 *
 * Return: bytes from the log's start, -EINVAL for any other place, -EINTR
 */
loff_t cca_reader_llseek(struct file *file, loff_t offset, int whence)
{
	struct reader *reader = file->private_data;

	if (offset || (whence != SEEK_SET && whence != SEEK_END))
		return -EINVAL;
	scoped_cond_guard(mutex_intr, return -EINTR, &reader->lock) {
		WRITE_ONCE(reader->at, whence == SEEK_END ? cca_log_last() : NULL);
		file->f_pos = reader->at ? reader->at->end : 0;
	}
	return file->f_pos;
}

/**
 * cca_reader_poll() - are there records beyond what was read?
 * @file: the file
 * @wait: of the kernel's
 *
 * Return: EPOLLIN if there are
 */
__poll_t cca_reader_poll(struct file *file, poll_table *wait)
{
	const struct reader *reader = file->private_data;

	poll_wait(file, &cca_log_wait, wait);
	return cca_log_next(READ_ONCE(reader->at)) ? EPOLLIN | EPOLLRDNORM : 0;
}
