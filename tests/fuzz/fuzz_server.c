// SPDX-License-Identifier: Apache-2.0
/*
 * The input is all that a client sends over one connection to the HTTP server of trusteed. Each
 * request that gets to a handler has a method, a path, and a body within the limit. The handler
 * answers with what it got, at once or later. A request that is answered later is answered, or cancelled, once.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "fuzz.h"
#include "trusteed/http/http.h"
#include "trusteed/http/later.h"

#define BODY_MAX 4096

static struct loop *loop;

/* A request that is answered in a later step of the loop. */
struct waiting {
	struct later later;
	struct loop_timer timer;
};

static int waiting_count;

static void waiting_free(struct waiting *waiting)
{
	loop_unset(loop, &waiting->timer);
	free(waiting);
	waiting_count--;
}

static void on_cancel(struct later *later)
{
	waiting_free((struct waiting *)later);
}

static void on_due(struct loop_timer *timer)
{
	struct waiting *waiting =
		(struct waiting *)((char *)timer - offsetof(struct waiting, timer));
	struct reply reply = REPLY_INIT;

	reply_json(&reply, json_true());
	waiting->later.answer(&waiting->later, &reply);
	waiting_free(waiting);
}

static void answer_later(struct reply *reply)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting));
	struct error e = ERROR_INIT;

	if (!waiting)
		abort();
	waiting->later.cancel = on_cancel;
	waiting->timer.due = on_due;
	must(loop_set(loop, &waiting->timer, clock_boot_ms(), &e) == 0);
	waiting_count++;
	reply->later = &waiting->later;
}

static void on_request(void *context, const struct request *request, struct reply *reply)
{
	char printable[64];

	(void)context;
	must(request->method && request->path);
	must(request->len <= BODY_MAX && (request->body || !request->len));
	request_printable(request->path, printable, sizeof(printable));
	must(strlen(printable) < sizeof(printable) && !strpbrk(printable, " \r\n\033"));
	must(!request->query || !strpbrk(request->query, " \r\n"));
	if (strstr(request->path, "later"))
		answer_later(reply);
	else if (request_bearer(request))
		reply_refuse(reply, REPLY_ADMIN, request_bearer(request));
	else if (request->session)
		reply_refuse(reply, REPLY_ATTESTATION, request->session);
	else
		reply_json(reply, json_integer((json_int_t)request->len));
}

static bool admit(void *context, const struct request *request, struct http_body *body,
		  struct reply *reply)
{
	(void)context;
	must(request->method && request->path && !request->len);
	if (!strcmp(request->method, "DELETE")) {
		reply_refuse(reply, REPLY_ADMIN, request->path);
		return false;
	}
	*body = (struct http_body){ .max = strcmp(request->method, "GET") ? BODY_MAX : 0,
				    .secret = !strcmp(request->method, "PUT") };
	return true;
}

/* The server runs until this process ends. */
static const struct sockaddr_un *server_start(socklen_t *address_len)
{
	static const struct http_service service = { .dispatch = on_request, .admit = admit };
	static struct sockaddr_un address = { .sun_family = AF_UNIX };
	static socklen_t len = sizeof(address);
	static struct http *http;
	struct error e = ERROR_INIT;
	int fd;

	*address_len = len;
	if (http)
		return &address;
	bytes_lock_optional(true);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	/* The kernel chooses a name that is no file. */
	must(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address.sun_family)) == 0);
	must(getsockname(fd, (struct sockaddr *)&address, &len) == 0 && listen(fd, 16) == 0);
	loop = loop_open(&e);
	must(loop != NULL);
	http = http_start(loop, &service, fd, NULL, 64, &e);
	must(http != NULL);
	*address_len = len;
	return &address;
}

/* Send what is left, as far as the server reads it, and say that nothing follows. */
static void client_send(int fd, const uint8_t **data, size_t *size)
{
	ssize_t n;

	if (!*data)
		return;
	n = *size ? send(fd, *data, *size, MSG_NOSIGNAL) : 0;
	if (n > 0) {
		*data += n;
		*size -= (size_t)n;
	}
	if (*size == 0 || (n < 0 && errno != EAGAIN)) {
		*data = NULL;
		shutdown(fd, SHUT_WR);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nothing[1];
	socklen_t len;
	const struct sockaddr_un *address = server_start(&len);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct error e = ERROR_INIT;
	char answer[4096];
	ssize_t n;

	must(fd >= 0);
	must(connect(fd, (const struct sockaddr *)address, len) == 0);
	if (!data)
		data = nothing;
	/* Each step does something, or the server would not end the connection. */
	do {
		client_send(fd, &data, &size);
		must(loop_step(loop, data ? 0 : 1000, &e) == 0);
		do
			n = recv(fd, answer, sizeof(answer), 0);
		while (n > 0);
	} while (n < 0 && errno == EAGAIN);
	close(fd);
	must(waiting_count == 0);
	return 0;
}
