// SPDX-License-Identifier: GPL-2.0-only

#include <crypto/hash.h>

#include "cca_rsi.h"

/* Held over each sequence of RSI calls */
DEFINE_MUTEX(cca_realm_lock);

struct cca_realm cca_realm;

static const struct cca_hash hashes[] = {
	[CCA_RSI_HASH_SHA256] = { 32, 0x000b, HASH_ALGO_SHA256, "sha256" },
	[CCA_RSI_HASH_SHA512] = { 64, 0x000d, HASH_ALGO_SHA512, "sha512" },
	[CCA_RSI_HASH_SHA384] = { 48, 0x000c, HASH_ALGO_SHA384, "sha384" },
};

static int config_read(struct cca_rsi_config *config)
{
	int ret = cca_rsi_config_read(config);

	if (ret) {
		pr_err("cannot read the realm's configuration: %d\n", ret);
		return ret;
	}
	if (config->hash_algo >= ARRAY_SIZE(hashes)) {
		pr_err("the realm's hash algorithm %u is not supported\n", config->hash_algo);
		return -EOPNOTSUPP;
	}
	cca_realm.hash = &hashes[config->hash_algo];
	config->digest_size = cca_realm.hash->digest_size;
	config->registers = CCA_REALM_REGISTERS;
	config->event_max = CCA_RSI_EVENT_LEN_MAX;
	/* cca_tsm_init() clears the flag if another driver owns the tokens. */
	config->flags = CCA_RSI_CONFIG_F_TOKEN;
	cca_realm.shash = crypto_alloc_shash(cca_realm.hash->name, 0, 0);
	if (IS_ERR(cca_realm.shash))
		pr_err("hash %s is not available: %pe\n", cca_realm.hash->name, cca_realm.shash);
	return PTR_ERR_OR_ZERO(cca_realm.shash);
}

/*
 * Earlier extensions (by firmware, by a kernel before kexec, by an earlier load of
 * the module) are not known, so the log begins with the registers' values.
 */
static int base_log(void)
{
	int ret;

	guard(mutex)(&cca_realm_lock);
	ret = cca_rsi_measurement_read(0, cca_realm.values[0], cca_realm.hash->digest_size)
		      ?: min(cca_realm_audit(), 0);
	if (ret)
		pr_err("cannot start the event log: %d\n", ret);
	return ret;
}

/**
 * cca_realm_init() - read the configuration and start the log
 *
 * Return: 0, -EOPNOTSUPP if the realm's hash algorithm is unknown, -ENOENT if the
 * kernel does not have it, -ENOMEM, -ENOSPC if log_max is too small for any event,
 * or an error as in cca_rsi.h
 */
int cca_realm_init(void)
{
	int ret = config_read(&cca_realm.config) ?: cca_log_init(cca_realm.hash) ?: base_log();

	if (ret)
		cca_realm_exit();
	return ret;
}

/**
 * cca_realm_exit() - free the log; no user interface may be left
 */
void cca_realm_exit(void)
{
	cca_log_exit();
	crypto_free_shash(cca_realm.shash);
}

/**
 * cca_realm_config() - get the configuration
 * @config: receives a copy, with the current log_seq
 */
void cca_realm_config(struct cca_rsi_config *config)
{
	*config = cca_realm.config;
	config->log_seq = cca_log_seq();
}

/**
 * cca_realm_measurements_read() - read registers, with no extension in between
 * @first: the first register
 * @count: the number of registers
 * @values: receives @count values
 *
 * Return: 0, -EINVAL if there are fewer registers, -EINTR, or an error as in cca_rsi.h
 */
int cca_realm_measurements_read(u32 first, u32 count, struct cca_rsi_measurement *values)
{
	u32 i, size = cca_realm.hash->digest_size;
	int ret = 0;

	if (first >= CCA_REALM_REGISTERS || count > CCA_REALM_REGISTERS - first)
		return -EINVAL;
	scoped_cond_guard(mutex_intr, return -EINTR, &cca_realm_lock)
		for (i = 0; !ret && i < count; i++) {
			values[i] = (typeof(*values)){ .index = first + i, .size = size };
			ret = cca_rsi_measurement_read(first + i, values[i].value, size);
		}
	return ret;
}

