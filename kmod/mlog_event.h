/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MLOG_EVENT_H
#define MLOG_EVENT_H

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

#endif /* MLOG_EVENT_H */
