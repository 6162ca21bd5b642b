// SPDX-License-Identifier: Apache-2.0
/*
 * realmkey-courier: carries the requests of a keeper to one KBS, and the answers back. realmkeyd
 * and realmkey start it, or a service manager does for them, with COURIER_FD (which is also the first
 * descriptor that systemd passes) as its only connection to them; Documentation/PROTOCOL.md
 * describes the messages.
 *
 * It is two processes. The supervisor receives OPEN and starts a worker; the worker enters the sandbox
 * and uses the network. When the resolver's files have changed, which the worker's sandbox does not
 * let it read, the worker ends and the supervisor starts another. The supervisor reads nothing that
 * comes from the network or the worker, except for its exit status.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "confine.h"
#include "http.h"
#include "kbs/courier.h"
#include "kbs/message.h"
#include "kbs/url.h"
#include "resolver.h"
#include "roots.h"
#include "sandbox/idle.h"
#include "sandbox/sandbox.h"

#define TIMEOUT_MAX 3600
#define IDLE_MS	    1000

static const char version[] = "realmkey-courier " REALMKEY_VERSION "\n";
static const char usage[] =
	"usage: realmkey-courier\n"
	"The part of realmkeyd and realmkey that uses the network. They start it; it is\n"
	"not to be run by hand.\n"
	"  --version  print the version\n";

/* --- messages -------------------------------------------------------------------------------- */

/* Receive a message, whose fields point into @raw. Returns 1, 0 if the keeper closed the socket, or
 * -1. */
static int channel_receive(struct bytes *raw, struct message *m, struct error *e)
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
	if (message_decode_header(header, &type, &len, e) < 0 || bytes_resize(raw, len, e) < 0 ||
	    io_read_full(COURIER_FD, raw->data, len, e) < 0 ||
	    message_decode_body(type, raw->data, len, m, e) < 0)
		return -1;
	return 1;
}

static int channel_send(const struct message *m, struct error *e)
{
	const struct message_field *last = &m->field[m->count - 1];
	struct bytes front = BYTES_INIT;
	int ret = message_encode_front(m, &front, e);

	if (ret == 0)
		ret = io_write_full(COURIER_FD, front.data, front.len, e);
	if (ret == 0)
		ret = io_write_full(COURIER_FD, last->data, last->len, e);
	bytes_free(&front);
	return ret;
}

/* @wait is in seconds. */
static int channel_send_answer(int status, uint32_t wait, const struct bytes *body, struct error *e)
{
	uint8_t number[4], seconds[4];
	const struct message m = { .type = MESSAGE_ANSWER,
				   .count = 3,
				   .field = { message_u32((uint32_t)status, number),
					      message_u32(wait, seconds),
					      { body->data, body->len } } };

	return channel_send(&m, e);
}

static int channel_send_failure(const struct error *failure, struct error *e)
{
	uint8_t kind[4], transient[4];
	const struct message m = { .type = MESSAGE_FAILURE,
				   .count = 3,
				   .field = { message_u32((uint32_t)failure->kind, kind),
					      message_u32(failure->transient, transient),
					      { (const uint8_t *)failure->text,
						strlen(failure->text) } } };

	return channel_send(&m, e);
}

/* --- start ----------------------------------------------------------------------------------- */

struct courier_state {
	struct http http;
	struct bytes url, ca;
	struct confine_stamp stamp;
	uint32_t flags, timeout;
};

static int target_read(struct courier_state *s, const struct message *m, struct error *e)
{
	if (m->type != MESSAGE_OPEN)
		return error_set(e, ERROR_PROTOCOL, "the first message is not OPEN");
	if (message_field_u32(m, 2, &s->flags, e) < 0 ||
	    message_field_u32(m, 3, &s->timeout, e) < 0)
		return -1;
	if (s->timeout < 1 || s->timeout > TIMEOUT_MAX)
		return error_set(e, ERROR_PROTOCOL, "time-out of %u s is not 1 to %d", s->timeout,
				 TIMEOUT_MAX);
	bytes_set(&s->url, m->field[0].data, m->field[0].len);
	bytes_set(&s->ca, m->field[1].data, m->field[1].len);
	return bytes_check(&s->url, e) < 0 ? -1 : bytes_check(&s->ca, e);
}

