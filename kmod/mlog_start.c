// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a log begins: a header that names the algorithm, firmware's events if it left
 * a log of them, and the values of the registers.
 */

#include <crypto/hash.h>

#include <linux/cleanup.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "mlog.h"

/* TCG_PCR_EVENT with a TCG_EfiSpecIDEvent, by offset; all other bytes are zero */
/* clang-format off */
static const u8 header[65] = {
	[4] = MLOG_EV_NO_ACTION,	/* eventType */
	[28] = 33,			/* eventSize, the rest */
	[32] = 'S', 'p', 'e', 'c', ' ', 'I', 'D', ' ', 'E', 'v', 'e', 'n', 't', '0', '3',
	[53] = 2,			/* specVersionMajor */
	[55] = 2,			/* uintnSize: 64 bits */
	[56] = 1,			/* numberOfAlgorithms */
};

/* clang-format on */

/* Offsets of the algorithm's number and of its digest size */
#define HEADER_ALGO 60
#define HEADER_DIGEST 62

/**
 * mlog_init() - begin a log with its header, which names the algorithm
 * @log: has the fields that its provider sets
 *
 * Return: 0, -ENOENT if the kernel does not have the algorithm, or -ENOMEM; after an
 * error the caller calls mlog_exit() too
 */
int mlog_init(struct mlog *log)
{
	mutex_init(&log->lock);
	init_waitqueue_head(&log->wait);
	BLOCKING_INIT_NOTIFIER_HEAD(&log->notifier);
	log->head = NULL;
	log->boot = 0;
	log->foreign = false;
	memset(log->values, 0, sizeof(log->values));
	log->shash = crypto_alloc_shash(log->hash->name, 0, 0);
	if (IS_ERR(log->shash)) {
		pr_err("hash %s is not available: %pe\n", log->hash->name, log->shash);
		return PTR_ERR(log->shash);
	}
	log->head = mlog_record_alloc(sizeof(header));
	if (!log->head)
		return -ENOMEM;
	memcpy(log->head->bytes, header, sizeof(header));
	put_unaligned_le16(log->hash->tcg_algo, log->head->bytes + HEADER_ALGO);
	put_unaligned_le16(log->hash->digest_size, log->head->bytes + HEADER_DIGEST);
	log->head->seq = -1;
	log->head->end = log->head->size;
	log->last = log->head;
	return 0;
}

/**
 * mlog_boot() - append an event of firmware
 * @log: a log that has begun and has no base records yet
 * @event: the event; that of a register below @log->first is only information
 *
 * The caller bounds the number of these records, because the log's maximum does not.
 *
 * Return: 0 or -ENOMEM
 */
int mlog_boot(struct mlog *log, const struct mlog_event *event)
{
	struct mlog_record *record = mlog_record_new(log, MLOG_BOOT, event);

	if (!record)
		return -ENOMEM;
	guard(mutex)(&log->lock);
	log->boot += record->size;
	if (record->index >= log->first)
		mlog_value_extend(log, record);
	mlog_record_append(log, record);
	return 0;
}

/**
 * mlog_base() - log the registers' values
 * @log: a log that has begun
 *
 * Earlier extensions (by firmware that left no log, by a kernel before kexec, by an
 * earlier load of the provider) are not known, so a log starts from the registers'
 * values.
 *
 * Return: 0, -ENOMEM, -ENOSPC if the log's maximum is too small, or an error of the
 * provider
 */
int mlog_base(struct mlog *log)
{
	size_t size = log->hash->digest_size;
	u8 value[MLOG_DIGEST_MAX];
	int ret = 0;
	u32 i;

	guard(mutex)(&log->lock);
	for (i = 0; !ret && i < log->first; i++)
		ret = log->ops->read(i, log->values[i], size);
	for (; !ret && i < log->registers; i++) {
		ret = log->ops->read(i, value, size);
		if (!ret && log->boot && memcmp(value, log->values[i], size))
			pr_warn("firmware's event log does not lead to register %u\n", i);
		if (!ret)
			ret = mlog_value_append(log, MLOG_BASE, i, value);
	}
	return ret;
}

/**
 * mlog_exit() - free a log, which has no readers any more
 * @log: the log
 */
void mlog_exit(struct mlog *log)
{
	struct mlog_record *record;

	while ((record = log->head)) {
		log->head = record->next;
		kvfree(record);
	}
	crypto_free_shash(log->shash);
}