/**
 * cca_realm_audit() - compare the registers with the log, and log what differs
 *
 * Others may extend a register without a record, and the RMM does not report that.
 *
 * Context: the caller holds cca_realm_lock
 * Return: the number of registers that differed, -ENOMEM, -ENOSPC if the log is
 * full, or an error as in cca_rsi.h
 */
int cca_realm_audit(void)
{
	/* The log begins with a base record for each register. */
	bool base = cca_log_seq() < CCA_RSI_INDEX_MAX;
	u8 value[CCA_RSI_DIGEST_MAX];
	size_t size = cca_realm.hash->digest_size;
	int ret, found = 0;
	u32 i;

	for (i = 1; i < CCA_REALM_REGISTERS; i++) {
		ret = cca_rsi_measurement_read(i, value, size);
		if (ret)
			return ret;
		if (!base && !memcmp(value, cca_realm.values[i], size))
			continue;
		cca_realm.config.flags |= base ? 0 : CCA_RSI_CONFIG_F_FOREIGN;
		ret = cca_log_value(base ? CCA_RSI_RECORD_KIND_BASE : CCA_RSI_RECORD_KIND_FOREIGN,
				    i, value);
		if (ret)
			return ret;
		memcpy(cca_realm.values[i], value, size);
		found++;
	}
	return found;
}

/**
 * cca_realm_audit_now() - cca_realm_audit() for callers that do not hold the lock
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
 * Computes the register's value after an event, by TCG's rule. If the RMM has another
 * rule, or another program extended the register just before or after us, the next
 * audit finds a difference.
 */
static void value_extend(const struct cca_record *record)
{
	u8 joined[2 * CCA_RSI_DIGEST_MAX], *value = cca_realm.values[record->index];
	size_t size = cca_realm.hash->digest_size;

	memcpy(joined, value, size);
	memcpy(joined + size, record->digest, size);
	crypto_shash_tfm_digest(cca_realm.shash, joined, 2 * size, value);
}

/* The check for room comes first, because an extension cannot be undone. */
static int extend_locked(struct cca_record *record)
{
	int ret = cca_realm_audit();

	if (ret < 0)
		return ret;
	ret = cca_log_room(record)
		      ?: cca_rsi_measurement_extend(record->index, record->digest,
						    cca_realm.hash->digest_size);
	if (ret)
		return ret;
	value_extend(record);
	cca_log_append(record);
	return 0;
}

static bool extend_good(const struct cca_rsi_extend *arg)
{
	return arg->index && arg->index < CCA_REALM_REGISTERS &&
	       arg->digest_size == cca_realm.hash->digest_size &&
	       arg->event_type != CCA_RSI_EV_NO_ACTION && arg->event_size <= CCA_RSI_EVENT_LEN_MAX;
}

/**
 * cca_realm_extend() - extend a register and log it, or do neither
 * @arg: the extension; its seq is set. The digest must have the realm's digest size:
 *	 the RMM accepts any size, but then two different lists of events can lead to
 *	 the same value. The type must not be EV_NO_ACTION, which no parser replays
 * @event: arg->event_size bytes of kernel memory; arg->event is not used
 *
 * Return: 0, -EINVAL, -EINTR, -ENOMEM, -ENOSPC if the log is full, or an error
 * as in cca_rsi.h; after an error the register is unchanged
 */
int cca_realm_extend(struct cca_rsi_extend *arg, const void *event)
{
	int ret;

	if (!extend_good(arg))
		return -EINVAL;
	struct cca_record *record __free(kvfree) =
		cca_record_new(CCA_RSI_RECORD_KIND_EVENT, arg, event);
	if (!record)
		return -ENOMEM;
	scoped_cond_guard(mutex_intr, return -EINTR, &cca_realm_lock)
		ret = extend_locked(record);
	if (ret)
		return ret;
	arg->seq = record->seq;
	blocking_notifier_call_chain(&cca_log_notifier, 0, no_free_ptr(record));
	return 0;
}
