// SPDX-License-Identifier: Apache-2.0
#include "http.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "peers.h"
#include "tls_current.h"

/* For the head of a request. An EAR as a bearer token has about 3 KiB, and this server accepts no
 * tokens but its own. The library uses all of it on each connection that made a request. */
#define CONNECTION_MEMORY ((size_t)16 << 10)
/* Connections over the limit until one of the others has ended. */
#define CONNECTIONS_SPARE 64U
/* The bodies that clients without authorisation send at one time. */
#define BODIES_MAX ((size_t)4 << 20)
/* The server reads and drops a body that it refuses, up to this size. If it closed the connection
 * while the client still sends, the client would get a reset and might never read the reason. */
#define DRAIN_MAX ((size_t)8 << 20)
/* How often the time limits of connections are looked at. */
#define TICK_MS 500
/* The library asks to be called at once, and again, while a client pauses within its TLS handshake. If nothing
 * happens in a call, the next one is when a socket is ready, or after this time. */
#define PAUSE_MS 1

#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* One request, from the first call of http_access() to http_completed(). */
struct exchange {
	struct http_body allowed;
	struct reply *refusal; /* owned; the answer, if the head was refused */
	struct bytes body;
	struct bytes answer; /* the library reads it until http_completed() */
	bool answered;
	size_t seen;	/* bytes of the body that were received */
	char line[384]; /* "METHOD PATH" for the log */
};

struct http {
	struct MHD_Daemon *daemon;
	const struct http_service *service;
	struct peers peers;
	pthread_t thread;
	int wake; /* an eventfd that ends the thread's wait */
	bool active; /* since the library was called: a socket was ready, or a part of a request came */
	size_t answers; /* that are being sent */
	atomic_bool stopping;
	char said[256]; /* the last message of the library, for an error at the start */
};

static const char *http_header(struct MHD_Connection *connection, enum MHD_ValueKind kind,
			       const char *name)
{
	return MHD_lookup_connection_value(connection, kind, name);
}

/* Send @reply, whose body is then @exchange's, and write the one log line of this request. Tests count
 * these lines. */
static enum MHD_Result http_reply(struct MHD_Connection *connection, struct exchange *exchange,
				  struct reply *reply)
{
	const char *const headers[][2] = {
		{ MHD_HTTP_HEADER_CONTENT_TYPE, reply->body.len > 0 ? "application/json" : "" },
		{ MHD_HTTP_HEADER_SET_COOKIE, reply->cookie },
		{ MHD_HTTP_HEADER_ALLOW, reply->allow },
	};
	struct MHD_Response *response;
	enum MHD_Result ret;

	log_line(reply->warning ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "request %s %u%s%s",
		 exchange->line, reply->status, reply->note[0] ? " " : "", reply->note);
	bytes_swap(&exchange->answer, &reply->body);
	response = MHD_create_response_from_buffer(exchange->answer.len, exchange->answer.data,
						   MHD_RESPMEM_PERSISTENT);
	if (!response)
		return MHD_NO;
	ret = MHD_YES;
	for (size_t i = 0; ret == MHD_YES && i < ARRAY_SIZE(headers); i++)
		if (headers[i][1][0])
			ret = MHD_add_response_header(response, headers[i][0], headers[i][1]);
	if (ret == MHD_YES)
		ret = MHD_queue_response(connection, reply->status, response);
	MHD_destroy_response(response);
	return ret;
}

