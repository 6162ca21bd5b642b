// SPDX-License-Identifier: Apache-2.0
#include "pool.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "rego/process.h"
#include "rego/question.h"

/* A question waits for a process as long as so many questions may take. */
#define POOL_WAIT_TIMES 5
/* The questions that wait have so many bytes at most: each has a policy. */
#define POOL_BYTES ((size_t)64 << 20)
/* How long the end of a killed process is awaited without blocking, ms. The kernel releases its
 * memory first, and closes its socket then. */
#define POOL_END_MS 1000
/* Bytes that are read at once, and those of a frame before its text. */
#define POOL_READ  16384
#define FRAME_HEAD 4

enum pool_state {
	POOL_IDLE, /* with or without a process */
	POOL_BUSY,
	POOL_ENDING, /* the process was killed, and its memory is being released */
};

struct pool_worker {
	struct loop_source source; /* the process's socket */
	struct loop_timer timer;   /* of the question, or of the end of the process */
	struct pool *pool;
	enum pool_state state;
	struct rego_process process;
	struct pool_job *job;
	unsigned int
		kept; /* the change of which the process has the reference values; 0: it has none */
	size_t sent;  /* bytes of the question */
	struct bytes answer; /* what has come of it */
};

struct pool {
	struct loop *loop;
	struct pool_limits limits;
	struct pool_job *first, *last; /* that wait, the oldest first */
	size_t waiting, bytes;	       /* how many, and their bytes */
	struct loop_timer timer;       /* something is to be done for those that wait */
	json_t *values;		       /* reference values, owned, or NULL */
	struct bytes keep;	       /* their text */
	unsigned int changes;	       /* how often they changed */
	struct pool_worker worker[];
};

/* --- who waits -------------------------------------------------------------------------------- */

/* Look at those that wait at @at. If there is no memory for it, the next change of a process does so. */
static void pool_wake(struct pool *pool, int64_t at)
{
	struct error e = ERROR_INIT;

	if (loop_set(pool->loop, &pool->timer, at, &e) < 0)
		log_line(LOG_LEVEL_ERROR, "policies: %s", e.text);
}

static void pool_queue(struct pool *pool, struct pool_job *job)
{
	job->next = NULL;
	job->worker = NULL;
	job->until = clock_boot_ms() + POOL_WAIT_TIMES * pool->limits.time;
	if (pool->last)
		pool->last->next = job;
	else
		pool->first = job;
	pool->last = job;
	pool->waiting++;
	pool->bytes += job->question.len;
}

/* Remove @job, which @before (NULL: none) precedes. */
static void pool_unqueue(struct pool *pool, struct pool_job *before, struct pool_job *job)
{
	if (before)
		before->next = job->next;
	else
		pool->first = job->next;
	if (pool->last == job)
		pool->last = before;
	job->next = NULL;
	pool->waiting--;
	pool->bytes -= job->question.len;
}

/* How many questions with @policy wait. */
static size_t pool_waiting(const struct pool *pool, const char *policy)
{
	size_t n = 0;

	for (const struct pool_job *job = pool->first; job; job = job->next)
		n += strcmp(job->policy, policy) == 0;
	return n;
}

/* How many processes @policy occupies. */
static unsigned int pool_occupied(const struct pool *pool, const char *policy)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < pool->limits.processes; i++)
		n += pool->worker[i].job && strcmp(pool->worker[i].job->policy, policy) == 0;
	return n;
}

/* Take the oldest question whose policy may occupy one more process. */
static struct pool_job *pool_take(struct pool *pool)
{
	struct pool_job *before = NULL, *job = pool->first;

	while (job && pool_occupied(pool, job->policy) + 1 >= pool->limits.processes) {
		before = job;
		job = job->next;
	}
	if (job)
		pool_unqueue(pool, before, job);
	return job;
}

/* --- one process ------------------------------------------------------------------------------ */

