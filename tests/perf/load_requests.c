// SPDX-License-Identifier: Apache-2.0
/*
 * load_requests: many clients of a trusteed that make the same kind of request all the time, for
 * tests/perf/server. Each has one connection, without TLS.
 *
 * usage: load_requests KIND DIR URL CLIENTS SECONDS
 *   auth       the first request of a handshake
 *   attest     the second one. Each needs evidence of its own, which is signed before the time begins: 2,048
 *              requests at least, whatever SECONDS are
 *   resource   the resource "perf/key/one", in an attested session
 * Prints one line: "KIND: good N failed N rate N median_us N p99_us N longest_us N".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "cca_builder.h"
#include "jose/tee_key.h"
#include "kbs/kbs.h"

#define SAMPLES_MAX ((size_t)4 << 20)
#define ATTESTS	    2048

struct client {
	int fd;
	struct bytes *request; /* in turn */
	size_t requests, next;
	struct bytes answer;
	int64_t since; /* us */
};

static struct cca_builder builder;
static struct tee_key tee = TEE_KEY_INIT;
static uint32_t *samples;	  /* us */
static size_t good, failed, busy; /* requests, and clients that have more of them */

static void die(const char *what)
{
	fprintf(stderr, "load_requests: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static EVP_PKEY *key_read(const char *dir, const char *name)
{
	EVP_PKEY *key = NULL;
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "r");
	if (file)
		key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	if (!key)
		die(path);
	fclose(file);
	return key;
}

/* --- one request ------------------------------------------------------------------------------ */

static void client_connect(struct client *client, const char *url)
{
	const char *port = strrchr(url, ':');
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)(port ? strtoul(port + 1, NULL, 10) : 0)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0 ||
	    connect(client->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		die(url);
}

static void client_request(struct client *client, const char *method, const char *path,
			   const char *session, const struct bytes *body)
{
	struct bytes *request = &client->request[client->next];

	bytes_clear(request);
	bytes_printf(request, "%s /kbs/v0/%s HTTP/1.1\r\nHost: perf\r\n", method, path);
	if (*session)
		bytes_printf(request, "Cookie: kbs-session-id=%s\r\n", session);
	if (body)
		bytes_printf(request, "Content-Length: %zu\r\n", body->len);
	bytes_append_text(request, "\r\n");
	if (body)
		bytes_append(request, body->data, body->len);
}

/* The requests are shorter than what a socket holds, so this does not wait. */
static void client_send(struct client *client)
{
	const struct bytes *request = &client->request[client->next];

	bytes_clear(&client->answer);
	client->since = now_us();
	if (send(client->fd, request->data, request->len, MSG_NOSIGNAL) != (ssize_t)request->len)
		die("send");
}

/* Read a part of the answer. Returns its body when it is complete, else NULL. */
static const char *client_receive(struct client *client)
{
	const char *length, *body;
	char part[65536];
	ssize_t n = recv(client->fd, part, sizeof(part), 0);

	if (n <= 0)
		die("the server closed a connection");
	bytes_append(&client->answer, part, (size_t)n);
	body = strstr(bytes_text(&client->answer), "\r\n\r\n");
	length = strstr(bytes_text(&client->answer), "Content-Length: ");
	if (!body || !length)
		return NULL;
	body += 4;
	return strlen(body) < strtoul(length + 16, NULL, 10) ? NULL : body;
}

static bool client_good(const struct client *client)
{
	return strncmp(bytes_text(&client->answer), "HTTP/1.1 200 ", 13) == 0;
}

/* --- before the time begins ------------------------------------------------------------------- */

static const char *client_exchange(struct client *client)
{
	const char *body;

	client_send(client);
	while (!(body = client_receive(client)))
		;
	if (!client_good(client))
		die(bytes_text(&client->answer));
	return body;
}

/* Make one request that is measured. */
static void client_prepare_one(struct client *client, const char *kind)
{
	struct bytes body = BYTES_INIT, token = BYTES_INIT;
	struct kbs_challenge challenge;
	struct error e = ERROR_INIT;
	char session[128] = "";
	const char *answer;
	uint8_t value[64];

	kbs_auth_body(&body);
	client_request(client, "POST", "auth", "", &body);
	if (strcmp(kind, "auth") == 0)
		goto out;
	answer = client_exchange(client);
	if (sscanf(strstr(bytes_text(&client->answer), "kbs-session-id="),
		   "kbs-session-id=%127[^;\r]", session) != 1 ||
	    kbs_auth_answer(&challenge, 200, answer, strlen(answer), &e) < 0 ||
	    kbs_realm_challenge(&challenge, &tee, value, NULL, &e) < 0)
		die(e.text);
	cca_builder_token(&builder, value, &token);
	bytes_clear(&body);
	if (kbs_attest_body(&challenge, &tee, token.data, token.len, &body, &e) < 0)
		die(e.text);
	client_request(client, "POST", "attest", session, &body);
	if (strcmp(kind, "attest") != 0) {
		client_exchange(client);
		client_request(client, "GET", "resource/perf/key/one", session, NULL);
	}
out:
	bytes_free(&body);
	bytes_free(&token);
}

static void client_prepare(struct client *client, const char *kind, size_t clients)
{
	client->requests = strcmp(kind, "attest") == 0 ? ATTESTS / clients + 1 : 1;
	client->request = calloc(client->requests, sizeof(*client->request));
	if (!client->request)
		die("calloc");
	for (; client->next < client->requests; client->next++)
		client_prepare_one(client, kind);
	client->next = 0;
	busy++;
}

/* --- the time --------------------------------------------------------------------------------- */

static void client_ready(struct client *client)
{
	if (!client_receive(client))
		return;
	if (good + failed < SAMPLES_MAX)
		samples[good + failed] = (uint32_t)(now_us() - client->since);
	client_good(client) ? good++ : failed++;
	if (client->requests > 1 && ++client->next == client->requests)
		busy--;
	else
		client_send(client);
}

static void run(struct client *clients, size_t count, int64_t end)
{
	struct epoll_event events[64];
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	for (size_t i = 0; i < count; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = &clients[i] };

		if (epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &event) < 0)
			die("epoll");
		client_send(&clients[i]);
	}
	while (busy && (now_us() < end || clients->requests > 1)) {
		int ready = epoll_wait(epoll, events, 64, 100);

		for (int i = 0; i < ready; i++)
			client_ready(events[i].data.ptr);
	}
	close(epoll);
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void print(const char *kind, double seconds)
{
	size_t count = good + failed < SAMPLES_MAX ? good + failed : SAMPLES_MAX;

	if (count == 0)
		die("no request was answered");
	qsort(samples, count, sizeof(*samples), compare);
	printf("%s: good %zu failed %zu rate %.0f median_us %u p99_us %u longest_us %u\n", kind,
	       good, failed, (double)(good + failed) / seconds, samples[count / 2],
	       samples[count * 99 / 100], samples[count - 1]);
}

int main(int argc, char *argv[])
{
	size_t count = argc == 6 ? strtoul(argv[4], NULL, 10) : 0;
	struct rlimit limit;
	struct error e = ERROR_INIT;
	struct client *clients = calloc(count ? count : 1, sizeof(*clients));
	int64_t begin;

	samples = calloc(SAMPLES_MAX, sizeof(*samples));
	if (!count || !clients || !samples) {
		fprintf(stderr,
			"usage: load_requests auth|attest|resource DIR URL CLIENTS SECONDS\n");
		return 2;
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	builder.cpak = key_read(argv[2], "cpak.pem");
	builder.rak = key_read(argv[2], "rak.pem");
	if (tee_key_generate(&tee, &e) < 0)
		die(e.text);
	for (size_t i = 0; i < count; i++) {
		client_connect(&clients[i], argv[3]);
		client_prepare(&clients[i], argv[1], count);
	}
	begin = now_us();
	run(clients, count, begin + strtol(argv[5], NULL, 10) * 1000000);
	print(argv[1], (double)(now_us() - begin) / 1e6);
	return failed > 0;
}
