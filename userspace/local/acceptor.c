// SPDX-License-Identifier: Apache-2.0
#include "acceptor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"

/* Before the clients: the signals, the reader, the status, and the two listening sockets. */
enum { POLL_SIGNALS, POLL_CHANNEL, POLL_WATCH, POLL_CREDENTIALS, POLL_API, POLL_CLIENTS };
#define POLL_MAX (POLL_CLIENTS + CLIENTS_MAX)

/* --- the configuration ------------------------------------------------------------------------ */

int acceptor_configure(struct acceptor *a, struct error *e)
{
	struct settings settings = SETTINGS_INIT;
	struct bytes hex = BYTES_INIT;
	bool reported = false;

	if (settings_read_text(&settings, a->config, settings_log_errors, &reported, e) < 0)
		return -1;
	encode_hex(settings.text_digest, sizeof(settings.text_digest), &hex);
	if (bytes_check(&hex, e) < 0) {
		settings_free(&settings);
		return -1;
	}
	settings_free(&a->settings);
	a->settings = settings;
	memcpy(a->digest, bytes_text(&hex), hex.len + 1);
	bytes_free(&hex);
	return 0;
}

/* realmkeyd has read another configuration than this process: read it, too. */
static int configuration_follow(struct acceptor *a, struct error *e)
{
	if (!watch_other_configuration(a->digest))
		return 0;
	if (acceptor_configure(a, e) < 0)
		return error_add(e, "the configuration has changed, and cannot be read");
	if (watch_same_configuration(a->digest))
		log_line(LOG_LEVEL_INFO, "the configuration was read again");
	else
		log_line(LOG_LEVEL_WARNING,
			 "%s: not the configuration that realmkeyd uses (realmkey reload)",
			 a->config);
	return 0;
}

/* --- the clients ------------------------------------------------------------------------------ */

/* True if the state of @client ends at client->until. */
static bool client_has_limit(const struct client *client)
{
	return client->state == CLIENT_READS || client->state == CLIENT_ANSWERS ||
	       client->state == CLIENT_WAITS;
}

static void client_serve(struct acceptor *a, struct client *client, const struct pollfd *p,
			 int64_t now)
{
	if (client->state == CLIENT_READS && p->revents)
		answer_read(a, client, now);
	else if ((client->state == CLIENT_ANSWERS || client->state == CLIENT_FAILS) && p->revents)
		answer_write(a, client, now);
	else if (client->state == CLIENT_WAITS && p->revents)
		answer_gone(a, client);
	else if (client->state == CLIENT_WAITS)
		answer_try(a, client, now);
	/* What came together with an earlier request. */
	if (client->state == CLIENT_READS)
		answer_next(a, client, now);
	/* answer_try() has looked at the time of one that waits. */
	if (client_has_limit(client) && client->state != CLIENT_WAITS && client->until <= now)
		answer_gone(a, client);
}

static void client_poll(const struct client *client, struct pollfd *p)
{
	*p = (struct pollfd){ .fd = client->fd };
	switch (client->state) {
	case CLIENT_FREE:
	case CLIENT_SENDS: /* the reader sees its end */
		p->fd = -1;
		break;
	case CLIENT_READS:
		p->events = POLLIN;
		break;
	case CLIENT_WAITS: /* only for its end; systemd shuts down its own direction at once */
		break;
	case CLIENT_ANSWERS:
	case CLIENT_FAILS:
		p->events = POLLOUT;
	}
}

static void client_accept(struct acceptor *a, bool api, int64_t now)
{
	const int fd = accept4(api ? a->api : a->credentials, NULL, NULL,
			       SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *client;

	if (fd < 0)
		return;
	client = clients_add(&a->clients, fd, api);
	if (client)
		answer_begin(a, client, now);
	else
		close(fd);
}

void acceptor_adopt(struct acceptor *a, int fd)
{
	struct client *client = clients_add(&a->clients, fd, false);

	if (!client) {
		close(fd);
		return;
	}
	client->state = CLIENT_FAILS;
	client->out.excess = OUTBOX_EXCESS;
	log_line(LOG_LEVEL_WARNING,
		 "a connection of systemd was left by an earlier process; its unit fails");
}

/* --- the end ---------------------------------------------------------------------------------- */

/* The reader cannot write any more, or this process ends: no secret comes. */
static void clients_fail(struct acceptor *a, const char *reason, bool sends, int64_t now)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &a->clients.client[i];

		/* A program has no request here, or a part of its answer may be written. */
		if (client->state == CLIENT_READS ||
		    (client->state == CLIENT_SENDS && sends && client->api))
			clients_remove(client);
		else if (client->state == CLIENT_WAITS || (client->state == CLIENT_SENDS && sends))
			answer_fail(a, client, reason, now);
	}
}