static int sandbox_enter(struct courier_state *s, struct addresses *pinned, struct error *e)
{
	struct url_parts to;
	struct error malformed = ERROR_INIT;
	int files;

	if (url_split(bytes_text(&s->url), &to, &malformed) < 0)
		return error_set(e, ERROR_PROTOCOL, "malformed URL: %s", bytes_text(&s->url));
	files = confine_files((uint16_t)strtoul(to.port, NULL, 10), &s->stamp, e);
	if (files < 0 || (files == 0 && resolver_freeze(to.host, to.port, pinned, e) < 0))
		return -1;
	return confine_calls(files, e);
}

/* Read what is needed for all workers, and give up what none needs. */
static int supervisor_enter(struct courier_state *s, struct error *e)
{
	/* Not as root. */
	if (confine_drop(e) < 0 || http_prepare(&s->http, e) < 0 || resolver_prepare(e) < 0)
		return -1;
	if (!s->ca.len && !strncmp(bytes_text(&s->url), "https:", 6) && roots_load(&s->ca, e) < 0)
		return -1;
	return confine_supervisor(e);
}

/* The exit status of a worker in whose place another is to be started; error_exit_code() does not
 * return it. */
#define AGAIN 64

/* What to answer when a name is looked up for too long: that cannot be ended, except with the worker. */
static struct bytes late_answer = BYTES_INIT;

static void worker_give_up(void)
{
	/* If the keeper is gone, the next worker notices. */
	(void)!send(COURIER_FD, late_answer.data, late_answer.len, MSG_NOSIGNAL);
	_exit(AGAIN);
}

static int late_answer_make(const struct courier_state *s, struct error *e)
{
	struct error late = ERROR_INIT;
	uint8_t kind[4], transient[4];

	error_set_transient(&late, ERROR_NETWORK, "%s: timed out while looking up the name",
			    bytes_text(&s->url));
	return message_encode(
		&(struct message){ .type = MESSAGE_FAILURE,
				   .count = 3,
				   .field = { message_u32(ERROR_NETWORK, kind),
					      message_u32(true, transient),
					      { (const uint8_t *)late.text, strlen(late.text) } } },
		&late_answer, e);
}

static int worker_enter(struct courier_state *s, pid_t supervisor, struct error *e)
{
	struct http_target target = {
		.url = bytes_text(&s->url),
		.ca = &s->ca,
		.timeout = s->timeout,
		.insecure = s->flags & MESSAGE_OPEN_INSECURE,
		.peer = COURIER_FD,
		.give_up = worker_give_up,
	};

	if (sandbox_end_with(supervisor, e) < 0 || late_answer_make(s, e) < 0 ||
	    sandbox_enter(s, &target.pinned, e) < 0)
		return -1;
	return http_open(&s->http, &target, e);
}

/* Not exit(), because libraries may then make system calls that the sandbox forbids. */
static _Noreturn void courier_exit(const struct error *e)
{
	_exit(error_exit_code(e));
}

/* --- work ------------------------------------------------------------------------------------ */

/* Answer one message. -1 with @e if the keeper could not be reached. */
static int courier_answer(struct http *http, const struct message *m, struct error *e)
{
	struct request request = REQUEST_INIT;
	struct error failure = ERROR_INIT;
	int status, ret;

	if (request_from_message(m, &request, &failure) == 0 &&
	    http_send(http, &request, &status, &failure) == 0)
		ret = channel_send_answer(status, http->wait, &http->answer, e);
	else
		ret = channel_send_failure(&failure, e);
	bytes_free(&http->answer);
	request_free(&request);
	return ret;
}

/* Whether the next message needs another worker. If so, it stays in the socket. The session cookie
 * would be lost, so a handshake that has begun goes on; it has a connection. */
static bool worker_is_stale(const struct courier_state *s)
{
	uint8_t header[MESSAGE_HEADER_SIZE];
	struct error e = ERROR_INIT;
	enum message_type type;
	size_t len;

	return recv(COURIER_FD, header, sizeof(header), MSG_PEEK) == (ssize_t)sizeof(header) &&
	       message_decode_header(header, &type, &len, &e) == 0 && type != MESSAGE_ATTEST &&
	       confine_changed(&s->stamp);
}

/* Wait for a message. Those of a handshake follow at once, those of the next secret much later. */
static void worker_wait(void)
{
	struct pollfd p = { .fd = COURIER_FD, .events = POLLIN };

	if (poll(&p, 1, IDLE_MS) == 0)
		idle_release();
}

