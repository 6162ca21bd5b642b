// SPDX-License-Identifier: Apache-2.0
/*
 * tls_load PORT CA http|postgres [COUNT]: opens TLS connections to 127.0.0.1:PORT, one after another, until SIGTERM or
 * so often. Each handshake proves that the server's certificate is signed by CA and belongs to the key that the server
 * uses. Over http it also sends a request, which must be answered with 200. Prints at the end
 *
 *	requests N, failed M
 *	serial HEX: N		for each certificate that it saw, in that order
 *	error: TEXT		the first failure
 *
 * The exit status is 0 if there were requests and none failed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define SERIALS 64

static struct {
	uint64_t serial;
	unsigned int count;
} seen[SERIALS];
static char first_error[256];

/* SIGTERM is blocked, so that it does not interrupt a request. */
static bool over(void)
{
	sigset_t pending;

	sigpending(&pending);
	return sigismember(&pending, SIGTERM);
}

static bool fail(const char *what)
{
	const unsigned long code = ERR_get_error();

	if (!*first_error)
		snprintf(first_error, sizeof(first_error), "%s: %s", what,
			 code ? ERR_reason_error_string(code) : strerror(errno));
	return false;
}

static int connect_to(uint16_t port)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons(port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct timeval limit = { .tv_sec = 20 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
		fail("connect");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/* PostgreSQL's request for TLS, which it answers with S. */
static bool postgres_begin(int fd)
{
	static const unsigned char request[] = { 0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f };
	char answer;

	if (write(fd, request, sizeof(request)) != sizeof(request) || read(fd, &answer, 1) != 1 ||
	    answer != 'S')
		return fail("PostgreSQL's answer to the request for TLS");
	return true;
}

static bool http_get(SSL *ssl)
{
	static const char request[] = "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n";
	char answer[1024];
	size_t len = 0;
	int n;

	if (SSL_write(ssl, request, sizeof(request) - 1) <= 0)
		return fail("request");
	while (len < sizeof(answer) - 1 &&
	       (n = SSL_read(ssl, answer + len, (int)(sizeof(answer) - 1 - len))) > 0)
		len += (size_t)n;
	answer[len] = '\0';
	return strstr(answer, " 200 OK\r\n") ? true : fail("answer");
}

static void certificate_count(SSL *ssl)
{
	X509 *certificate = SSL_get1_peer_certificate(ssl);
	uint64_t serial = 0;

	ASN1_INTEGER_get_uint64(&serial, X509_get0_serialNumber(certificate));
	X509_free(certificate);
	for (size_t i = 0; i < SERIALS; i++) {
		if (!seen[i].count || seen[i].serial == serial) {
			seen[i].serial = serial;
			seen[i].count++;
			return;
		}
	}
}

static bool request(SSL_CTX *context, uint16_t port, bool postgres)
{
	const int fd = connect_to(port);
	bool good = false;
	SSL *ssl;

	if (fd < 0)
		return false;
	ERR_clear_error();
	ssl = SSL_new(context);
	if (!postgres || postgres_begin(fd)) {
		if (!ssl || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1)
			fail("handshake");
		else
			good = postgres || http_get(ssl);
	}
	if (good) {
		certificate_count(ssl);
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	close(fd);
	return good;
}

int main(int argc, char **argv)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	unsigned int requests = 0, failed = 0;
	sigset_t blocked;

	if (argc < 4 || argc > 5 || !context ||
	    SSL_CTX_load_verify_locations(context, argv[2], NULL) != 1) {
		fputs("usage: tls_load PORT CA http|postgres [COUNT]\n", stderr);
		return 2;
	}
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGPIPE, SIG_IGN);
	while (!over() && (argc == 4 || requests < (unsigned int)atoi(argv[4]))) {
		requests++;
		failed += !request(context, (uint16_t)atoi(argv[1]), !strcmp(argv[3], "postgres"));
	}
	printf("requests %u, failed %u\n", requests, failed);
	for (size_t i = 0; i < SERIALS && seen[i].count; i++)
		printf("serial %llx: %u\n", (unsigned long long)seen[i].serial, seen[i].count);
	if (*first_error)
		printf("error: %s\n", first_error);
	SSL_CTX_free(context);
	return failed || !requests;
}
