// SPDX-License-Identifier: Apache-2.0
#include "listen.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Split "[ADDR]:PORT", or "ADDR:PORT" without a colon in ADDR. -1 if it is neither. */
static int listen_split(const char *text, char host[64], const char **port)
{
	const char *colon = strrchr(text, ':'), *begin = text, *end = colon;

	if (!colon || !colon[1])
		return -1;
	if (text[0] == '[') {
		begin++;
		end--;
	}
	if (end <= begin || (text[0] == '[' && *end != ']') || end - begin >= 64 ||
	    (text[0] != '[' && memchr(begin, ':', (size_t)(end - begin))))
		return -1;
	memcpy(host, begin, (size_t)(end - begin));
	host[end - begin] = '\0';
	*port = colon + 1;
	return 0;
}

int listen_parse(const char *text, struct listen_address *address, struct error *e)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *info;
	const char *port;
	char host[64];
	int fault;

	if (listen_split(text, host, &port) < 0)
		return error_set(e, ERROR_USAGE,
				 "--listen: '%.80s' is not ADDR:PORT or "
				 "[ADDR]:PORT",
				 text);
	fault = getaddrinfo(host, port, &hints, &info);
	if (fault == EAI_MEMORY)
		return error_set_memory(e);
	if (fault == EAI_SYSTEM || fault == EAI_AGAIN || fault == EAI_FAIL)
		return error_set(e, ERROR_SYSTEM, "--listen: %s", gai_strerror(fault));
	if (fault != 0)
		return error_set(e, ERROR_USAGE,
				 "--listen: '%.80s' is not a numeric address and "
				 "port",
				 text);
	memcpy(&address->address, info->ai_addr, info->ai_addrlen);
	address->len = info->ai_addrlen;
	freeaddrinfo(info);
	return 0;
}

bool listen_is_loopback(const struct listen_address *address)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->address;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&address->address;

	if (address->address.ss_family == AF_INET)
		return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (address->address.ss_family != AF_INET6)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		return in6->sin6_addr.s6_addr[12] == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

void listen_print(const struct listen_address *address, char *out, size_t size)
{
	bool in6 = address->address.ss_family == AF_INET6;
	char host[INET6_ADDRSTRLEN + 32], port[16];

	if (getnameinfo((const struct sockaddr *)&address->address, address->len, host,
			sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		snprintf(out, size, "?");
	else
		snprintf(out, size, "%s%s%s:%s", in6 ? "[" : "", host, in6 ? "]" : "", port);
}

int listen_open(struct listen_address *address, struct error *e)
{
	struct sockaddr *sockaddr = (struct sockaddr *)&address->address;
	const int on = 1;
	char text[128];
	int fd;

	listen_print(address, text, sizeof(text));
	fd = socket(sockaddr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set_errno(e, ERROR_NETWORK, "%s", text);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, sockaddr, address->len) < 0 || listen(fd, SOMAXCONN) < 0 ||
	    getsockname(fd, sockaddr, &address->len) < 0) {
		error_set_errno(e, ERROR_NETWORK, "%s", text);
		close(fd);
		return -1;
	}
	/* For its connections, too: an answer is one write, and does not wait for the client's acknowledgement of the
	 * one before it, or of a session ticket. If this fails, it is only slower. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}
