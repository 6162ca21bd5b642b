// SPDX-License-Identifier: Apache-2.0
#include "answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "access_log.h"
#include "base/log.h"
#include "policy.h"
#include "sockets.h"

static void log_access(const struct client *client, enum access_result result, const char *reason)
{
	const struct access access = {
		.sink = client->api    ? ACCESS_API :
			client->volume ? ACCESS_VOLUME :
					 ACCESS_CREDENTIAL,
		.result = result,
		.secret = *client->secret ? client->secret : NULL,
		.wanted = client->wanted,
		.reason = reason,
		.peer = &client->peer,
	};

	access_log(&access);
}

/* Send a packet about @client to the reader. A reader that does not get it has ended, which the loop finds out. */
static int reader_send(const struct acceptor *a, const struct client *client,
		       enum handoff_type type)
{
	struct handoff packet = { .type = type, .client = client->number };
	struct error e = ERROR_INIT;

	if (a->channel < 0)
		return -1;
	if (type == HANDOFF_VALUE || type == HANDOFF_ANSWER)
		memcpy(packet.name, client->secret, sizeof(packet.name));
	return handoff_send(a->channel, &packet,
			    type == HANDOFF_HOLD || type == HANDOFF_ANSWER ? client->fd : -1, &e);
}

/* The end of a connection, in both processes. */
static void client_end(struct acceptor *a, struct client *client)
{
	if (!client->api) {
		(void)reader_send(a, client, HANDOFF_DROP);
		/* The end of the stream, although the service manager has it, too. */
		(void)shutdown(client->fd, SHUT_RDWR);
	}
	clients_remove(client);
}

/* --- the end of a request --------------------------------------------------------------------- */

static void reply_begin(struct acceptor *a, struct client *client, int64_t now)
{
	bytes_append(&client->out.text, "", 1);
	client->state = CLIENT_ANSWERS;
	client->until = now + ACCEPTOR_ANSWER_MS;
	answer_write(a, client, now);
}

static void error_reply(struct acceptor *a, struct client *client, const char *reason, int64_t now)
{
	struct error e = ERROR_INIT;

	if (varlink_error_encode(reason, &client->out.text, &e) < 0)
		client_end(a, client);
	else
		reply_begin(a, client, now);
}

/* Systemd must fail the unit, so it gets more than a credential may have. The end of the stream is a failed try of
 * systemd-cryptsetup. */
static void credential_fail(struct acceptor *a, struct client *client, int64_t now)
{
	if (client->volume) {
		client_end(a, client);
		return;
	}
	client->state = CLIENT_FAILS;
	client->until = 0;
	client->out.excess = OUTBOX_EXCESS;
	answer_write(a, client, now);
}

void answer_fail(struct acceptor *a, struct client *client, const char *reason, int64_t now)
{
	log_access(client, ACCESS_FAILED, reason);
	if (client->api)
		error_reply(a, client, reason, now);
	else
		credential_fail(a, client, now);
}

static void refuse(struct acceptor *a, struct client *client, const char *reason, int64_t now)
{
	log_access(client, ACCESS_REFUSED, reason);
	if (client->api)
		error_reply(a, client, NULL, now);
	else
		credential_fail(a, client, now);
}

void answer_gone(struct acceptor *a, struct client *client)
{
	if (client->state == CLIENT_WAITS)
		log_access(client, ACCESS_FAILED, "the client has closed the connection");
	client_end(a, client);
}

void answer_write(struct acceptor *a, struct client *client, int64_t now)
{
	switch (outbox_write(&client->out, client->fd)) {
	case OUTBOX_WAITS:
		return;
	case OUTBOX_GONE:
		client_end(a, client);
		return;
	case OUTBOX_DONE:
		if (client->state == CLIENT_FAILS || a->stop) {
			client_end(a, client);
			return;
		}
		outbox_free(&client->out);
		client->state = CLIENT_READS;
		client->until = now + ACCEPTOR_REQUEST_MS;
	}
}

