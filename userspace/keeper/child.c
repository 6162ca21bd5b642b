// SPDX-License-Identifier: Apache-2.0
#include "child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "secrets/confine.h"
#include "secrets/journal.h"
#include "privilege.h"

#define CHANNEL_FD (STDERR_FILENO + 1)

/* --- start ----------------------------------------------------------------------------------- */

/* What a child gets of a locked buffer is zeros, unless @advice is MADV_KEEPONFORK. */
static int fork_advise(const struct settings *settings, int advice)
{
	const struct bytes *const locked[] = { &settings->key, &settings->proxy_credentials };

	for (size_t i = 0; i < ARRAY_SIZE(locked); i++)
		if (locked[i]->locked && locked[i]->data &&
		    madvise(locked[i]->data, locked[i]->size, advice) < 0)
			return -1;
	return 0;
}

static _Noreturn void child_run(child_function *function, const struct settings *settings,
				const struct keeper_options *options, int channel)
{
	/* First, so that no descriptor of the supervisor is left, nor one that a look-up of users has opened. */
	journal_close();
	if (channel != CHANNEL_FD && dup3(channel, CHANNEL_FD, O_CLOEXEC) < 0)
		_exit(1);
	closefrom(CHANNEL_FD + 1);
	(void)fork_advise(settings, MADV_WIPEONFORK);
	function(settings, options, CHANNEL_FD);
	_exit(0);
}

int child_start(struct child *child, child_function *function, const struct settings *settings,
		const struct keeper_options *options, int64_t now, struct error *e)
{
	struct keeper_options with = *options;
	struct sandbox_identity identity;
	int pair[2];
	pid_t pid;

	*child = (struct child)CHILD_INIT;
	confine_identity(&identity);
	with.supervisor = getpid();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "cannot make the keeper's channel");
	if (fork_advise(settings, MADV_KEEPONFORK) < 0) {
		error_set_errno(e, ERROR_SYSTEM, "cannot pass on the client's key");
		pid = -1;
	} else {
		fflush(stderr);
		pid = fork();
		if (pid == 0)
			child_run(function, settings, &with, pair[1]);
		if (pid < 0)
			error_set_errno(e, ERROR_SYSTEM, "cannot start a keeper: fork");
	}
	(void)fork_advise(settings, MADV_WIPEONFORK);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return -1;
	}
	*child = (struct child){ .state = CHILD_STARTING,
				 .pid = pid,
				 .channel = pair[0],
				 .uid = identity.uid,
				 .until = now + CHILD_START_MS };
	return 0;
}

void child_reported(struct child *child, const struct channel_report *report, int64_t now)
{
	/* The kinds that no further start changes: wrong arguments or configuration, and no realm. */
	const bool permanent = report->code >= 2 && report->code <= 4;

	if (report->type == CHANNEL_STARTED && child->state == CHILD_STARTING) {
		child->state = CHILD_RUNNING;
		child->started = now;
		child->until = INT64_MAX;
	}
	if ((report->type == CHANNEL_FAILED || report->type == CHANNEL_STALE) &&
	    child->state != CHILD_STOPPING) {
		child->permanent = report->type == CHANNEL_STALE ||
				   (child->state == CHILD_STARTING && permanent);
		child->code = (int)report->code;
		child->until = now + CHILD_STOP_MS; /* it ends by itself */
		snprintf(child->reason, sizeof(child->reason), "%s", report->text);
	}
}

/* --- end ------------------------------------------------------------------------------------- */

static void child_signal(const struct child *child, int signal)
{
	struct error e = ERROR_INIT;

	/* As root, if this process may signal other users, or if the keeper did not change its user yet. */
	if (kill(child->pid, signal) == 0)
		return;
	if (privilege_lend(child->uid, &e) == 0) {
		if (kill(child->pid, signal) < 0)
			error_set_errno(&e, ERROR_SYSTEM, "cannot signal the keeper");
		privilege_return();
	}
	if (e.kind != ERROR_NONE)
		log_line(LOG_LEVEL_ERROR, "%s", e.text);
}

static void channel_close(struct child *child)
{
	if (child->channel >= 0)
		close(child->channel);
	child->channel = -1;
}

void child_stop(struct child *child, int64_t now)
{
	if (child->state == CHILD_NONE || child->state == CHILD_STOPPING)
		return;
	child->state = CHILD_STOPPING;
	child->until = now + CHILD_STOP_MS;
	child->reason[0] = '\0';
	child_signal(child, SIGTERM);
	/* The end of file ends a keeper that waits, even if the signal cannot. */
	channel_close(child);
}

void child_kill(struct child *child, const char *reason)
{
	child->state = CHILD_STOPPING;
	child->until = INT64_MAX;
	child->code = 1;
	snprintf(child->reason, sizeof(child->reason), "%s", reason);
	channel_close(child);
	child_signal(child, SIGKILL);
}

void child_hang_up(struct child *child, int64_t now)
{
	channel_close(child);
	if (child->until > now + CHILD_STOP_MS)
		child->until = now + CHILD_STOP_MS;
}

void child_late(struct child *child)
{
	char reason[sizeof(child->reason)];

	snprintf(reason, sizeof(reason), "%s",
		 child->state == CHILD_STARTING ? "keeper: did not start in time" :
		 child->state == CHILD_RUNNING	? "keeper: closed its channel" :
						  child->reason);
	log_line(LOG_LEVEL_WARNING, "keeper: killed, because it did not %s in time",
		 child->state == CHILD_STARTING ? "start" : "end");
	child_kill(child, reason);
}

bool child_reap(struct child *child)
{
	int status;

	if (child->state == CHILD_NONE || waitpid(child->pid, &status, WNOHANG) != child->pid)
		return false;
	if (child->state != CHILD_STOPPING && !child->reason[0]) {
		child->code = 1;
		if (WIFSIGNALED(status))
			snprintf(child->reason, sizeof(child->reason),
				 "keeper: killed by signal %d (%s)", WTERMSIG(status),
				 strsignal(WTERMSIG(status)));
		else
			snprintf(child->reason, sizeof(child->reason),
				 "keeper: ended with status %d", WEXITSTATUS(status));
	}
	channel_close(child);
	child->state = CHILD_NONE;
	child->pid = 0;
	return true;
}
