// SPDX-License-Identifier: Apache-2.0
#include "listen.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "privilege.h"

/* --- the socket ------------------------------------------------------------------------------ */

void listen_init(struct listener *l)
{
	*l = (struct listener){ .fd = -1 };
	for (size_t i = 0; i < LISTEN_CLIENTS; i++)
		l->client[i].fd = -1;
}

static void socket_close(struct listener *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

/* True if the name is there and leads to our socket, as far as that can be seen. */
static bool socket_is_there(const struct listener *l)
{
	struct stat st;

	return l->fd >= 0 && !lstat(l->address.sun_path, &st) && S_ISSOCK(st.st_mode) &&
	       st.st_uid == geteuid();
}

/* As the owner of the directory. */
static int socket_bind(const struct listener *l, struct error *e)
{
	const char *path = l->address.sun_path;
	const mode_t mask = umask(0177);
	int ret = 0;

	if ((unlink(path) < 0 && errno != ENOENT) ||
	    bind(l->fd, (const struct sockaddr *)&l->address, sizeof(l->address)) < 0)
		ret = error_set_errno(e, ERROR_SYSTEM, "control socket: %s", path);
	umask(mask);
	return ret;
}

static int socket_make(struct listener *l, const char *directory, struct error *e)
{
	const char *path = l->address.sun_path;
	struct stat st;
	int ret;

	if (stat(directory, &st) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "control socket: %s", directory);
	if (privilege_lend(st.st_uid, e) < 0)
		return -1;
	ret = socket_bind(l, e);
	privilege_return();
	if (ret == 0 &&
	    (lchown(path, geteuid(), getegid()) < 0 || listen(l->fd, LISTEN_CLIENTS) < 0))
		ret = error_set_errno(e, ERROR_SYSTEM, "control socket: %s", path);
	return ret;
}

int listen_open(struct listener *l, const char *path, struct error *e)
{
	char *name = l->address.sun_path;
	int ret;

	if (socket_is_there(l))
		return 0;
	socket_close(l);
	l->address.sun_family = AF_UNIX;
	if ((size_t)snprintf(name, sizeof(l->address.sun_path), "%s/" CONTROL_FILE, path) >=
	    sizeof(l->address.sun_path))
		return error_set(e, ERROR_SYSTEM, "control socket: %s: path too long", path);
	l->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return error_set_errno(e, ERROR_SYSTEM, "control socket");
	ret = socket_make(l, path, e);
	if (ret < 0)
		socket_close(l);
	return ret;
}

static void client_close(struct listen_client *client)
{
	close(client->fd);
	*client = (struct listen_client){ .fd = -1 };
}

void listen_close(struct listener *l)
{
	socket_close(l);
	for (size_t i = 0; i < LISTEN_CLIENTS; i++)
		if (l->client[i].fd >= 0)
			client_close(&l->client[i]);
}

void listen_remove(struct listener *l)
{
	struct error e = ERROR_INIT;
	char directory[sizeof(l->address.sun_path)];
	struct stat st;

	if (socket_is_there(l)) {
		snprintf(directory, sizeof(directory), "%.*s",
			 (int)(strlen(l->address.sun_path) - strlen("/" CONTROL_FILE)),
			 l->address.sun_path);
		if (!stat(directory, &st) && privilege_lend(st.st_uid, &e) == 0) {
			unlink(l->address.sun_path);
			privilege_return();
		}
	}
	listen_close(l);
}

/* --- clients --------------------------------------------------------------------------------- */

static void client_answer(struct listen_client *client, int code, const char *text)
{
	struct bytes answer = BYTES_INIT;

	control_answer_encode(code, text, &answer);
	/* A client that does not read loses its answer. */
	if (answer.len)
		(void)!send(client->fd, answer.data, answer.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	bytes_free(&answer);
	client_close(client);
}

static bool peer_is_trusted(int fd)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static struct listen_client *client_free(struct listener *l)
{
	for (size_t i = 0; i < LISTEN_CLIENTS; i++)
		if (l->client[i].fd < 0)
			return &l->client[i];
	return NULL;
}

static void client_accept(struct listener *l, int64_t now)
{
	struct listen_client *client = client_free(l), refused;
	int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (client)
		*client = (struct listen_client){ .fd = fd, .until = now + LISTEN_REQUEST_MS };
	refused = (struct listen_client){ .fd = fd };
	if (!peer_is_trusted(fd))
		client_answer(client ? client : &refused, 2,
			      "only root may send requests to realmkeyd");
	else if (!client)
		client_answer(&refused, 1,
			      "realmkeyd has too many requests already; try again later");
}

static void client_read(struct listener *l, struct listen_client *client, int64_t now,
			listen_request *request, void *context)
{
	char text[CONTROL_REQUEST_MAX + 1];
	struct control_request decoded;
	struct error e = ERROR_INIT;
	ssize_t n = recv(client->fd, text, sizeof(text), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* It has gone away, or sends a second request: then it does not get the answer to the first. */
	if (n <= 0 || client->id) {
		client_close(client);
	} else if (control_request_decode(text, (size_t)n, &decoded, &e) < 0) {
		client_answer(client, error_exit_code(&e), e.text);
	} else {
		if (!++l->last)
			l->last = 1;
		client->id = l->last;
		client->verb = decoded.verb;
		client->until = now + LISTEN_ANSWER_MS;
		request(context, client->id, &decoded);
	}
}

/* --- the loop of the caller ------------------------------------------------------------------ */

void listen_poll(const struct listener *l, struct pollfd p[LISTEN_POLL])
{
	p[0] = (struct pollfd){ .fd = l->fd, .events = POLLIN };
	for (size_t i = 0; i < LISTEN_CLIENTS; i++)
		p[1 + i] = (struct pollfd){ .fd = l->client[i].fd, .events = POLLIN };
}

int64_t listen_until(const struct listener *l)
{
	int64_t until = INT64_MAX;

	for (size_t i = 0; i < LISTEN_CLIENTS; i++)
		if (l->client[i].fd >= 0 && l->client[i].until < until)
			until = l->client[i].until;
	return until;
}

void listen_serve(struct listener *l, const struct pollfd p[LISTEN_POLL], int64_t now,
		  listen_request *request, void *context)
{
	for (size_t i = 0; i < LISTEN_CLIENTS; i++) {
		struct listen_client *client = &l->client[i];

		if (client->fd >= 0 && client->fd == p[1 + i].fd && p[1 + i].revents)
			client_read(l, client, now, request, context);
		if (client->fd >= 0 && client->until <= now)
			client_answer(client, 1,
				      client->id ? "realmkeyd is still busy with the request" :
						   "no request came");
	}
	if (l->fd >= 0 && l->fd == p[0].fd && p[0].revents)
		client_accept(l, now);
}

static bool client_asks(const struct listen_client *client, enum control_verb verb)
{
	return client->fd >= 0 && client->id && client->verb == verb;
}

void listen_answer(struct listener *l, enum control_verb verb, uint32_t id, int code,
		   const char *text)
{
	for (size_t i = 0; i < LISTEN_CLIENTS; i++)
		if (client_asks(&l->client[i], verb) && l->client[i].id == id)
			client_answer(&l->client[i], code, text);
}

void listen_answer_all(struct listener *l, enum control_verb verb, uint32_t last, int code,
		       const char *text)
{
	/* The ids go around. */
	for (size_t i = 0; i < LISTEN_CLIENTS; i++)
		if (client_asks(&l->client[i], verb) && (int32_t)(l->client[i].id - last) <= 0)
			client_answer(&l->client[i], code, text);
}
