/* SPDX-License-Identifier: Apache-2.0 */
/* tls: connections to one KBS over TLS 1.2 or later, by OpenSSL. */
#ifndef REALMKEY_COURIER_TLS_H
#define REALMKEY_COURIER_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"
#include "deadline.h"

/* Must not move after tls_prepare(). */
struct tls {
	SSL_CTX *ctx;
	SSL_SESSION *session; /* for the next handshake, or NULL */
	char *host;	      /* a name, or an address */
	bool numeric;
};

#define TLS_INIT { 0 }

/* Initialise OpenSSL, as far as a client needs it. It reads files for that, so call this before the
 * sandbox is entered. */
int tls_prepare(struct tls *tls, struct error *e);

/* Trust @ca (PEM), and the server whose certificate is for @host. ERROR_INPUT if @ca has no
 * certificate or is malformed. */
int tls_trust(struct tls *tls, const struct bytes *ca, const char *host, struct error *e);

/* The handshake over the non-blocking socket @fd. Returns NULL on failure: ERROR_TLS, or
 * ERROR_NETWORK if the connection was lost. The caller frees the result, and then closes @fd. */
SSL *tls_connect(struct tls *tls, int fd, const struct deadline *d, struct error *e);

void tls_close(struct tls *tls);

#endif
