// SPDX-License-Identifier: GPL-2.0-only
/*
 * A measurement log as a file: reading it reads the log, record by record; the only
 * state of an open file is its position in the log.
 */

#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/uaccess.h>

#include "mlog.h"

/**
 * mlog_file_open() - prepare a file that was opened
 * @file: the file
 */
void mlog_file_open(struct file *file)
{
	/* The last record that was read; NULL until the header has been read */
	file->private_data = NULL;
	/* No pread() or pwrite(): the position must stay on a record boundary. */
	file->f_mode &= ~(FMODE_PREAD | FMODE_PWRITE);
}

/* Copies the whole records after @at that fit into @count bytes, and moves @at to the last one. */
static ssize_t records_read(const struct mlog *log, const struct mlog_record **at, char __user *buf,
			    size_t count)
{
	const struct mlog_record *record;
	ssize_t used = 0;

	while ((record = mlog_next(log, *at)) && record->size <= count - used) {
		if (copy_to_user(buf + used, record->bytes, record->size))
			return used ?: -EFAULT;
		*at = record;
		used += record->size;
	}
	return record && count && !used ? -EINVAL : used;
}

/**
 * mlog_file_read() - read()
 * @log: the log
 * @file: the file
 * @buf: receives records
 * @count: room in @buf in bytes
 * @pos: the position, which moves to the end of what was read
 *
 * Return: the number of bytes read, -EFAULT, -EINVAL, or an error of mlog_audit_now()
 */
ssize_t mlog_file_read(struct mlog *log, struct file *file, char __user *buf, size_t count,
		       loff_t *pos)
{
	const struct mlog_record *from, *at;
	ssize_t used;
	int ret;

	/* -ENOSPC: a foreign record could not be added, but the log can still be read. */
	ret = mlog_audit_now(log);
	if (ret < 0 && ret != -ENOSPC)
		return ret;
	/* Two threads that read one file must get different records. */
	do {
		from = READ_ONCE(file->private_data);
		at = from;
		used = records_read(log, &at, buf, count);
	} while (cmpxchg(&file->private_data, (void *)from, (void *)at) != from);
	*pos = at ? at->end : 0;
	return used;
}

/**
 * mlog_file_llseek() - lseek()
 * @log: the log
 * @file: the file
 * @offset: 0; there is no position to seek to but the start and the end
 * @whence: SEEK_SET or SEEK_END
 *
 * Return: the new position or -EINVAL
 */
loff_t mlog_file_llseek(struct mlog *log, struct file *file, loff_t offset, int whence)
{
	const struct mlog_record *at = whence == SEEK_END ? mlog_last(log) : NULL;

	if (offset || (whence != SEEK_SET && whence != SEEK_END))
		return -EINVAL;
	WRITE_ONCE(file->private_data, (void *)at);
	file->f_pos = at ? at->end : 0;
	return file->f_pos;
}

/**
 * mlog_file_poll() - poll()
 * @log: the log
 * @file: the file
 * @wait: the caller's wait table
 *
 * Return: EPOLLIN | EPOLLRDNORM if there is something to read
 */
__poll_t mlog_file_poll(struct mlog *log, struct file *file, poll_table *wait)
{
	poll_wait(file, &log->wait, wait);
	return mlog_next(log, READ_ONCE(file->private_data)) ? EPOLLIN | EPOLLRDNORM : 0;
}
