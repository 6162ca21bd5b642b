// SPDX-License-Identifier: GPL-2.0-only
/*
 * The RMM keeps one token in progress per vCPU, and starting another drops it.
 * So a token is made whole, pinned to one CPU and under the lock; whoever gets
 * it sees no half-finished state of the firmware. Who leaves half-way leaves
 * nothing to clean up: the next start does that.
 */

#include <linux/cleanup.h>
#include <linux/gfp.h>
#include <linux/math.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <asm/rsi.h>

#include "log.h"
#include "realm.h"
#include "rsi.h"
#include "token.h"

#define TOKEN_ROOM_MAX	SZ_1M
/* Tokens that are made in vain while somebody else extends */
#define TOKEN_TRIES	4

/* Room that the last token asked for, so that the next one is not started in vain. */
static size_t token_room = RSI_GRANULE_SIZE;

/*
 * @granule: what the RMM writes to, one piece after the other
 * @room: size of @data
 * @bound: the RMM's upper bound of @size
 */
struct token_run {
	const u8 *challenge;
	u8 *granule;
	u8 *data;
	size_t room;
	size_t bound;
	size_t size;
};

/* Until the granule is full or the token ends. */
static int granule_fill(struct token_run *run, size_t *used)
{
	size_t len;
	int ret;

	*used = 0;
	do {
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = cca_rsi_token_continue(run->granule, *used, RSI_GRANULE_SIZE - *used, &len);
		if (ret < 0)
			return ret;
		if (len > RSI_GRANULE_SIZE - *used)
			return -EIO;
		*used += len;
		if (!len)
			cond_resched();
	} while (ret == CCA_RSI_INCOMPLETE && *used < RSI_GRANULE_SIZE);
	return ret;
}

static int token_start(struct token_run *run)
{
	int ret = cca_rsi_token_init(run->challenge, &run->bound);

	if (ret)
		return ret;
	if (run->bound > TOKEN_ROOM_MAX)
		return -EFBIG;
	return run->bound > run->room ? -ENOSPC : 0;
}

static int token_fetch(struct token_run *run)
{
	size_t used;
	int ret;

	run->size = 0;
	do {
		ret = granule_fill(run, &used);
		if (ret < 0)
			return ret;
		if (used > run->bound - run->size)
			return -EIO;
		memcpy(run->data + run->size, run->granule, used);
		run->size += used;
	} while (ret == CCA_RSI_INCOMPLETE);
	return run->size ? 0 : -EIO;
}

static int token_run_pinned(struct token_run *run)
{
	int ret;

	migrate_disable();
	ret = token_start(run) ?: token_fetch(run);
	migrate_enable();
	return ret;
}

/*
 * All memory is had before the CPU is pinned, so that nothing reclaims while it
 * is. -ENOSPC: again, there will be more room. A state lost to someone else's
 * sequence on this CPU is tried for once more.
 */
static int token_attempt(struct token_run *run)
{
	int ret;

	run->room = token_room;
	run->data = kvmalloc(run->room, GFP_KERNEL_ACCOUNT);
	if (!run->data)
		return -ENOMEM;
	ret = token_run_pinned(run);
	if (ret == -ESTALE)
		ret = token_run_pinned(run);
	if (ret)
		kvfree(run->data);
	if (ret == -ENOSPC)
		token_room = round_up(run->bound, RSI_GRANULE_SIZE);
	return ret;
}

/* With as much room as it takes. */
static int token_sign(struct token_run *run)
{
	int ret;

	do {
		ret = token_attempt(run);
	} while (ret == -ENOSPC);
	return ret;
}

/*
 * The registers of a token between two audits that find nothing are those that
 * the log leads to, whenever it was that the RMM took them.
 */
static int token_sign_audited(struct token_run *run)
{
	int tries, ret;

	for (tries = 0; tries < TOKEN_TRIES; tries++) {
		ret = cca_realm_audit();
		if (ret >= 0)
			ret = token_sign(run);
		if (ret)
			return ret;
		ret = cca_realm_audit();
		if (!ret)
			return 0;
		kvfree(run->data);
		if (ret < 0)
			return ret;
	}
	return -EAGAIN;
}

/**
 * cca_token_make() - have the RMM sign a token
 * @challenge: CCA_RSI_CHALLENGE_SIZE bytes
 * @token: takes the token; its data is the caller's to kvfree()
 *
 * A token is whole or not at all, never cut short.
 *
 * Context: sleeps; RMM specification, RSI_ATTESTATION_TOKEN_INIT and _CONTINUE
 * Return: 0; -EBUSY if another driver owns tokens; -EINTR; -ENOMEM; -EFBIG if
 * the RMM's bound is beyond reason; -EIO if the RMM breaks its own bounds or
 * fails; -EAGAIN if somebody else goes on extending registers; -ENOSPC if the
 * log has no room to say so; otherwise an error as in rsi.h
 */
int cca_token_make(const u8 *challenge, struct cca_token *token)
{
	u8 *granule __free(free_page) = (u8 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	struct token_run run = { .challenge = challenge, .granule = granule };
	int ret;

	if (!cca_realm_tokens_owned())
		return -EBUSY;
	if (!granule)
		return -ENOMEM;
	scoped_cond_guard(mutex_intr, return -EINTR, &cca_realm_lock) {
		ret = token_sign_audited(&run);
		token->log_seq = cca_log_seq();
	}
	if (ret)
		return ret;
	token->data = run.data;
	token->size = run.size;
	return 0;
}
