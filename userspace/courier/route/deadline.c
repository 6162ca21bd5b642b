// SPDX-License-Identifier: Apache-2.0
#include "deadline.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/clock.h"

struct deadline deadline_start(unsigned int seconds, int peer)
{
	return (struct deadline){ .end = clock_boot_ms() + (int64_t)seconds * 1000, .peer = peer };
}

struct deadline deadline_phase(const struct deadline *whole, const char *phase, bool half)
{
	struct deadline part = *whole;
	int64_t now = clock_boot_ms();

	part.phase = phase;
	if (half && now < part.end)
		part.end = now + (part.end - now) / 2;
	return part;
}

int deadline_wait(const struct deadline *d, struct pollfd *fds, size_t count, int64_t until,
		  struct error *e)
{
	struct pollfd all[DEADLINE_FDS_MAX + 1];
	int64_t end = until < d->end ? until : d->end, left;
	int ready;

	memcpy(all, fds, count * sizeof(*fds));
	all[count] = (struct pollfd){ .fd = d->peer };
	do {
		left = end - clock_boot_ms();
		left = left < 0 ? 0 : left > INT_MAX ? INT_MAX : left;
		ready = poll(all, count + 1, (int)left);
	} while (ready < 0 && errno == EINTR);
	memcpy(fds, all, count * sizeof(*fds));
	if (ready < 0)
		return error_set_errno(e, ERROR_SYSTEM, "courier: poll");
	if (all[count].revents)
		return error_set_transient(e, ERROR_NETWORK, "aborted: the keeper is gone");
	if (ready == 0 && end == d->end)
		return error_set_transient(e, ERROR_NETWORK, "timed out while %s", d->phase);
	return ready;
}
