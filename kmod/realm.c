// SPDX-License-Identifier: GPL-2.0-only

#include <linux/array_size.h>
#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <uapi/linux/cca_rsi_netlink.h>

#include "log.h"
#include "notify.h"
#include "realm.h"
#include "rsi.h"

/* Held for a whole sequence of RSI calls */
DEFINE_MUTEX(cca_realm_lock);

/* Settled before the first door opens, but for CCA_RSI_CONFIG_F_FOREIGN. */
static struct cca_rsi_config realm;

/* The registers as the log leaves them, and RIM, which does not change */
static u8 logged[CCA_REALM_REGISTERS][CCA_RSI_DIGEST_MAX];

static const u8 digest_sizes[] = {
	[CCA_RSI_HASH_SHA256] = 32,
	[CCA_RSI_HASH_SHA512] = 64,
	[CCA_RSI_HASH_SHA384] = 48,
};

static int config_read(void)
{
	int ret = cca_rsi_config_read(&realm);

	if (ret) {
		pr_err("cannot read the realm's configuration: %d\n", ret);
		return ret;
	}
	if (realm.hash_algo >= ARRAY_SIZE(digest_sizes)) {
		pr_err("the realm measures with algorithm %u, which is not known\n",
		       realm.hash_algo);
		return -EOPNOTSUPP;
	}
	realm.digest_size = digest_sizes[realm.hash_algo];
	realm.registers = CCA_REALM_REGISTERS;
	realm.event_max = CCA_REALM_EVENT_MAX;
	return 0;
}

/* Appends a record of @kind that holds the register's @value. */
static int value_log(u32 kind, u32 index, const u8 *value)
{
	const struct cca_event event = {
		.kind = kind,
		.index = index,
		.digest = value,
		.digest_size = realm.digest_size,
	};
	struct cca_record *record = cca_log_record_new(&event);
	int ret;

	if (!record)
		return -ENOMEM;
	ret = cca_log_room(record);
	if (ret) {
		kvfree(record);
		return ret;
	}
	cca_log_append(record);
	memcpy(logged[index], value, realm.digest_size);
	return 0;
}

/*
 * What extended the registers before this module, or an earlier load of it, or
 * a kernel before kexec, is not known. Where they stood is.
 */
static int base_log(void)
{
	u8 value[CCA_RSI_DIGEST_MAX];
	int ret = cca_rsi_measurement_read(0, logged[0], realm.digest_size);
	u32 i;

	for (i = 1; !ret && i < CCA_REALM_REGISTERS; i++)
		ret = cca_rsi_measurement_read(i, value, realm.digest_size) ?:
		      value_log(CCA_RSI_RECORD_KIND_BASE, i, value);
	if (ret)
		pr_err("cannot begin the event log: %d\n", ret);
	return ret;
}

/**
 * cca_realm_init() - read what does not change while the realm lives, and begin
 * the log
 *
 * Return: 0, -EOPNOTSUPP if the realm's hash algorithm is not known, -ENOMEM,
 * -ENOSPC if log_max is too small for any event, or an error as in rsi.h
 */
int cca_realm_init(void)
{
	int ret = config_read() ?: cca_log_init(realm.hash_algo, realm.digest_size);

	if (ret)
		return ret;
	scoped_guard(mutex, &cca_realm_lock)
		ret = base_log();
	if (ret)
		cca_log_exit();
	return ret;
}

/**
 * cca_realm_exit() - forget the log; all doors are shut
 */
void cca_realm_exit(void)
{
	cca_log_exit();
}

/**
 * cca_realm_tokens_own() - say whether tokens are this module's to make
 * @own: no other driver makes any
 */
void cca_realm_tokens_own(bool own)
{
	realm.flags = own ? CCA_RSI_CONFIG_F_TOKEN : 0;
}

/**
 * cca_realm_tokens_owned() - may this module make tokens?
 *
 * Return: true if no other driver makes any
 */
bool cca_realm_tokens_owned(void)
{
	return realm.flags & CCA_RSI_CONFIG_F_TOKEN;
}

/**
 * cca_realm_config() - the realm and this interface
 * @config: takes a copy
 */
void cca_realm_config(struct cca_rsi_config *config)
{
	*config = realm;
	config->log_seq = cca_log_seq();
}

/**
 * cca_realm_digest_size() - length of a register
 *
 * Return: 32, 48 or 64 bytes
 */
size_t cca_realm_digest_size(void)
{
	return realm.digest_size;
}

/**
 * cca_realm_value() - a register as it was seen last
 * @index: 0 for RIM, 1..4 for REM0..REM3
 *
 * Return: CCA_RSI_DIGEST_MAX bytes, not the caller's to change, that follow the
 * register with each extension and audit. Who does not hold cca_realm_lock may
 * catch them half-written
 */
