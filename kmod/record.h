/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bytes of the log's records. Nothing here depends on the kernel but
 * put_unaligned_le*(), so that it can be tested anywhere.
 */
#ifndef CCA_RECORD_H
#define CCA_RECORD_H

#include <linux/types.h>

#define CCA_RECORD_HEADER_SIZE	65

/**
 * struct cca_event - what a record says
 * @kind: CCA_RSI_RECORD_KIND_*
 * @index: register, 0 for RIM
 * @type: TCG event type; of a base or foreign record, it is not looked at
 * @digest: the event's digest; of a base or foreign record, the register's value
 * @digest_size: length of @digest in bytes
 * @data: the event; of a base or foreign record, it is not looked at
 * @size: length of @data in bytes; 0 for a base or foreign record
 */
struct cca_event {
	u32 kind;
	u32 index;
	u32 type;
	const u8 *digest;
	size_t digest_size;
	const u8 *data;
	size_t size;
};

void cca_record_header(u8 *to, u32 hash_algo, size_t digest_size);
size_t cca_record_size(const struct cca_event *event);
void cca_record_encode(u8 *to, u32 hash_algo, const struct cca_event *event);
void cca_record_decode(const u8 *from, u32 kind, size_t digest_size, struct cca_event *event);

#endif /* CCA_RECORD_H */
