/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool: the processes that evaluate policies, and who waits for one. Nothing here blocks. A question
 * that takes longer than its time costs its process, and is answered with an error; another process is
 * started for the next question. One policy can occupy all processes but one, so that a policy
 * which takes its time does not delay the others.
 */
#ifndef TRUSTEED_POOL_H
#define TRUSTEED_POOL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "trusteed/loop/loop.h"

struct pool;

struct pool_job {
	/* Called once, never within pool_ask(): @answer (see rego/question.h), borrowed, or NULL and what
	 * failed. An ERROR_INPUT is a mistake in the policy, an ERROR_POLICY a policy that was cut off, an
	 * ERROR_SYSTEM this machine's; all of them deny. */
	void (*done)(struct pool_job *job, json_t *answer, const struct error *e);
	/* Of the pool. */
	struct pool_job *next;
	struct bytes question;
	char policy[80];
	int64_t until;
	void *worker;
};

struct pool_limits {
	unsigned int processes; /* 2 at least */
	size_t waiting;		/* questions that wait, at most; further ones are refused */
	size_t memory;		/* of a process, bytes */
	int64_t time;		/* for a question, ms */
};

#define POOL_LIMITS_INIT \
	{ .processes = 2, .waiting = 1024, .memory = (size_t)256 << 20, .time = 2000 }

/* No process is started before the first question. NULL with an ERROR_SYSTEM. */
struct pool *pool_open(struct loop *loop, const struct pool_limits *limits, struct error *e);
/* Jobs that wait are not answered. @pool may be NULL. */
void pool_close(struct pool *pool);

/* Whether policies in Rego can be evaluated here. */
bool pool_available(void);

/* Have "references": true in questions stand for @values from now on. Each process gets them once, with the next
 * question, and not with each, which would cost more than the evaluation. @values does not change. ERROR_SYSTEM. */
int pool_keep(struct pool *pool, json_t *values, struct error *e);
/* Ask @question, a frame, which is taken, with the policy @policy (a name with its kind, for fairness).
 * @job belongs to the caller, and must stay until it is done or cancelled. ERROR_SYSTEM; ERROR_POLICY if too
 * many wait or there is no engine. */
int pool_ask(struct pool *pool, struct pool_job *job, const char *policy, struct bytes *question,
	     struct error *e);
/* Never call @job->done. A process that works on it is ended. */
void pool_cancel(struct pool *pool, struct pool_job *job);

#endif
