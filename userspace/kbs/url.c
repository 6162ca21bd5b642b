// SPDX-License-Identifier: Apache-2.0
#include "url.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/encode.h"

#define URL_HOST_MAX 253 /* RFC 1035 section 2.3.4, without the root's dot */

#define HOST_CHARACTERS ENCODE_ALPHANUMERIC ".-_"
#define PATH_CHARACTERS ENCODE_ALPHANUMERIC "/.-_+@:"

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

/* CID:PORT of vsock(7), from which a connection can be made: two numbers of 32 bits. */
static bool vsock_read(const char *text, uint32_t *cid, uint32_t *port)
{
	uint64_t number[2] = { 0 };

	for (size_t i = 0; i < 2; i++) {
		const char *start = text;

		for (; *text >= '0' && *text <= '9' && text - start < 10; text++)
			number[i] = number[i] * 10 + (uint64_t)(*text - '0');
		if (text == start || (*start == '0' && text - start > 1) ||
		    number[i] >= UINT32_MAX || *text != (i ? '\0' : ':'))
			return false;
		text++;
	}
	*cid = (uint32_t)number[0];
	*port = (uint32_t)number[1];
	return true;
}

static int url_check_vsock(const char *text, struct error *e)
{
	uint32_t cid, port;

	return vsock_read(text, &cid, &port) ?
		       0 :
		       error_set(e, ERROR_USAGE, "URL: '%.60s' is not CID:PORT of a vsock", text);
}

static int url_check_unix(const char *text, struct error *e)
{
	const size_t len = strlen(text);

	if (len < 2 || text[0] != '/' || text[len - 1] == '/' || len >= URL_PATH_SIZE)
		return error_set(
			e, ERROR_USAGE,
			"URL: '%.60s' is not the path of a Unix socket, which has at most %d bytes",
			text, URL_PATH_SIZE - 1);
	if (text[strspn(text, PATH_CHARACTERS)])
		return error_set(e, ERROR_USAGE,
				 "URL: path has a character other than letters, digits, %s",
				 "'/', '.', '-', '_', '+', '@', ':'");
	return 0;
}

static int url_check_tcp(const char *text, struct error *e)
{
	size_t len = strcspn(text, "/?#\\");

	if (text[len])
		return error_set(e, ERROR_USAGE,
				 "URL: '%.60s' follows host and port, and only "
				 "scheme, host and port are allowed",
				 text + len);
	return url_check_authority(text, text + len, e);
}

static const struct scheme {
	const char *text;
	enum url_transport transport;
	bool tls, exposed;
	int (*check)(const char *text, struct error *e); /* what follows the scheme, and NAME */
} schemes[] = {
	{ "https://", URL_TCP, true, false, url_check_tcp },
	{ "http://", URL_TCP, false, true, url_check_tcp },
	{ "vsock+https://", URL_VSOCK, true, false, url_check_vsock },
	{ "vsock://", URL_VSOCK, false, true, url_check_vsock },
	{ "unix+https://", URL_UNIX, true, false, url_check_unix },
	{ "unix:", URL_UNIX, false, false, url_check_unix },
};

/* RFC 3986 section 3.1: the scheme is the same in upper and lower case. */
static const struct scheme *scheme_find(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (!strncasecmp(text, schemes[i].text, strlen(schemes[i].text)))
			return &schemes[i];
	return NULL;
}

/* Whether NAME and '/' precede what the check of the scheme expects. */
static bool scheme_has_name(const struct scheme *scheme)
{
	return scheme->tls && scheme->transport != URL_TCP;
}

static int url_check(const struct scheme *scheme, const char *text, struct error *e)
{
	const size_t name = strcspn(text, "/");

	if (!scheme_has_name(scheme))
		return scheme->check(text, e);
	if (!name || name > URL_HOST_MAX || strspn(text, HOST_CHARACTERS) < name || !text[name])
		return error_set(e, ERROR_USAGE,
				 "URL: %sNAME/... names the certificate's host first",
				 scheme->text);
	return scheme->check(text + name + (scheme->transport == URL_VSOCK), e);
}

