/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_status: waits until the status in a keyring may have changed. The kernel reports changes (inotify) of the
 * directory or, if this user may not list it, of the file. A wait is bounded anyway, so that a keyring which is
 * mounted later is noticed, and so is a time-out while the realm is suspended.
 */
#ifndef REALMKEY_WATCH_STATUS_H
#define REALMKEY_WATCH_STATUS_H

#include <stdint.h>

struct watch_status {
	const char *keyring; /* not owned */
	int fd;		     /* of inotify; -1: only time passes */
};

void watch_status_open(struct watch_status *watch, const char *keyring);
void watch_status_close(struct watch_status *watch);
/* Call it before the status is read: changes after that end the next wait. */
void watch_status_arm(struct watch_status *watch);
/* Wait for a change, at most @ms, and at most two seconds. */
void watch_status_wait(struct watch_status *watch, int64_t ms);

#endif
