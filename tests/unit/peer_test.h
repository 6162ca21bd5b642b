/* SPDX-License-Identifier: Apache-2.0 */
/* peer_test: servers that answer each request with one text, a proxy, and three servers of http_server.h.
 * Include after cmocka.h. */
#ifndef REALMKEY_PEER_TEST_H
#define REALMKEY_PEER_TEST_H

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "courier_test.h"

static struct http_server secure, second;
static struct bytes secure_pem = BYTES_INIT, second_pem = BYTES_INIT;

/* A server that reads the head of a request, keeps it, and sends @text. If @text is NULL, it is a proxy. */
struct peer {
	pid_t pid;
	char url[160];
	char *head;	  /* shared: of the last request */
	int *connections; /* shared */
};

static inline int connect_to(unsigned int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return connect(fd, (struct sockaddr *)&to, sizeof(to)) ? -1 : fd;
}

static inline void carry(int a, int b)
{
	struct pollfd p[2] = { { .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN } };
	char piece[4096];

	while (poll(p, 2, -1) > 0)
		for (int i = 0; i < 2; i++) {
			ssize_t n = p[i].revents ? read(p[i].fd, piece, sizeof(piece)) : 1;

			if (n <= 0 || (p[i].revents && write(p[!i].fd, piece, (size_t)n) != n))
				return;
		}
}

static inline void peer_serve(const struct peer *peer, int fd, const char *text)
{
	static const char yes[] = "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n";
	size_t len = 0;
	ssize_t n = 1;

	memset(peer->head, 0, 4096);
	while (len < 4095 && n > 0 && !strstr(peer->head, "\r\n\r\n")) {
		n = read(fd, peer->head + len, 4095 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	if (text) {
		if (write(fd, text, strlen(text)) > 0)
			usleep(20000);
		return;
	}
	n = connect_to((unsigned int)strtoul(strchr(peer->head, ':') + 1, NULL, 10));
	if (n >= 0 && write(fd, yes, strlen(yes)) > 0)
		carry(fd, (int)n);
}

static inline void peer_start(struct peer *peer, int listener, const char *text)
{
	peer->head = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	peer->connections = (int *)(void *)(peer->head + 4096);
	assert_int_equal(listen(listener, 8), 0);
	peer->pid = fork();
	if (peer->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		for (;;) {
			int fd = accept(listener, NULL, NULL);

			++*peer->connections;
			peer_serve(peer, fd, text);
			close(fd);
		}
	}
	close(listener);
}

static inline void peer_tcp(struct peer *peer, const char *text)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	snprintf(peer->url, sizeof(peer->url), "http://127.0.0.1:%u", ntohs(address.sin_port));
	peer_start(peer, listener, text);
}

static inline void peer_unix(struct peer *peer, const char *path, const char *text)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(path);
	strcpy(address.sun_path, path);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	snprintf(peer->url, sizeof(peer->url), "unix:%s", path);
	peer_start(peer, listener, text);
}

static inline void peer_stop(struct peer *peer)
{
	kill(peer->pid, SIGKILL);
	waitpid(peer->pid, NULL, 0);
	munmap(peer->head, 8192);
}

static inline int all_start(void **state)
{
	SSL_CTX *tls = http_server_tls("IP:127.0.0.1", &secure_pem);

	(void)state;
	http_server_start(&plain, NULL);
	http_server_start(&secure, tls);
	SSL_CTX_free(tls);
	tls = http_server_tls("IP:127.0.0.1", &second_pem);
	http_server_start(&second, tls);
	SSL_CTX_free(tls);
	return 0;
}

static inline int all_stop(void **state)
{
	(void)state;
	http_server_stop(&plain);
	http_server_stop(&secure);
	http_server_stop(&second);
	bytes_free(&secure_pem);
	bytes_free(&second_pem);
	return 0;
}

#endif
