/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child: the process that is the keeper, as the supervisor sees it: starting it, ending it within a
 * bounded time, and why it ended. All times are milliseconds on a clock of the caller.
 */
#ifndef REALMKEY_CHILD_H
#define REALMKEY_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "channel.h"
#include "config/settings.h"
#include "serve.h"

#define CHILD_START_MS 90000 /* for CHANNEL_STARTED; then it is killed */
#define CHILD_STOP_MS  10000 /* for its end after SIGTERM; then it is killed */

/* What the child does: keeper_child(), or a fake of it in tests. */
typedef void child_function(const struct settings *settings, const struct keeper_options *options,
			    int channel);

enum child_state {
	CHILD_NONE,
	CHILD_STARTING,
	CHILD_RUNNING,	/* it has sent CHANNEL_STARTED */
	CHILD_STOPPING, /* it was asked to end, or killed */
};

struct child {
	enum child_state state;
	pid_t pid;
	int channel;   /* -1: closed */
	uid_t uid;     /* that a keeper becomes */
	int64_t until; /* when it is killed, or INT64_MAX */
	int64_t started;
	bool permanent; /* it did not start, and another one would not start either */
	int code;	/* an exit status for why it ended */
	char reason
		[CHANNEL_TEXT_MAX]; /* the same for people; empty if it ended because it was asked to */
};

#define CHILD_INIT { .channel = -1 }

/* Fork. The child has its standard streams and the channel, and no other descriptor of this process. Of locked
 * buffers, it has the contents of those in @settings only. */
int child_start(struct child *child, child_function *function, const struct settings *settings,
		const struct keeper_options *options, int64_t now, struct error *e);
/* Note what @report says of its state. */
void child_reported(struct child *child, const struct channel_report *report, int64_t now);
/* Ask it to end. */
void child_stop(struct child *child, int64_t now);
/* Kill it, because of @reason. */
void child_kill(struct child *child, const char *reason);
/* Its channel is at its end: it must end soon. */
void child_hang_up(struct child *child, int64_t now);
/* At the time child->until: kill it. */
void child_late(struct child *child);
/* If it has ended, return true: child->state is then CHILD_NONE, and child->reason
 * says why. */
bool child_reap(struct child *child);

#endif