static void stop_begin(struct acceptor *a, const char *reason, int64_t now)
{
	if (!a->stop)
		a->stop = now + ACCEPTOR_STOP_MS;
	clients_fail(a, reason, a->channel < 0, now);
}

static bool stop_is_over(const struct acceptor *a, int64_t now)
{
	const bool idle = !clients_count(&a->clients, false);

	return (a->leave && idle) || (a->stop && (a->stop <= now || idle));
}

static void signal_read(struct acceptor *a, int64_t now)
{
	struct signalfd_siginfo info;

	if (read(a->signals, &info, sizeof(info)) == (ssize_t)sizeof(info) &&
	    info.ssi_signo == SIGHUP)
		a->leave = true;
	else
		stop_begin(a, "realmkey-local was stopped", now);
}

static void channel_read(struct acceptor *a, int64_t now, struct error *e)
{
	struct handoff packet;
	int fd, ret;

	while ((ret = handoff_receive(a->channel, &packet, &fd, e)) > 0) {
		struct client *client = clients_find(&a->clients, packet.client);

		if (fd >= 0)
			close(fd);
		if (client)
			answer_sent(a, client, packet.type, now);
	}
	if (ret == 0)
		return;
	close(a->channel);
	a->channel = -1;
	stop_begin(a, "the reader of realmkey-local has ended", now);
}

/* --- the loop --------------------------------------------------------------------------------- */

static int acceptor_timeout(const struct acceptor *a, int64_t now)
{
	int64_t until = a->stop ? a->stop : INT64_MAX;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		const struct client *client = &a->clients.client[i];

		if (client_has_limit(client) && client->until < until)
			until = client->until;
		if (client->state == CLIENT_WAITS && a->watch.id < 0 &&
		    now + ACCEPTOR_LOOK_MS < until)
			until = now + ACCEPTOR_LOOK_MS;
	}
	return until == INT64_MAX ? -1 : until <= now ? 0 : (int)(until - now);
}

static int acceptor_poll(struct acceptor *a, struct pollfd p[POLL_MAX], struct error *e)
{
	const bool room = clients_count(&a->clients, false) < CLIENTS_MAX && !a->stop;
	const bool room_api = room && clients_count(&a->clients, true) < CLIENTS_API_MAX;

	p[POLL_SIGNALS] = (struct pollfd){ .fd = a->stop ? -1 : a->signals, .events = POLLIN };
	p[POLL_CHANNEL] = (struct pollfd){ .fd = a->channel, .events = POLLIN };
	p[POLL_WATCH] = (struct pollfd){ .fd = a->watch.fd, .events = POLLIN };
	p[POLL_CREDENTIALS] = (struct pollfd){ .fd = room ? a->credentials : -1, .events = POLLIN };
	p[POLL_API] = (struct pollfd){ .fd = room_api ? a->api : -1, .events = POLLIN };
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		client_poll(&a->clients.client[i], &p[POLL_CLIENTS + i]);
	if (poll(p, POLL_MAX, acceptor_timeout(a, clock_boot_ms())) >= 0)
		return 0;
	for (size_t i = 0; i < POLL_MAX; i++)
		p[i].revents = 0;
	return errno == EINTR ? 0 : error_set_errno(e, ERROR_SYSTEM, "poll");
}

static void acceptor_step(struct acceptor *a, const struct pollfd p[POLL_MAX], struct error *e)
{
	const int64_t now = clock_boot_ms();

	if (p[POLL_CHANNEL].revents)
		channel_read(a, now, e);
	/* Before the clients: a new client is judged by the present configuration. */
	if (!a->stop &&
	    (p[POLL_WATCH].revents || p[POLL_CREDENTIALS].revents || p[POLL_API].revents ||
	     a->watch.id < 0) &&
	    watch_changed(&a->watch) && configuration_follow(a, e) < 0)
		stop_begin(a, "realmkey-local starts again with another configuration", now);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (a->clients.client[i].state != CLIENT_FREE)
			client_serve(a, &a->clients.client[i], &p[POLL_CLIENTS + i], now);
	if (p[POLL_CREDENTIALS].revents && !a->stop)
		client_accept(a, false, now);
	if (p[POLL_API].revents && !a->stop)
		client_accept(a, true, now);
	if (p[POLL_SIGNALS].revents)
		signal_read(a, now);
}

int acceptor_serve(struct acceptor *a, struct error *e)
{
	struct pollfd p[POLL_MAX];

	while (!stop_is_over(a, clock_boot_ms())) {
		/* If that fails, this process ends, and the reader fails the connections. */
		if (acceptor_poll(a, p, e) < 0)
			return -1;
		acceptor_step(a, p, e);
	}
	return e->kind == ERROR_NONE ? 0 : -1;
}
