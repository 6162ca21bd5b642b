// SPDX-License-Identifier: Apache-2.0
#include "watch_status.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "status/status.h"

#define BOUND_MS	 2000
#define BOUND_UNSEEN_MS	 500 /* if the kernel reports nothing */
#define DIRECTORY_EVENTS (IN_MOVED_TO | IN_CREATE | IN_CLOSE_WRITE | IN_DELETE | IN_ONLYDIR)
#define FILE_EVENTS	 (IN_ATTRIB | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF)
#define PATH_SIZE	 4096

void watch_status_open(struct watch_status *watch, const char *keyring)
{
	watch->keyring = keyring;
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
}

void watch_status_close(struct watch_status *watch)
{
	if (watch->fd >= 0)
		close(watch->fd);
	watch->fd = -1;
}

/* Adding a watch again does nothing while the file is the same, and finds the new one otherwise. */
static int watch_add(const struct watch_status *watch)
{
	char path[PATH_SIZE];

	if (watch->fd < 0)
		return -1;
	if (inotify_add_watch(watch->fd, watch->keyring, DIRECTORY_EVENTS) >= 0)
		return 0;
	snprintf(path, sizeof(path), "%s/" STATUS_FILE, watch->keyring);
	return inotify_add_watch(watch->fd, path, FILE_EVENTS) < 0 ? -1 : 0;
}

void watch_status_arm(struct watch_status *watch)
{
	char events[4096];

	(void)watch_add(watch);
	while (watch->fd >= 0 && read(watch->fd, events, sizeof(events)) > 0)
		;
}

void watch_status_wait(struct watch_status *watch, int64_t ms)
{
	const int64_t bound = watch_add(watch) < 0 ? BOUND_UNSEEN_MS : BOUND_MS;
	struct pollfd poll_fd = { .fd = watch->fd, .events = POLLIN };

	if (ms > 0)
		(void)poll(&poll_fd, 1, (int)(ms < bound ? ms : bound));
}
