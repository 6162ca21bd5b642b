// SPDX-License-Identifier: GPL-2.0-only

#include <linux/errno.h>
#include <linux/moduleparam.h>
#include <linux/overflow.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <uapi/linux/cca_rsi.h>
#include <uapi/linux/cca_rsi_netlink.h>

#include "log.h"
#include "realm.h"

/* Woken when the log has grown */
DECLARE_WAIT_QUEUE_HEAD(cca_log_wait);

static unsigned int log_max = SZ_1M;
module_param(log_max, uint, 0444);
MODULE_PARM_DESC(log_max, "Bound of the event log in bytes; what does not fit is not extended");

/* Set once, by cca_log_init() */
static struct {
	struct cca_record *header;
	u32 hash_algo;
	u32 digest_size;
} origin;

/* Written under cca_realm_lock, read anywhere */
static struct cca_record *last;
static u64 records;

static struct cca_record *record_alloc(size_t size)
{
	struct cca_record *record = kvzalloc(struct_size(record, bytes, size), GFP_KERNEL_ACCOUNT);

	if (record)
		record->size = size;
	return record;
}

/**
 * cca_log_record_new() - make a record, to be appended
 * @event: what it says; its digest has the realm's size
 *
 * Return: the caller's, for cca_log_append() or kvfree(); NULL if there is no memory
 */
struct cca_record *cca_log_record_new(const struct cca_event *event)
{
	struct cca_record *record = record_alloc(cca_record_size(event));

	if (!record)
		return NULL;
	record->kind = event->kind;
	cca_record_encode(record->bytes, origin.hash_algo, event);
	return record;
}

/*
 * Events leave room for one foreign record of each register, so that a full log
 * can still tell that it is not the whole story.
 */
static size_t log_reserve(u32 kind)
{
	const struct cca_event foreign = {
		.kind = CCA_RSI_RECORD_KIND_FOREIGN,
		.digest_size = origin.digest_size,
	};

	return kind == CCA_RSI_RECORD_KIND_FOREIGN ? 0 :
	       CCA_REALM_INDEX_MAX * cca_record_size(&foreign);
}

/**
 * cca_log_room() - is there room for a record?
 * @record: the record
 *
 * Context: cca_realm_lock is held, and still when it is appended
 * Return: 0 or -ENOSPC
 */
int cca_log_room(const struct cca_record *record)
{
	return last->end + record->size + log_reserve(record->kind) > log_max ? -ENOSPC : 0;
}

/**
 * cca_log_append() - append a record
 * @record: the record, the log's from here on
 *
 * Context: cca_realm_lock is held, cca_log_room() has been asked
 */
void cca_log_append(struct cca_record *record)
{
	record->seq = records;
	record->end = last->end + record->size;
	/* Pairs with cca_log_next(): who sees the record sees what is in it. */
	smp_store_release(&last->next, record);
	/* Pairs with cca_log_last() */
	smp_store_release(&last, record);
	/* Pairs with cca_log_seq(): so many records can be read. */
	smp_store_release(&records, records + 1);
}

/**
 * cca_log_seq() - how many records there are
 *
 * Return: their number, the header not counted
 */
u64 cca_log_seq(void)
{
	/* Pairs with cca_log_append() */
	return smp_load_acquire(&records);
}

/**
 * cca_log_next() - walk the log
 * @at: a record, or NULL for the start
 *
 * Return: the record after @at, the header at the start; NULL at the end
 */
const struct cca_record *cca_log_next(const struct cca_record *at)
{
	/* Pairs with cca_log_append() */
	return at ? smp_load_acquire(&at->next) : origin.header;
}

/**
 * cca_log_last() - the end of the log
 *
 * Return: the last record, or the header if there is none
 */
const struct cca_record *cca_log_last(void)
{
	/* Pairs with cca_log_append() */
	return smp_load_acquire(&last);
}

/**
 * cca_log_event() - what a record says
 * @record: a record, not the header
 * @event: takes it; points into @record
 */
void cca_log_event(const struct cca_record *record, struct cca_event *event)
{
	cca_record_decode(record->bytes, record->kind, origin.digest_size, event);
}

/**
 * cca_log_init() - begin the log with its header
 * @hash_algo: CCA_RSI_HASH_*
 * @digest_size: of that algorithm, in bytes
 *
 * Return: 0 or -ENOMEM
 */
int cca_log_init(u32 hash_algo, size_t digest_size)
{
	origin.hash_algo = hash_algo;
	origin.digest_size = digest_size;
	origin.header = record_alloc(CCA_RECORD_HEADER_SIZE);
	if (!origin.header)
		return -ENOMEM;
	cca_record_header(origin.header->bytes, hash_algo, digest_size);
	origin.header->end = origin.header->size;
	last = origin.header;
	return 0;
}

/**
 * cca_log_exit() - free the log; nobody reads any more
 */
void cca_log_exit(void)
{
	struct cca_record *next;

	for (; origin.header; origin.header = next) {
		next = origin.header->next;
		kvfree(origin.header);
	}
}