/* --- waiting --------------------------------------------------------------------------------- */

/* The number of the secret, by the present configuration. */
static size_t secret_find(const struct acceptor *a, const struct client *client, struct error *e)
{
	if (!client->api)
		return policy_credential(&a->settings, &client->peer, &client->address, e);
	error_set(e, ERROR_POLICY, "the configuration does not allow it");
	return policy_find(&a->settings, client->wanted, &client->peer);
}

static void wait_begin(struct acceptor *a, struct client *client, int64_t wait, int64_t now)
{
	client->state = CLIENT_WAITS;
	client->until = now + wait;
	answer_try(a, client, now);
}

static void wait_over(struct acceptor *a, struct client *client, int64_t now)
{
	struct bytes reason = BYTES_INIT;
	char text[ERROR_TEXT_MAX];

	watch_reason(client->secret, &reason);
	snprintf(text, sizeof(text), "%s", bytes_text(&reason));
	error_text_clean(text);
	bytes_free(&reason);
	answer_fail(a, client, text, now);
}

void answer_try(struct acceptor *a, struct client *client, int64_t now)
{
	struct error e = ERROR_INIT;
	const size_t number = secret_find(a, client, &e);

	/* Also if the configuration has changed meanwhile. */
	if (number == POLICY_NONE) {
		*client->secret = '\0';
		refuse(a, client, e.text, now);
		return;
	}
	snprintf(client->secret, sizeof(client->secret), "%s",
		 a->settings.config.secret[number].name);
	if (!watch_has(client->secret)) {
		if (client->until <= now)
			wait_over(a, client, now);
		return;
	}
	/* If the reader has ended, all connections are failed soon. */
	if (reader_send(a, client, client->api ? HANDOFF_ANSWER : HANDOFF_VALUE) == 0)
		client->state = CLIENT_SENDS;
}

void answer_sent(struct acceptor *a, struct client *client, enum handoff_type result, int64_t now)
{
	if (client->state != CLIENT_SENDS)
		return;
	if (result == HANDOFF_ABSENT) {
		/* It was removed meanwhile; answer_try() sees it again when it is there. */
		client->state = CLIENT_WAITS;
		if (client->until <= now)
			wait_over(a, client, now);
	} else if (result == HANDOFF_FAILED) {
		log_access(client, ACCESS_FAILED,
			   "the client did not read it, or the value cannot be read");
		if (client->api)
			client_end(a, client);
		else
			credential_fail(a, client, now);
	} else {
		log_access(client, ACCESS_GIVEN, NULL);
		if (!client->api || a->stop) {
			client_end(a, client);
			return;
		}
		client->state = CLIENT_READS;
		client->until = now + ACCEPTOR_REQUEST_MS;
	}
}

/* --- requests -------------------------------------------------------------------------------- */

static bool is_stranger(const struct acceptor *a, const struct peer *peer)
{
	for (size_t i = 0; i < a->settings.config.count; i++)
		if (policy_allows(&a->settings, i, peer))
			return false;
	return true;
}

static void names_reply(struct acceptor *a, struct client *client, struct error *e)
{
	const char *names[CONFIG_SECRETS_MAX] = { NULL };
	size_t count = 0;

	for (size_t i = 0; i < a->settings.config.count; i++)
		if (policy_allows(&a->settings, i, &client->peer))
			names[count++] = a->settings.config.secret[i].name;
	(void)varlink_names_encode(names, count, &client->out.text, e);
}

