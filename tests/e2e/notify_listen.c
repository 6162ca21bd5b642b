// SPDX-License-Identifier: Apache-2.0
/*
 * notify_listen SOCKET FILE: takes the place of a service manager. Appends each datagram that arrives at
 * the AF_UNIX socket to FILE, one line each, until it is killed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int socket_bind(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	strcpy(address.sun_path, path);
	unlink(path);
	return bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? fd : -1;
}

int main(int argc, char **argv)
{
	int in, out;

	if (argc != 3) {
		fprintf(stderr, "usage: notify_listen SOCKET FILE\n");
		return 2;
	}
	in = socket_bind(argv[1]);
	out = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (in < 0 || out < 0) {
		perror("notify_listen");
		return 1;
	}
	for (;;) {
		char text[4096];
		ssize_t len = recv(in, text, sizeof(text) - 1, 0);

		if (len < 0)
			return 1;
		text[len] = '\n';
		if (write(out, text, (size_t)len + 1) != len + 1)
			return 1;
	}
}
