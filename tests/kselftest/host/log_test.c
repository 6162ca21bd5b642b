// SPDX-License-Identifier: Apache-2.0
/*
 * kmod/realm.c, mlog.c and mlog_start.c on this machine, over five registers that others extend too, that fail,
 * and that use a sum instead of a hash. The tests check that the log accounts for all changes.
 */
#include "shim.h"

#include "../../../kmod/mlog.c"
#include "../../../kmod/mlog_start.c"
#include "../../../kmod/realm.c"
#include "../tap.h"

#include <stdio.h>

struct shim shim;

static struct {
	u8 registers[CCA_REALM_REGISTERS][CCA_RSI_DIGEST_MAX];
	u32 hash_algo;
	int config_error;
	int extend_error;
	int digest_error;
	int reads_left;	   /* until one fails; negative: none fails */
	u32 behind_before; /* register that others extend once, just before our extension */
	u32 behind_after;  /* the same, just after it */
	bool other_rule;   /* registers are extended by another rule than the log's */
	int extends;
	int notes;
} rmm;

int cca_rsi_config_read(struct cca_rsi_config *config)
{
	config->hash_algo = rmm.hash_algo;
	return rmm.config_error;
}

int cca_firmware_log(struct mlog *log)
{
	assert(log == &cca_log && !mlog_seq(log));
	return 0;
}

int cca_rsi_measurement_read(u32 index, u8 *value, size_t size)
{
	assert(cca_log.lock.held && index < CCA_REALM_REGISTERS);
	if (rmm.reads_left-- == 0)
		return -EIO;
	memcpy(value, rmm.registers[index], size);
	return 0;
}

/* The sum depends on the order, like a hash. */
static void sum_extend(u8 *value, const u8 *digest, size_t size)
{
	for (size_t i = 0; i < size; i++)
		value[i] = (u8)(value[i] * 3 + digest[i] + 1);
}

static void extend_behind(u32 index)
{
	u8 digest[CCA_RSI_DIGEST_MAX] = { 9 };

	sum_extend(rmm.registers[index], digest, cca_realm.hash->digest_size);
}

static void extend_behind_once(u32 *index)
{
	if (*index)
		extend_behind(*index);
	*index = 0;
}

int cca_rsi_measurement_extend(u32 index, const u8 *digest, size_t size)
{
	assert(cca_log.lock.held && index && index < CCA_REALM_REGISTERS);
	if (rmm.extend_error)
		return rmm.extend_error;
	rmm.extends++;
	extend_behind_once(&rmm.behind_before);
	sum_extend(rmm.registers[index], digest, size);
	rmm.registers[index][0] ^= rmm.other_rule;
	extend_behind_once(&rmm.behind_after);
	return 0;
}

/* @data is a register followed by a digest. */
int crypto_shash_tfm_digest(struct crypto_shash *shash, const u8 *data, unsigned int len, u8 *out)
{
	static const char *const names[] = { "sha256", "sha512", "sha384" };
	size_t size = cca_realm.hash->digest_size;

	assert(len == 2 * size && strcmp(shash->name, names[cca_realm.config.hash_algo]) == 0);
	if (rmm.digest_error)
		return rmm.digest_error;
	memcpy(out, data, size);
	sum_extend(out, data + size, size);
	return 0;
}

int blocking_notifier_call_chain(struct blocking_notifier_head *head, unsigned long action,
				 void *data)
{
	const struct mlog_record *record = data;

	assert(head == &cca_log.notifier && !action && !cca_log.lock.held);
	assert(record->kind == MLOG_EVENT);
	rmm.notes++;
	return 0;
}

/* As if the module had never been loaded */
static void log_reset(void)
{
	memset(&cca_realm, 0, sizeof(cca_realm));
	memset(cca_log.values, 0, sizeof(cca_log.values));
	cca_log.foreign = false;
	cca_log.wait = 0;
}

/* Loads with registers of which some have been extended before. */
static int load(u32 hash_algo)
{
	memset(&rmm, 0, sizeof(rmm));
	memset(&shim, 0, sizeof(shim));
	log_reset();
	shim.allocations_left = rmm.reads_left = -1;
	rmm.hash_algo = hash_algo;
	memset(rmm.registers[2], 0x77, CCA_RSI_DIGEST_MAX);
	return cca_realm_init();
}

/* Unloads; true if everything was freed. */
static bool unload(void)
{
	cca_realm_exit();
	cca_log.max = SZ_1M;
	return shim.held == 0 && !cca_log.lock.held;
}

