// SPDX-License-Identifier: Apache-2.0
#include "conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "answer.h"
#include "base/clock.h"
#include "base/log.h"
#include "later.h"
#include "parse.h"
#include "wire.h"

/* What is read at once: less while a head comes, because what follows a request is kept until it is
 * answered. */
#define READ_HEAD ((size_t)4 << 10)
#define READ_BODY ((size_t)16 << 10)

enum conn_state {
	CONN_HANDSHAKE,
	CONN_READ,
	CONN_WAIT, /* for a handler that answers later */
	CONN_WRITE,
	CONN_LINGER, /* until the client has read an answer that came before the end of its request */
};

struct conn {
	struct loop_source source;
	struct conns *conns;
	struct conn *next, **link; /* in the list of all */
	struct peer *peer;
	struct wire wire;
	enum conn_state state;
	uint32_t events;       /* that the loop waits for */
	struct parse *parse;   /* owned; NULL between two requests */
	struct reply *refusal; /* owned; the answer, if the head was refused */
	struct http_body allowed;
	struct bytes rest; /* sent by the client after the request that is being answered */
	struct bytes out;  /* the answer, of which @sent bytes were sent */
	size_t sent;
	struct later *later; /* who answers, in CONN_WAIT */
	bool keep;	     /* another request may follow this answer */
	bool linger;	     /* the client may still be sending when it has its answer */
	size_t dropped;	     /* bytes in CONN_LINGER */
};

/* --- its end ---------------------------------------------------------------------------------- */

static void conn_end_request(struct conn *conn)
{
	if (conn->parse)
		parse_free(conn->parse);
	free(conn->parse);
	conn->parse = NULL;
	if (conn->refusal)
		reply_free(conn->refusal);
	free(conn->refusal);
	conn->refusal = NULL;
	peers_hold(&conn->conns->peers, conn->peer, 0, clock_boot_ms());
}

static void conn_end(struct conn *conn)
{
	struct conns *conns = conn->conns;
	struct later *later = conn->later;

	conn->later = NULL;
	if (later)
		later->cancel(later);
	conn_end_request(conn);
	*conn->link = conn->next;
	if (conn->next)
		conn->next->link = conn->link;
	loop_remove(conns->loop, &conn->source);
	peers_remove(&conns->peers, conn->peer);
	wire_close(&conn->wire);
	bytes_free(&conn->rest);
	bytes_free(&conn->out);
	free(conn);
	conns->fewer(conns);
}

/* The connection ends because of @e, which is an error only if it is this machine's. */
static void conn_fail(struct conn *conn, const struct error *e)
{
	log_line(e->kind == ERROR_SYSTEM ? LOG_LEVEL_ERROR : LOG_LEVEL_DEBUG, "connection: %s",
		 e->text);
	conn_end(conn);
}

static void conn_fail_memory(struct conn *conn)
{
	struct error e = ERROR_INIT;

	error_set_memory(&e);
	conn_fail(conn, &e);
}

/* --- answers ---------------------------------------------------------------------------------- */

static void conn_wait_for(struct conn *conn, uint32_t events)
{
	if (events == conn->events)
		return;
	conn->events = events;
	loop_change(conn->conns->loop, &conn->source, events);
}

/* The answer is sent, and another request may follow. If its first bytes are here already, it begins in
 * the next step of the loop. */
