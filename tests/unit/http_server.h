/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_server: a small HTTP/1.1 server in a child process that can misbehave, for tests of the
 * courier.
 *
 * It answers 200 with "connection=N request=N", a line feed, with TLS its version and "resumed=0" or 1 and
 * another line feed, and the request as it came. A path that contains one of these words gets another
 * answer: slow (after 10 s), silent (the connection
 * is closed), garbage (not HTTP), huge (5 MiB), redirect (302), cut (half of an answer), cookie
 * (200 with a session cookie that a realm whose clock is ahead takes for expired), status418, close (200
 * with Connection: close), drop (200, and the connection is closed), late (200, and the connection is
 * closed when the next request has come), halves (200 "halves", in a record of TLS of which the second half
 * comes a second later).
 */
#ifndef REALMKEY_TEST_HTTP_SERVER_H
#define REALMKEY_TEST_HTTP_SERVER_H

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <sys/types.h>

#include "base/bytes.h"

struct http_server {
	pid_t pid;
	unsigned int port; /* on 127.0.0.1 */
	char url[64];	   /* http:// or https:// */
};

/* @tls: NULL for plain HTTP */
void http_server_start(struct http_server *server, SSL_CTX *tls);
/* The same at a port that is known. */
void http_server_start_at(struct http_server *server, SSL_CTX *tls, unsigned int port);
void http_server_stop(struct http_server *server);

/* Returns a TLS context with a new self-signed certificate for @name ("IP:127.0.0.1"), in @pem. */
SSL_CTX *http_server_tls(const char *name, struct bytes *pem);
/* The same, valid for an hour from now + @from seconds. */
SSL_CTX *http_server_tls_from(const char *name, long from, struct bytes *pem);

#endif
