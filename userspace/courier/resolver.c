// SPDX-License-Identifier: Apache-2.0
#include "resolver.h"

#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <nss.h>
#include <resolv.h>
#include <sys/socket.h>

#include "base/array.h"

static int services_set(const char *services, struct error *e)
{
	if (__nss_configure_lookup("hosts", services) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "resolver: '%s'", services);
	return 0;
}

/* What glibc loads at its first use: before 2.34 the modules for files and DNS; for pthread_cancel(), with
 * which libcurl (8.17 and later) ends a lookup, the unwinder. It does not load again what is loaded. */
static const char *const modules[] = { "libnss_files.so.2", "libnss_dns.so.2", "libgcc_s.so.1" };

int resolver_prepare(struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
		(void)dlopen(modules[i], RTLD_NOW); /* one that is absent is not needed */
	return services_set("files dns", e);
}

/* Append "host:port:address,..." to @pin if @host has addresses. */
static int pin_addresses(const char *host, const char *port, struct bytes *pin, struct error *e)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const char *separator = ":";
	char address[NI_MAXHOST];
	struct addrinfo *list;
	int failed;

	failed = getaddrinfo(host, NULL, &hints, &list);
	if (failed)
		return failed == EAI_MEMORY ? error_set_memory(e) : 0;
	bytes_printf(pin, "%s:%s", host, port);
	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		if (getnameinfo(a->ai_addr, a->ai_addrlen, address, sizeof(address), NULL, 0,
				NI_NUMERICHOST))
			continue;
		bytes_printf(pin, "%s%s", separator, address);
		separator = ",";
	}
	freeaddrinfo(list);
	return bytes_check(pin, e);
}

int resolver_freeze(const char *host, const char *port, struct bytes *pin, struct error *e)
{
	if (services_set("files", e) < 0 || pin_addresses(host, port, pin, e) < 0 ||
	    services_set("dns", e) < 0)
		return -1;
	if (res_init() < 0)
		return error_set(e, ERROR_SYSTEM, "resolver: res_init");
	return 0;
}
