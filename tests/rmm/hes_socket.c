/* SPDX-License-Identifier: Apache-2.0 */
#include "hes_socket.h"

#include <err.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool address_in_use(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool used = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;

	if (fd >= 0)
		close(fd);
	return used;
}

int hes_socket_listen(const char *path, int backlog)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		warnx("%s: too long for a socket's path", path);
		return -1;
	}
	strcpy(address.sun_path, path);
	if (address_in_use(&address)) {
		warnx("%s: another process listens on this socket", path);
		return -1;
	}
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    chmod(path, 0600) == 0 && listen(fd, backlog) == 0)
		return fd;
	warn("%s: cannot listen on this socket", path);
	if (fd >= 0)
		close(fd);
	return -1;
}
