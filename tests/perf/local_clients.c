// SPDX-License-Identifier: Apache-2.0
/*
 * Measures realmkey-local: CLIENTS threads ask for a secret, each COUNT times, and compare each answer with the FILE.
 * Prints the median, the 99th percentile and the longest time of a request in microseconds, and the requests per second
 * of all clients.
 *
 *	get		over a connection that is kept
 *	connect		with a new connection for each request
 *	credential	as systemd does it for the unit and the ID in NAME, "UNIT/ID"; this process must be in the cgroup of
 *			the unit
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "sinks/varlink.h"

#define CLIENTS_MAX 32
#define COUNT_MAX   100000

enum { MODE = 1, PATH, NAME, EXPECTED, CLIENTS, COUNT, ARGUMENTS };

static const char *path, *unit; /* unit: NULL for the API */
static bool keep;
static long count;
static struct bytes request, expected;
static atomic_ulong serial;
static pthread_barrier_t start;

struct client {
	pthread_t thread;
	double *took; /* microseconds of each request */
};

static double us_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static _Noreturn void fail(const char *what)
{
	perror(what);
	_exit(1);
}

static int connection(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX }, from = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), len;

	if (fd < 0)
		fail("socket");
	if (unit) {
		/* An abstract name: it begins with a NUL, and has none at its end. */
		len = snprintf(from.sun_path + 1, sizeof(from.sun_path) - 1, "%lx/unit/%s",
			       0x1000000000000000 + atomic_fetch_add(&serial, 1), unit);
		if (bind(fd, (const struct sockaddr *)&from,
			 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)))
			fail("bind");
	}
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)))
		fail(path);
	return fd;
}

/* Ask once, and compare the answer, which ends as the connection does, or with a NUL. */
static void ask(int fd)
{
	static _Thread_local char answer[1 << 16];
	size_t len = 0;
	ssize_t n = 1;

	if (!unit && send(fd, request.data, request.len, MSG_NOSIGNAL) != (ssize_t)request.len)
		fail("send");
	while (n > 0 && len < sizeof(answer) && (unit || !len || answer[len - 1])) {
		n = recv(fd, answer + len, sizeof(answer) - len, 0);
		if (n < 0)
			fail("recv");
		len += (size_t)n;
	}
	if (len == expected.len && !memcmp(answer, expected.data, len))
		return;
	fprintf(stderr, "local_clients: a wrong answer of %zu bytes\n", len);
	_exit(1);
}

static void *client_run(void *context)
{
	struct client *client = context;
	int fd = keep ? connection() : -1;

	pthread_barrier_wait(&start);
	for (long i = 0; i < count; i++) {
		const double began = us_now();

		if (!keep)
			fd = connection();
		ask(fd);
		if (!keep)
			close(fd);
		client->took[i] = us_now() - began;
	}
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* What is sent, and what must come back. */
static void prepare(char **argv)
{
	struct bytes value = BYTES_INIT;
	struct error e = ERROR_INIT;

	if (io_read_file(argv[EXPECTED], 1 << 14, &value, &e) < 0 ||
	    varlink_get_encode(argv[NAME], -1, &request, &e) < 0) {
		fprintf(stderr, "local_clients: %s\n", e.text);
		exit(1);
	}
	bytes_append(&request, "", 1);
	if (unit) {
		bytes_append(&expected, value.data, value.len);
	} else {
		varlink_value_encode(value.data, value.len, &expected);
		bytes_append(&expected, "", 1);
	}
	if (bytes_check(&request, &e) < 0 || bytes_check(&expected, &e) < 0)
		exit(1);
	bytes_free(&value);
}

int main(int argc, char **argv)
{
	struct client client[CLIENTS_MAX];
	double *took, began;
	long clients;
	size_t all;

	clients = argc == ARGUMENTS ? strtol(argv[CLIENTS], NULL, 10) : 0;
	count = argc == ARGUMENTS ? strtol(argv[COUNT], NULL, 10) : 0;
	if (clients < 1 || clients > CLIENTS_MAX || count < 1 || count > COUNT_MAX) {
		fputs("usage: local_clients get|connect|credential SOCKET NAME FILE CLIENTS COUNT\n",
		      stderr);
		return 2;
	}
	path = argv[PATH];
	keep = !strcmp(argv[MODE], "get");
	unit = strcmp(argv[MODE], "credential") ? NULL : argv[NAME];
	prepare(argv);
	all = (size_t)(clients * count);
	took = calloc(all, sizeof(*took));
	if (!took) {
		perror("local_clients");
		return 1;
	}
	if (pthread_barrier_init(&start, NULL, (unsigned int)clients + 1))
		fail("pthread_barrier_init");
	for (long i = 0; i < clients; i++) {
		client[i].took = took + i * count;
		if (pthread_create(&client[i].thread, NULL, client_run, &client[i]))
			fail("thread");
	}
	pthread_barrier_wait(&start);
	began = us_now();
	for (long i = 0; i < clients; i++)
		pthread_join(client[i].thread, NULL);
	began = us_now() - began;
	qsort(took, all, sizeof(*took), by_value);
	printf("%.0f %.0f %.0f %.0f\n", took[all / 2], took[(all * 99 + 99) / 100 - 1],
	       took[all - 1], (double)all * 1e6 / began);
	return 0;
}
