/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CCA_BOOTLOG_H
#define CCA_BOOTLOG_H

#include <linux/types.h>

/**
 * struct mlog_event - an extension to log
 * @index: the register
 * @type: TCG event type, not MLOG_EV_NO_ACTION
 * @size: length of @data in bytes
 * @digest: of the log's digest size; the register becomes H(register || digest)
 * @data: the event that the digest is of; may be NULL if @size is 0
 */
struct mlog_event {
	u32 index;
	u32 type;
	u32 size;
	const u8 *digest;
	const void *data;
};

/**
 * struct cca_bootlog - a reader of firmware's log
 * @at: what has not been read yet
 * @left: bytes in @at
 * @algo: TPM_ALG_ID of the digests to read
 * @digest_size: their size in bytes
 * @registers: number of registers; an event of another one is refused
 * @records: records begun, without the header
 * @fault: the first field that is missing or wrong; nothing is read after it
 * @algorithms: from the header: pairs of an algorithm's number and its digest size, 2 bytes each
 * @algorithms_count: their number
 *
 * The caller sets the first five; the others are zero at first.
 */
struct cca_bootlog {
	const u8 *at;
	size_t left;
	u16 algo;
	u32 digest_size;
	u32 registers;
	u32 records;
	const char *fault;
	const u8 *algorithms;
	u32 algorithms_count;
};

bool cca_bootlog_next(struct cca_bootlog *log, struct mlog_event *event);

#endif /* CCA_BOOTLOG_H */
