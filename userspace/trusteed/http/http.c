// SPDX-License-Identifier: Apache-2.0
#include "http.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "conn.h"
#include "tls_current.h"

/* Connections over the limit until one of the others has ended. */
#define CONNECTIONS_SPARE ((size_t)64)
/* Connections that are accepted before others are served again. */
#define ACCEPTS 32
/* The bodies that clients without authorisation send at one time. */
#define BODIES_MAX ((size_t)4 << 20)
/* How often the time limits of connections are looked at. */
#define TICK_MS 500
/* What is read of a connection at once. */
#define INPUT_SIZE ((size_t)16 << 10)

struct http {
	struct conns conns; /* first, for http_fewer() */
	struct loop_source listener;
	struct loop_timer tick;
	bool paused; /* no connection is accepted until there are fewer, or until the next tick */
};

/* --- new connections -------------------------------------------------------------------------- */

static struct http *http_of(struct loop_source *source)
{
	return (struct http *)((char *)source - offsetof(struct http, listener));
}

static void http_pause(struct http *http, bool paused)
{
	if (http->paused == paused)
		return;
	http->paused = paused;
	loop_change(http->conns.loop, &http->listener, paused ? 0 : EPOLLIN);
}

static void http_fewer(struct conns *conns)
{
	http_pause((struct http *)conns, false);
}

/* accept() has failed with errno. It may say that there is no client, or that one has gone. */
static void http_accept_fail(struct http *http)
{
	struct error e = ERROR_INIT;

	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	error_set_errno(&e, ERROR_SYSTEM, "cannot accept a connection");
	log_line(LOG_LEVEL_ERROR, "%s", e.text);
	http_pause(http, true);
}

/* Returns false if there is none, or none can be served now. */
static bool http_accept(struct http *http)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof(address);
	struct error e = ERROR_INIT;
	int fd;

	if (http->conns.peers.count >= http->conns.peers.live_max + CONNECTIONS_SPARE) {
		http_pause(http, true);
		return false;
	}
	fd = accept4(http->listener.fd, (struct sockaddr *)&address, &len,
		     SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		http_accept_fail(http);
		return false;
	}
	if (conn_open(&http->conns, fd, (struct sockaddr *)&address, &e) < 0)
		log_line(LOG_LEVEL_ERROR, "connection: %s", e.text);
	return true;
}

static void http_incoming(struct loop_source *source, uint32_t events)
{
	struct http *http = http_of(source);

	(void)events;
	for (int i = 0; i < ACCEPTS && http_accept(http); i++)
		;
}

/* --- time limits ------------------------------------------------------------------------------ */

static void http_tick(struct loop_timer *timer)
{
	struct http *http = (struct http *)((char *)timer - offsetof(struct http, tick));
	int64_t now = clock_boot_ms();
	struct error e = ERROR_INIT;

	peers_trim(&http->conns.peers, now);
	peers_end_overdue(&http->conns.peers, now);
	http_pause(http, false);
	/* The loop has room for a timer that it has called. */
	(void)loop_set(http->conns.loop, timer, now + TICK_MS, &e);
}

/* --- the server ------------------------------------------------------------------------------- */

static int http_begin(struct http *http, const struct tls_files *files, struct error *e)
{
	if ((files && tls_current_set(files, e) < 0) ||
	    bytes_resize(&http->conns.input, INPUT_SIZE, e) < 0 ||
	    loop_add(http->conns.loop, &http->listener, EPOLLIN, e) < 0)
		return -1;
	if (loop_set(http->conns.loop, &http->tick, clock_boot_ms() + TICK_MS, e) == 0)
		return 0;
	loop_remove(http->conns.loop, &http->listener);
	return -1;
}

struct http *http_start(struct loop *loop, const struct http_service *service, int fd,
			const struct tls_files *files, size_t connections, struct error *e)
{
	struct http *http = calloc(1, sizeof(*http));

	if (!http) {
		error_set_memory(e);
		return NULL;
	}
	http->conns = (struct conns){
		.loop = loop,
		.service = service,
		.tls = files != NULL,
		.peers = { .live_max = connections, .held_max = BODIES_MAX },
		.input = BYTES_LOCKED_INIT,
		.fewer = http_fewer,
	};
	http->listener = (struct loop_source){ .fd = fd, .ready = http_incoming };
	http->tick.due = http_tick;
	if (http_begin(http, files, e) == 0)
		return http;
	tls_current_clear();
	bytes_free(&http->conns.input);
	free(http);
	return NULL;
}

void http_stop(struct http *http)
{
	if (!http)
		return;
	conns_close(&http->conns);
	loop_unset(http->conns.loop, &http->tick);
	loop_remove(http->conns.loop, &http->listener);
	close(http->listener.fd);
	peers_free(&http->conns.peers);
	bytes_free(&http->conns.input);
	tls_current_clear();
	free(http);
}
