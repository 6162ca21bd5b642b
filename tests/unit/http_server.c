// SPDX-License-Identifier: Apache-2.0
#include "http_server.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char halves[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhalves";

#define COOKIE_ID "0123456789abcdef0123456789abcdef"
#define HUGE_SIZE ((size_t)5 << 20)

/* --- one connection --------------------------------------------------------------------------- */

struct connection {
	int fd;
	SSL *ssl; /* NULL: without TLS */
	int number, requests;
	bool late;  /* the next request gets no answer */
	char *text; /* of the current request, NUL-terminated */
	size_t len, size;
};

static ssize_t connection_read(struct connection *c, void *data, size_t len)
{
	return c->ssl ? SSL_read(c->ssl, data, (int)len) : read(c->fd, data, len);
}

/* The next record of TLS comes in two halves, with a second between them. */
static int record_write_in_halves(struct connection *c, const void *data, size_t len)
{
	BIO *records = BIO_new(BIO_s_mem());
	size_t half;
	char *bytes;
	int ret;

	BIO_up_ref(records);
	SSL_set0_wbio(c->ssl, records);
	ret = SSL_write(c->ssl, data, (int)len) > 0 ? 0 : -1;
	half = (size_t)BIO_get_mem_data(records, &bytes);
	len = half;
	half /= 2;
	if (write(c->fd, bytes, half) != (ssize_t)half || sleep(1) ||
	    write(c->fd, bytes + half, len - half) != (ssize_t)(len - half))
		ret = -1;
	SSL_set0_wbio(c->ssl, BIO_new_socket(c->fd, BIO_NOCLOSE));
	BIO_free(records);
	return ret;
}

static int connection_write(struct connection *c, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = c->ssl ? SSL_write(c->ssl, at, (int)len) :
				     send(c->fd, at, len, MSG_NOSIGNAL);

		if (n <= 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Returns the length of the request at the start of c->text, or 0 if it is not complete yet. */
static size_t request_length(const struct connection *c)
{
	const char *end = strstr(c->text, "\r\n\r\n"), *field;
	size_t body;

	if (!end)
		return 0;
	field = strcasestr(c->text, "\r\nContent-Length:");
	body = field && field < end ? strtoul(field + strlen("\r\nContent-Length:"), NULL, 10) : 0;
	body += (size_t)(end + 4 - c->text);
	return body <= c->len ? body : 0;
}

static size_t request_read(struct connection *c)
{
	size_t whole;

	c->len = 0;
	c->text[0] = '\0';
	while (!(whole = request_length(c))) {
		ssize_t n;

		if (c->len + 4096 > c->size) {
			c->size *= 2;
			c->text = realloc(c->text, c->size);
		}
		n = connection_read(c, c->text + c->len, c->size - c->len - 1);
		if (n <= 0)
			return 0;
		c->len += (size_t)n;
		c->text[c->len] = '\0';
		if (c->text[0] == 0x16) /* a ClientHello: a server without TLS disconnects */
			return 0;
	}
	return whole;
}

static int answer(struct connection *c, const char *status, const char *header, const void *body,
		  size_t len, size_t announced)
{
	char head[512];
	int n = snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n", status,
			 announced, header);

	return connection_write(c, head, (size_t)n) < 0 || connection_write(c, body, len) < 0 ? -1 :
												0;
}

static int answer_echo(struct connection *c, const char *status, const char *header, size_t len)
{
	char *body;
	size_t size;
	FILE *f = open_memstream(&body, &size);
	int ret;

	fprintf(f, "connection=%d request=%d\n", c->number, c->requests);
	if (c->ssl)
		fprintf(f, "%s resumed=%d\n", SSL_get_version(c->ssl), SSL_session_reused(c->ssl));
	fwrite(c->text, 1, len, f);
	fclose(f);
	ret = answer(c, status, header, body, size, size);
	free(body);
	return ret;
}

static int answer_huge(struct connection *c)
{
	char *body = calloc(1, HUGE_SIZE);
	int ret = answer(c, "200 OK", "", body, HUGE_SIZE, HUGE_SIZE);

	free(body);
	return ret;
}

/* Answers a request. Returns -1 if the connection must be closed. */
static int request_serve(struct connection *c, size_t len)
{
	char line[256];
	int ret;

	snprintf(line, sizeof(line), "%.*s", (int)strcspn(c->text, "\r"), c->text);
	c->requests++;
	if (strstr(line, "slow"))
		sleep(10);
	if (c->late || strstr(line, "silent"))
		return -1;
	c->late = strstr(line, "late");
	if (strstr(line, "garbage")) {
		connection_write(c, "SSH-2.0-OpenSSH_9.9\r\n\r\n", 23);
		return -1;
	}
	if (strstr(line, "huge"))
		return answer_huge(c);
	if (strstr(line, "halves"))
		return record_write_in_halves(c, halves, strlen(halves));
	if (strstr(line, "cut")) {
		answer(c, "200 OK", "", "half", 4, 8);
		return -1;
	}
	if (strstr(line, "redirect"))
		return answer(c, "302 Found", "Location: http://127.0.0.1:1/\r\n", "", 0, 0);
	if (strstr(line, "status418"))
		return answer(c, "418 Teapot", "", "", 0, 0);
	ret = answer_echo(c, "200 OK",
			  strstr(line, "cookie") ?
				  "Set-Cookie: other=1\r\nset-cookie: kbs-session-id=" COOKIE_ID
				  "; Expires=Thu, 01 Jan 1970 00:05:00 GMT; Path=/elsewhere\r\n" :
			  strstr(line, "close") ? "Connection: close\r\n" :
						  "",
			  len);
	return strstr(line, "close") || strstr(line, "drop") ? -1 : ret;
}

static void connection_serve(int fd, SSL_CTX *tls, int number)
{
	struct connection c = { .fd = fd, .number = number, .size = 65536 };
	size_t len;

	c.text = malloc(c.size);
	if (tls) {
		c.ssl = SSL_new(tls);
		SSL_set_fd(c.ssl, fd);
	}
	if (!tls || SSL_accept(c.ssl) > 0)
		while ((len = request_read(&c)) && request_serve(&c, len) == 0)
			;
	if (c.ssl)
		SSL_shutdown(c.ssl);
	SSL_free(c.ssl);
	free(c.text);
	close(fd);
}

static _Noreturn void server_run(int listener, SSL_CTX *tls)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int number = 1;; number++) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			_exit(1);
		if (fork() == 0) { /* a slow request must not delay the next connection */
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(listener);
			connection_serve(fd, tls, number);
			_exit(0);
		}
		close(fd);
	}
}