static int extend(u32 index, u32 type, const void *event, size_t size, u64 *seq)
{
	struct cca_rsi_extend arg = {
		.index = index,
		.event_type = type,
		.digest_size = cca_realm.hash->digest_size,
		.event_size = (u32)size,
	};
	int ret;

	for (size_t i = 0; i < arg.digest_size; i++)
		arg.digest[i] = (u8)rand();
	ret = cca_realm_extend(&arg, event);
	*seq = arg.seq;
	return ret;
}

/* Does a replay of the log's records alone lead to the registers? */
static bool replay_good(void)
{
	u8 values[CCA_REALM_REGISTERS][CCA_RSI_DIGEST_MAX] = { 0 };
	const struct mlog_record *record = cca_log.head;
	u64 end = record->size, seq = 0;
	size_t size = cca_realm.hash->digest_size;

	while ((record = mlog_next(&cca_log, record))) {
		if (record->kind == MLOG_EVENT)
			sum_extend(values[record->index], record->digest, size);
		else
			memcpy(values[record->index], record->event + CCA_RSI_LOG_SIGNATURE_SIZE,
			       size);
		end += record->size;
		if (record->seq != seq++ || record->end != end)
			return false;
	}
	return seq == mlog_seq(&cca_log) && end == mlog_last(&cca_log)->end && end <= cca_log.max &&
	       memcmp(values[1], rmm.registers[1], sizeof(values[1]) * CCA_RSI_INDEX_MAX) == 0;
}

static void bytes_of_header(void)
{
	static const u8 expected[] =
		"\0\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x21\0\0\0"
		"Spec ID Event03\0\0\0\0\0\0\2\0\2\1\0\0\0\x0c\0\x30\0";

	CHECK(load(CCA_RSI_HASH_SHA384) == 0);
	CHECK(cca_log.head->size == sizeof(expected)); /* its NUL is vendorInfoSize */
	CHECK(memcmp(cca_log.head->bytes, expected, sizeof(expected)) == 0);
	CHECK(unload());
}

static void bytes_of_event(void)
{
	static const u8 expected[] = "\4\0\0\0\x0d\0\0\x80\1\0\0\0\x0b\0"
				     "DDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDD"
				     "\5\0\0\0hello";
	struct cca_rsi_extend arg = {
		.index = 4,
		.event_type = 0x8000000d,
		.digest_size = 32,
		.event_size = 5,
	};
	const struct mlog_record *record;

	CHECK(load(CCA_RSI_HASH_SHA256) == 0);
	memset(arg.digest, 'D', 32);
	CHECK(cca_realm_extend(&arg, "hello") == 0);
	record = mlog_last(&cca_log);
	CHECK(record->size == sizeof(expected) - 1);
	CHECK(memcmp(record->bytes, expected, record->size) == 0);
	CHECK(record->digest == record->bytes + 14 && record->event == record->bytes + 50);
	CHECK(unload());
}

static void bytes_of_base(void)
{
	static const u8 expected[] = "\2\0\0\0\3\0\0\0\1\0\0\0\x0d\0";
	const struct mlog_record *record;
	u8 zero[64] = { 0 };

	CHECK(load(CCA_RSI_HASH_SHA512) == 0);
	record = cca_log.head->next->next;
	CHECK(record->seq == 1 && record->size == 14 + 64 + 4 + 16 + 64);
	CHECK(memcmp(record->bytes, expected, 14) == 0);
	CHECK(memcmp(record->bytes + 14, zero, 64) == 0);
	CHECK(memcmp(record->bytes + 78, "\x50\0\0\0CCA RSI base\0\0\0\0", 20) == 0);
	CHECK(memcmp(record->bytes + 98, rmm.registers[2], 64) == 0);
	CHECK(unload());
}

/* Bytes beyond a digest would be those of the caller's stack. */
static bool values_end(void)
{
	static const u8 zeros[CCA_RSI_DIGEST_MAX];
	size_t size = cca_realm.hash->digest_size;

	for (u32 i = 0; i < CCA_REALM_REGISTERS; i++)
		if (memcmp(cca_log.values[i] + size, zeros, sizeof(zeros) - size))
			return false;
	return true;
}

static void load_logs_base(void)
{
	for (u32 algo = 0; algo < 3; algo++) {
		CHECK(load(algo) == 0 && values_end());
		CHECK(mlog_seq(&cca_log) == CCA_RSI_INDEX_MAX);
		CHECK(algo != CCA_RSI_HASH_SHA512 || replay_good());
		CHECK(!cca_log.foreign);
		CHECK(unload());
	}
}

