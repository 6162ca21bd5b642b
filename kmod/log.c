// SPDX-License-Identifier: GPL-2.0-only
/*
 * The event log has the crypto-agile format of the TCG PC Client Platform Firmware
 * Profile: a TCG_PCR_EVENT that names the algorithm, then TCG_PCR_EVENT2s with one
 * digest each. A record that is not an extension has the type EV_NO_ACTION, which
 * parsers do not replay.
 */

#include <linux/moduleparam.h>
#include <linux/sizes.h>
#include <linux/unaligned.h>

#include "cca_rsi.h"

/* Woken whenever the log has grown */
DECLARE_WAIT_QUEUE_HEAD(cca_log_wait);

BLOCKING_NOTIFIER_HEAD(cca_log_notifier);

static unsigned int log_max = SZ_1M;
module_param(log_max, uint, 0444);
/* clang-format off */
MODULE_PARM_DESC(log_max, "Maximum size of the event log in bytes; an extension that does not fit is refused");
/* clang-format on */

/* TCG_PCR_EVENT with a TCG_EfiSpecIDEvent, by offset; all other bytes are zero */
/* clang-format off */
static const u8 header[65] = {
	[4] = CCA_RSI_EV_NO_ACTION,	/* eventType */
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

/* Offsets of the first fields of a TCG_PCR_EVENT2 with one digest */
#define RECORD_TYPE 4
#define RECORD_COUNT 8
#define RECORD_ALGO 12
#define RECORD_DIGEST 14

static const char signatures[][CCA_RSI_LOG_SIGNATURE_SIZE] = {
	[CCA_RSI_RECORD_KIND_BASE] = CCA_RSI_LOG_BASE,
	[CCA_RSI_RECORD_KIND_FOREIGN] = CCA_RSI_LOG_FOREIGN,
};

/* Set once, by cca_log_init() */
static const struct cca_hash *hash;

/* log_first is set once too; log_last is written under cca_realm_lock and read anywhere. */
static struct cca_record *log_first, *log_last;

static struct cca_record *record_alloc(size_t size)
{
	struct cca_record *record = kvzalloc(struct_size(record, bytes, size), GFP_KERNEL_ACCOUNT);

	if (record)
		record->size = size;
	return record;
}

static size_t record_size(size_t event_size)
{
	return RECORD_DIGEST + hash->digest_size + 4 + event_size;
}

/**
 * cca_record_new() - make a record that can be appended
 * @kind: CCA_RSI_RECORD_KIND_*
 * @what: the record's fields, except for the event
 * @event: what->event_size bytes
 *
 * Return: the record, which the caller passes to cca_log_append() or kvfree(), or
 * NULL if there is no memory
 */
struct cca_record *cca_record_new(u32 kind, const struct cca_rsi_extend *what, const void *event)
{
	struct cca_record *record = record_alloc(record_size(what->event_size));

	if (!record)
		return NULL;
	record->kind = kind;
	record->index = what->index;
	record->event_type = what->event_type;
	record->event_size = what->event_size;
	record->digest = record->bytes + RECORD_DIGEST;
	record->event = record->digest + hash->digest_size + 4;

	put_unaligned_le32(what->index, record->bytes);
	put_unaligned_le32(what->event_type, record->bytes + RECORD_TYPE);
	put_unaligned_le32(1, record->bytes + RECORD_COUNT);
	put_unaligned_le16(hash->tcg_algo, record->bytes + RECORD_ALGO);
	memcpy(record->digest, what->digest, hash->digest_size);
	put_unaligned_le32(what->event_size, record->event - 4);
	if (what->event_size)
		memcpy(record->event, event, what->event_size);
	return record;
}

/**
 * cca_log_room() - check whether there is room for a record
 * @record: the record
 *
 * Events and base records leave room for one foreign record of each register, so
 * that a full log can still show that it is incomplete.
 *
 * Context: the caller holds cca_realm_lock until it has appended the record
 * Return: 0 or -ENOSPC
 */
int cca_log_room(const struct cca_record *record)
{
	size_t foreign = record_size(CCA_RSI_LOG_SIGNATURE_SIZE + hash->digest_size);
	u64 end = log_last->end + record->size;

	if (record->kind != CCA_RSI_RECORD_KIND_FOREIGN)
		end += CCA_RSI_INDEX_MAX * foreign;
	return end > log_max ? -ENOSPC : 0;
}

/**
 * cca_log_append() - append a record and wake the readers that wait for it
 * @record: the record, which belongs to the log from here on
 *
 * Context: the caller holds cca_realm_lock and has called cca_log_room()
 */
void cca_log_append(struct cca_record *record)
{
	record->seq = log_last->seq + 1;
	record->end = log_last->end + record->size;
	/* Pairs with cca_log_next(): a reader that sees the record sees its contents. */
	smp_store_release(&log_last->next, record);
	/* Pairs with cca_log_last() */
	smp_store_release(&log_last, record);
	wake_up_interruptible(&cca_log_wait);
}

/**
 * cca_log_value() - append a record of a register's value
 * @kind: CCA_RSI_RECORD_KIND_BASE or _FOREIGN
 * @index: the register
 * @value: its value, of the realm's digest size
 *
 * Context: the caller holds cca_realm_lock
 * Return: 0, -ENOMEM or -ENOSPC
 */
int cca_log_value(u32 kind, u32 index, const u8 *value)
{
	const struct cca_rsi_extend what = {
		.index = index,
		.event_type = CCA_RSI_EV_NO_ACTION,
		.event_size = CCA_RSI_LOG_SIGNATURE_SIZE + hash->digest_size,
	};
	u8 event[CCA_RSI_LOG_SIGNATURE_SIZE + CCA_RSI_DIGEST_MAX];
	int ret;

	memcpy(event, signatures[kind], CCA_RSI_LOG_SIGNATURE_SIZE);
	memcpy(event + CCA_RSI_LOG_SIGNATURE_SIZE, value, hash->digest_size);
	struct cca_record *record __free(kvfree) = cca_record_new(kind, &what, event);
	ret = record ? cca_log_room(record) : -ENOMEM;
	if (!ret)
		cca_log_append(no_free_ptr(record));
	return ret;
}

/**
 * cca_log_next() - walk the log
 * @at: a record, or NULL for the start
 *
 * Return: the record after @at, the header if @at is NULL, NULL at the end
 */
const struct cca_record *cca_log_next(const struct cca_record *at)
{
	/* Pairs with cca_log_append() */
	return at ? smp_load_acquire(&at->next) : log_first;
}

/**
 * cca_log_last() - find the end of the log
 *
 * Return: the last record, or the header if there is none
 */
const struct cca_record *cca_log_last(void)
{
	/* Pairs with cca_log_append() */
	return smp_load_acquire(&log_last);
}

/**
 * cca_log_seq() - count the records that can be read
 *
 * Return: their number, without the header
 */
u64 cca_log_seq(void)
{
	return cca_log_last()->seq + 1;
}

/**
 * cca_log_init() - begin the log with its header, which names the algorithm
 * @realm_hash: the realm's algorithm
 *
 * Return: 0 or -ENOMEM
 */
int cca_log_init(const struct cca_hash *realm_hash)
{
	hash = realm_hash;
	log_first = record_alloc(sizeof(header));
	if (!log_first)
		return -ENOMEM;
	memcpy(log_first->bytes, header, sizeof(header));
	put_unaligned_le16(hash->tcg_algo, log_first->bytes + HEADER_ALGO);
	put_unaligned_le16(hash->digest_size, log_first->bytes + HEADER_DIGEST);
	log_first->seq = -1;
	log_first->end = log_first->size;
	log_last = log_first;
	return 0;
}

/**
 * cca_log_exit() - free the log, which has no readers any more
 */
void cca_log_exit(void)
{
	struct cca_record *next;

	for (; log_first; log_first = next) {
		next = log_first->next;
		kvfree(log_first);
	}
}
