// SPDX-License-Identifier: Apache-2.0
#include "http.h"

#include <signal.h>
#include <string.h>

#include "connect.h"
#include "cookie.h"
#include "memory.h"
#include "route/broker.h"
#include "route/proxy.h"

#define PIECE_SIZE 16384 /* bytes of one read; a record of TLS has no more */
#define WAIT_MAX   86400

int http_prepare(struct http *http, struct error *e)
{
	/* OpenSSL writes to a connection without MSG_NOSIGNAL. */
	signal(SIGPIPE, SIG_IGN);
	return tls_prepare(&http->tls, e);
}

/* The server that is used. */
static const struct target_server *http_server(const struct http *http)
{
	return &http->target->server[http->server];
}

/* Each store of CA certificates is made once, also if several servers share it. */
static int servers_trust(struct http *http, struct error *e)
{
	const struct target *t = http->target;

	for (size_t ca = 0; ca < t->cas; ca++) {
		X509_STORE *store = NULL;

		for (size_t i = 0; i < t->servers; i++) {
			const struct target_server *server = &t->server[i];

			if (server->ca != ca || !server->to.tls)
				continue;
			if (!store)
				store = tls_store(&t->ca[ca], e);
			if (!store && t->servers > 1 && e->kind == ERROR_INPUT) {
				memmove(e->text, e->text + strlen("CA: "), strlen(e->text) - 3);
				error_add(e, "CA %zu", i + 1);
			}
			if (!store || tls_trust(&http->peers[i], store, server->to.host, e) < 0) {
				X509_STORE_free(store);
				return -1;
			}
		}
		X509_STORE_free(store);
	}
	return 0;
}

int http_open(struct http *http, const struct target *target, const struct http_outside *outside,
	      struct error *e)
{
	http->target = target;
	http->outside = outside;
	if (target->key.len && tls_identify(&http->tls, &target->certificate, &target->key, e) < 0)
		return -1;
	return servers_trust(http, e);
}

void http_close(struct http *http)
{
	stream_close(&http->stream);
	for (size_t i = 0; i < FAILOVER_SERVERS_MAX; i++)
		tls_peer_free(&http->peers[i]);
	tls_close(&http->tls);
	frame_free(&http->frame);
	bytes_free(&http->answer);
	bytes_free(&http->cookies);
	*http = (struct http)HTTP_INIT;
}

void http_choose(struct http *http, size_t server)
{
	if (server == http->server)
		return;
	stream_close(&http->stream);
	bytes_clear(&http->cookies);
	http->server = server;
}

/* --- a connection ---------------------------------------------------------------------------- */

static bool http_has_proxy(const struct http *http)
{
	return http->target->proxy_url.len && http_server(http)->to.transport == URL_TCP;
}

static int http_connect_tcp(struct http *http, const struct url_parts *to,
			    const struct addresses *pinned, const struct deadline *d,
			    struct error *e)
{
	struct addresses found;

	if (pinned->count)
		return connect_race(pinned, d, e);
	if (resolver_find(to->host, to->port, d, http->outside->give_up, &found, e) < 0)
		return -1;
	return connect_race(&found, d, e);
}

static int http_exchange(struct http *http, const struct bytes *out, const struct deadline *whole,
			 struct error *e);

/* Have the proxy, to which http->stream leads, connect to the server. */
static int http_tunnel(struct http *http, const struct deadline *whole, struct error *e)
{
	struct deadline d = deadline_phase(whole, "waiting for the answer", true);
	const bool given = http->target->authorization.len;
	struct bytes out = BYTES_INIT; /* wiped when it is released */
	int ret = proxy_request(&http_server(http)->to, &http->target->authorization, &out, e);

	frame_begin_tunnel(&http->frame);
	if (ret == 0)
		ret = http_exchange(http, &out, &d, e);
	bytes_free(&out);
	if (ret == 0)
		ret = proxy_answer(http->frame.status, given, e);
	/* Neither a server of TLS nor one of HTTP speaks first. */
	if (ret == 0 && !http->frame.keep)
		ret = error_set(e, ERROR_PROTOCOL, "data after its answer to CONNECT");
	return ret;
}

static int http_connect_proxy(struct http *http, const struct deadline *whole, struct error *e)
{
	struct deadline d = deadline_phase(whole, "connecting", true);
	int fd = http_connect_tcp(http, &http->target->proxy, &http->outside->pinned[0], &d, e);

	if (fd >= 0) {
		stream_open(&http->stream, fd, NULL);
		if (http_tunnel(http, whole, e) < 0)
			fd = -1;
	}
	if (fd < 0)
		error_add(e, "proxy %s", bytes_text(&http->target->proxy_url));
	return fd;
}

static int http_connect(struct http *http, const struct deadline *whole, struct error *e)
{
	const struct url_parts *to = &http_server(http)->to;
	struct deadline d = deadline_phase(whole, "connecting", true);
	SSL *ssl;
	int fd;

	if (to->transport != URL_TCP)
		fd = broker_ask(http->outside->broker, http->server, &d, e);
	else if (http_has_proxy(http))
		fd = http_connect_proxy(http, whole, e);
	else
		fd = http_connect_tcp(http, to, &http->outside->pinned[http->server], &d, e);
	if (fd < 0)
		return -1;
	stream_open(&http->stream, fd, NULL);
	if (!to->tls)
		return 0;
	d = deadline_phase(whole, "in the TLS handshake", true);
	ssl = tls_connect(&http->tls, &http->peers[http->server], fd, &d, e);
	if (!ssl)
		return -1;
	stream_open(&http->stream, fd, ssl);
	return 0;
}

