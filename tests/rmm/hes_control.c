/* SPDX-License-Identifier: Apache-2.0 */
#include "hes_control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hes_socket.h"

struct executor {
	void (*execute)(void *context, const char *line, char *answer);
	void *context;
};

bool hes_control_open(struct hes_control *control, const char *path)
{
	for (int i = 0; i < HES_CONTROL_PEERS; i++)
		control->peer[i].fd = -1;
	control->fd = path ? hes_socket_listen(path, HES_CONTROL_PEERS) : -1;
	return !path || control->fd >= 0;
}

static void peer_close(struct hes_control *control, int i)
{
	close(control->peer[i].fd);
	control->peer[i].fd = -1;
}

void hes_control_close(struct hes_control *control)
{
	for (int i = 0; i < HES_CONTROL_PEERS; i++) {
		if (control->peer[i].fd >= 0)
			peer_close(control, i);
	}
	if (control->fd >= 0)
		close(control->fd);
	control->fd = -1;
}

void hes_control_poll(const struct hes_control *control, struct pollfd fds[HES_CONTROL_FDS])
{
	for (int i = 0; i < HES_CONTROL_PEERS; i++)
		fds[i] = (struct pollfd){ .fd = control->peer[i].fd, .events = POLLIN };
	fds[HES_CONTROL_PEERS] = (struct pollfd){ .fd = control->fd, .events = POLLIN };
}

/* Never blocks: a peer that does not read its answers is dropped. */
static bool answer_send(int fd, const char *answer)
{
	size_t size = strlen(answer);

	return send(fd, answer, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size;
}

static bool byte_add(struct hes_control *control, int i, char byte, const struct executor *executor)
{
	char answer[HES_FAULT_ANSWER], *line = control->peer[i].line;
	size_t *got = &control->peer[i].got;

	if (byte != '\n' && byte && *got < HES_FAULT_LINE - 1) {
		line[(*got)++] = byte;
		return true;
	}
	if (byte != '\n') { /* the start of the next line is unknown, so the peer is dropped */
		answer_send(control->peer[i].fd,
			    "error: the line is too long or has a zero byte\n");
		return false;
	}
	line[*got] = '\0';
	*got = 0;
	executor->execute(executor->context, line, answer);
	return answer_send(control->peer[i].fd, answer);
}

static void peer_serve(struct hes_control *control, int i, const struct executor *executor)
{
	char buffer[HES_FAULT_LINE];
	ssize_t size = recv(control->peer[i].fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	bool ok = size > 0;

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	for (ssize_t at = 0; ok && at < size; at++)
		ok = byte_add(control, i, buffer[at], executor);
	if (!ok)
		peer_close(control, i);
}

static void peer_accept(struct hes_control *control)
{
	int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC);

	for (int i = 0; fd >= 0 && i < HES_CONTROL_PEERS; i++) {
		if (control->peer[i].fd >= 0)
			continue;
		control->peer[i].fd = fd;
		control->peer[i].got = 0;
		return;
	}
	if (fd < 0)
		return;
	answer_send(fd, "error: too many connections, try again later\n");
	close(fd);
}

void hes_control_serve(struct hes_control *control, const struct pollfd fds[HES_CONTROL_FDS],
		       void (*execute)(void *context, const char *line, char *answer),
		       void *context)
{
	const struct executor executor = { execute, context };

	for (int i = 0; i < HES_CONTROL_PEERS; i++) {
		if (control->peer[i].fd >= 0 && fds[i].revents)
			peer_serve(control, i, &executor);
	}
	if (control->fd >= 0 && fds[HES_CONTROL_PEERS].revents)
		peer_accept(control);
}
