// SPDX-License-Identifier: Apache-2.0
#include "connect.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

_Static_assert(ADDRESSES_MAX <= DEADLINE_FDS_MAX, "each address may have a socket");

struct race {
	const struct addresses *addresses;
	size_t order[ADDRESSES_MAX], next; /* what to try, and how many were tried */
	struct pollfd fds[ADDRESSES_MAX];  /* connections that are being made */
	size_t running;
	int64_t next_at; /* boot clock, ms: when to try the next one */
	int error;	 /* errno of the last failure */
};

/* The first address of @family that was not taken, or else of any. */
static size_t race_pick(const struct race *race, const bool taken[], sa_family_t family)
{
	const struct addresses *list = race->addresses;
	size_t any = list->count;

	for (size_t i = 0; i < list->count; i++) {
		if (taken[i])
			continue;
		if (list->at[i].ss_family == family)
			return i;
		if (any == list->count)
			any = i;
	}
	return any;
}

/* RFC 8305 section 4: the families alternate, each in its own order. */
static void race_order(struct race *race)
{
	const struct addresses *list = race->addresses;
	bool taken[ADDRESSES_MAX] = { false };
	sa_family_t family = list->at[0].ss_family;

	for (size_t i = 0; i < list->count; i++) {
		race->order[i] = race_pick(race, taken, family);
		taken[race->order[i]] = true;
		family = list->at[race->order[i]].ss_family == AF_INET6 ? AF_INET : AF_INET6;
	}
}

/* Begin the next connection, which may fail at once. */
static void race_start(struct race *race)
{
	const struct addresses *list = race->addresses;
	size_t i = race->order[race->next++];
	int fd = socket(list->at[i].ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			IPPROTO_TCP);

	if (fd >= 0 && (connect(fd, (const struct sockaddr *)&list->at[i], list->len[i]) == 0 ||
			errno == EINPROGRESS)) {
		race->fds[race->running++] = (struct pollfd){ .fd = fd, .events = POLLOUT };
		race->next_at = clock_boot_ms() + CONNECT_STAGGER;
		return;
	}
	race->error = errno;
	if (fd >= 0)
		close(fd);
}

/* Look at the connections after a wait. Returns one that is made, or -1; those that have failed are
 * removed. */
static int race_winner(struct race *race)
{
	for (size_t i = race->running; i-- > 0;) {
		int fd = race->fds[i].fd, error = 0;
		socklen_t len = sizeof(error);

		if (!race->fds[i].revents)
			continue;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
			error = errno;
		race->fds[i] = race->fds[--race->running];
		if (!error)
			return fd;
		close(fd);
		race->error = error;
		race->next_at = 0;
	}
	return -1;
}

static int race_run(struct race *race, const struct deadline *d, struct error *e)
{
	const size_t count = race->addresses->count;

	for (;;) {
		int fd;

		while (race->next < count && (!race->running || clock_boot_ms() >= race->next_at))
			race_start(race);
		if (!race->running) {
			errno = race->error;
			error_set_errno(e, ERROR_NETWORK, "no connection");
			e->transient = true;
			return -1;
		}
		if (deadline_wait(d, race->fds, race->running,
				  race->next < count ? race->next_at : INT64_MAX, e) < 0)
			return -1;
		fd = race_winner(race);
		if (fd >= 0)
			return fd;
	}
}

int connect_race(const struct addresses *addresses, const struct deadline *d, struct error *e)
{
	struct race race = { .addresses = addresses };
	const int on = 1;
	int fd;

	race_order(&race);
	fd = race_run(&race, d, e);
	for (size_t i = 0; i < race.running; i++)
		close(race.fds[i].fd);
	if (fd >= 0) /* a request is one write; if this fails, it is only slower */
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}
