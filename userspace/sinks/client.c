// SPDX-License-Identifier: Apache-2.0
#include "client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "exchange/stream.h"

/* --- messages --------------------------------------------------------------------------------- */

static int client_check(const struct sinks_client *client, enum exchange_end end, struct error *e)
{
	switch (end) {
	case EXCHANGE_DONE:
		return 0;
	case EXCHANGE_LATE:
		return error_set_transient(e, ERROR_DELIVERY, "%s: no answer within %d seconds",
					   client->name, SINKS_WAIT_MS / 1000);
	case EXCHANGE_CLOSED:
		return error_set_transient(e, ERROR_DELIVERY,
					   "%s: closed the connection; its log says why",
					   client->name);
	case EXCHANGE_POLL_FAILED:
		return error_set_errno(e, ERROR_SYSTEM, "%s: poll", client->name);
	case EXCHANGE_FAILED:
		break;
	}
	return error_set_errno(e, ERROR_DELIVERY, "%s", client->name);
}

/* Set @e to the failure @m. Returns 1, or -1 if it is malformed. */
static int failed_read(const struct sinks_client *client, const struct sinks_message *m,
		       const struct bytes *body, struct error *e)
{
	/* Another program cannot make the keeper treat a failure as one of the KBS or of the realm. */
	static const enum error_kind kinds[] = { ERROR_SYSTEM, ERROR_CONFIG, ERROR_DELIVERY,
						 ERROR_PROTOCOL, ERROR_INPUT };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (m->number == (uint32_t)kinds[i]) {
			error_set(e, kinds[i], "%s: %s", client->name, bytes_text(body));
			return 1;
		}
	return error_set(e, ERROR_PROTOCOL, "%s: failure of unknown kind %u", client->name,
			 m->number);
}

/* Returns 0 after DONE, 1 after FAILED with @e set, and -1 if the exchange failed. */
static int exchange(const struct sinks_client *client, const struct sinks_message *m,
		    struct bytes *have, struct error *e)
{
	const int64_t deadline = clock_boot_ms() + SINKS_WAIT_MS;
	uint8_t header[SINKS_HEADER_SIZE];
	struct sinks_message answer;
	enum exchange_end end;

	if (sinks_encode_header(m, header, e) < 0)
		return -1;
	end = exchange_send(client->fd, header, sizeof(header), deadline);
	if (end == EXCHANGE_DONE)
		end = exchange_send(client->fd, m->body, m->len, deadline);
	if (end == EXCHANGE_DONE)
		end = exchange_receive(client->fd, header, sizeof(header), deadline);
	if (client_check(client, end, e) < 0 || sinks_decode_header(header, &answer, e) < 0 ||
	    bytes_resize(have, answer.len, e) < 0)
		return -1;
	end = exchange_receive(client->fd, have->data, have->len, deadline);
	if (client_check(client, end, e) < 0)
		return -1;
	if (answer.type == SINKS_FAILED)
		return failed_read(client, &answer, have, e);
	if (answer.type != SINKS_DONE || answer.number != m->number)
		return error_set(e, ERROR_PROTOCOL, "%s: not an answer to the message",
				 client->name);
	return 0;
}

int sinks_call(struct sinks_client *client, enum sinks_type type, uint32_t number, const void *body,
	       size_t len, struct error *e)
{
	const struct sinks_message m = { type, number, body, len };
	struct bytes answer = BYTES_INIT;
	int ret;

	if (client->fd < 0)
		return error_set_transient(e, ERROR_DELIVERY, "%s: not connected", client->name);
	ret = exchange(client, &m, &answer, e);
	/* A later message would be taken for the answer to the next one. */
	if (ret < 0)
		sinks_close(client);
	bytes_free(&answer);
	return ret ? -1 : 0;
}

/* --- the connection --------------------------------------------------------------------------- */

static int socket_connect(struct sinks_client *client, const char *path, struct error *e)
{
	const struct timeval wait = { .tv_sec = SINKS_WAIT_MS / 1000 };
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(to.sun_path))
		return error_set(e, ERROR_DELIVERY, "%s: %s: the path is too long", client->name,
				 path);
	strcpy(to.sun_path, path);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* A program that accepts no connection would keep connect() waiting. */
	if (client->fd >= 0 &&
	    !setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) &&
	    !connect(client->fd, (struct sockaddr *)&to, sizeof(to)))
		return 0;
	error_set_errno(e, ERROR_DELIVERY, "%s: %s", client->name, path);
	e->transient = true;
	return error_append(e, "; is %s.socket enabled and started?", client->name);
}

int sinks_connect(struct sinks_client *client, const char *name, const char *path,
		  const uint8_t digest[SINKS_DIGEST_SIZE], struct bytes *have, struct error *e)
{
	const struct sinks_message hello = { SINKS_HELLO, 0, digest, SINKS_DIGEST_SIZE };
	struct bytes answer = BYTES_INIT;
	int ret;

	*client = (struct sinks_client){ .fd = -1, .name = name };
	ret = socket_connect(client, path, e);
	if (ret == 0)
		ret = exchange(client, &hello, &answer, e);
	if (ret == 0) {
		bytes_append(have, answer.data, answer.len);
		ret = bytes_check(have, e);
	} else {
		error_reclassify(e, ERROR_ANY, ERROR_DELIVERY);
		e->transient = true;
	}
	bytes_free(&answer);
	if (ret)
		sinks_close(client);
	return ret ? -1 : 0;
}

void sinks_close(struct sinks_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}
