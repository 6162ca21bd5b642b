// SPDX-License-Identifier: Apache-2.0
/*
 * The input is all that a client sends over one connection to the HTTP server of trusteed. Each
 * request that gets to a handler has a method, a path, and a body within the limit. The handler
 * answers with what it got.
 */
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/sockios.h>
#include <sys/un.h>
#include <unistd.h>

#include "fuzz.h"
#include "trusteed/http/http.h"

#define BODY_MAX 4096

static void on_request(void *context, const struct request *request, struct reply *reply)
{
	char printable[64];

	(void)context;
	must(request->method && request->path);
	must(request->len <= BODY_MAX && (request->body || !request->len));
	request_printable(request->path, printable, sizeof(printable));
	must(strlen(printable) < sizeof(printable) && !strpbrk(printable, " \r\n\033"));
	if (request_bearer(request))
		reply_refuse(reply, REPLY_ADMIN, request_bearer(request));
	else if (request->session)
		reply_refuse(reply, REPLY_ATTESTATION, request->session);
	else
		reply_json(reply, json_integer((json_int_t)request->len));
}

static bool secret_body(const char *method, const char *path)
{
	must(method && path);
	return !strcmp(method, "PUT");
}

/* The server runs until this process ends. */
static const struct sockaddr_un *server_start(socklen_t *address_len)
{
	static const struct http_service service = { .body_max = BODY_MAX,
						     .dispatch = on_request,
						     .body_is_secret = secret_body };
	static struct sockaddr_un address = { .sun_family = AF_UNIX };
	static socklen_t len = sizeof(address);
	static struct http *http;
	struct error e = ERROR_INIT;
	int fd;

	*address_len = len;
	if (http)
		return &address;
	bytes_lock_optional(true);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	/* The kernel chooses a name that is no file. */
	must(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address.sun_family)) == 0);
	must(getsockname(fd, (struct sockaddr *)&address, &len) == 0 && listen(fd, 16) == 0);
	http = http_start(&service, fd, NULL, &e);
	must(http != NULL);
	*address_len = len;
	return &address;
}

/* Wait until the server has read all that was sent, or has closed the connection. Only then does it
 * notice an end of the stream, because it polls for changes. */
static void consumed_wait(int fd)
{
	struct pollfd p = { .fd = fd };
	int left = 1;

	while (ioctl(fd, SIOCOUTQ, &left) == 0 && left > 0 && poll(&p, 1, 0) == 0)
		sched_yield();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	socklen_t len;
	const struct sockaddr_un *address = server_start(&len);
	const struct timeval patience = { .tv_sec = 10 };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char answer[4096];
	ssize_t n;

	must(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	must(connect(fd, (const struct sockaddr *)address, len) == 0);
	send(fd, data, size, MSG_NOSIGNAL);
	consumed_wait(fd);
	shutdown(fd, SHUT_WR);
	do
		n = recv(fd, answer, sizeof(answer), 0);
	while (n > 0);
	close(fd);
	return 0;
}
