/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop: waits, in one thread, for descriptors and for times, with epoll and the boot clock. Its users
 * embed a source or a timer, and are called when it is ready. A callback may remove and free any source
 * or timer, also its own.
 */
#ifndef TRUSTEED_LOOP_H
#define TRUSTEED_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct loop_source {
	int fd;
	/* @events are those of epoll, EPOLLIN and so on. */
	void (*ready)(struct loop_source *source, uint32_t events);
};

struct loop_timer {
	int64_t at; /* boot clock, ms */
	void (*due)(struct loop_timer *timer);
	size_t index; /* of the loop */
	bool set;     /* of the loop; false at first */
};

struct loop;

/* NULL with an ERROR_SYSTEM. */
struct loop *loop_open(struct error *e);
/* Its sources stay open, and its timers are never due. @loop may be NULL. */
void loop_close(struct loop *loop);

/* Call @source->ready when its descriptor has one of @events. ERROR_SYSTEM. */
int loop_add(struct loop *loop, struct loop_source *source, uint32_t events, struct error *e);
/* Wait for these events instead; 0: only for an error or the end of the other side. */
void loop_change(struct loop *loop, struct loop_source *source, uint32_t events);
/* Call it no more. Before the descriptor is closed. */
void loop_remove(struct loop *loop, struct loop_source *source);

/* Call @timer->due at @at, in place of the time that it has. ERROR_SYSTEM: out of memory. */
int loop_set(struct loop *loop, struct loop_timer *timer, int64_t at, struct error *e);
void loop_unset(struct loop *loop, struct loop_timer *timer);

/* Wait, and call what is ready, until loop_stop(). ERROR_SYSTEM. */
int loop_run(struct loop *loop, struct error *e);
/* The same once: wait @timeout ms at most (-1: without limit). */
int loop_step(struct loop *loop, int timeout, struct error *e);
void loop_stop(struct loop *loop);

#endif
