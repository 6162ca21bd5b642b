/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The realm as the module's doors see it: what does not change, read once, and
 * the registers and their log behind the one lock.
 */
#ifndef CCA_REALM_H
#define CCA_REALM_H

#include <linux/mutex.h>
#include <linux/types.h>

#include <uapi/linux/cca_rsi.h>

/* RIM is 0, REM0..REM3 are 1..4 */
#define CCA_REALM_INDEX_MAX	4
#define CCA_REALM_REGISTERS	(CCA_REALM_INDEX_MAX + 1)
#define CCA_REALM_EVENT_MAX	4096

/*
 * Covers each sequence of RSI calls from its first to its last, whichever door
 * it came through.
 */
extern struct mutex cca_realm_lock;

struct cca_event;

int cca_realm_init(void);
void cca_realm_exit(void);
void cca_realm_tokens_own(bool own);
bool cca_realm_tokens_owned(void);
void cca_realm_config(struct cca_rsi_config *config);
size_t cca_realm_digest_size(void);
u8 *cca_realm_value(u32 index);
int cca_realm_measurements_read(u32 first, u32 count, struct cca_rsi_measurement *values);
int cca_realm_audit(void);
int cca_realm_audit_now(void);
int cca_realm_extend(struct cca_event *event, u64 *seq);

#endif /* CCA_REALM_H */
