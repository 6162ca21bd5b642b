// SPDX-License-Identifier: Apache-2.0
#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"

/* Events of one call of the kernel. */
#define BATCH 64
/* Calls in a row that a signal may end before there is a pause, and before the loop gives up: so many are a
 * fault of this machine, and nothing could end the loop. */
#define INTERRUPTED_PAUSE 100
#define INTERRUPTED_MAX	  1100
#define PAUSE_US	  10000

struct loop {
	int epoll;
	bool stopped;
	unsigned int interrupted; /* calls of the kernel, in a row */
	struct epoll_event batch[BATCH];
	int batched, at; /* events in the batch; the one that is called next */
	/* A heap: none is due later than timer[2 * i + 1] and timer[2 * i + 2], its children. */
	struct loop_timer **timer;
	size_t timers, room;
};

struct loop *loop_open(struct error *e)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop) {
		error_set_memory(e);
		return NULL;
	}
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		error_set_errno(e, ERROR_SYSTEM, "epoll");
		free(loop);
		return NULL;
	}
	return loop;
}

void loop_close(struct loop *loop)
{
	if (!loop)
		return;
	for (size_t i = 0; i < loop->timers; i++)
		loop->timer[i]->set = false;
	free(loop->timer);
	close(loop->epoll);
	free(loop);
}

/* --- descriptors ------------------------------------------------------------------------------ */

int loop_add(struct loop *loop, struct loop_source *source, uint32_t events, struct error *e)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, source->fd, &event) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "epoll");
	return 0;
}

/* Events of @source that the kernel has reported, and that were not called yet, are called only if they
 * are of @mask. */
static void loop_mask(struct loop *loop, const struct loop_source *source, uint32_t mask)
{
	for (int i = loop->at; i < loop->batched; i++)
		if (loop->batch[i].data.ptr == source)
			loop->batch[i].events &= mask;
}

void loop_change(struct loop *loop, struct loop_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	/* This fails only for a descriptor that was not added, since the kernel allocates nothing. */
	(void)epoll_ctl(loop->epoll, EPOLL_CTL_MOD, source->fd, &event);
	loop_mask(loop, source, events | EPOLLERR | EPOLLHUP);
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
	(void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
	loop_mask(loop, source, 0);
}

/* --- times ------------------------------------------------------------------------------------ */

static void timer_put(struct loop *loop, size_t index, struct loop_timer *timer)
{
	loop->timer[index] = timer;
	timer->index = index;
}

/* Put @timer at @index, or above it, where the heap is in order. */
static void timer_rise(struct loop *loop, size_t index, struct loop_timer *timer)
{
	while (index > 0 && loop->timer[(index - 1) / 2]->at > timer->at) {
		timer_put(loop, index, loop->timer[(index - 1) / 2]);
		index = (index - 1) / 2;
	}
	timer_put(loop, index, timer);
}

/* The same at @index or below it. */
static void timer_sink(struct loop *loop, size_t index, struct loop_timer *timer)
{
	size_t child;

	while ((child = 2 * index + 1) < loop->timers) {
		if (child + 1 < loop->timers && loop->timer[child + 1]->at < loop->timer[child]->at)
			child++;
		if (loop->timer[child]->at >= timer->at)
			break;
		timer_put(loop, index, loop->timer[child]);
		index = child;
	}
	timer_put(loop, index, timer);
}

static int timer_room(struct loop *loop, struct error *e)
{
	size_t room = loop->room ? 2 * loop->room : 16;
	struct loop_timer **more;

	if (loop->timers < loop->room)
		return 0;
	more = reallocarray(loop->timer, room, sizeof(struct loop_timer *));
	if (!more)
		return error_set_memory(e);
	loop->timer = more;
	loop->room = room;
	return 0;
}

int loop_set(struct loop *loop, struct loop_timer *timer, int64_t at, struct error *e)
{
	loop_unset(loop, timer);
	if (timer_room(loop, e) < 0)
		return -1;
	timer->at = at;
	timer->set = true;
	timer_rise(loop, loop->timers++, timer);
	return 0;
}

void loop_unset(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer *last;

	if (!timer->set)
		return;
	timer->set = false;
	last = loop->timer[--loop->timers];
	if (last == timer)
		return;
	timer_sink(loop, timer->index, last);
	timer_rise(loop, last->index, last);
}

/* Call the timers that are due now, at most as many as there are: one that is set again for now waits
 * for the next step, after the descriptors. */
static void timers_call(struct loop *loop)
{
	int64_t now = loop->timers ? clock_boot_ms() : 0;

	for (size_t left = loop->timers; left > 0 && loop->timers > 0; left--) {
		struct loop_timer *timer = loop->timer[0];

		if (timer->at > now)
			return;
		loop_unset(loop, timer);
		timer->due(timer);
	}
}

/* How long to wait for a descriptor. The kernel does not count the time in which this machine sleeps, so
 * after a sleep timers may be late by as much as they had left. */
static int loop_wait_ms(const struct loop *loop, int timeout)
{
	int64_t left;

	if (!loop->timers)
		return timeout;
	left = loop->timer[0]->at - clock_boot_ms();
	if (left < 0)
		left = 0;
	if (timeout >= 0 && timeout < left)
		return timeout;
	return left > INT_MAX ? INT_MAX : (int)left;
}

/* --- the loop --------------------------------------------------------------------------------- */

int loop_step(struct loop *loop, int timeout, struct error *e)
{
	int count = epoll_wait(loop->epoll, loop->batch, BATCH, loop_wait_ms(loop, timeout));

	if (count >= 0)
		loop->interrupted = 0;
	else if (errno != EINTR || ++loop->interrupted > INTERRUPTED_MAX)
		return error_set_errno(e, ERROR_SYSTEM, "epoll");
	else if (loop->interrupted > INTERRUPTED_PAUSE)
		usleep(PAUSE_US);
	loop->batched = count;
	loop->at = 0;
	while (loop->at < loop->batched) {
		const struct epoll_event *event = &loop->batch[loop->at++];
		struct loop_source *source = event->data.ptr;

		if (event->events)
			source->ready(source, event->events);
	}
	timers_call(loop);
	return 0;
}

int loop_run(struct loop *loop, struct error *e)
{
	int ret = 0;

	while (ret == 0 && !loop->stopped)
		ret = loop_step(loop, -1, e);
	loop->stopped = false;
	return ret;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}
