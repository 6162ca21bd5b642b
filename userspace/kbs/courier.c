// SPDX-License-Identifier: Apache-2.0
#include "courier.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/array.h"
#include "base/clock.h"
#include "exchange/program.h"
#include "exchange/stream.h"

#define TIMEOUT_DEFAULT 60
#define PATIENCE_MARGIN 15 /* seconds, so that the courier's own limit comes first */

/* The error when the courier ended by itself. */
static const char closed[] = "courier: closed the connection";

static int courier_check(enum exchange_end end, struct error *e)
{
	switch (end) {
	case EXCHANGE_DONE:
		return 0;
	case EXCHANGE_LATE:
		return error_set(e, ERROR_PROTOCOL, "courier: no answer in time");
	case EXCHANGE_CLOSED:
		return error_set(e, ERROR_PROTOCOL, "%s", closed);
	case EXCHANGE_POLL_FAILED:
		return error_set_errno(e, ERROR_SYSTEM, "courier: poll");
	case EXCHANGE_FAILED:
		break;
	}
	return error_set_errno(e, ERROR_PROTOCOL, "courier");
}

void courier_stop(struct courier *courier)
{
	program_end(&courier->pid, &courier->fd, NULL);
}

/* If the courier ended by itself, say how. If it ended because of @e, @e is the cause. */
static void ended_explain(int ended, struct error *e)
{
	if (strcmp(e->text, closed))
		return;
	if (WIFSIGNALED(ended) && WTERMSIG(ended) != SIGKILL) /* SIGSYS: its sandbox */
		error_set(e, ERROR_PROTOCOL, "courier: killed by SIG%s",
			  sigabbrev_np(WTERMSIG(ended)));
	else if (WIFEXITED(ended) && WEXITSTATUS(ended))
		error_set(e, ERROR_PROTOCOL, "courier: exited with status %d", WEXITSTATUS(ended));
}

/* --- messages -------------------------------------------------------------------------------- */

static int failure_read(const struct message *m, struct error *e)
{
	/* A courier may report these kinds and no others. */
	static const enum error_kind kinds[] = {
		ERROR_SYSTEM, ERROR_NETWORK, ERROR_TLS, ERROR_PROTOCOL, ERROR_INPUT,
	};
	uint32_t kind, transient;

	if (message_field_u32(m, 0, &kind, e) < 0 || message_field_u32(m, 1, &transient, e) < 0)
		return -1;
	if (!m->field[2].len || !m->field[2].data[0])
		return error_set(e, ERROR_PROTOCOL, "courier: failure without a text");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kind == (uint32_t)kinds[i])
			return (transient ? error_set_transient :
					    error_set)(e, kinds[i], "%.*s", (int)m->field[2].len,
						       (const char *)m->field[2].data);
	return error_set(e, ERROR_PROTOCOL, "courier: failure of unknown kind %u", kind);
}

/* The body of the answer @m becomes @body. It is not copied out of @raw, but moved within it. */
static int answer_read(struct courier *courier, const struct message *m, struct bytes *raw,
		       int *status, struct bytes *body, struct error *e)
{
	uint32_t number, wait, server;

	if (message_field_u32(m, 0, &number, e) < 0 || message_field_u32(m, 1, &wait, e) < 0 ||
	    message_field_u32(m, 2, &server, e) < 0)
		return -1;
	if (number > 999)
		return error_set(e, ERROR_PROTOCOL, "courier: HTTP status %u", number);
	if (server >= courier->servers)
		return error_set(e, ERROR_PROTOCOL, "courier: answer of KBS %u", server);
	*status = (int)number;
	courier->wait = wait;
	courier->server = server;
	courier->failed = failover_status(*status);
	memmove(raw->data, m->field[3].data, m->field[3].len);
	bytes_truncate(raw, m->field[3].len);
	bytes_swap(raw, body);
	return 0;
}

/* The fields of @answer point into @raw. */
static int answer_receive(int fd, int64_t deadline, struct bytes *raw, struct message *answer,
			  struct error *e)
{
	uint8_t header[MESSAGE_HEADER_SIZE];
	enum message_type type;
	size_t len;

	if (courier_check(exchange_receive(fd, header, sizeof(header), deadline), e) < 0 ||
	    message_decode_header(header, &type, &len, e) < 0)
		return -1;
	if (type != MESSAGE_ANSWER && type != MESSAGE_FAILURE)
		return error_set(e, ERROR_PROTOCOL, "courier: message of type %d", (int)type);
	if (bytes_resize(raw, len, e) < 0 ||
	    courier_check(exchange_receive(fd, raw->data, len, deadline), e) < 0)
		return -1;
	return message_decode_body(type, raw->data, len, answer, e);
}

/* Stop a courier with which an exchange failed: a later message would be read as the answer to the next
 * question. */
static int exchange_failed(struct courier *courier, struct error *e)
{
	int status;

	if (program_end(&courier->pid, &courier->fd, &status))
		ended_explain(status, e);
	return -1;
}