static void extensions_logged(void)
{
	static u8 data[CCA_RSI_EVENT_LEN_MAX];
	u64 seq;

	CHECK(load(CCA_RSI_HASH_SHA512) == 0);
	for (u64 i = 0; i < 300; i++) {
		CHECK(extend(1 + i % 4, 13, data, (size_t)rand() % sizeof(data), &seq) == 0);
		CHECK(seq == CCA_RSI_INDEX_MAX + i && mlog_seq(&cca_log) == seq + 1);
	}
	CHECK(extend(1, 0, data, sizeof(data), &seq) == 0);
	CHECK(extend(1, ~0U, NULL, 0, &seq) == 0);
	CHECK(replay_good() && rmm.notes == 302 && !cca_log.foreign);
	CHECK(unload());
}

/* A reader without a lock gets a whole value: it never changes, only the pointer to it does. */
static void shown_values_never_change(void)
{
	u8 copy[MLOG_DIGEST_MAX];
	void *shown = NULL, *before;
	u64 seq;

	CHECK(load(CCA_RSI_HASH_SHA512) == 0);
	cca_log.shown[2] = &shown;
	CHECK(extend(1, 13, "x", 1, &seq) == 0 && !shown);
	CHECK(extend(2, 13, "x", 1, &seq) == 0 && shown);
	CHECK(memcmp(shown, rmm.registers[2], sizeof(copy)) == 0);
	before = shown;
	memcpy(copy, shown, sizeof(copy));
	CHECK(extend(2, 13, "x", 1, &seq) == 0 && shown != before);
	CHECK(memcmp(shown, rmm.registers[2], sizeof(copy)) == 0);
	extend_behind(2);
	CHECK(mlog_audit_now(&cca_log) == 1);
	CHECK(memcmp(shown, rmm.registers[2], sizeof(copy)) == 0);
	CHECK(memcmp(before, copy, sizeof(copy)) == 0);
	cca_log.shown[2] = NULL;
	CHECK(unload());
}

static void bad_events_refused(void)
{
	static u8 data[CCA_RSI_EVENT_LEN_MAX + 1];
	u64 seq;

	CHECK(load(CCA_RSI_HASH_SHA512) == 0);
	CHECK(extend(0, 13, NULL, 0, &seq) == -EINVAL);
	CHECK(extend(CCA_REALM_REGISTERS, 13, NULL, 0, &seq) == -EINVAL);
	CHECK(extend(1, CCA_RSI_EV_NO_ACTION, NULL, 0, &seq) == -EINVAL);
	CHECK(extend(1, 13, data, sizeof(data), &seq) == -EINVAL);
	CHECK(cca_realm_extend(&(struct cca_rsi_extend){ .index = 1, .digest_size = 48 }, NULL) ==
	      -EINVAL);
	CHECK(rmm.extends == 0 && mlog_seq(&cca_log) == CCA_RSI_INDEX_MAX && replay_good());
	CHECK(unload());
}

static void foreign_extensions_found(void)
{
	u64 seq;

	CHECK(load(CCA_RSI_HASH_SHA512) == 0);
	CHECK(mlog_audit_now(&cca_log) == 0);
	extend_behind(1);
	extend_behind(4);
	CHECK(mlog_audit_now(&cca_log) == 2 && mlog_seq(&cca_log) == 6);
	CHECK(cca_log.foreign);
	CHECK(mlog_audit_now(&cca_log) == 0 && replay_good());
	extend_behind(3);
	CHECK(extend(3, 13, "x", 1, &seq) == 0 && seq == 7 && replay_good());
	CHECK(memcmp(cca_log.head->next->next->next->next->next->bytes + 82, "CCA RSI foreign",
		     16) == 0);
	CHECK(unload());
}

/* It happens between the audit before our extension and the one after it. */
static void foreign_extension_during_ours(void)
{
	u64 seq;

	CHECK(load(CCA_RSI_HASH_SHA512) == 0);
	rmm.behind_before = 1;
	CHECK(extend(1, 13, "x", 1, &seq) == 0 && seq == 4);
	CHECK(mlog_audit_now(&cca_log) == 1 && replay_good());
	rmm.behind_after = 1;
	CHECK(extend(1, 13, "x", 1, &seq) == 0 && seq == 6);
	CHECK(mlog_audit_now(&cca_log) == 1 && replay_good());
	CHECK(cca_log.foreign);
	rmm.behind_before = 2;
	rmm.behind_after = 3;
	CHECK(extend(4, 13, "x", 1, &seq) == 0 && mlog_audit_now(&cca_log) == 2 && replay_good());
	CHECK(unload());
}

