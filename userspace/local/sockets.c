// SPDX-License-Identifier: Apache-2.0
#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST 3 /* SD_LISTEN_FDS_START */

static int socket_take(struct sockets *sockets, const char *name, size_t len, int fd,
		       struct error *e)
{
	int *to = NULL;

	if (len == strlen(SOCKETS_HELD) && !memcmp(name, SOCKETS_HELD, len)) {
		if (sockets->held_count < SOCKETS_HELD_MAX)
			sockets->held[sockets->held_count++] = fd;
		return 0;
	}
	if (len == strlen(SOCKETS_CREDENTIALS) && !memcmp(name, SOCKETS_CREDENTIALS, len))
		to = &sockets->credentials;
	else if (len == strlen(SOCKETS_API) && !memcmp(name, SOCKETS_API, len))
		to = &sockets->api;
	if (!to || *to >= 0)
		return error_set(e, ERROR_CONFIG,
				 "socket %d is not called " SOCKETS_CREDENTIALS " or " SOCKETS_API
				 " (FileDescriptorName= in systemd.socket(5))",
				 fd);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "socket %d of the service manager", fd);
	*to = fd;
	return 0;
}

int sockets_inherit(struct sockets *sockets, struct error *e)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	const long count = fds ? strtol(fds, NULL, 10) : 0;

	if (!pid || strtol(pid, NULL, 10) != getpid() || count <= 0)
		return 0;
	for (int i = 0; i < count; i++) {
		const size_t len = names ? strcspn(names, ":") : 0;

		if (socket_take(sockets, names, len, FIRST + i, e) < 0)
			return -1;
		names = names && names[len] ? names + len + 1 : NULL;
	}
	return (int)count;
}

int sockets_listen(const char *path, unsigned int mode, struct error *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t mask;
	int fd, ret;

	if (strlen(path) >= sizeof(at.sun_path))
		return error_set(e, ERROR_USAGE, "%s: path too long for a socket", path);
	strcpy(at.sun_path, path);
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return error_set(e, ERROR_USAGE, "%s: exists, and is not a socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set_errno(e, ERROR_SYSTEM, "%s", path);
	unlink(path);
	/* Never more accessible than in the end. */
	mask = umask(0777 & ~mode);
	ret = bind(fd, (const struct sockaddr *)&at, sizeof(at));
	umask(mask);
	if (ret == 0 && listen(fd, SOCKETS_BACKLOG) == 0)
		return fd;
	error_set_errno(e, ERROR_SYSTEM, "%s", path);
	close(fd);
	return -1;
}

void sockets_store(int notify, int fd)
{
	static char text[] = "FDSTORE=1\nFDNAME=" SOCKETS_HELD;
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = "" };
	struct iovec part = { .iov_base = text, .iov_len = sizeof(text) - 1 };
	const struct msghdr message = { .msg_iov = &part,
					.msg_iovlen = 1,
					.msg_control = &control,
					.msg_controllen = sizeof(control) };

	if (notify < 0)
		return;
	control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
					   .cmsg_level = SOL_SOCKET,
					   .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	/* Without it the reader still holds the connection. */
	(void)sendmsg(notify, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}
