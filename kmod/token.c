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
 * signs. An RMM that samples later is detected, see registers_shown().
 */

#include <linux/delay.h>
#include <linux/math.h>
#include <linux/preempt.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include <asm/rsi.h>

#include "cca_rsi.h"

#define TOKEN_ROOM_MAX SZ_1M
/* Attempts before giving up because the registers keep changing */
#define TOKEN_TRIES 4
/* Head of a CBOR byte string of 24 to 255 bytes, before its length in one byte */
#define BYTE_STRING 0x58
#define BYTE_STRING_HEAD 2

/* Held over each token from its start to its last byte; taken before the log's lock */
DEFINE_MUTEX(cca_token_lock);

/* Room that the last token required, remembered so that the next one is started only once */
static size_t token_room = RSI_GRANULE_SIZE;

/*
 * @granule: where the RMM writes each piece
 * @token: has room for @room bytes
 * @bound: the RMM's upper bound of the token's size
 * @rems: REM0..REM3 as the token has them if the RMM sampled them when it was started
 */
struct token_run {
	const u8 *challenge;
	u8 *granule;
	struct cca_token *token;
	size_t room;
	size_t bound;
	u8 rems[CCA_RSI_INDEX_MAX * (BYTE_STRING_HEAD + CCA_RSI_DIGEST_MAX)];
	size_t rems_size;
};

/* Notes which records and values the token accounts for. The caller holds the log's lock. */
static int registers_note(struct token_run *run)
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
	run->rems_size = end - run->rems;
	run->token->log_seq = mlog_seq(&cca_log);
	return 0;
}

/* Starts a token on this CPU. The caller holds both locks, and unpins after success. */
static int token_start(struct token_run *run)
{
	int ret = registers_note(run);

	if (ret)
		return ret;
	migrate_disable();
	ret = cca_rsi_token_init(run->challenge, &run->bound);
	if (!ret && run->bound > TOKEN_ROOM_MAX)
		ret = -EFBIG;
	if (!ret && run->bound > run->room) {
		token_room = round_up(run->bound, RSI_GRANULE_SIZE);
		ret = -ENOBUFS;
	}
	if (ret)
		migrate_enable();
	return ret;
}

static int token_fetch(struct token_run *run)
{
	struct cca_token *token = run->token;
	size_t len;
	int ret;

	token->size = 0;
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

static int token_finish(struct token_run *run)
{
	int ret = token_fetch(run);

	migrate_enable();
	return ret;
}

/*
 * The token accounts for the records that were noted if it contains the noted
 * registers, one after the other. A token that shows its registers in another way
 * does so too if an audit finds that nothing has been extended since. The caller
 * holds the log's lock.
 */
static int registers_unchanged(struct token_run *run)
{
	int ret = mlog_audit(&cca_log);

	if (ret < 0)
		return ret;
	return mlog_seq(&cca_log) == run->token->log_seq ? 0 : -EAGAIN;
}

static bool registers_shown(const struct token_run *run)
{
	const struct cca_token *token = run->token;
	size_t at;

	for (at = 0; at + run->rems_size <= token->size; at++)
		if (!memcmp(token->data + at, run->rems, run->rems_size))
			return true;
	return false;
}

/* Makes a token while others may extend registers. */
static int token_run(struct token_run *run)
{
	int ret;

	if (mutex_lock_killable(&cca_log.lock))
		return -EINTR;
	ret = token_start(run);
	mutex_unlock(&cca_log.lock);
	if (ret)
		return ret;
	ret = token_finish(run);
	if (ret || registers_shown(run))
		return ret;
	if (mutex_lock_killable(&cca_log.lock))
		return -EINTR;
	ret = registers_unchanged(run);
	mutex_unlock(&cca_log.lock);
	return ret;
}

/* Makes a token while this module extends none. */
static int token_run_alone(struct token_run *run)
{
	int ret;

	if (mutex_lock_killable(&cca_log.lock))
		return -EINTR;
	ret = token_start(run);
	if (!ret)
		ret = token_finish(run);
	if (!ret && !registers_shown(run))
		ret = registers_unchanged(run);
	mutex_unlock(&cca_log.lock);
	return ret;
}

/* Allocates before any lock of the log, so that no reader waits for memory. */
static int token_allocate(struct token_run *run)
{
	if (run->token && run->room >= token_room)
		return 0;
	kvfree(run->token);
	run->room = token_room;
	run->token = kvmalloc(struct_size(run->token, data, run->room), GFP_KERNEL_ACCOUNT);
	return run->token ? 0 : -ENOMEM;
}

/*
 * Makes a token again, if the RMM requires more room for it, once if another sequence
 * on this CPU discarded it (-ESTALE), and if a register changed before the RMM
 * sampled it (-EAGAIN).
 */
static int token_sign(struct token_run *run)
{
	int ret, tries = 0, stale = 0;

	do {
		ret = token_allocate(run);
		if (ret)
			return ret;
		ret = tries < TOKEN_TRIES - 1 ? token_run(run) : token_run_alone(run);
		tries += ret == -EAGAIN;
		stale += ret == -ESTALE;
	} while (ret == -ENOBUFS || (ret == -EAGAIN && tries < TOKEN_TRIES) ||
		 (ret == -ESTALE && stale < 2));
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
	ret = token_sign(&run);
	mutex_unlock(&cca_token_lock);
	if (!ret)
		return run.token;
	kvfree(run.token);
	return ERR_PTR(ret);
}
