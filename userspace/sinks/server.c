// SPDX-License-Identifier: Apache-2.0
#include "server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/io.h"

#define PASSED_FD 3 /* the first that a service manager passes */
#define BACKLOG	  4
#define IDLE_MS	  300

/* --- the connection --------------------------------------------------------------------------- */

/* Returns @fd, or -1 if its peer is not a user that may send secrets. */
static int peer_check(int fd, struct error *e)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "connection of the keeper");
	if (peer.uid != 0 && peer.uid != geteuid())
		return error_set(e, ERROR_SYSTEM,
				 "refused a connection of user %u: realmkeyd runs as root",
				 peer.uid);
	return fd;
}

static bool variable_is(const char *name, long value)
{
	const char *text = getenv(name);
	char *end;

	return text && *text && strtol(text, &end, 10) == value && !*end;
}

static int passed_take(struct error *e)
{
	if (!variable_is("LISTEN_PID", getpid()) || !variable_is("LISTEN_FDS", 1))
		return error_set(e, ERROR_USAGE,
				 "no connection from the service manager; use --socket PATH");
	return PASSED_FD;
}

/* The socket of a server that is gone has its name still. */
static int name_free(const struct sockaddr_un *address, struct error *e)
{
	const char *path = address->sun_path;
	struct stat st;
	int fd, used;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : error_set_errno(e, ERROR_SYSTEM, "%s", path);
	if (!S_ISSOCK(st.st_mode))
		return error_set(e, ERROR_SYSTEM, "%s: is there, and is not a socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set_errno(e, ERROR_SYSTEM, "%s", path);
	used = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
	close(fd);
	if (used)
		return error_set(e, ERROR_SYSTEM, "%s: another process listens there", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set_errno(e, ERROR_SYSTEM, "%s", path);
	return 0;
}

static int socket_listen(const char *path, struct error *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, ret;

	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(e, ERROR_USAGE, "%s: the path of a socket is too long", path);
	strcpy(address.sun_path, path);
	if (name_free(&address, e) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set_errno(e, ERROR_SYSTEM, "%s", path);
	mask = umask(0177);
	ret = bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (ret < 0 || listen(fd, BACKLOG) < 0) {
		error_set_errno(e, ERROR_SYSTEM, "%s", path);
		close(fd);
		return -1;
	}
	return fd;
}

/* Returns in a child for each connection, or with -1. */
static int each_accept(int listener, const char *path, struct error *e)
{
	/* So that ended children leave nothing behind. */
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		pid_t child;

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			return error_set_errno(e, ERROR_SYSTEM, "%s: accept", path);
		child = fork();
		if (child == 0) {
			signal(SIGCHLD, SIG_DFL);
			return fd;
		}
		if (child < 0)
			error_set_errno(e, ERROR_SYSTEM, "%s: fork", path);
		close(fd);
		if (child < 0)
			return -1;
	}
}

int sinks_accept(const char *path, struct error *e)
{
	int listener = -1, fd;

	/* An answer to a keeper that is gone is an error of write(). */
	signal(SIGPIPE, SIG_IGN);
	if (path) {
		listener = socket_listen(path, e);
		fd = listener < 0 ? -1 : each_accept(listener, path, e);
	} else {
		fd = passed_take(e);
	}
	if (listener >= 0)
		close(listener);
	return fd < 0 ? -1 : peer_check(fd, e);
}

/* --- messages --------------------------------------------------------------------------------- */

static int answer_send(int fd, enum sinks_type type, uint32_t number, const void *body, size_t len,
		       struct error *e)
{
	const struct sinks_message m = { type, number, body, len };
	uint8_t header[SINKS_HEADER_SIZE];

	if (sinks_encode_header(&m, header, e) < 0 ||
	    io_write_full(fd, header, sizeof(header), e) < 0)
		return -1;
	return len ? io_write_full(fd, body, len, e) : 0;
}

static int failure_send(int fd, const struct error *failure, struct error *e)
{
	return answer_send(fd, SINKS_FAILED, (uint32_t)failure->kind, failure->text,
			   strnlen(failure->text, SINKS_TEXT_MAX), e);
}

/* Returns 1, or 0 if the keeper closed the connection, or -1. */
static int header_receive(int fd, struct sinks_message *m, struct error *e)
{
	uint8_t header[SINKS_HEADER_SIZE];
	ssize_t n;

	/* Its first byte alone, because the end of the connection between two messages is not an error. */
	do
		n = read(fd, header, 1);
	while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return 0;
	if (n < 0)
		return error_set_errno(e, ERROR_SYSTEM, "connection of the keeper");
	if (io_read_full(fd, header + 1, sizeof(header) - 1, e) < 0)
		return error_reclassify(e, ERROR_ANY, ERROR_PROTOCOL);
	return sinks_decode_header(header, m, e) < 0 ? -1 : 1;
}

/* Wait for a message. Returns false at the first pause after one. */
static bool message_wait(int fd, bool pause)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, pause ? IDLE_MS : -1) != 0;
}

static int hello_answer(int fd, const struct sinks_service *service, const struct sinks_message *m,
			struct error *e)
{
	struct error unsent = ERROR_INIT;

	if (bytes_equal(m->body, m->len, service->digest, SINKS_DIGEST_SIZE))
		return answer_send(fd, SINKS_DONE, 0, service->have, service->have_len, e);
	error_set(e, ERROR_CONFIG,
		  "the files of the configuration are not those that realmkeyd has read; "
		  "run: systemctl reload realmkeyd");
	failure_send(fd, e, &unsent);
	return -1;
}

static int message_answer(int fd, const struct sinks_service *service,
			  const struct sinks_message *m, struct error *e)
{
	struct error failure = ERROR_INIT;
	int ret;

	if (m->number >= service->have_len)
		ret = error_set(&failure, ERROR_PROTOCOL, "there is no secret number %u",
				m->number);
	else
		ret = service->handle(service->context, m, &failure);
	return ret < 0 ? failure_send(fd, &failure, e) :
			 answer_send(fd, SINKS_DONE, m->number, NULL, 0, e);
}

/* Receive a message and answer it. Returns as header_receive(). */
static int message_serve(int fd, const struct sinks_service *service, bool first, struct error *e)
{
	struct bytes body = BYTES_LOCKED_INIT;
	struct sinks_message m;
	int ret = header_receive(fd, &m, e);

	if (ret <= 0)
		return ret;
	ret = -1;
	if ((m.type == SINKS_HELLO) != first || m.type == SINKS_DONE || m.type == SINKS_FAILED)
		return error_set(e, ERROR_PROTOCOL, "message of type %d out of order", m.type);
	if (bytes_resize(&body, m.len, e) == 0 && io_read_full(fd, body.data, m.len, e) == 0) {
		m.body = body.data;
		ret = first ? hello_answer(fd, service, &m, e) : message_answer(fd, service, &m, e);
	}
	bytes_free(&body);
	return ret < 0 ? -1 : 1;
}

int sinks_serve(int fd, const struct sinks_service *service, struct error *e)
{
	bool first = true, pause = false;
	int ret = 1;

	while (ret > 0) {
		if (service->idle && !message_wait(fd, pause)) {
			service->idle(service->context);
			pause = false;
			continue;
		}
		ret = message_serve(fd, service, first, e);
		first = false;
		pause = true;
	}
	return ret;
}
