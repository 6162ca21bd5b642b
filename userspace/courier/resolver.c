// SPDX-License-Identifier: Apache-2.0
#include "resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <nss.h>
#include <resolv.h>
#include <string.h>

/* Of the time of a request, each question to a server gets this part: there are two questions to each
 * of up to three servers, for each name of a search list. */
#define QUESTIONS 8

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

/* Returns 0 or a code of getaddrinfo(). */
static int look_up(const char *host, const char *port, struct addresses *found)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list;
	int failed = getaddrinfo(host, port, &hints, &list);

	found->count = 0;
	if (failed)
		return failed;
	for (const struct addrinfo *a = list; a && found->count < ADDRESSES_MAX; a = a->ai_next) {
		if (a->ai_family != AF_INET && a->ai_family != AF_INET6)
			continue;
		memcpy(&found->at[found->count], a->ai_addr, a->ai_addrlen);
		found->len[found->count++] = a->ai_addrlen;
	}
	freeaddrinfo(list);
	return found->count ? 0 : EAI_NONAME;
}

int resolver_freeze(const char *host, const char *port, struct addresses *pinned, struct error *e)
{
	if (services_set("files", e) < 0)
		return -1;
	if (look_up(host, port, pinned) == EAI_MEMORY)
		return error_set_memory(e);
	if (services_set("dns", e) < 0)
		return -1;
	if (res_init() < 0)
		return error_set(e, ERROR_SYSTEM, "resolver: res_init");
	return 0;
}

int resolver_find(const char *host, const char *port, unsigned int seconds, struct addresses *found,
		  struct error *e)
{
	const int longest = seconds / QUESTIONS ? (int)(seconds / QUESTIONS) : 1;
	int failed;

	if ((_res.options & RES_INIT || res_init() == 0) && _res.retrans > longest)
		_res.retrans = longest;
	failed = look_up(host, port, found);
	if (failed == EAI_MEMORY)
		return error_set_memory(e);
	if (failed == EAI_SYSTEM) {
		error_set_errno(e, ERROR_NETWORK, "name not found");
		e->transient = true;
		return -1;
	}
	return failed ? error_set_transient(e, ERROR_NETWORK, "name not found: %s",
					    gai_strerror(failed)) :
			0;
}
