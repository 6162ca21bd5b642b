// SPDX-License-Identifier: Apache-2.0
#include "broker.h"

#include <errno.h>
#include <linux/vm_sockets.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool broker_needed(const struct target *t)
{
	return target_uses(t, URL_UNIX) || target_uses(t, URL_VSOCK);
}

int broker_open(int pair[2], struct error *e)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "courier: socketpair");
	return 0;
}

/* --- the supervisor ---------------------------------------------------------------------------- */

/* Returns a socket whose connection is made or being made, or -1 and errno. */
static int broker_connect(const struct url_parts *to)
{
	struct sockaddr_un path = { .sun_family = AF_UNIX };
	struct sockaddr_vm vsock = { .svm_family = AF_VSOCK,
				     .svm_cid = to->cid,
				     .svm_port = to->service };
	const bool local = to->transport == URL_UNIX;
	const struct sockaddr *address = local ? (const void *)&path : (const void *)&vsock;
	int fd, error;

	_Static_assert(sizeof(path.sun_path) == URL_PATH_SIZE, "url.h");
	strcpy(path.sun_path, to->path);
	fd = socket(local ? AF_UNIX : AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, address, local ? sizeof(path) : sizeof(vsock)) == 0 ||
	    errno == EINPROGRESS)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int broker_answer(int fd, int connection, int error)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec data = { &error, sizeof(error) };
	struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1 };

	if (connection >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.header), &connection, sizeof(connection));
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

void broker_serve(int fd, const struct target *t)
{
	uint8_t index;
	ssize_t n;

	while ((n = recv(fd, &index, 1, 0)) == 1 || (n < 0 && errno == EINTR)) {
		int connection, error, ret;

		if (n < 0)
			continue;
		if (index >= t->servers || t->server[index].to.transport == URL_TCP)
			return;
		connection = broker_connect(&t->server[index].to);
		error = connection < 0 ? errno : 0;
		ret = broker_answer(fd, connection, error);
		if (connection >= 0)
			close(connection);
		if (ret < 0)
			return;
	}
}

/* --- the worker -------------------------------------------------------------------------------- */

static int no_connection(int error, struct error *e)
{
	errno = error;
	error_set_errno(e, ERROR_NETWORK, "no connection");
	e->transient = true;
	if (error == EAFNOSUPPORT)
		return error_append(e,
				    "; if systemd started the courier, its unit has to allow this "
				    "(realmkey-courier(8), TRANSPORTS)");
	return -1;
}

/* The socket in an answer, or -1 with @e. */
static int answer_read(int fd, struct error *e)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	int error = 0, connection;
	struct iovec data = { &error, sizeof(error) };
	struct msghdr m = { .msg_iov = &data,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);

	if (n < 0)
		return error_set_errno(e, ERROR_SYSTEM, "courier: recvmsg");
	if (n != (ssize_t)sizeof(error))
		return error_set(e, ERROR_SYSTEM, "courier: no answer of the supervisor");
	if (error)
		return no_connection(error, e);
	if (!CMSG_FIRSTHDR(&m) || control.header.cmsg_type != SCM_RIGHTS)
		return no_connection(EMFILE, e);
	memcpy(&connection, CMSG_DATA(&control.header), sizeof(connection));
	return connection;
}

/* Wait until @fd is connected. */
static int connection_await(int fd, const struct deadline *d, struct error *e)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t len = sizeof(error);

	if (deadline_wait(d, &p, 1, INT64_MAX, e) < 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	return error ? no_connection(error, e) : 0;
}

int broker_ask(int fd, size_t index, const struct deadline *d, struct error *e)
{
	const uint8_t byte = (uint8_t)index;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int connection;

	if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1)
		return error_set_errno(e, ERROR_SYSTEM, "courier: the supervisor");
	if (deadline_wait(d, &p, 1, INT64_MAX, e) < 0)
		return -1;
	connection = answer_read(fd, e);
	if (connection >= 0 && connection_await(connection, d, e) < 0) {
		close(connection);
		return -1;
	}
	return connection;
}
