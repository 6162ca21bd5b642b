// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log has the crypto-agile format of the TCG PC Client Platform Firmware
 * Profile: a TCG_PCR_EVENT that names the algorithm, then TCG_PCR_EVENT2s with one
 * digest each. A record that is not an extension has the type EV_NO_ACTION, which
 * parsers do not replay.
 */

#include <crypto/hash.h>

#include <linux/capability.h>
#include <linux/cleanup.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "mlog.h"

/* Offsets of the first fields of a TCG_PCR_EVENT2 with one digest */
#define RECORD_TYPE 4
#define RECORD_COUNT 8
#define RECORD_ALGO 12
#define RECORD_DIGEST 14

struct mlog_record *mlog_record_alloc(size_t size)
{
	struct mlog_record *record = kvzalloc(struct_size(record, bytes, size), GFP_KERNEL_ACCOUNT);

	if (record)
		record->size = size;
	return record;
}

static size_t record_size(const struct mlog *log, size_t event_size)
{
	return RECORD_DIGEST + log->hash->digest_size + 4 + event_size;
}

/* The digest is zero if the event has none. */
struct mlog_record *mlog_record_new(const struct mlog *log, enum mlog_kind kind,
				    const struct mlog_event *event)
{
	struct mlog_record *record = mlog_record_alloc(record_size(log, event->size));

	if (!record)
		return NULL;
	record->kind = kind;
	record->index = event->index;
	record->event_type = event->type;
	record->event_size = event->size;
	record->digest = record->bytes + RECORD_DIGEST;
	record->event = record->digest + log->hash->digest_size + 4;

	put_unaligned_le32(event->index, record->bytes);
	put_unaligned_le32(event->type, record->bytes + RECORD_TYPE);
	put_unaligned_le32(1, record->bytes + RECORD_COUNT);
	put_unaligned_le16(log->hash->tcg_algo, record->bytes + RECORD_ALGO);
	if (event->digest)
		memcpy(record->digest, event->digest, log->hash->digest_size);
	put_unaligned_le32(event->size, record->event - 4);
	if (event->size)
		memcpy(record->event, event->data, event->size);
	return record;
}

/* An eighth of the log is kept for privileged callers and foreign records. */
static bool size_is_high(const struct mlog *log, u64 size)
{
	unsigned int max = READ_ONCE(log->max);

	return size > max - max / 8;
}

/*
 * Events and base records leave room for one foreign record of each register, so
 * that a full log can still show that it is incomplete.
 */
static int record_room(const struct mlog *log, const struct mlog_record *record)
{
	size_t foreign = record_size(log, MLOG_SIGNATURE_SIZE + log->hash->digest_size);
	u64 end = mlog_used(log) + record->size;

	if (record->kind == MLOG_EVENT && size_is_high(log, end) && !capable(CAP_SYS_ADMIN))
		return -ENOSPC;
	if (record->kind != MLOG_FOREIGN)
		end += (log->registers - log->first) * foreign;
	return end > READ_ONCE(log->max) ? -ENOSPC : 0;
}

/* The record belongs to the log from here on. */
void mlog_record_append(struct mlog *log, struct mlog_record *record)
{
	record->seq = log->last->seq + 1;
	record->end = log->last->end + record->size;
	/* Pairs with mlog_next(): a reader that sees the record sees its contents. */
	smp_store_release(&log->last->next, record);
	/* Pairs with mlog_last() */
	smp_store_release(&log->last, record);
	memcpy(record->value, log->values[record->index], sizeof(record->value));
	if (log->shown[record->index])
		/* Pairs with the reader's address dependency */
		smp_store_release(log->shown[record->index], record->value);
	wake_up_interruptible(&log->wait);
}

int mlog_value_append(struct mlog *log, enum mlog_kind kind, u32 index, const u8 *value)
{
	u8 data[MLOG_SIGNATURE_SIZE + MLOG_DIGEST_MAX];
	const struct mlog_event event = {
		.index = index,
		.type = MLOG_EV_NO_ACTION,
		.size = MLOG_SIGNATURE_SIZE + log->hash->digest_size,
		.data = data,
	};
	int ret;

	memcpy(data, log->ops->signatures[kind], MLOG_SIGNATURE_SIZE);
	memcpy(data + MLOG_SIGNATURE_SIZE, value, log->hash->digest_size);
	struct mlog_record *record __free(kvfree) = mlog_record_new(log, kind, &event);
	if (!record)
		return -ENOMEM;
	ret = record_room(log, record);
	if (ret)
		return ret;
	memcpy(log->values[index], value, log->hash->digest_size);
	mlog_record_append(log, no_free_ptr(record));
	return 0;
}

/**
 * mlog_next() - walk the log
 * @log: the log
 * @at: a record, or NULL for the start
 *
 * Return: the record after @at, the header if @at is NULL, NULL at the end
 */
