/* SPDX-License-Identifier: Apache-2.0 */
/* url: the URL of a KBS, as a user types it. */
#ifndef REALMKEY_URL_H
#define REALMKEY_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/*
 * Check @text: https://HOST[:PORT], or http:// only if @insecure. HOST is a name, an IPv4 address,
 * or an IPv6 address in brackets. User information, a path, a query and a fragment are refused.
 * @out, of @size bytes, receives the URL without trailing '/' and with its scheme in lower case.
 * ERROR_USAGE says what is wrong.
 */
int url_parse(const char *text, bool insecure, char *out, size_t size, struct error *e);

#define URL_HOST_SIZE 256
#define URL_PORT_SIZE 6

/* What a client connects to. */
struct url_parts {
	bool tls; /* https:// */
	char host
		[URL_HOST_SIZE]; /* a name or an address; "%" and the interface may follow the latter */
	char port[URL_PORT_SIZE]; /* a number; that of the scheme if the URL has none */
	char authority[URL_HOST_SIZE + 2 +
		       URL_PORT_SIZE]; /* the value of Host (RFC 9110 section 7.2) */
};

/* Split @url, which url_parse() has returned. ERROR_USAGE if it could not have. */
int url_split(const char *url, struct url_parts *parts, struct error *e);

#endif
