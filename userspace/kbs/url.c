// SPDX-License-Identifier: Apache-2.0
#include "url.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"

#define URL_HOST_MAX 253 /* RFC 1035 section 2.3.4, without the root's dot */

#define HOST_CHARACTERS ENCODE_ALPHANUMERIC ".-_"

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

/* An address in brackets: "[", an IPv6 address, for a link-local one "%25" and the name or number of
 * the interface (RFC 6874), "]". */
static int url_check_ipv6(const char *text, const char *end, struct error *e)
{
	const char *close = memchr(text, ']', (size_t)(end - text));
	char address[INET6_ADDRSTRLEN + sizeof("%25") + IF_NAMESIZE] = "";
	struct in6_addr in6;
	char *zone;

	text++;
	if (close && close - text < (long)sizeof(address))
		memcpy(address, text, (size_t)(close - text));
	zone = strstr(address, "%25");
	if (zone) {
		*zone = '\0';
		zone += strlen("%25");
		if (!*zone || zone[strspn(zone, HOST_CHARACTERS)] || strlen(zone) >= IF_NAMESIZE)
			return error_set(e, ERROR_USAGE, "URL: malformed zone of an IPv6 address");
	}
	if (!close || inet_pton(AF_INET6, address, &in6) != 1)
		return error_set(e, ERROR_USAGE, "URL: malformed IPv6 address");
	if (zone && !IN6_IS_ADDR_LINKLOCAL(&in6))
		return error_set(e, ERROR_USAGE, "URL: a zone, but no link-local IPv6 address");
	return url_check_port(close + 1, end, e);
}

static int url_check_authority(const char *text, const char *end, struct error *e)
{
	size_t len;

	if (memchr(text, '@', (size_t)(end - text)))
		return error_set(e, ERROR_USAGE, "URL: user information is not allowed");
	if (*text == '[')
		return url_check_ipv6(text, end, e);
	/* No DNS name of a host has '_', but names in /etc/hosts and of containers do. */
	len = strspn(text, HOST_CHARACTERS);
	if (!len || len > URL_HOST_MAX)
		return error_set(e, ERROR_USAGE, "URL: no host, or a host over %d bytes",
				 URL_HOST_MAX);
	if (text + len < end && text[len] != ':')
		return error_set(e, ERROR_USAGE,
				 "URL: host has a character other than letters, "
				 "digits, '.', '-', '_'");
	return url_check_port(text + len, end, e);
}

int url_parse(const char *text, bool insecure, char *out, size_t size, struct error *e)
{
	size_t scheme, len;

	/* RFC 3986 section 3.1: the scheme is the same in upper and lower case. */
	if (!strncasecmp(text, "https://", 8))
		scheme = 8;
	else if (strncasecmp(text, "http://", 7))
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
	memcpy(out, scheme == 8 ? "https://" : "http://", scheme);
	memcpy(out + scheme, text + scheme, len - scheme);
	out[len] = '\0';
	return 0;
}

int url_split(const char *url, struct url_parts *parts, struct error *e)
{
	char checked[sizeof("https://") + sizeof(parts->authority)];
	const char *at, *port;
	char *zone;
	size_t len, bracket;

	if (url_parse(url, true, checked, sizeof(checked), e) < 0)
		return -1;
	parts->tls = checked[4] == 's';
	at = strstr(checked, "://") + 3;
	bracket = *at == '[';
	len = strcspn(at + bracket, bracket ? "]" : ":");
	port = strchr(at + len + bracket, ':');
	snprintf(parts->host, sizeof(parts->host), "%.*s", (int)len, at + bracket);
	snprintf(parts->port, sizeof(parts->port), "%s",
		 port	    ? port + 1 :
		 parts->tls ? "443" :
			      "80");
	/* The zone is this machine's, and not for the KBS (RFC 6874 section 4). */
	zone = bracket ? strstr(parts->host, "%25") : NULL;
	len = zone ? (size_t)(zone - parts->host) : len;
	snprintf(parts->authority, sizeof(parts->authority), "%s%.*s%s%s", bracket ? "[" : "",
		 (int)len, parts->host, bracket ? "]" : "", port ? port : "");
	if (zone)
		memmove(zone + 1, zone + 3, strlen(zone + 3) + 1);
	return 0;
}
