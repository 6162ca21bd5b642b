// SPDX-License-Identifier: Apache-2.0
#include "http.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "tls_current.h"

#define CONNECTIONS_MAX	   64
#define CONNECTION_TIMEOUT 30 /* seconds without progress */
/* For the head of a request, which contains a bearer token; Trustee accepts 128 KiB. */
#define CONNECTION_MEMORY ((size_t)160 << 10)
/* The server reads and drops a body that is too large, up to this many times the limit. If it
 * closed the connection while the client still sends, the client would get a reset and might never
 * read the reason. */
#define DRAIN_FACTOR 4

#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* One request, from the first call of http_access() to http_completed(). */
struct exchange {
	struct bytes body;
	size_t seen;	/* bytes of the body that were received */
	char line[384]; /* "METHOD PATH" for the log */
};

struct http {
	struct MHD_Daemon *daemon;
	const struct http_service *service;
	char said[256]; /* the last message of the library, for an error at the start */
};

static const char *http_header(struct MHD_Connection *connection, enum MHD_ValueKind kind,
			       const char *name)
{
	return MHD_lookup_connection_value(connection, kind, name);
}

/* Send @reply, and write the one log line of this request. Tests count these lines. */
static enum MHD_Result http_reply(struct MHD_Connection *connection,
				  const struct exchange *exchange, const struct reply *reply)
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
	response = MHD_create_response_from_buffer(reply->body.len, reply->body.data,
						   MHD_RESPMEM_MUST_COPY);
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

static enum MHD_Result http_too_large(const struct http *http, struct MHD_Connection *connection,
				      const struct exchange *exchange)
{
	struct reply reply = REPLY_INIT;
	enum MHD_Result ret;
	char cause[64];

	snprintf(cause, sizeof(cause), "a body has at most %zu MiB", http->service->body_max >> 20);
	reply_refuse(&reply, REPLY_TOO_LARGE, cause);
	ret = http_reply(connection, exchange, &reply);
	reply_free(&reply);
	return ret;
}

static enum MHD_Result http_dispatch(const struct http *http, struct MHD_Connection *connection,
				     const char *url, const char *method,
				     const struct exchange *exchange)
{
	struct reply reply = REPLY_INIT;
	struct error e = ERROR_INIT;
	struct request request = {
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
	enum MHD_Result ret;

	if (bytes_check(&exchange->body, &e) < 0)
		reply_fail(&reply, REPLY_INTERNAL, &e);
	else
		http->service->dispatch(http->service->context, &request, &reply);
	ret = http_reply(connection, exchange, &reply);
	reply_free(&reply);
	return ret;
}

/* The first call for a request: its head was received, its body was not. */
static enum MHD_Result http_begin(const struct http *http, struct MHD_Connection *connection,
				  const char *url, const char *method, void **context)
{
	const char *text = http_header(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	unsigned long long announced = text ? strtoull(text, NULL, 10) : 0;
	bool waits = http_header(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT) != NULL;
	struct exchange *exchange = calloc(1, sizeof(*exchange));
	size_t len, max = http->service->body_max;

	if (!exchange)
		return MHD_NO;
	*context = exchange;
	exchange->body.locked = http->service->body_is_secret(method, url);
	request_printable(method, exchange->line, 32);
	len = strlen(exchange->line);
	exchange->line[len++] = ' ';
	request_printable(url, exchange->line + len, sizeof(exchange->line) - len);
	/* Refuse the body before it is read if the client waits for permission to send it, or if
	 * there would be too much to drop. */
	if (announced > (waits ? max : DRAIN_FACTOR * max))
		return http_too_large(http, connection, exchange);
	return MHD_YES;
}

static enum MHD_Result http_access(void *cls, struct MHD_Connection *connection, const char *url,
				   const char *method, const char *version, const char *data,
				   size_t *len, void **context)
{
	struct exchange *exchange = *context;
	const struct http *http = cls;
	size_t max = http->service->body_max;

	(void)version;
	if (!exchange)
		return http_begin(http, connection, url, method, context);
	if (*len > 0) {
		exchange->seen += *len;
		if (exchange->seen > DRAIN_FACTOR * max)
			return MHD_NO;
		if (exchange->seen > max)
			bytes_free(&exchange->body);
		else
			bytes_append(&exchange->body, data, *len);
		*len = 0;
		return MHD_YES;
	}
	if (exchange->seen > max)
		return http_too_large(http, connection, exchange);
	return http_dispatch(http, connection, url, method, exchange);
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

struct http *http_start(const struct http_service *service, int fd, const struct tls_files *files,
			struct error *e)
{
	struct http *http = calloc(1, sizeof(*http));
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)tls_current_get },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned int flags = MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_ERROR_LOG;

	if (!http) {
		error_set_memory(e);
		return NULL;
	}
	if (files && tls_current_set(files, e) < 0) {
		free(http);
		return NULL;
	}
	http->service = service;
	http->daemon = MHD_start_daemon(flags | (files ? MHD_USE_TLS : 0U), 0, NULL, NULL,
					http_access, http, MHD_OPTION_EXTERNAL_LOGGER, http_logger,
					http, MHD_OPTION_LISTEN_SOCKET, fd,
					MHD_OPTION_NOTIFY_COMPLETED, http_completed, NULL,
					MHD_OPTION_UNESCAPE_CALLBACK, http_unescape, NULL,
					MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
					MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_TIMEOUT,
					MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
					MHD_OPTION_ARRAY, files ? tls : tls + 2, MHD_OPTION_END);
	if (!http->daemon) {
		error_set(e, ERROR_SYSTEM, "HTTP server: %s",
			  http->said[0] ? http->said : "cannot start");
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
	tls_current_clear();
	free(http);
}
