// SPDX-License-Identifier: Apache-2.0
#include "resolver.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <nss.h>
#include <resolv.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "base/clock.h"

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

/* --- the alarm -------------------------------------------------------------------------------- */

#define TICK_MS 250

static struct {
	struct deadline deadline;
	void (*give_up)(void);
} look_up_limit;

static void on_alarm(int number)
{
	const struct deadline *d = &look_up_limit.deadline;
	struct pollfd peer = { .fd = d->peer };
	int saved = errno;

	(void)number;
	if (clock_boot_ms() >= d->end || poll(&peer, 1, 0) > 0)
		look_up_limit.give_up();
	errno = saved;
}

/* @ms: 0 stops it. */
static int alarm_set(long ms, struct error *e)
{
	const struct timeval tick = { .tv_usec = ms * 1000 };
	const struct itimerval timer = { tick, tick };

	return setitimer(ITIMER_REAL, &timer, NULL) < 0 ?
		       error_set_errno(e, ERROR_SYSTEM, "courier: setitimer") :
		       0;
}

static int alarm_start(const struct deadline *d, void (*give_up)(void), struct error *e)
{
	const struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };

	look_up_limit.deadline = *d;
	look_up_limit.give_up = give_up;
	if (sigaction(SIGALRM, &action, NULL) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "courier: sigaction");
	return alarm_set(TICK_MS, e);
}

int resolver_find(const char *host, const char *port, const struct deadline *d,
		  void (*give_up)(void), struct addresses *found, struct error *e)
{
	int failed;

	if (alarm_start(d, give_up, e) < 0)
		return -1;
	failed = look_up(host, port, found);
	if (alarm_set(0, e) < 0)
		return -1;
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
