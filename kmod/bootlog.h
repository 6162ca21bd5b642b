/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CCA_BOOTLOG_H
#define CCA_BOOTLOG_H

#include <linux/types.h>

/**
 * struct cca_boot_event - one event of firmware's log, in the bytes that were parsed
 * @index: register, 0 for RIM
 * @type: TCG event type
 * @size: length of @event in bytes
 * @digest: the event's digest in the realm's algorithm
 * @event: the event
 */
struct cca_boot_event {
	u32 index;
	u32 type;
	u32 size;
	const u8 *digest;
	const u8 *event;
};

/**
 * struct cca_bootlog - how to read firmware's log, and how far it was read
 * @algo: TPM_ALG_ID of the digests to read
 * @digest_size: their size in bytes
 * @registers: number of registers; an event of another one is refused
 * @records: out: records read, the header included; the faulty one comes next
 * @visit: called with each event in order; may be NULL
 * @context: for @visit
 */
struct cca_bootlog {
	u16 algo;
	u32 digest_size;
	u32 registers;
	u32 records;
	void (*visit)(void *context, const struct cca_boot_event *event);
	void *context;
};

const char *cca_bootlog_parse(struct cca_bootlog *log, const u8 *data, size_t size);

#endif /* CCA_BOOTLOG_H */