/* --- the server ------------------------------------------------------------------------------- */

void http_server_start(struct http_server *server, SSL_CTX *tls)
{
	http_server_start_at(server, tls, 0);
}

void http_server_start_at(struct http_server *server, SSL_CTX *tls, unsigned int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)port),
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(address);
	const int on = 1;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 16), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	server->port = ntohs(address.sin_port);
	snprintf(server->url, sizeof(server->url), "http%s://127.0.0.1:%u", tls ? "s" : "",
		 server->port);
	server->pid = fork();
	assert_true(server->pid >= 0);
	if (server->pid == 0) {
		signal(SIGCHLD, SIG_IGN);
		server_run(listener, tls);
	}
	close(listener);
}

void http_server_stop(struct http_server *server)
{
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
}

static void certificate_fill(X509 *certificate, EVP_PKEY *key, const char *name, long from)
{
	X509_NAME *subject = X509_get_subject_name(certificate);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, name);

	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), from);
	X509_gmtime_adj(X509_getm_notAfter(certificate), from + 3660);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1,
				   -1, 0);
	X509_set_issuer_name(certificate, subject);
	X509_set_pubkey(certificate, key);
	X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
}

SSL_CTX *http_server_tls(const char *name, struct bytes *pem)
{
	return http_server_tls_from(name, -60, pem);
}

SSL_CTX *http_server_tls_from(const char *name, long from, struct bytes *pem)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	assert_true(tls && key && certificate && bio);
	certificate_fill(certificate, key, name, from);
	assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
	len = BIO_get_mem_data(bio, &text);
	bytes_set(pem, text, (size_t)len);
	assert_int_equal(SSL_CTX_use_certificate(tls, certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(tls, key), 1);
	BIO_free(bio);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return tls;
}
