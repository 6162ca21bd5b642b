// SPDX-License-Identifier: Apache-2.0
#include "stream.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"

static enum exchange_end ready_wait(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left;
	int ready;

	do {
		left = deadline - clock_boot_ms();
		ready = left > 0 ? poll(&p, 1, (int)left) : 0;
	} while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return EXCHANGE_POLL_FAILED;
	return ready ? EXCHANGE_DONE : EXCHANGE_LATE;
}

/* @events: POLLIN, or POLLOUT, with which @data is only read. */
static enum exchange_end transfer(int fd, short events, uint8_t *data, size_t len, int64_t deadline)
{
	while (len) {
		enum exchange_end end = ready_wait(fd, events, deadline);
		ssize_t n;

		if (end != EXCHANGE_DONE)
			return end;
		n = events == POLLIN ? recv(fd, data, len, MSG_DONTWAIT) :
				       send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		/* A reset is an end before the other process has read all. */
		if (n == 0 || (n < 0 && (errno == EPIPE || errno == ECONNRESET)))
			return EXCHANGE_CLOSED;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return EXCHANGE_FAILED;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return EXCHANGE_DONE;
}

enum exchange_end exchange_send(int fd, const void *data, size_t len, int64_t deadline)
{
	return transfer(fd, POLLOUT, (uint8_t *)data, len, deadline);
}

enum exchange_end exchange_receive(int fd, void *data, size_t len, int64_t deadline)
{
	return transfer(fd, POLLIN, data, len, deadline);
}
