// SPDX-License-Identifier: Apache-2.0
/*
 * realmkey-courier: carries requests of a keeper to one KBS, and its answers back. It is started by
 * realmkeyd and realmkey with COURIER_FD as its only tie to them; Documentation/PROTOCOL.md says
 * what passes there. Its order of life: OPEN, all that needs files, the sandbox, the network.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "confine.h"
#include "http.h"
#include "kbs/courier.h"
#include "kbs/message.h"
#include "resolver.h"
#include "roots.h"

#define TIMEOUT_MAX 3600

static const char usage[] =
	"usage: realmkey-courier\n"
	"The network's end of realmkeyd and realmkey, which start it; nothing to be run by hand.\n"
	"  --version  print the version\n";

/* --- messages --------------------------------------------------------------------------------- */

/* Returns 1 with a message, 0 when the keeper has hung up, -1 with @e. */
static int message_receive(struct bytes *raw, struct message *m, struct error *e)
{
	uint8_t header[MESSAGE_HEADER_SIZE];
	enum message_type type;
	size_t len;
	ssize_t n;

	n = recv(COURIER_FD, header, sizeof(header), MSG_WAITALL);
	if (n == 0)
		return 0;
	if (n < 0)
		return error_set_errno(e, ERROR_SYSTEM, "descriptor %d", COURIER_FD);
	if (n != (ssize_t)sizeof(header))
		return error_set(e, ERROR_PROTOCOL, "message that ends within its header");
	if (message_decode_header(header, &type, &len, e) < 0)
		return -1;
	if (bytes_resize(raw, len, e) < 0)
		return error_set_memory(e);
	if (io_read_full(COURIER_FD, raw->data, len, e) < 0 ||
	    message_decode_body(type, raw->data, len, m, e) < 0)
		return -1;
	return 1;
}

static int message_send(const struct message *m, struct error *e)
{
	struct bytes raw = BYTES_INIT;
	int ret = message_encode(m, &raw, e);

	if (ret == 0)
		ret = io_write_full(COURIER_FD, raw.data, raw.len, e);
	bytes_free(&raw);
	return ret;
}

static int answer_send(int status, const struct bytes *body, struct error *e)
{
	uint8_t number[4];
	const struct message m = { .type = MESSAGE_ANSWER, .count = 2, .field = {
		message_u32((uint32_t)status, number), { body->data, body->len } } };

	return message_send(&m, e);
}

static int failure_send(const struct error *failure, struct error *e)
{
	uint8_t kind[4], transient[4];
	const struct message m = { .type = MESSAGE_FAILURE, .count = 3, .field = {
		message_u32((uint32_t)failure->kind, kind),
		message_u32(failure->transient, transient),
		{ (const uint8_t *)failure->text, strlen(failure->text) } } };

	return message_send(&m, e);
}

/* --- start ------------------------------------------------------------------------------------ */

struct courier_state {
	struct http http;
	struct bytes url, ca, pin;
	uint32_t flags, timeout;
};

static int target_take(struct courier_state *s, const struct message *m, struct error *e)
{
	if (m->type != MESSAGE_OPEN)
		return error_set(e, ERROR_PROTOCOL, "the first message is not OPEN");
	if (message_field_u32(m, 2, &s->flags, e) < 0 ||
	    message_field_u32(m, 3, &s->timeout, e) < 0)
		return -1;
	if (s->timeout < 1 || s->timeout > TIMEOUT_MAX)
		return error_set(e, ERROR_PROTOCOL, "time-out of %u s is not 1 to %d", s->timeout,
				 TIMEOUT_MAX);
	if (bytes_set(&s->url, m->field[0].data, m->field[0].len) < 0 ||
	    bytes_set(&s->ca, m->field[1].data, m->field[1].len) < 0)
		return error_set_memory(e);
	return 0;
}

/* All that reads a file. */
static int files_read(struct courier_state *s, struct error *e)
{
	if (http_prepare(e) < 0 || resolver_prepare(e) < 0)
		return -1;
	if (!s->ca.len && !strncmp(bytes_text(&s->url), "https:", 6))
		return roots_load(&s->ca, e);
	return 0;
}

static int sandbox_close(struct courier_state *s, struct error *e)
{
	char *host, *port;
	int files = -1, ret = -1;

	if (http_split(bytes_text(&s->url), &host, &port, e) == 0)
		files = confine_files((uint16_t)strtoul(port, NULL, 10), e);
	if (files > 0 || (files == 0 && resolver_freeze(host, port, &s->pin, e) == 0))
		ret = confine_calls(files, e);
	curl_free(host);
	curl_free(port);
	return ret;
}

static int courier_open(struct courier_state *s, struct error *e)
{
	struct http_target target = {
		.ca = &s->ca,
		.timeout = (long)s->timeout,
		.insecure = s->flags & MESSAGE_OPEN_INSECURE,
	};

	if (confine_drop(e) < 0 || files_read(s, e) < 0 || sandbox_close(s, e) < 0)
		return -1;
	target.url = bytes_text(&s->url);
	target.pin = bytes_text(&s->pin);
	s->http.peer = COURIER_FD;
	return http_open(&s->http, &target, e);
}

/* Not exit(): what libraries do then may want calls that are gone. */
static _Noreturn void leave(const struct error *e)
{
	_exit(error_exit_code(e));
}

/* Answered in any case; -1 with @e when the keeper could not be told. */
static int start(struct courier_state *s, struct error *e)
{
	const struct bytes empty = BYTES_INIT;
	struct bytes raw = BYTES_INIT;
	struct error unsent = ERROR_INIT;
	struct message m;
	int ret = message_receive(&raw, &m, e);

	if (ret == 0)
		ret = error_set(e, ERROR_SYSTEM, "no keeper at descriptor %d", COURIER_FD);
	else if (ret > 0)
		ret = target_take(s, &m, e);
	if (ret == 0)
		ret = courier_open(s, e);
	bytes_free(&raw);
	if (ret == 0)
		return answer_send(0, &empty, e);
	if (failure_send(e, &unsent) == 0)
		leave(e);
	return -1;
}

/* --- work ------------------------------------------------------------------------------------- */

/* One message, one answer. -1 with @e when the keeper can no longer be spoken to. */
static int serve(struct http *http, const struct message *m, struct error *e)
{
	struct request request = REQUEST_INIT;
	struct error failure = ERROR_INIT;
	int status, ret;

	if (request_from_message(m, &request, &failure) == 0 &&
	    http_send(http, &request, &status, &failure) == 0)
		ret = answer_send(status, &http->answer, e);
	else
		ret = failure_send(&failure, e);
	bytes_clear(&http->answer);
	request_free(&request);
	return ret;
}

static int run(struct error *e)
{
	struct courier_state s = { .http = HTTP_INIT };
	struct bytes raw = BYTES_INIT;
	struct message m;
	int ret = start(&s, e);

	while (ret == 0) {
		ret = message_receive(&raw, &m, e);
		if (ret == 0)
			break;
		if (ret > 0)
			ret = serve(&s.http, &m, e);
	}
	bytes_free(&raw);
	http_close(&s.http);
	bytes_free(&s.url);
	bytes_free(&s.ca);
	bytes_free(&s.pin);
	return ret;
}

int main(int argc, char **argv)
{
	struct error e = ERROR_INIT;

	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("realmkey-courier " REALMKEY_VERSION);
		return 0;
	}
	if (argc > 1) {
		bool help = !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h");

		fputs(usage, help ? stdout : stderr);
		return help ? 0 : 2;
	}
	if (run(&e) < 0)
		log_to_stderr(LOG_LEVEL_ERROR, e.text);
	leave(&e);
}
