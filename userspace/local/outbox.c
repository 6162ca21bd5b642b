// SPDX-License-Identifier: Apache-2.0
#include "outbox.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

/* Returns how many bytes were written, 0 if the client does not accept any now, or -1. */
static ssize_t piece_write(int fd, const void *data, size_t len)
{
	ssize_t n;

	do
		n = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) ? 0 : n;
}

enum outbox_result outbox_write(struct outbox *out, int fd)
{
	static const uint8_t zeros[16384];

	while (out->done < out->text.len || out->excess) {
		const size_t left = out->text.len - out->done;
		const size_t more = out->excess < sizeof(zeros) ? out->excess : sizeof(zeros);
		const ssize_t n = left ? piece_write(fd, out->text.data + out->done, left) :
					 piece_write(fd, zeros, more);

		if (n < 0)
			return OUTBOX_GONE;
		if (n == 0)
			return OUTBOX_WAITS;
		if (left)
			out->done += (size_t)n;
		else
			out->excess -= (size_t)n;
	}
	return OUTBOX_DONE;
}

void outbox_free(struct outbox *out)
{
	bytes_free(&out->text);
	out->done = 0;
	out->excess = 0;
}
