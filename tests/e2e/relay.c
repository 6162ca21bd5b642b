// SPDX-License-Identifier: Apache-2.0
/*
 * relay: passes connections from a Unix socket or a vsock to a KBS on TCP.
 *
 *	relay unix PATH ADDRESS PORT
 *	relay vsock PORT ADDRESS PORT
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int listen_unix(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (strlen(path) >= sizeof(at.sun_path))
		die(path);
	strcpy(at.sun_path, path);
	unlink(path);
	/* The user of the courier connects. */
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) || chmod(path, 0666))
		die(path);
	return fd;
}

static int listen_vsock(const char *port)
{
	struct sockaddr_vm at = { .svm_family = AF_VSOCK,
				  .svm_cid = VMADDR_CID_ANY,
				  .svm_port = (unsigned int)atoi(port) };
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)))
		die("vsock");
	return fd;
}

static int kbs_connect(const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		die(address);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* False when one side has ended. */
static bool pass(int from, int to)
{
	char data[4096];
	ssize_t n = read(from, data, sizeof(data));

	for (ssize_t at = 0, m; n > 0 && at < n; at += m) {
		m = write(to, data + at, (size_t)(n - at));
		if (m <= 0)
			return false;
	}
	return n > 0;
}

static void relay(int client, int kbs)
{
	struct pollfd p[] = { { .fd = client, .events = POLLIN }, { .fd = kbs, .events = POLLIN } };
	bool on = true;

	while (on && poll(p, 2, -1) > 0) {
		if (p[0].revents)
			on = pass(client, kbs);
		if (on && p[1].revents)
			on = pass(kbs, client);
	}
}

int main(int argc, char **argv)
{
	const bool local = argc == 5 && !strcmp(argv[1], "unix");
	int fd, client, kbs;

	if (argc != 5) {
		fprintf(stderr, "usage: relay unix PATH|vsock PORT ADDRESS PORT\n");
		return 2;
	}
	fd = local ? listen_unix(argv[2]) : listen_vsock(argv[2]);
	if (listen(fd, 8))
		die("listen");
	while ((client = accept(fd, NULL, NULL)) >= 0) {
		kbs = kbs_connect(argv[3], argv[4]);
		/* A courier keeps its connection, so each needs a process. */
		if (kbs >= 0 && fork() == 0) {
			relay(client, kbs);
			_exit(0);
		}
		close(client);
		if (kbs >= 0)
			close(kbs);
	}
	die("accept");
}
