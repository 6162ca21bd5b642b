// SPDX-License-Identifier: Apache-2.0
#include "resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <nss.h>
#include <resolv.h>
#include <sys/socket.h>

static int services_set(const char *services, struct error *e)
{
	if (__nss_configure_lookup("hosts", services) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "resolver: '%s'", services);
	return 0;
}

int resolver_prepare(struct error *e)
{
	return services_set("files dns", e);
}

static int pin_format(const char *host, const char *port, const struct addrinfo *list,
		      struct bytes *pin, struct error *e)
{
	char address[NI_MAXHOST];

	if (bytes_printf(pin, "%s:%s", host, port) < 0)
		return error_set_memory(e);
	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		if (getnameinfo(a->ai_addr, a->ai_addrlen, address, sizeof(address), NULL, 0,
				NI_NUMERICHOST))
			continue;
		if (bytes_printf(pin, "%s%s", a == list ? ":" : ",", address) < 0)
			return error_set_memory(e);
	}
	return 0;
}

static int hosts_pin(const char *host, const char *port, struct bytes *pin, struct error *e)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	int ret;

	if (getaddrinfo(host, NULL, &hints, &list))
		return 0;
	ret = pin_format(host, port, list, pin, e);
	freeaddrinfo(list);
	return ret;
}

int resolver_freeze(const char *host, const char *port, struct bytes *pin, struct error *e)
{
	if (services_set("files", e) < 0 || hosts_pin(host, port, pin, e) < 0 ||
	    services_set("dns", e) < 0)
		return -1;
	if (res_init() < 0)
		return error_set(e, ERROR_SYSTEM, "resolver: res_init");
	return 0;
}