static void conn_next(struct conn *conn)
{
	conn_end_request(conn);
	bytes_free(&conn->out);
	conn->state = CONN_READ;
	peer_begin(conn->peer, PEER_HEAD, clock_boot_ms());
	conn_wait_for(conn,
		      conn->rest.len || wire_pending(&conn->wire) ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void conn_linger(struct conn *conn)
{
	ssize_t n = wire_drop(&conn->wire, conn->conns->input.data, conn->conns->input.len);

	if (n > 0)
		conn->dropped += (size_t)n;
	if (n == 0 || n == WIRE_FAILED || conn->dropped > PARSE_BODY_MAX)
		conn_end(conn);
}

/* The answer is sent, and none follows. */
static void conn_finish(struct conn *conn)
{
	wire_finish(&conn->wire);
	if (!conn->linger) {
		conn_end(conn);
		return;
	}
	conn_end_request(conn);
	bytes_free(&conn->out);
	bytes_free(&conn->rest);
	conn->state = CONN_LINGER;
	conn_wait_for(conn, EPOLLIN);
}

static void conn_write(struct conn *conn)
{
	struct error e = ERROR_INIT;

	while (conn->sent < conn->out.len) {
		ssize_t n = wire_write(&conn->wire, conn->out.data + conn->sent,
				       conn->out.len - conn->sent, &e);

		if (n == WIRE_WAIT) {
			conn_wait_for(conn, conn->wire.waits);
			return;
		}
		if (n < 0) {
			conn_fail(conn, &e);
			return;
		}
		conn->sent += (size_t)n;
	}
	if (conn->keep)
		conn_next(conn);
	else
		conn_finish(conn);
}

/* Write the one log line of the request. Tests count these lines. */
static void conn_log(const struct conn *conn, const struct reply *reply)
{
	char method[32] = "-", path[352] = "-";

	if (conn->parse && conn->parse->path) {
		request_printable(conn->parse->method, method, sizeof(method));
		request_printable(conn->parse->path, path, sizeof(path));
	}
	log_line(reply->warning ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "request %s %s %u%s%s",
		 method, path, reply->status, reply->note[0] ? " " : "", reply->note);
}

/* Put @reply into conn->out. Returns -1 if there is no memory for it. */
static int conn_reply(struct conn *conn, const struct reply *reply)
{
	const struct parse *parse = conn->parse;
	const struct answer_form form = {
		.headless = parse->method && strcmp(parse->method, "HEAD") == 0,
		.recent = parse->recent,
		.keep = conn->keep,
		.now = clock_wall_s(),
	};

	conn_log(conn, reply);
	peer_begin(conn->peer, PEER_ANSWER, clock_boot_ms());
	conn->state = CONN_WRITE;
	conn->sent = 0;
	answer_print(reply, &form, &conn->out);
	bytes_free(&conn->parse->body);
	return conn->out.failed ? -1 : 0;
}

static void conn_answer(struct conn *conn, const struct reply *reply)
{
	if (conn_reply(conn, reply) < 0)
		conn_fail_memory(conn);
	else
		conn_write(conn);
}

/* A handler answers that could not at first. It is written in the next step of the loop: what follows an
 * answer may call the handler again, which is busy now. */
static void conn_answer_later(struct later *later, struct reply *reply)
{
	struct conn *conn = later->server;

	conn->later = NULL;
	later->server = NULL;
	/* Without memory, the connection ends in the next step, as if its peer had ended it. */
	if (conn_reply(conn, reply) < 0) {
		log_line(LOG_LEVEL_ERROR, "connection: out of memory");
		(void)shutdown(conn->wire.fd, SHUT_RDWR);
	}
	reply_free(reply);
	conn_wait_for(conn, EPOLLOUT);
}

/* --- requests --------------------------------------------------------------------------------- */

static struct request conn_request(const struct conn *conn)
{
	struct request request = parse_request(conn->parse);

	request.secure = conn->wire.ssl != NULL;
	request.monotonic = clock_boot_ms();
	request.now = clock_wall_s();
	return request;
}

static void conn_refuse(struct conn *conn, unsigned int status, const char *why)
{
	struct reply reply = REPLY_INIT;

	if (status == 0) {
		conn_end(conn);
		return;
	}
	reply.status = status;
	reply_note(&reply, "%s", why);
	conn->keep = false;
	conn->linger = true;
	conn_answer(conn, &reply);
	reply_free(&reply);
}

static void conn_refuse_large(struct conn *conn)
{
	struct reply reply = REPLY_INIT;
	char cause[64];

	snprintf(cause, sizeof(cause), "a body of this request has at most %zu KiB",
		 conn->allowed.max >> 10);
	reply_refuse(&reply, REPLY_TOO_LARGE, cause);
	conn_answer(conn, &reply);
	reply_free(&reply);
}

static void conn_dispatch(struct conn *conn)
{
	const struct http_service *service = conn->conns->service;
	struct request request = conn_request(conn);
	struct reply reply = REPLY_INIT;
	struct error e = ERROR_INIT;

	if (bytes_check(&conn->parse->body, &e) < 0)
		reply_fail(&reply, REPLY_INTERNAL, &e);
	else
		service->dispatch(service->context, &request, &reply);
	if (!reply.later) {
		conn_answer(conn, &reply);
		reply_free(&reply);
		return;
	}
	conn->later = reply.later;
	conn->later->server = conn;
	conn->later->answer = conn_answer_later;
	conn->state = CONN_WAIT;
	bytes_free(&conn->parse->body);
	peers_hold(&conn->conns->peers, conn->peer, 0, clock_boot_ms());
	peer_begin(conn->peer, PEER_ANSWER, clock_boot_ms());
	conn_wait_for(conn, EPOLLRDHUP);
	reply_free(&reply);
}

/* The whole request is here. */
static void conn_complete(struct conn *conn)
{
	const struct peers *peers = &conn->conns->peers;

	/* If none could be ended for a new connection, because all make requests, each ends after its answer. */
	conn->keep = conn->parse->keep && peers->live <= peers->live_max;
	conn->linger = false;
	if (conn->refusal)
		conn_answer(conn, conn->refusal);
	else if (conn->allowed.max > 0 && conn->parse->seen > conn->allowed.max)
		conn_refuse_large(conn);
	else
		conn_dispatch(conn);
}

/* Ask by the head whether the body is kept. Returns -1 out of memory. */
static int conn_admit(struct conn *conn)
{
	const struct http_service *service = conn->conns->service;
	struct request request = conn_request(conn);
	struct reply reply = REPLY_INIT;

	conn->allowed = (struct http_body){ 0 };
	if (service->admit(service->context, &request, &conn->allowed, &reply)) {
		conn->parse->max = conn->allowed.max;
		conn->parse->body.locked = conn->allowed.secret;
		return 0;
	}
	conn->allowed = (struct http_body){ 0 };
	conn->refusal = malloc(sizeof(reply));
	if (!conn->refusal) {
		reply_free(&reply);
		return -1;
	}
	*conn->refusal = reply;
	return 0;
}

/* Permit the client to send its body. There is room for these bytes unless the client does not read its
 * answers. */
static int conn_permit(struct conn *conn)
{
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	bool sent;

	answer_continue(&text);
	sent = !text.failed &&
	       wire_write(&conn->wire, text.data, text.len, &e) == (ssize_t)text.len;
	bytes_free(&text);
	return sent ? 0 : -1;
}

/* The head is here. Returns false if the body is not read: there is an answer, or the connection has
 * ended. */
static bool conn_head(struct conn *conn)
{
	const struct parse *parse = conn->parse;

	peer_begin(conn->peer, PEER_BODY, clock_boot_ms());
	if (conn_admit(conn) < 0) {
		conn_fail_memory(conn);
		return false;
	}
	/* Answer before the body is read if the client waits for permission to send it, or if there
	 * would be too much to drop. */
	if (parse->announced > (parse->waits ? conn->allowed.max : PARSE_BODY_MAX)) {
		conn->keep = false;
		conn->linger = true;
		if (conn->refusal)
			conn_answer(conn, conn->refusal);
		else if (parse->announced > PARSE_BODY_MAX || conn->allowed.max > 0)
			conn_refuse_large(conn);
		else
			conn_dispatch(conn);
		return false;
	}
	if (parse->waits && conn_permit(conn) < 0) {
		conn_end(conn);
		return false;
	}
	return true;
}

/* Begin to parse a request, if there is none. Returns -1 out of memory. */
static int conn_begin(struct conn *conn)
{
	if (conn->parse)
		return 0;
	conn->parse = malloc(sizeof(*conn->parse));
	if (!conn->parse)
		return -1;
	parse_begin(conn->parse);
	return 0;
}

/* Count what is kept of the request. Returns false if the connection has to end for it. */
static bool conn_hold(struct conn *conn)
{
	if (!conn->allowed.trusted)
		peers_hold(&conn->conns->peers, conn->peer, parse_kept(conn->parse),
			   clock_boot_ms());
	return !conn->peer->ended;
}

/* Parse what came, up to the end of one request. */
static void conn_feed(struct conn *conn, const uint8_t *data, size_t len)
{
	enum parse_result result;
	size_t used;

	if (conn_begin(conn) < 0) {
		conn_fail_memory(conn);
		return;
	}
	result = parse_feed(conn->parse, data, len, &used);
	if (result == PARSE_HEAD) {
		if (!conn_head(conn))
			return;
		data += used;
		len -= used;
		result = parse_feed(conn->parse, data, len, &used);
	}
	if (result == PARSE_REFUSED) {
		conn_refuse(conn, conn->parse->status, conn->parse->why);
		return;
	}
	if (result == PARSE_DONE)
		bytes_append(&conn->rest, data + used, len - used);
	if (result == PARSE_MEMORY || conn->rest.failed)
		conn_fail_memory(conn);
	else if (!conn_hold(conn))
		conn_end(conn);
	else if (result == PARSE_DONE)
		conn_complete(conn);
	else
		conn_wait_for(conn, wire_pending(&conn->wire) ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* Parse what the client sent after its former request. */
static void conn_feed_rest(struct conn *conn)
{
	struct bytes rest = conn->rest;

	conn->rest = (struct bytes)BYTES_INIT;
	conn_feed(conn, rest.data, rest.len);
	bytes_free(&rest);
}

static void conn_read(struct conn *conn)
{
	struct bytes *input = &conn->conns->input;
	struct error e = ERROR_INIT;
	ssize_t n;

	if (conn->rest.len) {
		conn_feed_rest(conn);
		return;
	}
	n = wire_read(&conn->wire, input->data,
		      conn->parse && conn->parse->trailing ? READ_BODY : READ_HEAD, &e);
	if (n > 0) {
		conn_feed(conn, input->data, (size_t)n);
		explicit_bzero(input->data, (size_t)n);
	} else if (n == WIRE_WAIT) {
		conn_wait_for(conn, conn->wire.waits);
	} else if (n == 0) {
		conn_end(conn);
	} else {
		conn_fail(conn, &e);
	}
}

/* --- events ----------------------------------------------------------------------------------- */

static void conn_handshake(struct conn *conn)
{
	struct error e = ERROR_INIT;
	int ret = wire_handshake(&conn->wire, &e);

	if (ret == WIRE_WAIT) {
		conn_wait_for(conn, conn->wire.waits);
	} else if (ret < 0) {
		conn_fail(conn, &e);
	} else {
		conn->state = CONN_READ;
		peer_begin(conn->peer, PEER_HEAD, clock_boot_ms());
		conn_read(conn);
	}
}

static void conn_ready(struct loop_source *source, uint32_t events)
{
	static void (*const calls[])(struct conn *conn) = {
		[CONN_HANDSHAKE] = conn_handshake,
		[CONN_READ] = conn_read,
		[CONN_WAIT] = conn_end,
		[CONN_WRITE] = conn_write,
		[CONN_LINGER] = conn_linger,
	};
	struct conn *conn = (struct conn *)source;

	if (conn->peer->ended || events & (EPOLLERR | EPOLLHUP))
		conn_end(conn);
	else
		calls[conn->state](conn);
}

static void conn_link(struct conn *conn)
{
	struct conns *conns = conn->conns;

	conn->next = conns->first;
	conn->link = &conns->first;
	if (conn->next)
		conn->next->link = &conn->next;
	conns->first = conn;
}

int conn_open(struct conns *conns, int fd, const struct sockaddr *address, struct error *e)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (!conn) {
		close(fd);
		return error_set_memory(e);
	}
	conn->conns = conns;
	conn->source = (struct loop_source){ .fd = fd, .ready = conn_ready };
	conn->wire.fd = fd;
	conn->events = EPOLLIN;
	conn->state = conns->tls ? CONN_HANDSHAKE : CONN_READ;
	if ((conns->tls && wire_secure(&conn->wire, e) < 0) ||
	    loop_add(conns->loop, &conn->source, conn->events, e) < 0)
		goto fail;
	conn->peer = peers_add(&conns->peers, address, fd, clock_boot_ms());
	if (!conn->peer) {
		error_set_memory(e);
		loop_remove(conns->loop, &conn->source);
		goto fail;
	}
	conn_link(conn);
	return 0;
fail:
	wire_close(&conn->wire);
	free(conn);
	return -1;
}

void conns_close(struct conns *conns)
{
	struct conn *conn = conns->first, *next;

	for (; conn; conn = next) {
		next = conn->next;
		conn_end(conn);
	}
}
