/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CCA_READER_H
#define CCA_READER_H

#include <linux/fs.h>
#include <linux/poll.h>

int cca_reader_open(struct inode *inode, struct file *file);
int cca_reader_release(struct inode *inode, struct file *file);
ssize_t cca_reader_read(struct file *file, char __user *buf, size_t count, loff_t *pos);
loff_t cca_reader_llseek(struct file *file, loff_t offset, int whence);
__poll_t cca_reader_poll(struct file *file, poll_table *wait);

#endif /* CCA_READER_H */