static struct peer *http_peer(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static struct request http_request(struct MHD_Connection *connection, const char *url,
				   const char *method, const struct exchange *exchange)
{
	return (struct request){
		.method = method,
		.path = url,
		.session = http_header(connection, MHD_COOKIE_KIND, "kbs-session-id"),
		.authorization = http_header(connection, MHD_HEADER_KIND,
					     MHD_HTTP_HEADER_AUTHORIZATION),
		.body = exchange->body.data,
		.len = exchange->body.len,
		.monotonic = clock_boot_ms(),
		.now = clock_wall_s(),
	};
}

static void http_dispatch(const struct http *http, struct MHD_Connection *connection,
			  const char *url, const char *method, const struct exchange *exchange,
			  struct reply *reply)
{
	struct request request = http_request(connection, url, method, exchange);
	struct error e = ERROR_INIT;

	if (bytes_check(&exchange->body, &e) < 0)
		reply_fail(reply, REPLY_INTERNAL, &e);
	else
		http->service->dispatch(http->service->context, &request, reply);
}

/* The head is read and, unless the client waits for this answer, the body too. */
static enum MHD_Result http_answer(struct http *http, struct MHD_Connection *connection,
				   const char *url, const char *method, bool too_large,
				   struct exchange *exchange)
{
	struct reply reply = REPLY_INIT;
	enum MHD_Result ret;
	char cause[64];

	peer_begin(http_peer(connection), PEER_ANSWER, clock_boot_ms());
	exchange->answered = true;
	http->answers++;
	if (exchange->refusal)
		return http_reply(connection, exchange, exchange->refusal);
	if (too_large) {
		snprintf(cause, sizeof(cause), "a body of this request has at most %zu KiB",
			 exchange->allowed.max >> 10);
		reply_refuse(&reply, REPLY_TOO_LARGE, cause);
	} else {
		http_dispatch(http, connection, url, method, exchange, &reply);
	}
	ret = http_reply(connection, exchange, &reply);
	reply_free(&reply);
	return ret;
}

/* Decide whether the body is kept. Returns -1 out of memory. */
static int http_admit(const struct http *http, struct MHD_Connection *connection, const char *url,
		      const char *method, struct exchange *exchange)
{
	struct request request = http_request(connection, url, method, exchange);
	struct reply reply = REPLY_INIT;

	if (http->service->admit(http->service->context, &request, &exchange->allowed, &reply)) {
		exchange->body.locked = exchange->allowed.secret;
		return 0;
	}
	exchange->allowed = (struct http_body){ 0 };
	exchange->refusal = malloc(sizeof(reply));
	if (!exchange->refusal) {
		reply_free(&reply);
		return -1;
	}
	*exchange->refusal = reply;
	return 0;
}

/* The first call for a request: its head was received, its body was not. */
static enum MHD_Result http_begin(struct http *http, struct MHD_Connection *connection,
				  const char *url, const char *method, void **context)
{
	const char *text = http_header(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	unsigned long long announced = text ? strtoull(text, NULL, 10) : 0;
	bool waits = http_header(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT) != NULL;
	struct exchange *exchange = calloc(1, sizeof(*exchange));
	size_t len;

	if (!exchange)
		return MHD_NO;
	*context = exchange;
	request_printable(method, exchange->line, 32);
	len = strlen(exchange->line);
	exchange->line[len++] = ' ';
	request_printable(url, exchange->line + len, sizeof(exchange->line) - len);
	peer_begin(http_peer(connection), PEER_BODY, clock_boot_ms());
	if (http_admit(http, connection, url, method, exchange) < 0)
		return MHD_NO;
	/* Answer before the body is read if the client waits for permission to send it, or if there
	 * would be too much to drop. */
	if (announced > (waits ? exchange->allowed.max : DRAIN_MAX))
		return http_answer(http, connection, url, method,
				   announced > DRAIN_MAX || exchange->allowed.max > 0, exchange);
	return MHD_YES;
}

/* Keep or drop a part of the body. */
static enum MHD_Result http_body(struct http *http, struct MHD_Connection *connection,
				 struct exchange *exchange, const char *data, size_t len)
{
	struct peer *peer = http_peer(connection);

	exchange->seen += len;
	if (exchange->seen > DRAIN_MAX)
		return MHD_NO;
	if (exchange->seen > exchange->allowed.max)
		bytes_free(&exchange->body);
	else
		bytes_append(&exchange->body, data, len);
	if (!exchange->allowed.trusted)
		peers_hold(&http->peers, peer, exchange->body.size, clock_boot_ms());
	return peer && !peer->ended ? MHD_YES : MHD_NO;
}

static enum MHD_Result http_access(void *cls, struct MHD_Connection *connection, const char *url,
				   const char *method, const char *version, const char *data,
				   size_t *len, void **context)
{
	struct exchange *exchange = *context;
	struct http *http = cls;
	size_t part = *len;

	(void)version;
	http->active = true;
	if (!exchange)
		return http_begin(http, connection, url, method, context);
	*len = 0;
	if (part > 0)
		return http_body(http, connection, exchange, data, part);
	return http_answer(http, connection, url, method,
			   exchange->allowed.max > 0 && exchange->seen > exchange->allowed.max,
			   exchange);
}

static void http_completed(void *cls, struct MHD_Connection *connection, void **context,
			   enum MHD_RequestTerminationCode why)
{
	struct exchange *exchange = *context;
	struct peer *peer = http_peer(connection);
	struct http *http = cls;

	(void)why;
	if (exchange) {
		http->answers -= exchange->answered;
		bytes_free(&exchange->body);
		bytes_free(&exchange->answer);
		if (exchange->refusal)
			reply_free(exchange->refusal);
		free(exchange->refusal);
	}
	free(exchange);
	*context = NULL;
	peers_hold(&http->peers, peer, 0, clock_boot_ms());
	peer_begin(peer, PEER_HEAD, clock_boot_ms());
}

static void http_connection(void *cls, struct MHD_Connection *connection, void **context,
			    enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info;
	struct http *http = cls;
	int fd;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		peers_remove(&http->peers, *context);
		*context = NULL;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	fd = info->connect_fd; /* the next call uses the same memory */
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	*context = peers_add(&http->peers, info->client_addr, fd, clock_boot_ms());
	if (!*context) /* out of memory */
		(void)shutdown(fd, SHUT_RDWR);
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (info && info->tls_session)
		tls_current_tickets(info->tls_session);
}

/* As the library's own function, except that "%00" is not decoded, because it would end the
 * path. */
static size_t http_unescape(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls;
	(void)connection;
	return strstr(text, "%00") ? strlen(text) : MHD_http_unescape(text);
}

static void http_logger(void *cls, const char *format, va_list args)
{
	struct http *http = cls;

	vsnprintf(http->said, sizeof(http->said), format, args);
	http->said[strcspn(http->said, "\n")] = '\0';
	log_line(LOG_LEVEL_DEBUG, "http: %s", http->said);
}

static void *http_loop(void *cls)
{
	struct http *http = cls;
	struct pollfd fds[] = {
		{ .fd = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
		  .events = POLLIN },
		{ .fd = http->wake, .events = POLLIN },
	};
	int64_t ticked = clock_boot_ms();

	while (!atomic_load(&http->stopping)) {
		int timeout = MHD_get_timeout_i(http->daemon);
		int64_t now;

		if (timeout < 0 || timeout > TICK_MS)
			timeout = TICK_MS;
		else if (timeout == 0 && !http->active && http->answers == 0)
			timeout = PAUSE_MS;
		http->active = poll(fds, ARRAY_SIZE(fds), timeout) > 0;
		(void)MHD_run(http->daemon);
		now = clock_boot_ms();
		peers_trim(&http->peers, now);
		if (now - ticked >= TICK_MS) {
			peers_end_overdue(&http->peers, now);
			ticked = now;
		}
	}
	return NULL;
}

static int http_daemon(struct http *http, int fd, const struct tls_files *files, struct error *e)
{
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)tls_current_get },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned int flags = MHD_USE_EPOLL | MHD_USE_ERROR_LOG | (files ? MHD_USE_TLS : 0U);

	http->daemon = MHD_start_daemon(flags, 0, NULL, NULL, http_access, http,
					MHD_OPTION_EXTERNAL_LOGGER, http_logger, http,
					MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED,
					http_completed, http, MHD_OPTION_NOTIFY_CONNECTION,
					http_connection, http, MHD_OPTION_UNESCAPE_CALLBACK,
					http_unescape, NULL, MHD_OPTION_CONNECTION_LIMIT,
					(unsigned int)http->peers.live_max + CONNECTIONS_SPARE,
					MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
					MHD_OPTION_ARRAY, files ? tls : tls + 2, MHD_OPTION_END);
	if (!http->daemon)
		return error_set(e, ERROR_SYSTEM, "HTTP server: %s",
				 http->said[0] ? http->said : "cannot start");
	return 0;
}

