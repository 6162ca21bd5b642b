/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event log: a list that only grows. Who adds to it holds cca_realm_lock;
 * who reads needs no lock, since no record changes or goes before the module.
 */
#ifndef CCA_LOG_H
#define CCA_LOG_H

#include <linux/types.h>
#include <linux/wait.h>

#include "record.h"

/**
 * struct cca_record - one record of the log
 * @next: the one after it, for cca_log_next()
 * @seq: its position; not of the header, which is before 0
 * @end: length in bytes of the log up to and with it
 * @size: length in bytes of @bytes
 * @kind: CCA_RSI_RECORD_KIND_*
 * @bytes: as user space reads them
 */
struct cca_record {
	struct cca_record *next;
	u64 seq;
	u64 end;
	u32 size;
	u32 kind;
	u8 bytes[];
};

extern wait_queue_head_t cca_log_wait;

int cca_log_init(u32 hash_algo, size_t digest_size);
void cca_log_exit(void);
struct cca_record *cca_log_record_new(const struct cca_event *event);
int cca_log_room(const struct cca_record *record);
void cca_log_append(struct cca_record *record);
u64 cca_log_seq(void);
const struct cca_record *cca_log_next(const struct cca_record *at);
const struct cca_record *cca_log_last(void);
void cca_log_event(const struct cca_record *record, struct cca_event *event);

#endif /* CCA_LOG_H */
