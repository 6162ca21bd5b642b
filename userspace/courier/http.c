// SPDX-License-Identifier: Apache-2.0
#include "http.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "connect.h"
#include "cookie.h"
#include "memory.h"

#define PIECE_SIZE 16384 /* bytes of one read; a record of TLS has no more */
#define WAIT_MAX   86400

int http_prepare(struct http *http, struct error *e)
{
	/* OpenSSL writes to a connection without MSG_NOSIGNAL. */
	signal(SIGPIPE, SIG_IGN);
	return tls_prepare(&http->tls, e);
}

int http_open(struct http *http, const struct http_target *target, struct error *e)
{
	struct error malformed = ERROR_INIT;

	if (url_split(target->url, &http->to, &malformed) < 0)
		return error_set(e, ERROR_PROTOCOL, "malformed URL: %s", target->url);
	if (http->to.tls && tls_trust(&http->tls, target->ca, http->to.host, e) < 0)
		return -1;
	http->pinned = target->pinned;
	http->insecure = target->insecure;
	http->timeout = target->timeout;
	http->peer = target->peer;
	http->give_up = target->give_up;
	http->url = strdup(target->url);
	return http->url ? 0 : error_set_memory(e);
}

void http_close(struct http *http)
{
	stream_close(&http->stream);
	tls_close(&http->tls);
	frame_free(&http->frame);
	free(http->url);
	bytes_free(&http->answer);
	bytes_free(&http->cookies);
	*http = (struct http)HTTP_INIT;
}

/* --- one request ----------------------------------------------------------------------------- */

static int http_connect(struct http *http, const struct deadline *whole, struct error *e)
{
	struct deadline d = deadline_phase(whole, "connecting", true);
	struct addresses found;
	SSL *ssl = NULL;
	int fd;

	if (!http->pinned.count &&
	    resolver_find(http->to.host, http->to.port, &d, http->give_up, &found, e) < 0)
		return -1;
	fd = connect_race(http->pinned.count ? &http->pinned : &found, &d, e);
	if (fd < 0)
		return -1;
	stream_open(&http->stream, fd, NULL);
	if (!http->to.tls)
		return 0;
	d = deadline_phase(whole, "in the TLS handshake", true);
	ssl = tls_connect(&http->tls, fd, &d, e);
	if (!ssl)
		return -1;
	stream_open(&http->stream, fd, ssl);
	return 0;
}

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

	frame_begin(&http->frame);
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

static int http_request(struct http *http, const struct request *r, struct error *e)
{
	const struct deadline whole = deadline_start(http->timeout, http->peer);
	struct bytes out = BYTES_INIT;
	bool again = false;
	int ret = frame_request(r, http->to.authority, bytes_text(&http->cookies), &out, e);

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

int http_send(struct http *http, const struct request *r, int *status, struct error *e)
{
	int ret;

	memory_begin();
	bytes_clear(&http->answer);
	if (!http->to.tls && !http->insecure)
		return error_set(e, ERROR_PROTOCOL, "%s: http:// is not allowed", http->url);
	ret = http_request(http, r, e);
	if (ret < 0) {
		if (memory_failed())
			return error_set_memory(e);
		return e->memory ? -1 : error_add(e, "%s", http->url);
	}
	*status = http->frame.status;
	http->wait = http->frame.retry_after <= 0	? 0 :
		     http->frame.retry_after < WAIT_MAX ? (uint32_t)http->frame.retry_after :
							  WAIT_MAX;
	bytes_swap(&http->answer, &http->frame.body);
	return 0;
}
