// SPDX-License-Identifier: GPL-2.0-only

#include <linux/kstrtox.h>
#include <linux/moduleparam.h>
#include <linux/nospec.h>
#include <linux/sizes.h>

#include "cca_rsi.h"

#define LOG_MAX_CEILING SZ_16M

struct cca_realm cca_realm;

static const char signatures[][MLOG_SIGNATURE_SIZE] = {
	[MLOG_BASE] = CCA_RSI_LOG_BASE,
	[MLOG_FOREIGN] = CCA_RSI_LOG_FOREIGN,
};

static_assert(MLOG_SIGNATURE_SIZE == CCA_RSI_LOG_SIGNATURE_SIZE);
static_assert(MLOG_DIGEST_MAX == CCA_RSI_DIGEST_MAX);
static_assert(MLOG_EV_NO_ACTION == CCA_RSI_EV_NO_ACTION);
static_assert(MLOG_REGISTERS_MAX >= CCA_REALM_REGISTERS);

static const struct mlog_ops log_ops = {
	.read = cca_rsi_measurement_read,
	.extend = cca_rsi_measurement_extend,
	.signatures = signatures,
};

struct mlog cca_log = {
	.ops = &log_ops,
	.first = 1,
	.registers = CCA_REALM_REGISTERS,
	.max = SZ_1M,
};

/* Records are never removed, so once the log has begun its maximum can only be raised. */
static int log_max_set(const char *text, const struct kernel_param *param)
{
	unsigned int max;
	int ret = kstrtouint(text, 0, &max);

	if (ret)
		return ret;
	if (max > LOG_MAX_CEILING || (cca_log.head && max < cca_log.max))
		return -EINVAL;
	WRITE_ONCE(cca_log.max, max);
	return 0;
}

static const struct kernel_param_ops log_max_ops = {
	.set = log_max_set,
	.get = param_get_uint,
};

module_param_cb(log_max, &log_max_ops, &cca_log.max, 0644);
/* clang-format off */
MODULE_PARM_DESC(log_max, "Maximum size of the event log in bytes, at most 16 MiB; can be raised at run time");
/* clang-format on */

static const struct mlog_hash hashes[] = {
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
	return 0;
}

static int log_start(struct mlog *log)
{
	int ret;

	log->hash = cca_realm.hash;
	ret = mlog_init(log);
	if (!ret)
		ret = cca_firmware_log(log);
	if (!ret)
		ret = mlog_base(log);
	if (ret) {
		pr_err("cannot start the event log: %d\n", ret);
		mlog_exit(log);
	}
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
	return config_read(&cca_realm.config) ?: log_start(&cca_log);
}

/**
 * cca_realm_exit() - free the log; no user interface may be left
 */
void cca_realm_exit(void)
{
	mlog_exit(&cca_log);
}

/**
 * cca_realm_config() - get the configuration
 * @config: receives a copy, with the current log_seq and flags
 */
void cca_realm_config(struct cca_rsi_config *config)
{
	*config = cca_realm.config;
	config->log_seq = mlog_seq(&cca_log);
	if (READ_ONCE(cca_log.foreign))
		config->flags |= CCA_RSI_CONFIG_F_FOREIGN;
}

/**
 * cca_realm_measurements_read() - read registers, with no extension in between
 * @first: the first register
 * @count: the number of registers
 * @values: receives @count values
 *
 * Return: 0, -EINVAL if there are fewer registers, -EINTR if the caller is being
 * killed, or an error as in cca_rsi.h
 */
int cca_realm_measurements_read(u32 first, u32 count, struct cca_rsi_measurement *values)
{
	u32 i, size = cca_realm.hash->digest_size;
	int ret = 0;

	if (first >= CCA_REALM_REGISTERS || count > CCA_REALM_REGISTERS - first)
		return -EINVAL;
	first = array_index_nospec(first, CCA_REALM_REGISTERS);
	if (mutex_lock_killable(&cca_log.lock))
		return -EINTR;
	for (i = 0; !ret && i < count; i++) {
		values[i] = (typeof(*values)){ .index = first + i, .size = size };
		ret = cca_rsi_measurement_read(first + i, values[i].value, size);
	}
	mutex_unlock(&cca_log.lock);
	return ret;
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
 * Return: 0, -EINVAL, or an error of mlog_extend(); after an error the register is
 * unchanged
 */
int cca_realm_extend(struct cca_rsi_extend *arg, const void *event)
{
	const struct mlog_event what = {
		.index = array_index_nospec(arg->index, CCA_REALM_REGISTERS),
		.type = arg->event_type,
		.size = arg->event_size,
		.digest = arg->digest,
		.data = event,
	};

	return extend_good(arg) ? mlog_extend(&cca_log, &what, &arg->seq) : -EINVAL;
}
