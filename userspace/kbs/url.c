// SPDX-License-Identifier: Apache-2.0
#include "url.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/encode.h"

#define URL_HOST_MAX 253 /* RFC 1035 section 2.3.4, without the root's dot */

/* What follows the host, up to @end: nothing, or ':' and a port. */
static int url_check_port(const char *text, const char *end, struct error *e)
{
	long port = 0;

	if (text == end)
		return 0;
	if (*text++ != ':' || text == end || end - text > 5)
		return error_set(e, ERROR_USAGE, "URL: malformed port");
	for (; text < end; text++) {
		if (*text < '0' || *text > '9')
			return error_set(e, ERROR_USAGE, "URL: malformed port");
		port = port * 10 + (*text - '0');
	}
	if (port < 1 || port > 65535)
		return error_set(e, ERROR_USAGE, "URL: port %ld is not 1 to 65535", port);
	return 0;
}

static int url_check_authority(const char *text, const char *end, struct error *e)
{
	char address[INET6_ADDRSTRLEN] = "";
	struct in6_addr in6;
	size_t len;

	if (memchr(text, '@', (size_t)(end - text)))
		return error_set(e, ERROR_USAGE, "URL: user information is not allowed");
	if (*text == '[') {
		const char *close = memchr(text, ']', (size_t)(end - text));

		text++;
		if (close && close - text < (long)sizeof(address))
			memcpy(address, text, (size_t)(close - text));
		if (!close || inet_pton(AF_INET6, address, &in6) != 1)
			return error_set(e, ERROR_USAGE, "URL: malformed IPv6 address");
		return url_check_port(close + 1, end, e);
	}
	len = strspn(text, ENCODE_ALPHANUMERIC ".-");
	if (!len || len > URL_HOST_MAX)
		return error_set(e, ERROR_USAGE, "URL: no host, or a host over %d bytes",
				 URL_HOST_MAX);
	if (text + len < end && text[len] != ':')
		return error_set(e, ERROR_USAGE,
				 "URL: host has a character other than letters, "
				 "digits, '.', '-'");
	return url_check_port(text + len, end, e);
}

int url_parse(const char *text, bool insecure, char *out, size_t size, struct error *e)
{
	size_t scheme, len;

	if (!strncmp(text, "https://", 8))
		scheme = 8;
	else if (strncmp(text, "http://", 7))
		return error_set(e, ERROR_USAGE, "URL: begins with neither https:// nor http://");
	else if (insecure)
		scheme = 7;
	else
		return error_set(e, ERROR_USAGE,
				 "URL: http:// is neither private nor authentic; "
				 "to use it all the same: --insecure, or insecure = yes "
				 "under [kbs]");
	len = scheme + strcspn(text + scheme, "/?#\\");
	if (text[len + strspn(text + len, "/")])
		return error_set(e, ERROR_USAGE,
				 "URL: '%.60s' follows host and port, and only "
				 "scheme, host and port are allowed",
				 text + len);
	if (len >= size)
		return error_set(e, ERROR_USAGE, "URL: over %zu bytes", size - 1);
	if (url_check_authority(text + scheme, text + len, e) < 0)
		return -1;
	memcpy(out, text, len);
	out[len] = '\0';
	return 0;
}