/* A replay cannot follow an RMM with another rule, but the log has the registers' values. */
static void rule_of_its_own(void)
{
	u64 seq;

	CHECK(load(CCA_RSI_HASH_SHA512) == 0);
	rmm.other_rule = true;
	for (u32 i = 1; i < CCA_REALM_REGISTERS; i++)
		CHECK(extend(i, 13, "x", 1, &seq) == 0 && mlog_audit_now(&cca_log) == 1 &&
		      replay_good());
	CHECK(cca_log.foreign);
	CHECK(unload());
}

/* A record wakes the readers that wait for it, even if the audit fails after it. */
static void records_wake(void)
{
	u64 seq;

	CHECK(load(CCA_RSI_HASH_SHA512) == 0);
	cca_log.wait = 0;
	CHECK(mlog_audit_now(&cca_log) == 0 && cca_log.wait == 0);
	CHECK(extend(1, 13, "x", 1, &seq) == 0 && cca_log.wait == 1);
	extend_behind(1);
	rmm.reads_left = 1;
	CHECK(mlog_audit_now(&cca_log) == -EIO && mlog_seq(&cca_log) == 6 && cca_log.wait == 2);
	CHECK(unload());
}

/* Random operations in random order, with logs of random sizes */
static void anything_in_any_order(void)
{
	u64 seq;

	for (unsigned int round = 0; round < 200; round++) {
		srand(round);
		cca_log.max = 3000 + (unsigned int)rand() % 5000;
		CHECK(load(CCA_RSI_HASH_SHA512) == 0);
		for (int i = 0; i < 60; i++) {
			if (rand() % 5 == 0 && mlog_last(&cca_log)->end + 800 < cca_log.max)
				extend_behind(1 + (u32)rand() % 4);
			rmm.extend_error = rand() % 6 ? 0 : -EIO;
			if (mlog_last(&cca_log)->end + 1600 < cca_log.max) {
				rmm.behind_before = rand() % 9 ? 0 : 1 + (u32)rand() % 4;
				rmm.behind_after = rand() % 9 ? 0 : 1 + (u32)rand() % 4;
			}
			shim.allocations_left = rand() % 6 ? -1 : rand() % 2;
			extend(1 + (u32)rand() % 4, 13, "abcdefgh", (size_t)rand() % 8, &seq);
			shim.allocations_left = -1;
			CHECK(mlog_audit_now(&cca_log) >= 0 && replay_good());
		}
		CHECK(unload());
	}
}

static void full_log_refuses_before(void)
{
	u64 seq, before;
	int ret;

	cca_log.max = 4000;
	CHECK(load(CCA_RSI_HASH_SHA512) == 0);
	while ((ret = extend(1, 13, "abc", 3, &seq)) == 0)
		;
	CHECK(ret == -ENOSPC);
	before = mlog_seq(&cca_log);
	CHECK(rmm.extends == (int)before - CCA_RSI_INDEX_MAX && replay_good());
	/* There is still room for one foreign record of each register. */
	for (u32 i = 1; i < CCA_REALM_REGISTERS; i++)
		extend_behind(i);
	CHECK(mlog_audit_now(&cca_log) == CCA_RSI_INDEX_MAX && replay_good());
	extend_behind(1);
	for (int i = 0; i < 8 && (ret = mlog_audit_now(&cca_log)) >= 0; i++)
		extend_behind(1);
	CHECK(ret == -ENOSPC && cca_log.foreign);
	CHECK(unload());
}

