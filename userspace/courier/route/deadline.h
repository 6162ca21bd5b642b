/* SPDX-License-Identifier: Apache-2.0 */
/* deadline: how long a request and its phases may take. A wait also ends when the keeper is gone. */
#ifndef REALMKEY_COURIER_DEADLINE_H
#define REALMKEY_COURIER_DEADLINE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct deadline {
	int64_t end;	   /* boot clock, ms */
	int peer;	   /* the keeper's socket, or -1 */
	const char *phase; /* for messages: "connecting" */
};

/* The most descriptors of one wait. */
#define DEADLINE_FDS_MAX 16

struct deadline deadline_start(unsigned int seconds, int peer);

/* The next phase of the request, with all the time that is left or, if @half, with half of it: then a
 * peer that is too slow here leaves time to report it, or for another connection. */
struct deadline deadline_phase(const struct deadline *whole, const char *phase, bool half);

/* Wait for one of @count descriptors, until @until (boot clock, ms) at most. Returns how many are
 * ready, 0 if none is at @until, or -1 with a transient ERROR_NETWORK: the deadline has passed, or
 * the keeper has closed its socket. */
int deadline_wait(const struct deadline *d, struct pollfd *fds, size_t count, int64_t until,
		  struct error *e);

#endif