int courier_send(struct courier *courier, const struct message *m, struct error *e)
{
	struct bytes question = BYTES_INIT;
	int ret;

	if (courier->fd < 0)
		return error_set(e, ERROR_PROTOCOL, "courier: not running");
	courier->deadline = clock_boot_ms() + (int64_t)courier->patience * 1000;
	ret = message_encode(m, &question, e);
	if (ret == 0 && courier_check(exchange_send(courier->fd, question.data, question.len,
						    courier->deadline),
				      e) < 0)
		ret = exchange_failed(courier, e);
	bytes_free(&question);
	return ret;
}

int courier_receive(struct courier *courier, int *status, struct bytes *body, struct error *e)
{
	struct bytes raw = BYTES_INIT;
	struct message answer;
	int ret;

	courier->failed = false;
	if (answer_receive(courier->fd, courier->deadline, &raw, &answer, e) < 0)
		ret = exchange_failed(courier, e);
	else if (answer.type == MESSAGE_FAILURE)
		ret = failure_read(&answer, e);
	else
		ret = answer_read(courier, &answer, &raw, status, body, e);
	if (ret < 0 && courier->fd >= 0)
		courier->failed = failover_kind(e->kind);
	if (ret < 0 && e->kind == ERROR_TLS)
		clock_doubt(e);
	bytes_free(&raw);
	return ret;
}

int courier_call(struct courier *courier, const struct message *m, int *status, struct bytes *body,
		 struct error *e)
{
	return courier_send(courier, m, e) < 0 ? -1 : courier_receive(courier, status, body, e);
}

/* --- the process ----------------------------------------------------------------------------- */

static int courier_launch(struct courier *courier, const char *program, struct error *e)
{
	char *argv[] = { (char *)"realmkey-courier", NULL };
	int ret = program_start(program, argv, COURIER_FD, &courier->pid, &courier->fd);

	if (ret < 0)
		return error_set_errno(e, ERROR_SYSTEM, "courier: socketpair");
	return ret ? error_set_errno(e, ERROR_SYSTEM, "courier %s", program) : 0;
}

static bool path_is_socket(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* Connect to the socket @path, at which a service manager starts a courier. */
static int courier_connect(struct courier *courier, const char *path, struct error *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(to.sun_path))
		return error_set(e, ERROR_SYSTEM, "courier %s: the path is too long", path);
	strcpy(to.sun_path, path);
	courier->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (courier->fd >= 0 && connect(courier->fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return 0;
	error_set_errno(e, ERROR_SYSTEM, "courier %s", path);
	courier_stop(courier);
	return -1;
}

static struct message_field field_text(const char *text)
{
	return (struct message_field){ (const uint8_t *)text, text ? strlen(text) : 0 };
}

static struct message_field field_bytes(const struct bytes *b)
{
	return (struct message_field){ b ? b->data : NULL, b ? b->len : 0 };
}

static int courier_open(struct courier *courier, const struct courier_target *target,
			uint32_t seconds, struct error *e)
{
	uint8_t flags[4], timeout[4];
	const struct message open = {
		.type = MESSAGE_OPEN,
		.count = 6,
		.field = { message_u32(target->insecure ? MESSAGE_OPEN_INSECURE : 0, flags),
			   message_u32(seconds, timeout), field_text(target->proxy),
			   field_bytes(target->proxy_credentials), field_bytes(target->certificate),
			   field_bytes(target->key) }
	};

	for (size_t i = 0; i < target->servers; i++) {
		const struct courier_server *server = &target->server[i];
		const struct message m = {
			.type = MESSAGE_SERVER,
			.count = 2,
			.field = { field_text(server->url),
				   { server->ca, server->ca ? server->ca_len : 0 } },
		};

		if (courier_send(courier, &m, e) < 0)
			return -1;
	}
	return courier_send(courier, &open, e);
}

int courier_begin(struct courier *courier, const char *program, const struct courier_target *target,
		  struct error *e)
{
	const uint32_t seconds = target->timeout ? target->timeout : TIMEOUT_DEFAULT;
	int ret;

	*courier = (struct courier)COURIER_INIT;
	courier->patience = seconds + PATIENCE_MARGIN;
	courier->servers = target->servers;
	ret = program && path_is_socket(program) ?
		      courier_connect(courier, program, e) :
		      courier_launch(courier, program ? program : COURIER_PATH, e);
	if (ret < 0)
		return -1;
	ret = courier_open(courier, target, seconds, e);
	if (ret < 0)
		courier_stop(courier);
	return ret;
}

int courier_ready(struct courier *courier, struct error *e)
{
	struct bytes body = BYTES_INIT;
	int status, ret = courier_receive(courier, &status, &body, e);

	bytes_free(&body);
	if (ret < 0)
		courier_stop(courier);
	return ret;
}

int courier_start(struct courier *courier, const char *program, const struct courier_target *target,
		  struct error *e)
{
	return courier_begin(courier, program, target, e) < 0 ? -1 : courier_ready(courier, e);
}