/* An eighth of the log is kept for privileged callers, and its maximum is only raised. */
static void quota_of_unprivileged(void)
{
	u64 seq;
	int ret;

	cca_log.max = 8000;
	CHECK(load(CCA_RSI_HASH_SHA512) == 0);
	shim.unprivileged = true;
	while ((ret = extend(1, 13, "abc", 3, &seq)) == 0)
		CHECK(!mlog_nearly_full(&cca_log));
	CHECK(ret == -ENOSPC && mlog_last(&cca_log)->end > 7000 - 85);
	extend_behind(2);
	CHECK(mlog_audit_now(&cca_log) == 1 && mlog_nearly_full(&cca_log) && replay_good());
	shim.unprivileged = false;
	CHECK(extend(1, 13, "abc", 3, &seq) == 0 && replay_good());
	shim.unprivileged = true;
	CHECK(extend(1, 13, "abc", 3, &seq) == -ENOSPC && replay_good());
	CHECK(log_max_set("7999", NULL) == -EINVAL && log_max_set("16777217", NULL) == -EINVAL);
	CHECK(cca_log.max == 8000 && log_max_set("9000", NULL) == 0 && cca_log.max == 9000);
	CHECK(!mlog_nearly_full(&cca_log) && extend(1, 13, "abc", 3, &seq) == 0 && replay_good());
	CHECK(unload());
}

static void small_bound_refused(void)
{
	cca_log.max = 65 + 4 * 162 + 3 * 162;
	CHECK(load(CCA_RSI_HASH_SHA512) == -ENOSPC && shim.held == 0);
	cca_log.max = 65 + 8 * 162;
	CHECK(load(CCA_RSI_HASH_SHA512) == 0 && unload());
}

static void load_may_fail(void)
{
	/* The allocations are the hash, the header and four base records. */
	for (int i = 0; i < 6; i++) {
		memset(&shim, 0, sizeof(shim));
		memset(&rmm, 0, sizeof(rmm));
		log_reset();
		rmm.reads_left = -1;
		shim.allocations_left = i;
		CHECK(cca_realm_init() == -ENOMEM && shim.held == 0);
	}
	for (int i = 0; i < 5; i++) {
		shim.allocations_left = -1;
		rmm.reads_left = i;
		CHECK(cca_realm_init() == -EIO && shim.held == 0);
	}
	log_reset();
	rmm.hash_algo = 3;
	CHECK(cca_realm_init() == -EOPNOTSUPP);
	rmm.config_error = -EIO;
	CHECK(cca_realm_init() == -EIO && shim.held == 0);
}

static void failures_change_nothing(void)
{
	u64 seq;

	CHECK(load(CCA_RSI_HASH_SHA512) == 0);
	rmm.extend_error = -EIO;
	CHECK(extend(1, 13, "x", 1, &seq) == -EIO);
	rmm.extend_error = 0;
	shim.allocations_left = 0;
	CHECK(extend(1, 13, "x", 1, &seq) == -ENOMEM);
	shim.interrupted = 1;
	CHECK(extend(1, 13, "x", 1, &seq) == -EINTR);
	shim.interrupted = 1;
	CHECK(mlog_audit_now(&cca_log) == -EINTR);
	for (int i = 0; i < 4; i++) {
		rmm.reads_left = i;
		CHECK(extend(1, 13, "x", 1, &seq) == -EIO);
	}
	CHECK(rmm.extends == 0 && rmm.notes == 0 && mlog_seq(&cca_log) == 4 && replay_good());
	/*
	 * The new value cannot be computed: the record is there, and the next audit corrects the
	 * value.
	 */
	rmm.digest_error = -EIO;
	CHECK(extend(1, 13, "x", 1, &seq) == 0 && seq == 4);
	CHECK(mlog_audit_now(&cca_log) == 1 && replay_good());
	CHECK(unload());
}

static const struct tap_test tests[] = {
	{ "the header, byte for byte", bytes_of_header },
	{ "an event, byte for byte", bytes_of_event },
	{ "a base record, byte for byte", bytes_of_base },
	{ "loading logs the registers' values", load_logs_base },
	{ "each extension has its record, and the replay leads to the registers",
	  extensions_logged },
	{ "a value that was shown never changes", shown_values_never_change },
	{ "bad events are refused, and not logged", bad_events_refused },
	{ "foreign extensions are found, and the replay leads to the registers",
	  foreign_extensions_found },
	{ "a foreign extension during ours is found too", foreign_extension_during_ours },
	{ "an RMM that extends by another rule is detected", rule_of_its_own },
	{ "each record wakes the readers that wait", records_wake },
	{ "200 rounds of random operations: the replay leads to the registers",
	  anything_in_any_order },
	{ "a full log refuses before it extends, and accepts foreign records",
	  full_log_refuses_before },
	{ "an eighth of the log is kept for privileged callers", quota_of_unprivileged },
	{ "a limit without room for any record is refused", small_bound_refused },
	{ "loading may fail at any step", load_may_fail },
	{ "failures change neither registers nor log", failures_change_nothing },
};

TAP_MAIN(tests)