const struct mlog_record *mlog_next(const struct mlog *log, const struct mlog_record *at)
{
	/* Pairs with mlog_record_append() */
	return at ? smp_load_acquire(&at->next) : log->head;
}

/**
 * mlog_last() - find the end of the log
 * @log: the log
 *
 * Return: the last record, or the header if there is none
 */
const struct mlog_record *mlog_last(const struct mlog *log)
{
	/* Pairs with mlog_record_append() */
	return smp_load_acquire(&log->last);
}

/**
 * mlog_seq() - count the records that can be read
 * @log: the log
 *
 * Return: their number, without the header
 */
u64 mlog_seq(const struct mlog *log)
{
	return mlog_last(log)->seq + 1;
}

/**
 * mlog_used() - compute how much of the log's maximum size is used
 * @log: the log
 *
 * Return: the size of the log in bytes, without firmware's events
 */
u64 mlog_used(const struct mlog *log)
{
	return mlog_last(log)->end - log->boot;
}

/**
 * mlog_nearly_full() - report whether only privileged callers may add records
 * @log: the log
 *
 * Return: true if more than seven eighths of the log's maximum size are used
 */
bool mlog_nearly_full(const struct mlog *log)
{
	return size_is_high(log, mlog_used(log));
}

/**
 * mlog_audit() - compare the registers with the log, and log what differs
 * @log: the log
 *
 * Others may extend a register without a record, and a TSM does not report that.
 *
 * Context: the caller holds the log's lock
 * Return: the number of registers that differed, -ENOMEM, -ENOSPC if the log is
 * full, or an error of the provider
 */
int mlog_audit(struct mlog *log)
{
	size_t size = log->hash->digest_size;
	u8 value[MLOG_DIGEST_MAX];
	int ret, found = 0;
	u32 i;

	for (i = log->first; i < log->registers; i++) {
		ret = log->ops->read(i, value, size);
		if (ret)
			return ret;
		if (!memcmp(value, log->values[i], size))
			continue;
		WRITE_ONCE(log->foreign, true);
		ret = mlog_value_append(log, MLOG_FOREIGN, i, value);
		if (ret)
			return ret;
		found++;
	}
	return found;
}

/**
 * mlog_audit_now() - mlog_audit() for callers that do not hold the lock
 * @log: the log
 *
 * Only a fatal signal ends the call before it is done.
 *
 * Return: 0 or more, -EINTR if the caller is being killed, or an error of mlog_audit()
 */
int mlog_audit_now(struct mlog *log)
{
	int ret;

	if (mutex_lock_killable(&log->lock))
		return -EINTR;
	ret = mlog_audit(log);
	mutex_unlock(&log->lock);
	return ret;
}

/*
 * Computes the register's value after an event, by TCG's rule. If the TSM has another
 * rule, or another program extended the register just before or after us, the next
 * audit finds a difference.
 */
void mlog_value_extend(struct mlog *log, const struct mlog_record *record)
{
	u8 joined[2 * MLOG_DIGEST_MAX], *value = log->values[record->index];
	size_t size = log->hash->digest_size;

	memcpy(joined, value, size);
	memcpy(joined + size, record->digest, size);
	crypto_shash_tfm_digest(log->shash, joined, 2 * size, value);
}

/* The check for room comes first, because an extension cannot be undone. */
static int extend_locked(struct mlog *log, struct mlog_record *record)
{
	int ret = mlog_audit(log);

	if (ret < 0)
		return ret;
	ret = record_room(log, record);
	if (ret)
		return ret;
	ret = log->ops->extend(record->index, record->digest, log->hash->digest_size);
	if (ret)
		return ret;
	mlog_value_extend(log, record);
	mlog_record_append(log, record);
	return 0;
}

/**
 * mlog_extend() - extend a register and log it, or do neither
 * @log: the log
 * @event: the extension, which the provider has checked
 * @seq: receives the position of its record
 *
 * Only a fatal signal ends the call before it is done.
 *
 * Return: 0, -EINTR if the caller is being killed, -ENOMEM, -ENOSPC if the log is
 * full, or nearly full and the caller does not have CAP_SYS_ADMIN, or an error of the
 * provider; after an error the register is unchanged
 */
int mlog_extend(struct mlog *log, const struct mlog_event *event, u64 *seq)
{
	struct mlog_record *record __free(kvfree) = mlog_record_new(log, MLOG_EVENT, event);
	int ret;

	if (!record)
		return -ENOMEM;
	if (mutex_lock_killable(&log->lock))
		return -EINTR;
	ret = extend_locked(log, record);
	mutex_unlock(&log->lock);
	if (ret)
		return ret;
	*seq = record->seq;
	blocking_notifier_call_chain(&log->notifier, 0, no_free_ptr(record));
	return 0;
}