struct http *http_start(const struct http_service *service, int fd, const struct tls_files *files,
			size_t connections, struct error *e)
{
	struct http *http = calloc(1, sizeof(*http));
	int fault;

	if (!http) {
		error_set_memory(e);
		return NULL;
	}
	if (files && tls_current_set(files, e) < 0) {
		free(http);
		return NULL;
	}
	http->service = service;
	http->peers.live_max = connections;
	http->peers.held_max = BODIES_MAX;
	http->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (http->wake < 0) {
		error_set_errno(e, ERROR_SYSTEM, "HTTP server: eventfd");
		goto fail;
	}
	if (http_daemon(http, fd, files, e) < 0)
		goto fail;
	fault = pthread_create(&http->thread, NULL, http_loop, http);
	if (fault == 0)
		return http;
	errno = fault;
	error_set_errno(e, ERROR_SYSTEM, "HTTP server: a thread");
	/* The caller keeps the socket. */
	(void)MHD_quiesce_daemon(http->daemon);
	MHD_stop_daemon(http->daemon);
fail:
	tls_current_clear();
	if (http->wake >= 0)
		close(http->wake);
	free(http);
	return NULL;
}

void http_stop(struct http *http)
{
	const uint64_t one = 1;

	if (!http)
		return;
	atomic_store(&http->stopping, true);
	/* This only shortens the thread's wait, so a failure costs a tick. */
	(void)!write(http->wake, &one, sizeof(one));
	pthread_join(http->thread, NULL);
	MHD_stop_daemon(http->daemon);
	close(http->wake);
	peers_free(&http->peers);
	tls_current_clear();
	free(http);
}
