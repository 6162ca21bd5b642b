/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the module know of each other, one paragraph a file: the RMM
 * first, then the realm and its log, then the doors. Each file stands on those
 * before it.
 */
#ifndef CCA_RSI_H
#define CCA_RSI_H

#include <linux/cleanup.h>
#include <linux/hash_info.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>

#include <uapi/linux/cca_rsi.h>
#include <uapi/linux/cca_rsi_netlink.h>

/* RIM is 0, REM0..REM3 are 1..4 */
#define CCA_REALM_REGISTERS	(CCA_RSI_INDEX_MAX + 1)

/*
 * rsi.c, or rsi_fake.c: each call is one SMC (the first one, two), nothing is
 * kept and nothing is locked. Errors of all of them: EINVAL, ESTALE (no token in
 * progress), EOPNOTSUPP, EIO, as the RMM's status says.
 */

/* cca_rsi_token_continue(): call again, there is more to come */
#define CCA_RSI_INCOMPLETE	1

int cca_rsi_config_read(struct cca_rsi_config *config);
int cca_rsi_measurement_read(u32 index, u8 *value, size_t size);
int cca_rsi_measurement_extend(u32 index, const u8 *digest, size_t size);
int cca_rsi_token_init(const u8 *challenge, size_t *bound);
int cca_rsi_token_continue(u8 *granule, size_t *len);

/*
 * log.c, the event log: a list that only grows. Who adds to it holds
 * cca_realm_lock; who reads needs no lock, since no record changes or goes before
 * the module.
 */

/**
 * struct cca_hash - a realm's hash algorithm, as others number it
 * @digest_size: in bytes
 * @tcg_algo: TPM_ALG_ID, for the log
 * @algo: the kernel's, for tsm-mr
 * @name: the kernel's, for crypto_alloc_shash()
 */
struct cca_hash {
	u32 digest_size;
	u16 tcg_algo;
	enum hash_algo algo;
	const char *name;
};

/**
 * struct cca_record - one record of the log
 * @next: the one after it, for cca_log_next()
 * @seq: its position; one more is 0 for the header
 * @end: length in bytes of the log up to and with it
 * @kind: CCA_RSI_RECORD_KIND_*; of the header, neither this nor any of the next five
 * @index: register, 0 for RIM
 * @event_type: TCG's; EV_NO_ACTION of a base or foreign record
 * @event_size: length of @event in bytes
 * @digest: in @bytes: the event's; zero of a base or foreign record
 * @event: in @bytes; of a base or foreign record a signature, then the register's value
 * @size: length of @bytes
 * @bytes: as user space reads them
 */
struct cca_record {
	struct cca_record *next;
	u64 seq;
	u64 end;
	u32 kind;
	u32 index;
	u32 event_type;
	u32 event_size;
	u8 *digest;
	u8 *event;
	u32 size;
	u8 bytes[];
};

extern wait_queue_head_t cca_log_wait;

/*
 * Called after each extension. @data is its record, a struct cca_record, which is in
 * the log already and stays valid until the module exits; @action is unused.
 *
 * Callbacks may sleep. They run under the chain's own rwsem, which keeps them from
 * being unregistered meanwhile, and without cca_realm_lock, so those of two CPUs may
 * run in another order than that of their records.
 */
extern struct blocking_notifier_head cca_log_notifier;

int cca_log_init(const struct cca_hash *hash);
void cca_log_exit(void);
struct cca_record *cca_record_new(u32 kind, const struct cca_rsi_extend *what, const void *event);
int cca_log_room(const struct cca_record *record);
void cca_log_append(struct cca_record *record);
int cca_log_value(u32 kind, u32 index, const u8 *value);
u64 cca_log_seq(void);
const struct cca_record *cca_log_next(const struct cca_record *at);
const struct cca_record *cca_log_last(void);

/* realm.c: what does not change, read once, and the registers and their log behind the one lock */

/**
 * struct cca_realm - the realm as the doors see it
 * @config: settled before the first door opens, but for the flag FOREIGN; for
 *	    one with its log_seq, cca_realm_config()
 * @hash: what config.hash_algo is
 * @shash: what computes it
 * @values: the registers as the log leads to them. Who does not hold
 *	    cca_realm_lock may catch them half-written
 */
struct cca_realm {
	struct cca_rsi_config config;
	const struct cca_hash *hash;
	struct crypto_shash *shash;
	u8 values[CCA_REALM_REGISTERS][CCA_RSI_DIGEST_MAX];
};

extern struct cca_realm cca_realm;

/*
 * Covers each sequence of RSI calls from its first to its last, whichever door
 * it came through.
 */
extern struct mutex cca_realm_lock;

int cca_realm_init(void);
void cca_realm_exit(void);
void cca_realm_config(struct cca_rsi_config *config);
int cca_realm_measurements_read(u32 first, u32 count, struct cca_rsi_measurement *values);
int cca_realm_audit(void);
int cca_realm_audit_now(void);
int cca_realm_extend(struct cca_rsi_extend *arg, const void *event);

/* token.c */

/**
 * struct cca_token - a finished attestation token
 * @size: bytes in @data
 * @log_seq: number of log records that the token's registers account for
 * @data: the RMM's bytes
 */
struct cca_token {
	size_t size;
	u64 log_seq;
	u8 data[];
};

struct cca_token *cca_token_make(const u8 *challenge);

/* The doors: tsm.c, mr.c where the kernel has it, netlink.c and dump.c, device.c and ioctl.c */

struct attribute_group;
struct file;
struct sk_buff;

int cca_tsm_init(void);
void cca_tsm_exit(void);

const struct attribute_group *cca_mr_new(void);
void cca_mr_free(const struct attribute_group *group);

int cca_netlink_init(void);
void cca_netlink_exit(void);
int cca_netlink_message_end(struct sk_buff *skb, void *head, int full);
int cca_netlink_result(int ret);

int cca_device_init(void);
void cca_device_exit(void);
long cca_ioctl(struct file *file, unsigned int cmd, unsigned long user);

#endif /* CCA_RSI_H */