int url_parse(const char *text, bool insecure, char *out, size_t size, struct error *e)
{
	const struct scheme *scheme = scheme_find(text);
	size_t start, len, room;

	if (!scheme)
		return error_set(e, ERROR_USAGE,
				 "URL: begins with neither https:// nor http:// "
				 "(nor vsock://, vsock+https://, unix:/ or unix+https://)");
	if (scheme->exposed && !insecure)
		return error_set(e, ERROR_USAGE,
				 "URL: %s is neither private nor authentic; "
				 "to use it all the same: --insecure, or insecure = yes "
				 "under [kbs]",
				 scheme->text);
	start = strlen(scheme->text);
	len = strlen(text);
	while (scheme->transport == URL_TCP && len > start && text[len - 1] == '/')
		len--;
	room = len < size ? len : 0;
	if (!room)
		return error_set(e, ERROR_USAGE, "URL: over %zu bytes", size - 1);
	memcpy(out, scheme->text, start);
	memcpy(out + start, text + start, len - start);
	out[len] = '\0';
	return url_check(scheme, out + start, e);
}

int url_parse_proxy(const char *text, char *out, size_t size, struct error *e)
{
	struct url_parts parts;

	if (strncasecmp(text, "http://", 7))
		return error_set(e, ERROR_USAGE, "proxy: not http://HOST:PORT");
	if (url_parse(text, true, out, size, e) < 0 || url_split(out, &parts, e) < 0)
		return error_add(e, "proxy");
	/* The port of the scheme is not the one of any proxy. */
	return out[strlen(out) - strlen(parts.port) - 1] == ':' &&
			       !strcmp(out + strlen(out) - strlen(parts.port), parts.port) ?
		       0 :
		       error_set(e, ERROR_USAGE, "proxy: no port; give http://HOST:PORT");
}

static void split_tcp(const char *at, struct url_parts *parts)
{
	const bool bracket = *at == '[';
	size_t len = strcspn(at + bracket, bracket ? "]" : ":");
	const char *port = strchr(at + len + bracket, ':');
	char *zone;

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
}

int url_split(const char *url, struct url_parts *parts, struct error *e)
{
	char checked[sizeof("vsock+https://") + sizeof(parts->authority) + URL_PATH_SIZE];
	const struct scheme *scheme;
	const char *at;
	size_t name;

	if (url_parse(url, true, checked, sizeof(checked), e) < 0)
		return -1;
	scheme = scheme_find(checked);
	*parts = (struct url_parts){ .transport = scheme->transport,
				     .tls = scheme->tls,
				     .exposed = scheme->exposed };
	at = checked + strlen(scheme->text);
	if (scheme->transport == URL_TCP) {
		split_tcp(at, parts);
		return 0;
	}
	name = scheme_has_name(scheme) ? strcspn(at, "/") : 0;
	snprintf(parts->host, sizeof(parts->host), "%.*s", (int)name, at);
	/* A request has a Host, though here nobody needs it. */
	snprintf(parts->authority, sizeof(parts->authority), "%s",
		 name ? parts->host : "localhost");
	if (scheme->transport == URL_VSOCK)
		(void)vsock_read(at + name + (name > 0), &parts->cid, &parts->service);
	else
		snprintf(parts->path, sizeof(parts->path), "%s", at + name);
	return 0;
}

void url_authority(const struct url_parts *parts, struct bytes *out)
{
	bool bracket = strchr(parts->host, ':');

	/* The zone of an address is this machine's. */
	bytes_printf(out, "%s%.*s%s:%s", bracket ? "[" : "", (int)strcspn(parts->host, "%"),
		     parts->host, bracket ? "]" : "", parts->port);
}
