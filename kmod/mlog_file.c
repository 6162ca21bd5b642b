// SPDX-License-Identifier: GPL-2.0-only
/*
 * A measurement log as a file. Positions are byte offsets, as in a regular file that
 * only grows.
 */

#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/poll.h>
#include <linux/uaccess.h>

#include "mlog.h"

/**
 * mlog_file_open() - prepare a file that was opened
 * @file: the file
 *
 * Its private_data is a record near the position that was read last, to begin the
 * next search from. Records stay until mlog_exit(), so any record will do.
 */
void mlog_file_open(struct file *file)
{
	file->private_data = NULL;
	/* Two threads that read one file get different bytes. */
	file->f_mode |= FMODE_ATOMIC_POS;
}

static u64 record_start(const struct mlog_record *record)
{
	return record->end - record->size;
}

/* The record that has the byte at @pos; NULL at the end of the log */
static const struct mlog_record *record_at(const struct mlog *log, const struct file *file, u64 pos)
{
	const struct mlog_record *at = READ_ONCE(file->private_data);

	if (!at || record_start(at) > pos)
		at = log->head;
	while (at && at->end <= pos)
		at = mlog_next(log, at);
	return at;
}

/**
 * mlog_file_read() - read() and pread()
 * @log: the log
 * @file: the file
 * @buf: receives bytes of the log
 * @count: room in @buf in bytes
 * @pos: the position, which moves to the end of what was read
 *
 * Return: the number of bytes read, 0 at the end, -EFAULT, or an error of
 * mlog_audit_now()
 */
ssize_t mlog_file_read(struct mlog *log, struct file *file, char __user *buf, size_t count,
		       loff_t *pos)
{
	const struct mlog_record *at;
	size_t used = 0, offset, size, left = 0;
	int ret;

	/* -ENOSPC: a foreign record could not be added, but the log can still be read. */
	ret = mlog_audit_now(log);
	if (ret < 0 && ret != -ENOSPC)
		return ret;
	at = record_at(log, file, *pos);
	while (at && used < count && !left) {
		WRITE_ONCE(file->private_data, (void *)at);
		offset = *pos + used - record_start(at);
		size = min(count - used, at->size - offset);
		left = copy_to_user(buf + used, at->bytes + offset, size);
		used += size - left;
		at = mlog_next(log, at);
	}
	*pos += used;
	return left && !used ? -EFAULT : used;
}

/**
 * mlog_file_llseek() - lseek()
 * @log: the log
 * @file: the file
 * @offset: offset in bytes
 * @whence: SEEK_SET, SEEK_CUR or SEEK_END
 *
 * Return: the new position, or -EINVAL if it is not in the log
 */
loff_t mlog_file_llseek(struct mlog *log, struct file *file, loff_t offset, int whence)
{
	return fixed_size_llseek(file, offset, whence, mlog_last(log)->end);
}

/**
 * mlog_file_poll() - poll()
 * @log: the log
 * @file: the file
 * @wait: the caller's wait table
 *
 * Return: EPOLLIN | EPOLLRDNORM if there is something to read, EPOLLPRI if the log is
 * nearly full
 */
__poll_t mlog_file_poll(struct mlog *log, struct file *file, poll_table *wait)
{
	__poll_t mask = 0;

	poll_wait(file, &log->wait, wait);
	if (mlog_last(log)->end > READ_ONCE(file->f_pos))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (mlog_nearly_full(log))
		mask |= EPOLLPRI;
	return mask;
}
