/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Declarations shared by the module's files, one section per file: the RMM, the
 * realm and its log, the user interfaces. Each file uses only the sections above its
 * own.
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
#define CCA_REALM_REGISTERS (CCA_RSI_INDEX_MAX + 1)

/*
 * rsi.c, or rsi_fake.c: each function makes one SMC (the first makes two), keeps no
 * state and takes no lock. Each fails with -EINVAL, -ESTALE (no token is in
 * progress), -EOPNOTSUPP or -EIO, according to the RMM's status.
 */

/* cca_rsi_token_continue() returns this while there is more to come: call it again. */
#define CCA_RSI_INCOMPLETE 1

int cca_rsi_config_read(struct cca_rsi_config *config);
int cca_rsi_measurement_read(u32 index, u8 *value, size_t size);
int cca_rsi_measurement_extend(u32 index, const u8 *digest, size_t size);
int cca_rsi_token_init(const u8 *challenge, size_t *bound);
int cca_rsi_token_continue(u8 *granule, size_t *len);

/*
 * log.c, the event log: a list that only grows. Writers hold cca_realm_lock;
 * readers need no lock, because a record never changes and is freed only when the
 * module exits.
 */

/**
 * struct cca_hash - a realm's hash algorithm and its identifiers elsewhere
 * @digest_size: size of a digest in bytes
 * @tcg_algo: TPM_ALG_ID, for the log
 * @algo: the kernel's number, for tsm-mr
 * @name: the kernel's name, for crypto_alloc_shash()
 */
struct cca_hash {
	u32 digest_size;
	u16 tcg_algo;
	enum hash_algo algo;
	const char *name;
};

/**
 * struct cca_record - one record of the log
 * @next: the next record, for cca_log_next()
 * @seq: position in the log, from 0 on; -1 for the header
 * @end: length in bytes of the log up to the end of this record
 * @kind: CCA_RSI_RECORD_KIND_*; unset in the header, like the next five fields
 * @index: register, 0 for RIM
 * @event_type: TCG event type; EV_NO_ACTION for a base or foreign record
 * @event_size: length of @event in bytes
 * @digest: the event's digest, in @bytes; zero in a base or foreign record
 * @event: the event, in @bytes; in a base or foreign record a signature, then the
 *	   register's value
 * @size: length of @bytes
 * @bytes: the record as user space reads it
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
 * Callbacks may sleep. The chain's own rwsem is held while they run, so unregistering
 * waits for them. cca_realm_lock is not held, so callbacks on two CPUs may run in
 * another order than that of their records.
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

/* realm.c: the configuration, read once, and the registers and their log behind one lock */

/**
 * struct cca_realm - the realm as the user interfaces see it
 * @config: complete before the first user interface is registered, except for the
 *	    flag FOREIGN; cca_realm_config() returns a copy that has its log_seq
 * @hash: the algorithm that config.hash_algo names
 * @shash: computes @hash
 * @values: the registers' values according to the log. A reader that does not hold
 *	    cca_realm_lock may see a half-written value
 */
struct cca_realm {
	struct cca_rsi_config config;
	const struct cca_hash *hash;
	struct crypto_shash *shash;
	u8 values[CCA_REALM_REGISTERS][CCA_RSI_DIGEST_MAX];
};

extern struct cca_realm cca_realm;

/*
 * Held over each sequence of RSI calls, from its first to its last, whichever user
 * interface it is for.
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

/* The user interfaces: tsm.c, mr.c (with tsm-mr only), netlink.c, dump.c, device.c and ioctl.c */

struct attribute_group;
struct file;
struct netlink_ext_ack;
struct sk_buff;

int cca_tsm_init(void);
void cca_tsm_exit(void);

const struct attribute_group *cca_mr_new(void);
void cca_mr_free(const struct attribute_group *group);

int cca_netlink_init(void);
void cca_netlink_exit(void);
int cca_netlink_message_end(struct sk_buff *skb, void *head, int full);
int cca_netlink_admin(struct sk_buff *skb, struct netlink_ext_ack *extack);

int cca_device_init(void);
void cca_device_exit(void);
long cca_ioctl(struct file *file, unsigned int cmd, unsigned long user);

#endif /* CCA_RSI_H */