/* --- one request ----------------------------------------------------------------------------- */

/* Wait until the connection can be read, or also written to if @writing. */
static int http_wait(struct http *http, bool writing, const struct deadline *d, struct error *e)
{
	struct pollfd p = { .fd = http->stream.fd, .events = POLLIN | http->stream.wants };

	if (writing)
		p.events |= POLLOUT;
	http->stream.wants = 0;
	return stream_has_read(&http->stream) ? 1 : deadline_wait(d, &p, 1, INT64_MAX, e);
}

/* Read what has come. Returns 1 if the answer is complete, 0 if more is needed, or -1. */
static int http_read(struct http *http, struct error *e)
{
	uint8_t piece[PIECE_SIZE];
	ssize_t n = stream_get(&http->stream, piece, sizeof(piece), e);

	if (n < 0)
		return -1;
	if (n > 0)
		return frame_feed(&http->frame, piece, (size_t)n, e);
	if (!http->stream.ended)
		return 0;
	http->stream.lost = true;
	return frame_end(&http->frame, e) < 0 ? -1 : 1;
}

/* Send @out and receive the answer. A KBS may answer before it has read everything, and close the
 * connection: so a failure to send is not an error yet. */
static int http_exchange(struct http *http, const struct bytes *out, const struct deadline *whole,
			 struct error *e)
{
	struct deadline d = deadline_phase(whole, "waiting for the answer", false);
	size_t sent = 0;
	int ret = 0;

	while (ret == 0) {
		struct error unsent = ERROR_INIT;
		ssize_t n = 0;

		if (sent < out->len)
			n = stream_put(&http->stream, out->data + sent, out->len - sent, &unsent);
		sent = n < 0 ? out->len : sent + (size_t)n;
		d.phase = sent < out->len ? "sending the request" : "waiting for the answer";
		if (http_wait(http, sent < out->len, &d, e) < 0)
			return -1;
		ret = http_read(http, e);
	}
	if (sent < out->len)
		http->frame.keep = false;
	return ret < 0 ? -1 : 0;
}

/*
 * One try. @again: the connection was kept, and the KBS closed it before it answered. It may have done
 * so before it saw the request, so the request can be sent over another connection. That is safe for
 * all requests of a KBS, because each of them sets or gets something: the second has the effect of the
 * first.
 */
static int http_try(struct http *http, const struct bytes *out, const struct deadline *whole,
		    bool *again, struct error *e)
{
	bool kept;
	int ret = 0;

	if (http->stream.fd >= 0 && !stream_idle(&http->stream))
		stream_close(&http->stream);
	kept = http->stream.fd >= 0;
	if (!kept)
		ret = http_connect(http, whole, e);
	frame_begin(&http->frame);
	if (ret == 0)
		ret = http_exchange(http, out, whole, e);
	*again = ret < 0 && kept && http->stream.lost && !http->frame.begun;
	if (ret < 0 || !http->frame.keep)
		stream_close(&http->stream);
	return ret;
}

static int cookies_keep(struct http *http, struct error *e)
{
	const struct bytes *all = &http->frame.cookies;

	for (size_t at = 0; at < all->len; at += strlen((const char *)all->data + at) + 1)
		if (cookie_keep(&http->cookies, (const char *)all->data + at, e) < 0)
			return -1;
	return 0;
}

static int http_request(struct http *http, const struct request *r, unsigned int seconds,
			struct error *e)
{
	const struct deadline whole = deadline_start(seconds, http->outside->peer);
	struct bytes out = BYTES_INIT;
	bool again = false;
	int ret = frame_request(r, http_server(http)->to.authority, bytes_text(&http->cookies),
				&out, e);

	if (ret == 0 && r->len) {
		bytes_append(&out, r->body,
			     r->len); /* one write, and one record of TLS if it is short */
		ret = bytes_check(&out, e);
	}
	if (ret == 0)
		ret = http_try(http, &out, &whole, &again, e);
	if (again) {
		*e = (struct error)ERROR_INIT;
		ret = http_try(http, &out, &whole, &again, e);
	}
	bytes_free(&out);
	return ret < 0 ? -1 : cookies_keep(http, e);
}

int http_send(struct http *http, const struct request *r, unsigned int seconds, int *status,
	      struct error *e)
{
	const char *url = bytes_text(&http_server(http)->url);
	int ret;

	memory_begin();
	bytes_clear(&http->answer);
	if (http_server(http)->to.exposed && !http->target->insecure)
		return error_set(e, ERROR_PROTOCOL, "%s: http:// and vsock:// are not allowed",
				 url);
	ret = http_request(http, r, seconds, e);
	if (ret < 0) {
		if (memory_failed())
			return error_set_memory(e);
		return e->memory ? -1 : error_add(e, "%s", url);
	}
	*status = http->frame.status;
	http->wait = http->frame.retry_after <= 0	? 0 :
		     http->frame.retry_after < WAIT_MAX ? (uint32_t)http->frame.retry_after :
							  WAIT_MAX;
	bytes_swap(&http->answer, &http->frame.body);
	return 0;
}