u8 *cca_realm_value(u32 index)
{
	return logged[index];
}

static int measurement_read(u32 index, struct cca_rsi_measurement *value)
{
	memset(value, 0, sizeof(*value));
	value->index = index;
	value->size = realm.digest_size;
	return cca_rsi_measurement_read(index, value->value, value->size);
}

/**
 * cca_realm_measurements_read() - read registers, all at one moment
 * @first: the first register
 * @count: how many
 * @values: takes @count of them
 *
 * Return: 0, -EINVAL if there are not that many, -EINTR, or an error as in rsi.h
 */
int cca_realm_measurements_read(u32 first, u32 count, struct cca_rsi_measurement *values)
{
	int ret = 0;
	u32 i;

	if (first >= CCA_REALM_REGISTERS || count > CCA_REALM_REGISTERS - first)
		return -EINVAL;
	scoped_cond_guard(mutex_intr, return -EINTR, &cca_realm_lock)
		for (i = 0; !ret && i < count; i++)
			ret = measurement_read(first + i, &values[i]);
	return ret;
}

static int register_audit(u32 index)
{
	u8 value[CCA_RSI_DIGEST_MAX];
	int ret = cca_rsi_measurement_read(index, value, realm.digest_size);

	if (ret || !memcmp(value, logged[index], realm.digest_size))
		return ret;
	realm.flags |= CCA_RSI_CONFIG_F_FOREIGN;
	return value_log(CCA_RSI_RECORD_KIND_FOREIGN, index, value) ?: 1;
}

/**
 * cca_realm_audit() - compare the registers with the log, and log what differs
 *
 * Others may extend without a record, and the RMM tells nobody.
 *
 * Context: cca_realm_lock is held
 * Return: how many registers differed, -ENOMEM, -ENOSPC if the log is full, or
 * an error as in rsi.h
 */
int cca_realm_audit(void)
{
	int ret, found = 0;
	u32 i;

	for (i = 1; i < CCA_REALM_REGISTERS; i++) {
		ret = register_audit(i);
		if (ret < 0)
			return ret;
		found += ret;
	}
	if (found)
		wake_up_interruptible(&cca_log_wait);
	return found;
}

/**
 * cca_realm_audit_now() - the same for who does not hold the lock
 *
 * Return: 0 or more, -EINTR, or an error of cca_realm_audit()
 */
int cca_realm_audit_now(void)
{
	int ret;

	scoped_cond_guard(mutex_intr, return -EINTR, &cca_realm_lock)
		ret = cca_realm_audit();
	return ret;
}

/*
 * Room first, then the call, which cannot be undone, then the record. What the
 * register became is read, not computed. If that fails or is late, the next
 * audit says so.
 */
static int extend_locked(const struct cca_event *event, struct cca_record *record)
{
	int ret = cca_realm_audit();

	if (ret < 0)
		return ret;
	ret = cca_log_room(record) ?:
	      cca_rsi_measurement_extend(event->index, event->digest, event->digest_size);
	if (ret)
		return ret;
	cca_log_append(record);
	cca_rsi_measurement_read(event->index, logged[event->index], realm.digest_size);
	return 0;
}

static bool event_good(const struct cca_event *event)
{
	return event->index && event->index < CCA_REALM_REGISTERS &&
	       event->digest_size == realm.digest_size &&
	       event->type != CCA_RSI_EV_NO_ACTION && event->size <= CCA_REALM_EVENT_MAX;
}

/**
 * cca_realm_extend() - extend a register and log it, or neither
 * @event: its kind is set here. The digest must be as long as the realm's: the
 *	   RMM takes any, but then two different lists of events can end in one
 *	   value. The type must not be EV_NO_ACTION, which no parser replays
 * @seq: takes the position of the log's record
 *
 * Return: 0, -EINVAL, -EINTR, -ENOMEM, -ENOSPC if the log is full, or an error
 * as in rsi.h; the register is unchanged in case of an error
 */
int cca_realm_extend(struct cca_event *event, u64 *seq)
{
	struct cca_record *record;
	int ret = -EINTR;

	if (!event_good(event))
		return -EINVAL;
	event->kind = CCA_RSI_RECORD_KIND_EVENT;
	record = cca_log_record_new(event);
	if (!record)
		return -ENOMEM;
	scoped_cond_guard(mutex_intr, goto out, &cca_realm_lock)
		ret = extend_locked(event, record);
out:
	if (ret) {
		kvfree(record);
		return ret;
	}
	*seq = record->seq;
	wake_up_interruptible(&cca_log_wait);
	cca_notify(record);
	return 0;
}
