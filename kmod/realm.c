// SPDX-License-Identifier: GPL-2.0-only

#include <linux/array_size.h>
#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "realm.h"
#include "rsi.h"

/* Held for a whole sequence of RSI calls */
DEFINE_MUTEX(cca_realm_lock);

/* Settled before the first door opens. */
static struct cca_rsi_config realm;

static const u8 digest_sizes[] = {
	[CCA_RSI_HASH_SHA256] = 32,
	[CCA_RSI_HASH_SHA512] = 64,
	[CCA_RSI_HASH_SHA384] = 48,
};

/**
 * cca_realm_init() - read what does not change while the realm lives
 *
 * Return: 0, -EOPNOTSUPP if the realm's hash algorithm is not known, -ENOMEM,
 * or an error as in rsi.h
 */
int cca_realm_init(void)
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

/**
 * cca_realm_extend() - extend a register
 * @index: 1..4 for REM0..REM3
 * @digest: the register becomes H(register || digest)
 * @size: must be the realm's digest size. The RMM takes any, but then two
 *	  different lists of events can end in one value
 * @seq: takes the position of the log's record
 *
 * Return: 0, -EINVAL, -EINTR, or an error as in rsi.h; the register is
 * unchanged in case of an error
 */
int cca_realm_extend(u32 index, const u8 *digest, size_t size, u64 *seq)
{
	if (!index || index >= CCA_REALM_REGISTERS || size != realm.digest_size)
		return -EINVAL;
	*seq = 0;
	scoped_cond_guard(mutex_intr, return -EINTR, &cca_realm_lock)
		return cca_rsi_measurement_extend(index, digest, size);
}