/* One request of a program. */
static void request_do(struct acceptor *a, struct client *client, size_t len, int64_t now)
{
	struct varlink_request request;
	struct error e = ERROR_INIT;
	int ret = varlink_request_decode(client->input.data, len, &request, &client->out.text, &e);
	int64_t wait = a->settings.config.local_wait;

	if (ret < 0) {
		client_end(a, client);
		return;
	}
	if (request.oneway)
		return;
	if (ret == VARLINK_REQUEST && request.method == VARLINK_GET) {
		snprintf(client->wanted, sizeof(client->wanted), "%s", request.name);
		*client->secret = '\0';
		if (request.wait_ms >= 0 && request.wait_ms < wait)
			wait = request.wait_ms;
		wait_begin(a, client, wait, now);
		return;
	}
	if (ret == VARLINK_REQUEST && request.method == VARLINK_LIST)
		names_reply(a, client, &e);
	else if (ret == VARLINK_REQUEST && request.method == VARLINK_GET_INFO)
		(void)varlink_info_encode(&client->out.text, &e);
	else if (ret == VARLINK_REQUEST)
		(void)varlink_description_encode(request.description, &client->out.text, &e);
	if (e.kind != ERROR_NONE)
		client_end(a, client);
	else
		reply_begin(a, client, now);
}

/* Take the first @len bytes out of the input. */
static void input_take(struct bytes *input, size_t len)
{
	memmove(input->data, input->data + len, input->len - len);
	bytes_truncate(input, input->len - len);
}

void answer_read(struct acceptor *a, struct client *client, int64_t now)
{
	uint8_t buffer[VARLINK_REQUEST_MAX];
	const ssize_t n = recv(client->fd, buffer, sizeof(buffer) - client->input.len,
			       MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		bytes_append(&client->input, buffer, (size_t)n);
	/* Also if memory is exhausted. */
	if (n <= 0 || !client->input.len) {
		client_end(a, client);
		return;
	}
	answer_next(a, client, now);
}

void answer_next(struct acceptor *a, struct client *client, int64_t now)
{
	while (client->state == CLIENT_READS && client->input.len) {
		const uint8_t *end = memchr(client->input.data, '\0', client->input.len);
		const uint32_t number = client->number;
		size_t len;

		if (!end) {
			if (client->input.len >= VARLINK_REQUEST_MAX)
				client_end(a, client);
			return;
		}
		len = (size_t)(end - client->input.data);
		request_do(a, client, len, now);
		if (client->state == CLIENT_FREE || client->number != number)
			return;
		input_take(&client->input, len + 1);
	}
}

static void credential_begin(struct acceptor *a, struct client *client, int64_t now)
{
	struct peer_address *address = &client->address;
	struct error e = ERROR_INIT;

	/* Before all else: from now on, the connection has no clean end if this process is killed. */
	(void)reader_send(a, client, HANDOFF_HOLD);
	sockets_store(a->notify, client->fd);
	if (!peer_address_read(client->fd, address)) {
		(void)peer_identify(client->fd, &client->peer, &e);
		refuse(a, client, "the client is not systemd: its socket has another name", now);
		return;
	}
	client->volume = address->wish == PEER_WISH_VOLUME;
	snprintf(client->wanted, sizeof(client->wanted), "%s%s%s",
		 client->volume ? "" : address->unit, client->volume ? "" : "/", address->id);
	if (peer_identify(client->fd, &client->peer, &e) < 0)
		refuse(a, client, e.text, now);
	else
		wait_begin(a, client, a->settings.config.local_wait, now);
}

static void program_begin(struct acceptor *a, struct client *client, int64_t now)
{
	struct error e = ERROR_INIT;

	client->until = now + ACCEPTOR_REQUEST_MS;
	if (peer_identify(client->fd, &client->peer, &e) == 0) {
		client->stranger = is_stranger(a, &client->peer);
		if (!clients_excess(&a->clients, client))
			return;
		error_set(&e, ERROR_POLICY, "this user has too many connections");
	}
	log_access(client, ACCESS_REFUSED, e.text);
	client_end(a, client);
}

void answer_begin(struct acceptor *a, struct client *client, int64_t now)
{
	snprintf(client->wanted, sizeof(client->wanted), "?");
	if (client->api)
		program_begin(a, client, now);
	else
		credential_begin(a, client, now);
}
