/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CCA_BOOTLOG_H
#define CCA_BOOTLOG_H

#include "mlog_event.h"

struct mlog;

/**
 * struct cca_bootlog - how to read firmware's log, and what came of it
 * @algo: TPM_ALG_ID of the digests to read
 * @digest_size: their size in bytes
 * @registers: number of registers; an event of another one is refused
 * @visit: called with each event in order, until it returns an error; may be NULL
 * @log: for @visit
 * @ret: out: the result of @visit
 * @records: out: records begun, without the header
 */
struct cca_bootlog {
	u16 algo;
	u32 digest_size;
	u32 registers;
	int (*visit)(struct mlog *log, const struct mlog_event *event);
	struct mlog *log;
	int ret;
	u32 records;
};

const char *cca_bootlog_parse(struct cca_bootlog *log, const u8 *data, size_t size);

#endif /* CCA_BOOTLOG_H */
