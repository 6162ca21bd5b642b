// SPDX-License-Identifier: Apache-2.0
#include "wire.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/crypto.h"
#include "tls_current.h"

/* --- TLS -------------------------------------------------------------------------------------- */

int wire_secure(struct wire *wire, struct error *e)
{
	crypto_begin();
	wire->ssl = tls_current_ssl(e);
	if (!wire->ssl)
		return -1;
	if (SSL_set_fd(wire->ssl, wire->fd) == 1) {
		/* It returns nothing, and OpenSSL follows a null pointer later if it had no memory. */
		SSL_set_accept_state(wire->ssl);
		if (ERR_peek_error() == 0)
			return 0;
	}
	SSL_free(wire->ssl);
	wire->ssl = NULL;
	return crypto_error(e, ERROR_SYSTEM, "TLS: cannot serve a connection");
}

/* Set @e, after a call of OpenSSL failed with @code. */
static int wire_fail(int code, int error, struct error *e)
{
	const unsigned long cause = ERR_peek_error();
	const char *text = ERR_reason_error_string(cause);

	if (code == SSL_ERROR_SYSCALL && cause == 0) {
		errno = error;
		error_set_errno(e, ERROR_NETWORK, "connection lost");
	} else {
		crypto_error(e, ERROR_TLS, "TLS: %s", text ? text : "failed");
	}
	crypto_begin();
	return WIRE_FAILED;
}

/* What the result @ret of a call of OpenSSL means. */
static int wire_result(struct wire *wire, int ret, struct error *e)
{
	const int error = errno, code = SSL_get_error(wire->ssl, ret);

	switch (code) {
	case SSL_ERROR_NONE:
		return ret;
	case SSL_ERROR_WANT_READ:
		wire->waits = EPOLLIN;
		return WIRE_WAIT;
	case SSL_ERROR_WANT_WRITE:
		wire->waits = EPOLLOUT;
		return WIRE_WAIT;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		return wire_fail(code, error, e);
	}
}

int wire_handshake(struct wire *wire, struct error *e)
{
	int ret;

	if (!wire->ssl)
		return 0;
	crypto_begin();
	errno = 0;
	ret = wire_result(wire, SSL_do_handshake(wire->ssl), e);
	if (ret == 0) {
		error_set(e, ERROR_TLS, "TLS: the client closed the connection");
		return WIRE_FAILED;
	}
	return ret > 0 ? 0 : ret;
}

/* --- both ------------------------------------------------------------------------------------- */

static ssize_t wire_socket(struct wire *wire, ssize_t n, uint32_t waits, struct error *e)
{
	if (n >= 0)
		return n;
	wire->waits = waits;
	if (errno == EAGAIN || errno == EINTR)
		return WIRE_WAIT;
	error_set_errno(e, ERROR_NETWORK, "connection lost");
	return WIRE_FAILED;
}

ssize_t wire_read(struct wire *wire, void *data, size_t size, struct error *e)
{
	if (!wire->ssl)
		return wire_socket(wire, recv(wire->fd, data, size, MSG_DONTWAIT), EPOLLIN, e);
	crypto_begin();
	errno = 0;
	return wire_result(wire, SSL_read(wire->ssl, data, (int)size), e);
}

ssize_t wire_write(struct wire *wire, const void *data, size_t len, struct error *e)
{
	if (!wire->ssl)
		return wire_socket(wire, send(wire->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL),
				   EPOLLOUT, e);
	crypto_begin();
	errno = 0;
	return wire_result(wire, SSL_write(wire->ssl, data, (int)len), e);
}

bool wire_pending(const struct wire *wire)
{
	return wire->ssl && SSL_has_pending(wire->ssl);
}

void wire_finish(struct wire *wire)
{
	if (wire->ssl && SSL_is_init_finished(wire->ssl)) {
		crypto_begin();
		(void)SSL_shutdown(wire->ssl);
	}
	(void)shutdown(wire->fd, SHUT_WR);
}

ssize_t wire_drop(struct wire *wire, void *buffer, size_t max)
{
	struct error e = ERROR_INIT;

	/* Records of TLS are dropped as they are. */
	return wire_socket(wire, recv(wire->fd, buffer, max, MSG_DONTWAIT), EPOLLIN, &e);
}

void wire_close(struct wire *wire)
{
	SSL_free(wire->ssl);
	close(wire->fd);
	*wire = (struct wire){ .fd = -1 };
}
