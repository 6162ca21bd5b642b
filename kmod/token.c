// SPDX-License-Identifier: GPL-2.0-only
/*
 * The RMM keeps one token in progress per vCPU, and starting another drops it.
 * So a token is made whole, pinned to one CPU and under the lock; whoever gets
 * it sees no half-finished state of the firmware. Who leaves half-way leaves
 * nothing to clean up: the next start does that.
 */

#include <linux/delay.h>
#include <linux/math.h>
#include <linux/preempt.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include <asm/rsi.h>

#include "cca_rsi.h"

#define TOKEN_ROOM_MAX	SZ_1M
/* Tokens that are made in vain while somebody else extends */
#define TOKEN_TRIES	4

/* Room that the last token asked for, so that the next one is not started in vain. */
static size_t token_room = RSI_GRANULE_SIZE;

/*
 * @granule: what the RMM writes each piece to
 * @token: with token_room bytes for its data
 * @bound: the RMM's upper bound of the token's size
 */
struct token_run {
	const u8 *challenge;
	u8 *granule;
	struct cca_token *token;
	size_t bound;
};

/* -ENOSPC: again, there will be more room. */
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
		/* The RMM still signs. Who waits for the lock would spin while its owner runs. */
		if (!len)
			usleep_range(50, 100);
	} while (ret == CCA_RSI_INCOMPLETE);
	return token->size ? 0 : -EIO;
}

/* A state lost to someone else's sequence on this CPU is tried for once more. */
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
 * With as much room as it takes. All memory is had before the CPU is pinned, so
 * that nothing reclaims while it is.
 */
static int token_sign(struct token_run *run)
{
	int ret;

	do {
		kvfree(run->token);
		run->token = kvmalloc(struct_size(run->token, data, token_room),
				      GFP_KERNEL_ACCOUNT);
		if (!run->token)
			return -ENOMEM;
		ret = token_run_pinned(run);
	} while (ret == -ENOSPC);
	return ret;
}

/*
 * The registers of a token between two audits that find nothing are those that
 * the log leads to, whenever it was that the RMM took them.
 */
static int token_sign_audited(struct token_run *run)
{
	int tries, ret = cca_realm_audit();

	for (tries = 0; ret >= 0 && tries < TOKEN_TRIES; tries++) {
		ret = token_sign(run) ?: cca_realm_audit();
		if (!ret) {
			run->token->log_seq = cca_log_seq();
			return 0;
		}
	}
	return ret < 0 ? ret : -EAGAIN;
}

/**
 * cca_token_make() - have the RMM sign a token
 * @challenge: CCA_RSI_CHALLENGE_SIZE bytes
 *
 * A token is whole or not at all, never cut short.
 *
 * Context: sleeps; RMM specification, RSI_ATTESTATION_TOKEN_INIT and _CONTINUE
 * Return: the token, for kvfree(), or an ERR_PTR(): -EBUSY if another driver owns
 * tokens; -EINTR; -ENOMEM; -EFBIG if the RMM's bound is beyond reason; -EIO if
 * the RMM breaks its own bounds or fails; -EAGAIN if somebody else goes on
 * extending registers; -ENOSPC if the log has no room to say so; otherwise an
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
	scoped_cond_guard(mutex_intr, return ERR_PTR(-EINTR), &cca_realm_lock)
		ret = token_sign_audited(&run);
	if (!ret)
		return run.token;
	kvfree(run.token);
	return ERR_PTR(ret);
}
