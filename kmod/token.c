// SPDX-License-Identifier: GPL-2.0-only
/*
 * The RMM keeps one token in progress per vCPU, and starting another one discards
 * it. So a token is made completely, pinned to one CPU and under cca_token_lock, and
 * its user never sees half-finished state of the firmware. A caller that stops
 * half-way leaves nothing to clean up: the next start discards it.
 *
 * The RMM signs for a long time. It samples the registers at the start (TF-RMM does
 * so in handle_rsi_attest_token_init(), with the realm locked), so the log's lock is
 * held only over that start, and registers can be read and extended while the RMM
 * signs. An RMM that samples later is detected, see token_check().
 */

#include <linux/delay.h>
#include <linux/preempt.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include <asm/rsi.h>

#include "cca_rsi.h"

#define TOKEN_BOUND_MAX SZ_1M
/* Attempts before giving up because the registers keep changing */
#define TOKEN_TRIES 4
/* Head of a CBOR byte string of 24 to 255 bytes, before its length in one byte */
#define BYTE_STRING 0x58
#define BYTE_STRING_HEAD 2

/* Held over each token from its start to its last byte; taken before the log's lock */
DEFINE_MUTEX(cca_token_lock);

/*
 * @granule: where the RMM writes each piece
 * @bound: the RMM's upper bound of the token's size
 * @token: has room for @bound bytes
 * @log_seq: the number of records when it was started
 * @rems: REM0..REM3 as the token has them if the RMM sampled them when it was started
 */
struct token_run {
	const u8 *challenge;
	u8 *granule;
	size_t bound;
	struct cca_token *token;
	u64 log_seq;
	u8 rems[CCA_RSI_INDEX_MAX * (BYTE_STRING_HEAD + CCA_RSI_DIGEST_MAX)];
};

/* Notes which records and values the token accounts for. The caller holds the log's lock. */
static int token_start(struct token_run *run)
{
	size_t size = cca_realm.hash->digest_size;
	u8 *end = run->rems;
	int ret = mlog_audit(&cca_log);
	u32 i;

	if (ret < 0)
		return ret;
	for (i = cca_log.first; i < cca_log.registers; i++) {
		*end++ = BYTE_STRING;
		*end++ = size;
		memcpy(end, cca_log.values[i], size);
		end += size;
	}
	run->log_seq = mlog_seq(&cca_log);
	return cca_rsi_token_init(run->challenge, &run->bound);
}

static int token_allocate(struct token_run *run)
{
	if (run->bound > TOKEN_BOUND_MAX)
		return -EFBIG;
	kvfree(run->token);
	run->token = kvmalloc(struct_size(run->token, data, run->bound), GFP_KERNEL_ACCOUNT);
	if (!run->token)
		return -ENOMEM;
	run->token->size = 0;
	run->token->log_seq = run->log_seq;
	return 0;
}

static int token_fetch(struct token_run *run)
{
	int ret = token_allocate(run);
	struct cca_token *token = run->token;
	size_t len;

	if (ret)
		return ret;
	do {
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = cca_rsi_token_continue(run->granule, &len);
		if (ret < 0)
			return ret;
		if (len > RSI_GRANULE_SIZE || len > run->bound - token->size)
			return -EIO;
		memcpy(token->data + token->size, run->granule, len);
		token->size += len;
		/* The RMM still signs. Sleep: a mutex waiter would spin while its owner runs. */
		if (!len)
			usleep_range(50, 100);
	} while (ret == CCA_RSI_INCOMPLETE);
	return token->size ? 0 : -EIO;
}

/* Does the token contain the noted registers, one after the other? */
static bool registers_shown(const struct token_run *run)
{
	size_t at, size = CCA_RSI_INDEX_MAX * (BYTE_STRING_HEAD + cca_realm.hash->digest_size);

	for (at = 0; at + size <= run->token->size; at++)
		if (!memcmp(run->token->data + at, run->rems, size))
			return true;
	return false;
}

/*
 * Checks that the token accounts for the records that were noted. A token that does
 * not show its registers does so if an audit finds that nothing has been extended
 * since. The caller holds the log's lock.
 */
static int token_check(const struct token_run *run)
{
	int ret;

	if (registers_shown(run))
		return 0;
	ret = mlog_audit(&cca_log);
	if (ret < 0)
		return ret;
	return mlog_seq(&cca_log) == run->log_seq ? 0 : -EAGAIN;
}

/* Makes a token. Others may extend registers while the RMM signs, unless @alone. */
static int token_run(struct token_run *run, bool alone)
{
	int ret;

	if (mutex_lock_killable(&cca_log.lock))
		return -EINTR;
	ret = token_start(run);
	if (!ret && alone)
		ret = token_fetch(run) ?: token_check(run);
	mutex_unlock(&cca_log.lock);
	if (ret || alone)
		return ret;
	ret = token_fetch(run);
	if (ret || registers_shown(run))
		return ret;
	if (mutex_lock_killable(&cca_log.lock))
		return -EINTR;
	ret = token_check(run);
	mutex_unlock(&cca_log.lock);
	return ret;
}

/*
 * Makes a token again, once if another sequence on this CPU discarded it (-ESTALE),
 * and if a register changed before the RMM sampled it (-EAGAIN).
 */
static int token_sign(struct token_run *run)
{
	int ret, tries = 0, stale = 0;

	do {
		ret = token_run(run, tries == TOKEN_TRIES - 1);
		tries += ret == -EAGAIN;
		stale += ret == -ESTALE;
	} while ((ret == -EAGAIN && tries < TOKEN_TRIES) || (ret == -ESTALE && stale < 2));
	return ret;
}

/**
 * cca_token_make() - have the RMM sign a token
 * @challenge: CCA_RSI_CHALLENGE_SIZE bytes
 *
 * The token is complete; it is never truncated. Only a fatal signal ends the call.
 *
 * Context: sleeps; RMM specification, RSI_ATTESTATION_TOKEN_INIT and _CONTINUE
 * Return: the token, for kvfree(), or an ERR_PTR(): -EBUSY if another driver owns
 * tokens; -EINTR if the caller is being killed; -ENOMEM; -EFBIG if the RMM's bound
 * is above 1 MiB; -EIO if the RMM breaks its own bounds or fails; -EAGAIN if another
 * program keeps extending registers; -ENOSPC if the log has no room for a record of
 * that; otherwise an error as in cca_rsi.h
 */
struct cca_token *cca_token_make(const u8 *challenge)
{
	u8 *granule __free(kfree) = kzalloc(RSI_GRANULE_SIZE, GFP_KERNEL_ACCOUNT);
	struct token_run run = { .challenge = challenge, .granule = granule };
	int ret;

	if (!(cca_realm.config.flags & CCA_RSI_CONFIG_F_TOKEN))
		return ERR_PTR(-EBUSY);
	if (!granule)
		return ERR_PTR(-ENOMEM);
	if (mutex_lock_killable(&cca_token_lock))
		return ERR_PTR(-EINTR);
	migrate_disable();
	ret = token_sign(&run);
	migrate_enable();
	mutex_unlock(&cca_token_lock);
	if (!ret)
		return run.token;
	kvfree(run.token);
	return ERR_PTR(ret);
}
