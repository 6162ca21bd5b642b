// SPDX-License-Identifier: GPL-2.0-only
/*
 * The RMM keeps one token in progress per vCPU, and starting another one discards
 * it. So a token is made completely, pinned to one CPU and under the lock, and its
 * user never sees half-finished state of the firmware. A caller that stops half-way
 * leaves nothing to clean up: the next start discards it.
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

/* Room that the last token required, remembered so that the next one is started only once */
static size_t token_room = RSI_GRANULE_SIZE;

/*
 * @granule: where the RMM writes each piece
 * @token: has room for token_room bytes
 * @bound: the RMM's upper bound of the token's size
 */
struct token_run {
	const u8 *challenge;
	u8 *granule;
	struct cca_token *token;
	size_t bound;
};

/* Returns -ENOSPC if token_room had to grow: the caller allocates more and calls again. */
static int token_start(struct token_run *run)
{
	int ret = cca_rsi_token_init(run->challenge, &run->bound);

	if (ret)
		return ret;
	if (run->bound > TOKEN_ROOM_MAX)
		return -EFBIG;
	if (run->bound <= token_room)
		return 0;
	token_room = round_up(run->bound, RSI_GRANULE_SIZE);
	return -ENOSPC;
}

static int token_fetch(struct token_run *run)
{
	struct cca_token *token = run->token;
	size_t len;
	int ret;

	token->size = 0;
	do {
		if (signal_pending(current))
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

/* Retries once if another sequence on this CPU discarded the token (-ESTALE). */
static int token_run_pinned(struct token_run *run)
{
	int ret;

	migrate_disable();
	ret = token_start(run) ?: token_fetch(run);
	if (ret == -ESTALE)
		ret = token_start(run) ?: token_fetch(run);
	migrate_enable();
	return ret;
}

/*
 * Retries with the room that the RMM asks for. Memory is allocated before pinning,
 * so that no reclaim happens while pinned.
 */
static int token_sign(struct token_run *run)
{
	int ret;

	do {
		kvfree(run->token);
		run->token =
			kvmalloc(struct_size(run->token, data, token_room), GFP_KERNEL_ACCOUNT);
		if (!run->token)
			return -ENOMEM;
		ret = token_run_pinned(run);
	} while (ret == -ENOSPC);
	return ret;
}

/*
 * If an audit before the token and one after it find no change, the token's registers
 * are those that the log leads to, whenever the RMM read them.
 */
static int token_sign_audited(struct token_run *run)
{
	int tries, ret = mlog_audit(&cca_log);

	for (tries = 0; ret >= 0 && tries < TOKEN_TRIES; tries++) {
		ret = token_sign(run) ?: mlog_audit(&cca_log);
		if (!ret) {
			run->token->log_seq = mlog_seq(&cca_log);
			return 0;
		}
	}
	return ret < 0 ? ret : -EAGAIN;
}

/**
 * cca_token_make() - have the RMM sign a token
 * @challenge: CCA_RSI_CHALLENGE_SIZE bytes
 *
 * The token is complete; it is never truncated.
 *
 * Context: sleeps; RMM specification, RSI_ATTESTATION_TOKEN_INIT and _CONTINUE
 * Return: the token, for kvfree(), or an ERR_PTR(): -EBUSY if another driver owns
 * tokens; -EINTR; -ENOMEM; -EFBIG if the RMM's bound is above 1 MiB; -EIO if the
 * RMM breaks its own bounds or fails; -EAGAIN if another program keeps extending
 * registers; -ENOSPC if the log has no room for a record of that; otherwise an
 * error as in cca_rsi.h
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
	scoped_cond_guard(mutex_intr, return ERR_PTR(-EINTR), &cca_log.lock)
		ret = token_sign_audited(&run);
	if (!ret)
		return run.token;
	kvfree(run.token);
	return ERR_PTR(ret);
}
