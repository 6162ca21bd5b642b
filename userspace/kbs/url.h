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

#endif