/* Answer messages until the keeper closes the socket. */
static int worker_run(struct courier_state *s, struct error *e)
{
	struct bytes raw = BYTES_INIT;
	struct message m;
	int ret;

	do {
		worker_wait();
		if (worker_is_stale(s))
			_exit(AGAIN);
		ret = channel_receive(&raw, &m, e);
		if (ret > 0 && courier_answer(&s->http, &m, e) < 0)
			ret = -1;
	} while (ret > 0);
	bytes_free(&raw);
	return ret;
}

/* --- workers ---------------------------------------------------------------------------------- */

/* There is no worker because of @failure. Answer the message that waits with it; the first time, when OPEN
 * was received, end. */
static void worker_failed(bool first, const struct error *failure)
{
	struct error unsent = ERROR_INIT;
	struct bytes raw = BYTES_INIT;
	struct message m;
	int ret = first ? 1 : channel_receive(&raw, &m, &unsent);

	bytes_free(&raw);
	if (ret > 0)
		ret = channel_send_failure(failure, &unsent) < 0 ? -1 : 1;
	if (first || ret <= 0)
		courier_exit(first ? failure : &unsent);
}

static _Noreturn void worker_main(struct courier_state *s, pid_t supervisor, bool first)
{
	const struct bytes empty = BYTES_INIT;
	struct error e = ERROR_INIT;
	int ret = worker_enter(s, supervisor, &e);

	if (ret < 0) {
		worker_failed(first, &e);
		_exit(AGAIN);
	}
	if (first)
		ret = channel_send_answer(0, 0, &empty, &e);
	if (ret == 0)
		ret = worker_run(s, &e);
	if (ret < 0)
		log_to_stderr(LOG_LEVEL_ERROR, e.text);
	courier_exit(&e);
}

/* Start a worker and wait for its end. Returns 1 if another is to be started; otherwise 0, or -1 with
 * @e. If the worker was killed, so is this process. */
static int worker_supervise(struct courier_state *s, bool first, struct error *e)
{
	const pid_t self = getpid(), worker = fork();
	int status;

	if (worker < 0) {
		struct error failure = ERROR_INIT;

		error_set_errno(&failure, ERROR_SYSTEM, "courier: fork");
		worker_failed(first, &failure);
		return 1;
	}
	if (worker == 0)
		worker_main(s, self, first);
	idle_release();
	while (waitpid(worker, &status, 0) < 0)
		if (errno != EINTR)
			return error_set_errno(e, ERROR_SYSTEM, "courier: waitpid");
	if (WIFSIGNALED(status)) {
		signal(WTERMSIG(status), SIG_DFL);
		raise(WTERMSIG(status));
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == AGAIN)
		return 1;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static int courier_run(struct error *e)
{
	struct courier_state s = { .http = HTTP_INIT };
	struct bytes raw = BYTES_INIT;
	struct error unsent = ERROR_INIT;
	struct message m;
	int ret = channel_receive(&raw, &m, e);

	if (ret == 0)
		ret = error_set(e, ERROR_SYSTEM, "no keeper at descriptor %d", COURIER_FD);
	else if (ret > 0)
		ret = target_read(&s, &m, e);
	if (ret == 0)
		ret = supervisor_enter(&s, e);
	bytes_free(&raw);
	if (ret < 0 && channel_send_failure(e, &unsent) == 0)
		courier_exit(e);
	if (ret == 0) {
		ret = worker_supervise(&s, true, e);
		while (ret > 0)
			ret = worker_supervise(&s, false, e);
	}
	bytes_free(&s.url);
	bytes_free(&s.ca);
	return ret;
}

/* Started by hand, with arguments. */
static int courier_explain(const char *argument, struct error *e)
{
	bool help = !strcmp(argument, "--help") || !strcmp(argument, "-h");
	const char *text = help ? usage : version;

	if (!help && strcmp(argument, "--version") != 0) {
		fputs(usage, stderr);
		return 2;
	}
	if (io_write_full(STDOUT_FILENO, text, strlen(text), e) == 0)
		return 0;
	error_add(e, "standard output");
	log_to_stderr(LOG_LEVEL_ERROR, e->text);
	return error_exit_code(e);
}

int main(int argc, char **argv)
{
	struct error e = ERROR_INIT;

	/* A service manager sets variables; none may change what libraries do here. */
	clearenv();
	if (argc > 1)
		return courier_explain(argv[1], &e);
	if (courier_run(&e) < 0)
		log_to_stderr(LOG_LEVEL_ERROR, e.text);
	courier_exit(&e);
}
