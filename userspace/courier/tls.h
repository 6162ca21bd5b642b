/* SPDX-License-Identifier: Apache-2.0 */
/* tls: connections to KBSs over TLS 1.2 or later, by OpenSSL. */
#ifndef REALMKEY_COURIER_TLS_H
#define REALMKEY_COURIER_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"
#include "route/deadline.h"

struct tls {
	SSL_CTX *ctx;
};

#define TLS_INIT { 0 }

/* A server. Must not move while there is a connection to it. */
struct tls_peer {
	X509_STORE *store;    /* whom to trust */
	SSL_SESSION *session; /* for the next handshake, or NULL */
	char *host;	      /* a name, or an address */
	bool numeric;
};

#define TLS_PEER_INIT { 0 }

/* Initialise OpenSSL, as far as a client needs it. It reads files for that, so call this before the
 * sandbox is entered. */
int tls_prepare(struct tls *tls, struct error *e);

/* Make a store with the certificates in @ca (PEM); a store can serve several peers. Returns NULL with an
 * ERROR_INPUT if there is none or @ca is malformed. The caller frees it with X509_STORE_free(). */
X509_STORE *tls_store(const struct bytes *ca, struct error *e);

/* Show @certificate, which others of its chain may follow, with its @key (both PEM) to a server that asks for
 * one. ERROR_INPUT if one of them is malformed, or they do not belong together. The key stays in OpenSSL's
 * separate heap, if the process has one. */
int tls_identify(struct tls *tls, const struct bytes *certificate, const struct bytes *key,
		 struct error *e);

/* Set @peer up: trust @store, and in it the server whose certificate is for @host. */
int tls_trust(struct tls_peer *peer, X509_STORE *store, const char *host, struct error *e);
void tls_peer_free(struct tls_peer *peer);

/* The handshake over the non-blocking socket @fd. Returns NULL on failure: ERROR_TLS, or
 * ERROR_NETWORK if the connection was lost. The caller frees the result, and then closes @fd. */
SSL *tls_connect(const struct tls *tls, struct tls_peer *peer, int fd, const struct deadline *d,
		 struct error *e);

void tls_close(struct tls *tls);

#endif
