// SPDX-License-Identifier: Apache-2.0
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/io.h"
#include "handoff.h"
#include "outbox.h"
#include "sinks/varlink.h"

struct held {
	int fd; /* -1: this entry is free */
	uint32_t client;
	bool writes; /* its outbox is being written */
	bool answer; /* to a program; otherwise a value to systemd, which is never dropped half-written */
	int64_t until; /* of an answer */
	struct outbox out;
};

struct reader {
	int channel; /* -1: the acceptor has ended */
	struct held held[READER_CLIENTS];
};

static struct held *held_find(struct reader *r, uint32_t client)
{
	for (size_t i = 0; i < ARRAY_SIZE(r->held); i++)
		if (r->held[i].fd >= 0 && r->held[i].client == client)
			return &r->held[i];
	return NULL;
}

static struct held *held_add(struct reader *r, uint32_t client, int fd)
{
	for (size_t i = 0; fd >= 0 && i < ARRAY_SIZE(r->held); i++) {
		if (r->held[i].fd >= 0)
			continue;
		r->held[i] =
			(struct held){ .fd = fd, .client = client, .out.text = BYTES_LOCKED_INIT };
		return &r->held[i];
	}
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void held_close(struct held *held)
{
	outbox_free(&held->out);
	close(held->fd);
	held->fd = -1;
}

static void report(struct reader *r, enum handoff_type type, uint32_t client)
{
	const struct handoff packet = { .type = type, .client = client };
	struct error e = ERROR_INIT;

	if (r->channel >= 0)
		(void)handoff_send(r->channel, &packet, -1, &e);
}

/* Read the value of the secret @name: all of it, or nothing. Returns -1 with errno. */
static int value_read(const char *name, struct bytes *value)
{
	char path[sizeof(SERVED_PREFIX) + SERVED_NAME_MAX];
	struct error e = ERROR_INIT;
	struct stat st;
	int fd, ret;

	snprintf(path, sizeof(path), SERVED_PREFIX "%s", name);
	if (strchr(path, '/')) {
		errno = ENOENT;
		return -1;
	}
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	/* The file is never written to again; a new value is another file. So its size is that of the value. */
	ret = fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)VARLINK_VALUE_MAX ?
		      -1 :
		      io_read_all(fd, VARLINK_VALUE_MAX, name, value, &e);
	close(fd);
	errno = ret < 0 ? EIO : value->len ? 0 : ENOENT;
	return errno ? -1 : 0;
}

/* Replace the value in the outbox by the reply with it. */
static void answer_encode(struct outbox *out)
{
	struct bytes text = BYTES_LOCKED_INIT;

	varlink_value_encode(out->text.data, out->text.len, &text);
	bytes_append(&text, "", 1);
	bytes_swap(&out->text, &text);
	bytes_free(&text);
}

/* Begin to write. An entry for an answer, which has a descriptor of its own, is closed if that fails. */
static void value_begin(struct reader *r, struct held *held, const char *name)
{
	struct error e = ERROR_INIT;
	enum handoff_type failure = HANDOFF_FAILED;
	int ret = value_read(name, &held->out.text);

	if (ret < 0 && errno == ENOENT)
		failure = HANDOFF_ABSENT;
	if (ret == 0 && held->answer)
		answer_encode(&held->out);
	if (ret == 0 && bytes_check(&held->out.text, &e) == 0) {
		held->writes = true;
		held->until = clock_boot_ms() + READER_ANSWER_MS;
		return;
	}
	outbox_free(&held->out);
	report(r, failure, held->client);
	if (held->answer)
		held_close(held);
}

/* The connection ends here. A client of systemd that has not got all of its value is left to the acceptor. */
static void held_finish(struct reader *r, struct held *held, enum handoff_type result)
{
	const uint32_t client = held->client;

	/* The end of the stream, although the acceptor and the service manager have it, too. */
	if (!held->answer && result == HANDOFF_DONE)
		(void)shutdown(held->fd, SHUT_RDWR);
	/* Before the report, after which the acceptor may use the number again. */
	held_close(held);
	report(r, result, client);
}

static void held_write(struct reader *r, struct held *held, int64_t now)
{
	switch (outbox_write(&held->out, held->fd)) {
	case OUTBOX_DONE:
		held_finish(r, held, HANDOFF_DONE);
		break;
	case OUTBOX_GONE:
		held_finish(r, held, HANDOFF_FAILED);
		break;
	case OUTBOX_WAITS:
		if (held->answer && held->until <= now)
			held_finish(r, held, HANDOFF_FAILED);
	}
}

static void packet_do(struct reader *r, const struct handoff *packet, int fd)
{
	struct held *held;

	if (packet->type == HANDOFF_HOLD || packet->type == HANDOFF_ANSWER)
		held = held_add(r, packet->client, fd);
	else
		held = held_find(r, packet->client);
	if (!held) {
		if (packet->type == HANDOFF_ANSWER || packet->type == HANDOFF_VALUE)
			report(r, HANDOFF_FAILED, packet->client);
		return;
	}
	held->answer = packet->type == HANDOFF_ANSWER;
	if (packet->type == HANDOFF_VALUE || packet->type == HANDOFF_ANSWER)
		value_begin(r, held, packet->name);
	else if (packet->type == HANDOFF_DROP)
		held_close(held);
}

/* The acceptor has ended. Programs see the end of the connection in the middle of a reply; systemd must not see a clean
 * end. */
static void held_fail_all(struct reader *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(r->held); i++) {
		struct held *held = &r->held[i];

		if (held->fd < 0)
			continue;
		if (held->answer) {
			held_close(held);
			continue;
		}
		held->writes = true;
		held->out.excess = OUTBOX_EXCESS;
	}
}

static void channel_read(struct reader *r, struct error *e)
{
	struct handoff packet;
	int fd, ret;

	while ((ret = handoff_receive(r->channel, &packet, &fd, e)) > 0)
		packet_do(r, &packet, fd);
	if (ret == 0)
		return;
	close(r->channel);
	r->channel = -1;
	held_fail_all(r);
}

/* Wait for the acceptor, or until a client accepts more. Returns false if there is nothing to wait for. */
static bool reader_poll(const struct reader *r, struct pollfd p[1 + READER_CLIENTS])
{
	bool any = r->channel >= 0;
	int timeout = -1;

	p[0] = (struct pollfd){ .fd = r->channel, .events = POLLIN };
	for (size_t i = 0; i < ARRAY_SIZE(r->held); i++) {
		const struct held *held = &r->held[i];
		const bool writes = held->fd >= 0 && held->writes;

		p[1 + i] = (struct pollfd){ .fd = writes ? held->fd : -1, .events = POLLOUT };
		any |= writes;
		if (writes && held->answer)
			timeout = 1000;
	}
	/* If the wait fails, look at the acceptor and all clients. */
	if (any && poll(p, 1 + READER_CLIENTS, timeout) < 0)
		p[0].revents = POLLIN;
	return any;
}

int reader_serve(int channel, struct error *e)
{
	struct reader r = { .channel = channel };
	struct pollfd p[1 + READER_CLIENTS];

	for (size_t i = 0; i < ARRAY_SIZE(r.held); i++)
		r.held[i].fd = -1;
	while (reader_poll(&r, p)) {
		const int64_t now = clock_boot_ms();

		for (size_t i = 0; i < ARRAY_SIZE(r.held); i++)
			if (r.held[i].fd >= 0 && r.held[i].writes)
				held_write(&r, &r.held[i], now);
		if (r.channel >= 0 && p[0].revents)
			channel_read(&r, e);
	}
	return -1;
}
