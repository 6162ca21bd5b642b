// SPDX-License-Identifier: Apache-2.0
#include "stream.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/crypto.h"
#include "memory.h"

void stream_open(struct stream *s, int fd, SSL *ssl)
{
	*s = (struct stream){ .fd = fd, .ssl = ssl };
}

/* OpenSSL never resumes the session of a connection that was not closed in order. The network may lose a
 * connection; only a failure of TLS says something about the session. */
static void ssl_end(const struct stream *s)
{
	if (s->lost)
		SSL_set_shutdown(s->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	else if (!s->broken)
		SSL_shutdown(s->ssl);
	SSL_free(s->ssl);
	crypto_begin();
}

void stream_close(struct stream *s)
{
	if (s->ssl)
		ssl_end(s);
	if (s->fd >= 0)
		close(s->fd);
	*s = (struct stream)STREAM_INIT;
}

/* --- failures -------------------------------------------------------------------------------- */

int stream_lost(const char *text, int error, struct error *e)
{
	if (!error)
		return error_set_transient(e, ERROR_NETWORK, "%s", text);
	errno = error;
	error_set_errno(e, ERROR_NETWORK, "%s", text);
	e->transient = true;
	return -1;
}

static ssize_t lost(struct stream *s, int error, struct error *e)
{
	s->lost = true;
	return stream_lost("connection lost", error, e);
}

static ssize_t ssl_fail(struct stream *s, int code, int error, struct error *e)
{
	const unsigned long cause = ERR_peek_error();
	const char *text = ERR_reason_error_string(cause);

	s->broken = true;
	if (memory_failed())
		return error_set_memory(e);
	if (code == SSL_ERROR_SYSCALL)
		return lost(s, error, e);
	if (ERR_GET_LIB(cause) == ERR_LIB_SSL &&
	    ERR_GET_REASON(cause) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return lost(s, 0, e);
	if (!text)
		return error_set(e, ERROR_TLS, "TLS failed: OpenSSL error %08lx", cause);
	error_set(e, ERROR_TLS, "TLS failed: %s", text);
	/* TLS 1.3 says so only after the handshake. */
	if (ERR_GET_REASON(cause) == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED)
		error_append(e, "; give the client's (--client-certificate, or certificate under "
				"[kbs])");
	return -1;
}

/* After an SSL function has returned @ret, which is not positive. */
static ssize_t ssl_result(struct stream *s, int ret, int error, struct error *e)
{
	int code = SSL_get_error(s->ssl, ret);

	if (code == SSL_ERROR_WANT_READ)
		s->wants = POLLIN;
	else if (code == SSL_ERROR_WANT_WRITE)
		s->wants = POLLOUT;
	else if (code == SSL_ERROR_ZERO_RETURN)
		s->ended = true;
	else
		return ssl_fail(s, code, error, e);
	return 0;
}

static ssize_t plain_result(struct stream *s, ssize_t n, short wants, struct error *e)
{
	if (n >= 0)
		return n;
	if (errno != EAGAIN && errno != EINTR)
		return lost(s, errno, e);
	s->wants = wants;
	return 0;
}

/* --- bytes ----------------------------------------------------------------------------------- */

bool stream_idle(struct stream *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	bool waits;
	char byte;

	if (poll(&p, 1, 0) == 0)
		return true;
	if (!s->ssl)
		return false;
	/* It may be a ticket. */
	crypto_begin();
	waits = SSL_get_error(s->ssl, SSL_peek(s->ssl, &byte, 1)) == SSL_ERROR_WANT_READ;
	crypto_begin();
	return waits;
}

bool stream_has_read(const struct stream *s)
{
	/* Not SSL_has_pending(), which counts a record of which a part has come. OpenSSL reads no more than
	 * one record from the socket at a time. */
	return s->ssl && SSL_pending(s->ssl) > 0;
}

ssize_t stream_put(struct stream *s, const void *data, size_t len, struct error *e)
{
	int ret;

	if (!s->ssl)
		return plain_result(s, send(s->fd, data, len, MSG_NOSIGNAL), POLLOUT, e);
	crypto_begin();
	errno = 0;
	ret = SSL_write(s->ssl, data, len > INT_MAX ? INT_MAX : (int)len);
	return ret > 0 ? ret : ssl_result(s, ret, errno, e);
}

ssize_t stream_get(struct stream *s, void *data, size_t len, struct error *e)
{
	ssize_t n;
	int ret;

	if (!s->ssl) {
		n = recv(s->fd, data, len, 0);
		s->ended = n == 0;
		return plain_result(s, n, POLLIN, e);
	}
	crypto_begin();
	errno = 0;
	ret = SSL_read(s->ssl, data, len > INT_MAX ? INT_MAX : (int)len);
	return ret > 0 ? ret : ssl_result(s, ret, errno, e);
}
