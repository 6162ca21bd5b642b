/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A measurement log for any TSM provider: the provider has registers that can be
 * read and extended, and this core keeps a log that accounts for each change of
 * them and offers it to user space as a file.
 */
#ifndef MLOG_H
#define MLOG_H

#include <linux/hash_info.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/poll.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "mlog_event.h"

struct crypto_shash;
struct file;

/* Size of the longest digest */
#define MLOG_DIGEST_MAX 64
/* Enough for the registers of each TSM that the kernel knows */
#define MLOG_REGISTERS_MAX 8
/* Length of the signature at the start of a base or foreign record's event */
#define MLOG_SIGNATURE_SIZE 16
/* The TCG event type of a record that is not an extension; parsers do not replay it. */
#define MLOG_EV_NO_ACTION 3

/**
 * enum mlog_kind - what a record is
 * @MLOG_BASE: a register's value when the log began
 * @MLOG_EVENT: an extension by the log's users
 * @MLOG_FOREIGN: a register's value that the log did not lead to
 * @MLOG_BOOT: an event that firmware says it logged, before the base records
 */
enum mlog_kind {
	MLOG_BASE,
	MLOG_EVENT,
	MLOG_FOREIGN,
	MLOG_BOOT,
};

/**
 * struct mlog_hash - the algorithm of the registers and its identifiers elsewhere
 * @digest_size: size of a digest in bytes, at most MLOG_DIGEST_MAX
 * @tcg_algo: TPM_ALG_ID, for the log
 * @algo: the kernel's number, for tsm-mr
 * @name: the kernel's name, for crypto_alloc_shash()
 */
struct mlog_hash {
	u32 digest_size;
	u16 tcg_algo;
	enum hash_algo algo;
	const char *name;
};

/**
 * struct mlog_ops - the provider's registers
 * @read: read the first @size bytes of register @index
 * @extend: extend register @index by a digest of @size bytes, or fail and change nothing
 * @signatures: begin the event of a base or foreign record, by &enum mlog_kind
 *
 * Both functions may sleep. They are called with &mlog.lock held, and return 0 or an
 * error, which the log's functions pass on.
 */
struct mlog_ops {
	int (*read)(u32 index, u8 *value, size_t size);
	int (*extend)(u32 index, const u8 *digest, size_t size);
	const char (*signatures)[MLOG_SIGNATURE_SIZE];
};

/**
 * struct mlog_record - one record of a log
 * @next: the next record, for mlog_next()
 * @seq: position in the log, from 0 on; -1 for the header
 * @end: length in bytes of the log up to the end of this record
 * @kind: what it is; unset in the header, like the next five fields
 * @index: the register
 * @event_type: TCG event type; MLOG_EV_NO_ACTION in a base or foreign record
 * @event_size: length of @event in bytes
 * @digest: the event's digest, in @bytes; zero in a base or foreign record
 * @event: the event, in @bytes; in a base or foreign record a signature, then the
 *	   register's value
 * @value: the register's value after this record
 * @size: length of @bytes
 * @bytes: the record as user space reads it
 */
struct mlog_record {
	struct mlog_record *next;
	u64 seq;
	u64 end;
	enum mlog_kind kind;
	u32 index;
	u32 event_type;
	u32 event_size;
	u8 *digest;
	u8 *event;
	u8 value[MLOG_DIGEST_MAX];
	u32 size;
	u8 bytes[];
};

/**
 * struct mlog - a provider's log
 * @ops: the provider's registers
 * @hash: their algorithm; set, like @first and @registers, before mlog_init()
 * @first: the first register that can be extended. Those below it never change and
 *	   have no records
 * @registers: the number of registers, at most MLOG_REGISTERS_MAX
 * @max: maximum size of the log in bytes, without @boot. An eighth of it is kept for
 *	 foreign records and for extensions by callers that have CAP_SYS_ADMIN. The
 *	 provider may raise it at any time, with WRITE_ONCE()
 * @lock: held over each sequence of calls of the provider that must not be mixed
 *	  with an extension, and to append
 * @wait: woken whenever the log has grown
 * @notifier: called after each extension. The data is its record, which is in the log
 *	      already and stays valid until mlog_exit(); the action is unused.
 *	      Callbacks may sleep. The chain's own rwsem is held while they run, so
 *	      unregistering waits for them. @lock is not held, so callbacks on two CPUs
 *	      may run in another order than that of their records
 * @shash: computes @hash
 * @head: the header, where mlog_next() begins
 * @last: the last record; use mlog_last()
 * @boot: length in bytes of the records of kind MLOG_BOOT
 * @foreign: a register differed from the log; only ever set
 * @values: the registers' values according to the log; protected by @lock
 * @shown: for a provider that shows a register without a lock: where to store, with
 *	   @lock held, a pointer to its value whenever that has changed. The value at
 *	   the pointer never changes and stays valid until mlog_exit()
 *
 * The log is a list that only grows. A record never changes and is freed only by
 * mlog_exit(), so a reader requires no lock.
 */
struct mlog {
	const struct mlog_ops *ops;
	const struct mlog_hash *hash;
	u32 first;
	u32 registers;
	unsigned int max;
	struct mutex lock; /* the registers with their records, see above */
	wait_queue_head_t wait;
	struct blocking_notifier_head notifier;
	struct crypto_shash *shash;
	struct mlog_record *head;
	struct mlog_record *last;
	u32 boot;
	bool foreign;
	u8 values[MLOG_REGISTERS_MAX][MLOG_DIGEST_MAX];
	void **shown[MLOG_REGISTERS_MAX];
};

/* mlog_start.c: from the header to the base records, and the end */
int mlog_init(struct mlog *log);
int mlog_boot(struct mlog *log, const struct mlog_event *event);
int mlog_base(struct mlog *log);
void mlog_exit(struct mlog *log);

/* mlog.c, for mlog_start.c */
struct mlog_record *mlog_record_alloc(size_t size);
struct mlog_record *mlog_record_new(const struct mlog *log, enum mlog_kind kind,
				    const struct mlog_event *event);
void mlog_record_append(struct mlog *log, struct mlog_record *record);
int mlog_value_append(struct mlog *log, enum mlog_kind kind, u32 index, const u8 *value);
void mlog_value_extend(struct mlog *log, const struct mlog_record *record);

/* mlog.c: registers and records */
int mlog_audit(struct mlog *log);
int mlog_audit_now(struct mlog *log);
int mlog_extend(struct mlog *log, const struct mlog_event *event, u64 *seq);
const struct mlog_record *mlog_next(const struct mlog *log, const struct mlog_record *at);
const struct mlog_record *mlog_last(const struct mlog *log);
u64 mlog_seq(const struct mlog *log);
u64 mlog_used(const struct mlog *log);
bool mlog_nearly_full(const struct mlog *log);

/* mlog_file.c: the log as a file; a provider's file operations call these. */
void mlog_file_open(struct file *file);
ssize_t mlog_file_read(struct mlog *log, struct file *file, char __user *buf, size_t count,
		       loff_t *pos);
loff_t mlog_file_llseek(struct mlog *log, struct file *file, loff_t offset, int whence);
__poll_t mlog_file_poll(struct mlog *log, struct file *file, poll_table *wait);

#endif /* MLOG_H */
