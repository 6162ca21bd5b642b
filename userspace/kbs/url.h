/* SPDX-License-Identifier: Apache-2.0 */
/* url: the URL of a KBS, as a user types it. */
#ifndef REALMKEY_URL_H
#define REALMKEY_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define URL_HOST_SIZE 256
#define URL_PORT_SIZE 6
#define URL_PATH_SIZE 108 /* that of a Unix socket (unix(7)) */

enum url_transport { URL_TCP, URL_VSOCK, URL_UNIX };

/*
 * Check @text, which is one of these:
 *
 *	https://HOST[:PORT]		http://HOST[:PORT]	TCP
 *	vsock+https://NAME/CID:PORT	vsock://CID:PORT	vsock(7); CID 2 is the host
 *	unix+https://NAME/PATH		unix:/PATH		a Unix socket
 *
 * HOST is a name, an IPv4 address, or an IPv6 address in brackets; NAME is that of the certificate. User
 * information, a path, a query and a fragment are refused. Without TLS, what leaves the realm (http:// and
 * vsock://) is accepted only if @insecure. @out, of @size bytes, receives the URL without trailing '/' and
 * with its scheme in lower case. ERROR_USAGE says what is wrong.
 */
int url_parse(const char *text, bool insecure, char *out, size_t size, struct error *e);
/* The same for the URL of a proxy, http://HOST:PORT. */
int url_parse_proxy(const char *text, char *out, size_t size, struct error *e);

/* What a client connects to. */
struct url_parts {
	bool tls;
	bool exposed; /* without TLS, and it leaves the realm */
	enum url_transport transport;
	char host
		[URL_HOST_SIZE]; /* a name or an address; "%" and the interface may follow the latter */
	char port[URL_PORT_SIZE]; /* TCP: a number; that of the scheme if the URL has none */
	char authority[URL_HOST_SIZE + 2 +
		       URL_PORT_SIZE]; /* the value of Host (RFC 9110 section 7.2) */
	uint32_t cid, service;	       /* vsock: address and port */
	char path[URL_PATH_SIZE];      /* Unix */
};

/* Split @url, which url_parse() has returned. ERROR_USAGE if it could not have. */
int url_split(const char *url, struct url_parts *parts, struct error *e);
/* Append HOST:PORT of a TCP URL as a proxy expects it in CONNECT (RFC 9110 section 7.1), with the port also
 * if the URL has none. */
void url_authority(const struct url_parts *parts, struct bytes *out);

#endif
