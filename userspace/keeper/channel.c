// SPDX-License-Identifier: Apache-2.0
#include "channel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define CODE_MAX 255

/* --- packets --------------------------------------------------------------------------------- */

static int packet_send(int fd, const void *packet, size_t size, int flags, struct error *e)
{
	ssize_t n;

	do
		n = send(fd, packet, size, MSG_NOSIGNAL | flags);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)size ? 0 : error_set_errno(e, ERROR_SYSTEM, "channel");
}

/* Receive a packet of exactly @size bytes. 1, 0 if there is none, or -1. */
static int packet_receive(int fd, void *packet, size_t size, struct error *e)
{
	ssize_t n;

	do /* MSG_TRUNC: the size of the packet, even if it is larger */
		n = recv(fd, packet, size, MSG_DONTWAIT | MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ?
			       0 :
			       error_set_errno(e, ERROR_SYSTEM, "channel");
	if (n == 0)
		return error_set(e, ERROR_SYSTEM, "channel: the other process has ended");
	if (n != (ssize_t)size)
		return error_set(e, ERROR_PROTOCOL, "channel: packet of %zd bytes, not %zu", n,
				 size);
	return 1;
}

/* --- commands -------------------------------------------------------------------------------- */

int channel_send_command(int fd, const struct channel_command *command, struct error *e)
{
	/* The supervisor must not wait for a keeper that does not read. */
	return packet_send(fd, command, sizeof(*command), MSG_DONTWAIT, e);
}

int channel_receive_command(int fd, struct channel_command *command, struct error *e)
{
	int ret = packet_receive(fd, command, sizeof(*command), e);

	if (ret > 0 && command->type != CHANNEL_PING && command->type != CHANNEL_REFRESH)
		return error_set(e, ERROR_PROTOCOL, "channel: command %u", command->type);
	return ret;
}

/* --- reports --------------------------------------------------------------------------------- */

int channel_send_report(int fd, enum channel_type type, uint32_t id, bool ready, int code,
			const char *text, struct error *e)
{
	struct channel_report report;

	memset(&report, 0, sizeof(report)); /* padding and the rest of the text */
	report.type = type;
	report.id = id;
	report.ready = ready;
	report.code = (uint32_t)code;
	snprintf(report.text, sizeof(report.text), "%s", text);
	return packet_send(fd, &report, sizeof(report), 0, e);
}

int channel_receive_report(int fd, struct channel_report *report, struct error *e)
{
	int ret = packet_receive(fd, report, sizeof(*report), e);

	if (ret <= 0)
		return ret;
	if (report->type < CHANNEL_STARTED || report->type > CHANNEL_DONE || report->ready > 1 ||
	    report->code > CODE_MAX || !memchr(report->text, '\0', sizeof(report->text)))
		return error_set(e, ERROR_PROTOCOL, "channel: malformed report of type %u",
				 report->type);
	error_text_clean(report->text);
	return 1;
}
