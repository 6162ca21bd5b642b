// SPDX-License-Identifier: Apache-2.0
#include "http.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "trusteed/route.h"

#define CONNECTIONS_MAX 64
#define CONNECTION_TIMEOUT 30	/* seconds without progress */
/* For the request's head, above all a bearer token; Trustee takes 128 KiB. */
#define CONNECTION_MEMORY ((size_t)160 << 10)
/* So much of a body that is too large is read and dropped: closing on a client that still sends
 * resets the connection, and it may never read why. */
#define DRAIN_MAX (4 * ROUTE_BODY_MAX)

#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* What MHD calls http_access() for first, in between, and last. */
struct exchange {
	struct bytes body;
	size_t seen;		/* bytes of body that came */
	char line[384];		/* "METHOD PATH" for the log */
};

struct http {
	struct MHD_Daemon *daemon;
	struct trustee *trustee;
	char said[256];		/* the library's last words, for an error at start */
};

static int64_t clock_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static const char *http_header(struct MHD_Connection *connection, enum MHD_ValueKind kind,
			       const char *name)
{
	return MHD_lookup_connection_value(connection, kind, name);
}

/* Add what @reply has headers for; MHD_NO out of memory. */
static enum MHD_Result http_headers(struct MHD_Response *response, const struct reply *reply)
{
	const char *const headers[][2] = {
		{ MHD_HTTP_HEADER_CONTENT_TYPE, reply->body.len > 0 ? "application/json" : "" },
		{ MHD_HTTP_HEADER_SET_COOKIE, reply->cookie },
		{ MHD_HTTP_HEADER_ALLOW, reply->allow },
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		if (headers[i][1][0] && MHD_add_response_header(response, headers[i][0],
								headers[i][1]) != MHD_YES)
			return MHD_NO;
	return MHD_YES;
}

/* Send @reply, and the one log line of this request. Tests count these lines. */
static enum MHD_Result http_reply(struct MHD_Connection *connection,
				  const struct exchange *exchange, const struct reply *reply)
{
	enum MHD_Result ret = MHD_NO;
	struct MHD_Response *response;

	response = MHD_create_response_from_buffer(reply->body.len, reply->body.data,
						   MHD_RESPMEM_MUST_COPY);
	if (response && http_headers(response, reply) == MHD_YES)
		ret = MHD_queue_response(connection, reply->status, response);
	if (response)
		MHD_destroy_response(response);
	log_line(reply->warning ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "request %s %u%s%s",
		 exchange->line, reply->status, reply->note[0] ? " " : "", reply->note);
	return ret;
}

static enum MHD_Result http_too_large(struct MHD_Connection *connection,
				      const struct exchange *exchange)
{
	struct reply reply = REPLY_INIT;
	enum MHD_Result ret;

	reply_refuse(&reply, REPLY_TOO_LARGE, "a body has at most 2 MiB");
	ret = http_reply(connection, exchange, &reply);
	reply_free(&reply);
	return ret;
}

static enum MHD_Result http_dispatch(struct http *http, struct MHD_Connection *connection,
				     const char *url, const char *method,
				     const struct exchange *exchange)
{
	struct reply reply = REPLY_INIT;
	struct request request = {
		.method = method,
		.path = url,
		.session = http_header(connection, MHD_COOKIE_KIND, "kbs-session-id"),
		.authorization = http_header(connection, MHD_HEADER_KIND,
					     MHD_HTTP_HEADER_AUTHORIZATION),
		.body = exchange->body.data,
		.len = exchange->body.len,
		.monotonic = clock_ms(CLOCK_MONOTONIC),
		.now = clock_ms(CLOCK_REALTIME) / 1000,
	};
	enum MHD_Result ret;

	route_dispatch(http->trustee, &request, &reply);
	ret = http_reply(connection, exchange, &reply);
	reply_free(&reply);
	return ret;
}

/* Whether to refuse, before it is read, the body that the head announces: when the client waits for
 * leave to send it, or when draining it would take too long. */
static bool http_refuse_early(struct MHD_Connection *connection)
{
	const char *text = http_header(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	unsigned long long len = text ? strtoull(text, NULL, 10) : 0;
	bool waits = http_header(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT) != NULL;

	return len > (waits ? ROUTE_BODY_MAX : DRAIN_MAX);
}

/* First call: the head is there. */
static enum MHD_Result http_begin(struct MHD_Connection *connection, const char *url,
				  const char *method, void **context)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));
	size_t len;

	if (!exchange)
		return MHD_NO;
	*context = exchange;
	exchange->body.locked = route_body_is_secret(method, url);
	request_printable(method, exchange->line, 32);
	len = strlen(exchange->line);
	exchange->line[len++] = ' ';
	request_printable(url, exchange->line + len, sizeof(exchange->line) - len);
	return http_refuse_early(connection) ? http_too_large(connection, exchange) : MHD_YES;
}

static enum MHD_Result http_upload(struct exchange *exchange, const char *data, size_t *len)
{
	exchange->seen += *len;
	if (exchange->seen > DRAIN_MAX)
		return MHD_NO;
	if (exchange->seen > ROUTE_BODY_MAX)
		bytes_free(&exchange->body);
	else if (bytes_append(&exchange->body, data, *len) < 0)
		return MHD_NO;
	*len = 0;
	return MHD_YES;
}

static enum MHD_Result http_access(void *cls, struct MHD_Connection *connection, const char *url,
				   const char *method, const char *version, const char *data,
				   size_t *len, void **context)
{
	struct exchange *exchange = *context;

	(void)version;
	if (!exchange)
		return http_begin(connection, url, method, context);
	if (*len > 0)
		return http_upload(exchange, data, len);
	if (exchange->seen > ROUTE_BODY_MAX)
		return http_too_large(connection, exchange);
	return http_dispatch(cls, connection, url, method, exchange);
}

static void http_completed(void *cls, struct MHD_Connection *connection, void **context,
			   enum MHD_RequestTerminationCode why)
{
	struct exchange *exchange = *context;

	(void)cls;
	(void)connection;
	(void)why;
	if (exchange)
		bytes_free(&exchange->body);
	free(exchange);
	*context = NULL;
}

/* As the library's own, but "%00" stays: decoded it would end the path early. */
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

struct http *http_start(struct trustee *t, int fd, const struct tls_files *files, struct error *e)
{
	struct http *http = calloc(1, sizeof(*http));
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, files ? files->cert.data : NULL },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, files ? files->key.data : NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned int flags = MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_ERROR_LOG;

	if (!http) {
		error_set_memory(e);
		return NULL;
	}
	http->trustee = t;
	http->daemon = MHD_start_daemon(flags | (files ? MHD_USE_TLS : 0U), 0, NULL, NULL,
					http_access, http,
					MHD_OPTION_EXTERNAL_LOGGER, http_logger, http,
					MHD_OPTION_LISTEN_SOCKET, fd,
					MHD_OPTION_NOTIFY_COMPLETED, http_completed, NULL,
					MHD_OPTION_UNESCAPE_CALLBACK, http_unescape, NULL,
					MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
					MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_TIMEOUT,
					MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
					MHD_OPTION_ARRAY, files ? tls : tls + 3, MHD_OPTION_END);
	if (!http->daemon) {
		error_set(e, ERROR_NETWORK, "HTTP server: %s", http->said[0] ? http->said :
			  "does not start");
		free(http);
		return NULL;
	}
	return http;
}

void http_stop(struct http *http)
{
	if (!http)
		return;
	MHD_stop_daemon(http->daemon);
	free(http);
}
