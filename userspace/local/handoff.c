// SPDX-License-Identifier: Apache-2.0
#include "handoff.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for one descriptor. */
union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

int handoff_send(int channel, const struct handoff *packet, int fd, struct error *e)
{
	struct iovec part = { .iov_base = (void *)(uintptr_t)packet, .iov_len = sizeof(*packet) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union control control = { .room = "" };

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
						   .cmsg_level = SOL_SOCKET,
						   .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	if (sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sizeof(*packet))
		return error_set_errno(e, ERROR_SYSTEM, "the other process of realmkey-local");
	return 0;
}

static int descriptor_of(struct msghdr *message)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

int handoff_receive(int channel, struct handoff *packet, int *fd, struct error *e)
{
	struct iovec part = { .iov_base = packet, .iov_len = sizeof(*packet) };
	union control control = { .room = "" };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t n;

	*fd = -1;
	do
		n = recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n != (ssize_t)sizeof(*packet))
		return error_set(e, ERROR_SYSTEM, "the other process of realmkey-local has ended");
	*fd = descriptor_of(&message);
	packet->name[sizeof(packet->name) - 1] = '\0';
	return 1;
}