/* Answer @worker's question, which it no longer works on. */
static void worker_done(struct pool_worker *worker, json_t *answer, const struct error *e)
{
	struct pool_job *job = worker->job;

	worker->job = NULL;
	bytes_clear(&worker->answer);
	bytes_free(&job->question);
	job->worker = NULL;
	job->done(job, answer, e);
}

/* The process has ended or is to end now: wait for it. What it ended by becomes @e. */
static void worker_end(struct pool_worker *worker, struct error *e)
{
	loop_unset(worker->pool->loop, &worker->timer);
	if (worker->process.fd >= 0)
		loop_remove(worker->pool->loop, &worker->source);
	rego_end(&worker->process, e);
	if (e && e->kind == ERROR_NONE)
		error_set(e, ERROR_POLICY, "realmkey-policy ended before it had answered");
	worker->process = (struct rego_process)REGO_PROCESS_INIT;
	worker->kept = 0;
	worker->state = POOL_IDLE;
}

/* Kill the process, and wait for its end in the loop. */
static void worker_kill(struct pool_worker *worker)
{
	struct loop *loop = worker->pool->loop;
	struct error e = ERROR_INIT;

	kill(worker->process.pid, SIGKILL);
	worker->state = POOL_ENDING;
	loop_change(loop, &worker->source, 0);
	if (loop_set(loop, &worker->timer, clock_boot_ms() + POOL_END_MS, &e) < 0)
		worker_end(worker, NULL);
}

/* The question failed with @e, and the process with it. */
static void worker_fail(struct pool_worker *worker, struct error *e)
{
	worker_end(worker, e);
	pool_wake(worker->pool, clock_boot_ms());
	worker_done(worker, NULL, e);
}

static void worker_overdue(struct pool_worker *worker)
{
	int64_t ms = worker->pool->limits.time;
	struct error e = ERROR_INIT;

	worker_kill(worker);
	error_set(&e, ERROR_POLICY, "the policy took longer than %lld.%lld s and was ended",
		  (long long)(ms / 1000), (long long)(ms % 1000 / 100));
	worker_done(worker, NULL, &e);
}

static void worker_due(struct loop_timer *timer)
{
	struct pool_worker *worker =
		(struct pool_worker *)((char *)timer - offsetof(struct pool_worker, timer));

	if (worker->state == POOL_BUSY) {
		worker_overdue(worker);
	} else {
		worker_end(worker, NULL);
		pool_wake(worker->pool, clock_boot_ms());
	}
}

/* Send what the socket takes of the question. */
static int worker_send(struct pool_worker *worker, struct error *e)
{
	const struct bytes *question = &worker->job->question;

	while (worker->sent < question->len) {
		ssize_t n = send(worker->process.fd, question->data + worker->sent,
				 question->len - worker->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			/* It has ended. Why, rego_end() says. */
			return errno == EPIPE || errno == ECONNRESET ?
				       -1 :
				       error_set_errno(e, ERROR_SYSTEM, "realmkey-policy");
		worker->sent += (size_t)n;
	}
	loop_change(worker->pool->loop, &worker->source,
		    worker->sent < question->len ? EPOLLIN | EPOLLOUT : EPOLLIN);
	return 0;
}

/* Receive what has come. 1; 0 if the process has ended; -1. */
static int worker_receive(struct pool_worker *worker, struct error *e)
{
	size_t before = worker->answer.len;
	ssize_t n;

	if (bytes_resize(&worker->answer, before + POOL_READ, e) < 0)
		return -1;
	n = recv(worker->process.fd, worker->answer.data + before, POOL_READ, MSG_DONTWAIT);
	bytes_truncate(&worker->answer, before + (n > 0 ? (size_t)n : 0));
	if (n > 0)
		return 1;
	if (n == 0 || errno == ECONNRESET)
		return 0;
	if (errno == EAGAIN || errno == EINTR)
		return 1;
	return error_set_errno(e, ERROR_SYSTEM, "realmkey-policy");
}

/* The whole answer has come. Returns -1 if it is none. */
static int worker_answered(struct pool_worker *worker, struct error *e)
{
	json_t *answer = rego_answer(worker->answer.data + FRAME_HEAD,
				     worker->answer.len - FRAME_HEAD, e);

	if (!answer && e->kind != ERROR_INPUT)
		return -1;
	worker->state = POOL_IDLE;
	loop_unset(worker->pool->loop, &worker->timer);
	pool_wake(worker->pool, clock_boot_ms());
	worker_done(worker, answer, answer ? NULL : e);
	json_decref(answer);
	return 0;
}

/* Something has come from the process that answers @worker's question. Returns -1 if it cannot go on. */
static int worker_read(struct pool_worker *worker, struct error *e)
{
	struct bytes *answer = &worker->answer;
	int64_t size;

	if (worker_receive(worker, e) <= 0)
		return -1;
	size = rego_frame_size(answer->data, answer->len, REGO_ANSWER_MAX, e);
	if (size < 0)
		return -1;
	if (size == 0 || answer->len < (size_t)size)
		return 0;
	if (answer->len > (size_t)size || worker->sent < worker->job->question.len)
		return error_set(e, ERROR_PROTOCOL, "realmkey-policy answered before it was asked");
	return worker_answered(worker, e);
}

static void worker_ready(struct loop_source *source, uint32_t events)
{
	struct pool_worker *worker = (struct pool_worker *)source;
	struct error e = ERROR_INIT;

	if (worker->state != POOL_BUSY) {
		worker_end(worker, worker->state == POOL_IDLE ? &e : NULL);
		if (e.kind != ERROR_NONE)
			log_line(LOG_LEVEL_WARNING, "policies: %s", e.text);
		pool_wake(worker->pool, clock_boot_ms());
	} else if (((events & EPOLLOUT) && worker_send(worker, &e) < 0) ||
		   worker_read(worker, &e) < 0) {
		worker_fail(worker, &e);
	}
}

static int worker_spawn(struct pool_worker *worker, struct error *e)
{
	if (rego_start(&worker->process, worker->pool->limits.memory, e) < 0)
		return -1;
	worker->source = (struct loop_source){ .fd = worker->process.fd, .ready = worker_ready };
	if (loop_add(worker->pool->loop, &worker->source, EPOLLIN, e) == 0)
		return 0;
	rego_end(&worker->process, NULL);
	worker->process = (struct rego_process)REGO_PROCESS_INIT;
	return -1;
}

/* Add the reference values to the question if the process does not have them. */
static int worker_keep(struct pool_worker *worker, struct error *e)
{
	const struct pool *pool = worker->pool;

	if (worker->kept == pool->changes)
		return 0;
	worker->kept = pool->changes;
	return rego_keep(&worker->job->question, &pool->keep, e);
}

/* Begin with @job. If this fails, @job is done. */
static int worker_begin(struct pool_worker *worker, struct pool_job *job)
{
	struct pool *pool = worker->pool;
	struct error e = ERROR_INIT;

	worker->state = POOL_BUSY;
	worker->job = job;
	worker->sent = 0;
	job->worker = worker;
	if ((worker->process.pid != 0 || worker_spawn(worker, &e) == 0) &&
	    worker_keep(worker, &e) == 0 &&
	    loop_set(pool->loop, &worker->timer, clock_boot_ms() + pool->limits.time, &e) == 0 &&
	    worker_send(worker, &e) == 0)
		return 0;
	worker_fail(worker, &e);
	return -1;
}

/* --- the pool --------------------------------------------------------------------------------- */

static struct pool_worker *pool_idle(struct pool *pool)
{
	for (unsigned int i = 0; i < pool->limits.processes; i++)
		if (pool->worker[i].state == POOL_IDLE)
			return &pool->worker[i];
	return NULL;
}

/* Refuse those that have waited too long. */
static void pool_expire(struct pool *pool)
{
	while (pool->first && pool->first->until <= clock_boot_ms()) {
		struct pool_job *job = pool->first;
		struct error e = ERROR_INIT;

		pool_unqueue(pool, NULL, job);
		bytes_free(&job->question);
		error_set(&e, ERROR_POLICY, "no process was free for the policy for %lld s",
			  (long long)(POOL_WAIT_TIMES * pool->limits.time / 1000));
		job->done(job, NULL, &e);
	}
}

static void pool_due(struct loop_timer *timer)
{
	struct pool *pool = (struct pool *)((char *)timer - offsetof(struct pool, timer));
	struct pool_worker *worker;
	struct pool_job *job;

	pool_expire(pool);
	while ((worker = pool_idle(pool)) && (job = pool_take(pool)))
		if (worker_begin(worker, job) < 0)
			return; /* It has had this called again. */
	if (pool->first)
		pool_wake(pool, pool->first->until);
}

bool pool_available(void)
{
	return rego_available();
}

struct pool *pool_open(struct loop *loop, const struct pool_limits *limits, struct error *e)
{
	struct pool *pool = calloc(1,
				   sizeof(*pool) + limits->processes * sizeof(struct pool_worker));

	if (!pool) {
		error_set_memory(e);
		return NULL;
	}
	pool->loop = loop;
	pool->limits = *limits;
	pool->timer.due = pool_due;
	for (unsigned int i = 0; i < limits->processes; i++)
		pool->worker[i] = (struct pool_worker){
			.pool = pool,
			.process = REGO_PROCESS_INIT,
			.timer.due = worker_due,
		};
	return pool;
}

void pool_close(struct pool *pool)
{
	if (!pool)
		return;
	for (unsigned int i = 0; i < pool->limits.processes; i++) {
		if (pool->worker[i].job)
			bytes_free(&pool->worker[i].job->question);
		worker_end(&pool->worker[i], NULL);
		bytes_free(&pool->worker[i].answer);
	}
	for (struct pool_job *job = pool->first; job; job = job->next)
		bytes_free(&job->question);
	loop_unset(pool->loop, &pool->timer);
	bytes_free(&pool->keep);
	json_decref(pool->values);
	free(pool);
}

int pool_keep(struct pool *pool, json_t *values, struct error *e)
{
	struct bytes text = BYTES_INIT;
	int ret = 0;

	if (pool->values == values)
		return 0;
	ret = json_compact(values, &text, e);
	if (ret == 0) {
		bytes_swap(&pool->keep, &text);
		json_decref(pool->values);
		pool->values = json_incref(values);
		pool->changes++;
	}
	bytes_free(&text);
	return ret;
}

int pool_ask(struct pool *pool, struct pool_job *job, const char *policy, struct bytes *question,
	     struct error *e)
{
	if (!pool_available())
		return error_set(e, ERROR_POLICY,
				 "%s cannot be executed, so no policy can be evaluated",
				 rego_program());
	/* No policy fills the queue alone either. */
	if (pool->waiting >= pool->limits.waiting || pool->bytes + question->len > POOL_BYTES ||
	    pool_waiting(pool, policy) >= (pool->limits.waiting + 1) / 2)
		return error_set(e, ERROR_POLICY, "too many requests wait for a policy");
	snprintf(job->policy, sizeof(job->policy), "%s", policy);
	if (loop_set(pool->loop, &pool->timer, clock_boot_ms(), e) < 0)
		return -1;
	bytes_free(&job->question);
	bytes_swap(&job->question, question);
	pool_queue(pool, job);
	return 0;
}

void pool_cancel(struct pool *pool, struct pool_job *job)
{
	struct pool_worker *worker = job->worker;
	struct pool_job *before = NULL;

	if (worker) {
		bytes_free(&job->question);
		job->worker = NULL;
		worker->job = NULL;
		bytes_clear(&worker->answer);
		worker_kill(worker);
		return;
	}
	for (struct pool_job *at = pool->first; at; before = at, at = at->next) {
		if (at == job) {
			pool_unqueue(pool, before, job);
			bytes_free(&job->question);
			return;
		}
	}
}
