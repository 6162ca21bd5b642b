// SPDX-License-Identifier: Apache-2.0
/* The courier's connections: when they are kept, made again and resumed, and peers that are slow in one
 * phase of a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "courier_test.h"

/* --- connections that are kept ---------------------------------------------------------------- */

/* The KBS closes the connection after each of these, in its own way. The next request is sent over a
 * new one, and only once if the KBS has not seen it. */
static void test_connection_closed_between_requests(void **state)
{
	static const char *const paths[] = { "a/b/close", "a/b/drop", "a/b/late" };
	struct courier courier = COURIER_INIT;
	char want[64];
	int connection = 0;

	(void)state;
	start_plain(&courier);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		snprintf(want, sizeof(want), "connection=%d request=1\n", ++connection);
		expect_get(&courier, paths[i], want);
		usleep(50000);
		snprintf(want, sizeof(want), "connection=%d request=1\n", ++connection);
		expect_get(&courier, "a/b/c", want);
		snprintf(want, sizeof(want), "connection=%d request=2\n", connection);
		expect_get(&courier, "a/b/c", want);
		expect_get(&courier, "a/b/close", "request=3\n");
	}
	courier_stop(&courier);
}

/* A request over a new connection is not repeated. */
static void test_no_answer_is_not_tried_again(void **state)
{
	struct courier courier = COURIER_INIT;

	(void)state;
	start_plain(&courier);
	expect_get(&courier, "a/b/close", "request=1\n");
	expect_failure(&courier, "a/b/silent", ERROR_NETWORK, true, "closed without an answer");
	expect_get(&courier, "a/b/late", "request=1\n");
	expect_failure(&courier, "a/b/silent", ERROR_NETWORK, true, "closed without an answer");
	courier_stop(&courier);
}

/* --- TLS -------------------------------------------------------------------------------------- */

/* How many of 4 connections, after the first, are resumed. */
static int resumed(const char *url, const struct bytes *pem, const char *version)
{
	struct courier courier = COURIER_INIT;
	struct error e = ERROR_INIT;
	int count = 0, status;

	start(&courier, (struct courier_target){ SERVER(url, pem->data, pem->len) });
	for (int i = 0; i < 5; i++) {
		struct bytes body = BYTES_INIT;

		if (get(&courier, "a/b/close", "", &status, &body, &e) < 0)
			fail_msg("%s", e.text);
		assert_non_null(strstr(bytes_text(&body), version));
		count += strstr(bytes_text(&body), "resumed=1") != NULL;
		bytes_free(&body);
	}
	courier_stop(&courier);
	return count;
}

static void test_tls_resumption(void **state)
{
	static const struct {
		int version;
		const char *name;
		long options;
		int want;
	} cases[] = {
		{ TLS1_3_VERSION, "TLSv1.3", 0, 4 },
		{ TLS1_2_VERSION, "TLSv1.2", 0, 4 },
		{ TLS1_2_VERSION, "TLSv1.2", SSL_OP_NO_TICKET, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytes pem = BYTES_INIT;
		struct http_server server;
		SSL_CTX *tls = http_server_tls("IP:127.0.0.1", &pem);

		SSL_CTX_set_max_proto_version(tls, cases[i].version);
		SSL_CTX_set_options(tls, (uint64_t)cases[i].options);
		http_server_start(&server, tls);
		assert_int_equal(resumed(server.url, &pem, cases[i].name), cases[i].want);
		/* Another courier begins anew. */
		assert_int_equal(resumed(server.url, &pem, cases[i].name), cases[i].want);
		http_server_stop(&server);
		SSL_CTX_free(tls);
		bytes_free(&pem);
	}
}

/* The server has other keys for its tickets, as after a restart: it refuses the ticket, and shows its
 * certificate again. */
static void test_tls_ticket_refused(void **state)
{
	struct courier courier = COURIER_INIT;
	struct bytes pem = BYTES_INIT;
	struct http_server server;
	SSL_CTX *tls = http_server_tls("IP:127.0.0.1", &pem);
	unsigned char keys[80] = "other keys";

	(void)state;
	SSL_CTX_set_num_tickets(tls, 1);
	http_server_start(&server, tls);
	start(&courier, (struct courier_target){ SERVER(server.url, pem.data, pem.len) });
	expect_get(&courier, "a/b/close", "resumed=0");
	http_server_stop(&server);
	assert_int_equal(SSL_CTX_set_tlsext_ticket_keys(tls, keys, sizeof(keys)), 1);
	http_server_start_at(&server, tls, server.port);
	expect_get(&courier, "a/b/close", "resumed=0");
	expect_get(&courier, "a/b/close", "resumed=1");
	courier_stop(&courier);
	http_server_stop(&server);
	SSL_CTX_free(tls);
	bytes_free(&pem);
}

/* Milliseconds of CPU time that the processes of @courier have used. */
static long cpu_ms(const struct courier *courier)
{
	char path[64];
	unsigned long used = 0;
	int pid = (int)courier->pid;
	FILE *f;

	for (int i = 0; i < 2; i++) { /* the supervisor, and then its worker */
		unsigned long user, system;

		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		f = fopen(path, "r");
		assert_non_null(f);
		assert_int_equal(
			fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			       &user, &system),
			2);
		fclose(f);
		used += user + system;
		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
		f = fopen(path, "r");
		assert_non_null(f);
		if (i == 0)
			assert_int_equal(fscanf(f, "%d", &pid), 1);
		fclose(f);
	}
	return (long)used * 1000 / sysconf(_SC_CLK_TCK);
}

/* The courier sleeps until the rest of a record comes. */
static void test_tls_record_in_halves(void **state)
{
	struct courier courier = COURIER_INIT;
	struct bytes pem = BYTES_INIT;
	struct http_server server;
	SSL_CTX *tls = http_server_tls("IP:127.0.0.1", &pem);
	long before;

	(void)state;
	http_server_start(&server, tls);
	start(&courier, (struct courier_target){ SERVER(server.url, pem.data, pem.len) });
	expect_get(&courier, "a/b/c", "request=1\n");
	before = cpu_ms(&courier);
	expect_get(&courier, "a/b/halves", "halves");
	assert_in_range(cpu_ms(&courier) - before, 0, 50);
	expect_get(&courier, "a/b/c", "request=3\n");
	courier_stop(&courier);
	http_server_stop(&server);
	SSL_CTX_free(tls);
	bytes_free(&pem);
}

/* --- peers that are slow ---------------------------------------------------------------------- */

/* A socket that listens on loopback. Its address goes to @address. */
static int listener_open(struct sockaddr_in *address, int backlog)
{
	socklen_t len = sizeof(*address);
	const int small = 4096; /* so that a large request does not fit */
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	*address = (struct sockaddr_in){ .sin_family = AF_INET,
					 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	assert_int_equal(bind(fd, (struct sockaddr *)address, len), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)address, &len), 0);
	return fd;
}

static void start_at(struct courier *courier, const char *scheme, const struct sockaddr_in *address,
		     unsigned int timeout, const struct bytes *pem)
{
	char url[64];

	snprintf(url, sizeof(url), "%s://127.0.0.1:%u", scheme, ntohs(address->sin_port));
	start(courier, (struct courier_target){ SERVER(url, pem->data, pem->len), .insecure = true,
						.timeout = timeout });
}

/* @large: as much as the buffers of both sockets do not hold. */
static int put(struct courier *courier, size_t large, int *status, struct error *e)
{
	struct bytes body = BYTES_INIT, answer = BYTES_INIT;
	struct message m = {
		.type = MESSAGE_ADMIN,
		.count = 4,
		.field = { text("POST"), text("resource/a/b/c"), text(""), text("") },
	};
	int ret;

	assert_int_equal(bytes_resize(&body, large, e), 0);
	m.field[3] = (struct message_field){ body.data, body.len };
	ret = courier_call(courier, &m, status, &answer, e);
	bytes_free(&body);
	bytes_free(&answer);
	return ret;
}

#define LARGE ((size_t)3 << 20)

static void expect_time_out(struct courier *courier, size_t large, const char *phase)
{
	struct error e = ERROR_INIT;
	int64_t began = clock_boot_ms();
	int status;

	assert_int_equal(put(courier, large, &status, &e), -1);
	assert_int_equal(e.kind, ERROR_NETWORK);
	assert_true(e.transient);
	if (!strstr(e.text, "timed out while ") || !strstr(e.text, phase))
		fail_msg("%s", e.text);
	assert_in_range(clock_boot_ms() - began, 900, 3500);
	courier_stop(courier);
}

static void test_slow_to_connect(void **state)
{
	struct courier courier = COURIER_INIT;
	struct sockaddr_in address;
	const struct bytes none = BYTES_INIT;
	int fd = listener_open(&address, 0), full = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	/* Its queue is full, so it does not answer another SYN. */
	assert_int_equal(connect(full, (struct sockaddr *)&address, sizeof(address)), 0);
	start_at(&courier, "http", &address, 2, &none);
	expect_time_out(&courier, 1, "connecting");
	close(full);
	close(fd);
}

static void test_slow_in_the_handshake(void **state)
{
	struct courier courier = COURIER_INIT;
	struct sockaddr_in address;
	struct bytes pem = BYTES_INIT;
	int fd = listener_open(&address, 8);

	(void)state;
	SSL_CTX_free(http_server_tls("IP:127.0.0.1", &pem));
	start_at(&courier, "https", &address, 2, &pem);
	expect_time_out(&courier, 1, "in the TLS handshake");
	close(fd);
	bytes_free(&pem);
}

static void test_slow_to_read_and_to_answer(void **state)
{
	struct courier courier = COURIER_INIT;
	struct sockaddr_in address;
	const struct bytes none = BYTES_INIT;
	int fd = listener_open(&address, 8);

	(void)state;
	start_at(&courier, "http", &address, 1, &none);
	expect_time_out(&courier, LARGE, "sending the request");
	start_at(&courier, "http", &address, 1, &none);
	expect_time_out(&courier, 1, "waiting for the answer");
	close(fd);
}

/* A KBS that refuses a request by its head, and closes the connection without reading the rest. */
static void test_answer_before_the_request_is_sent(void **state)
{
	static const char refusal[] = "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n";
	struct courier courier = COURIER_INIT;
	struct sockaddr_in address;
	const struct bytes none = BYTES_INIT;
	struct error e = ERROR_INIT;
	int fd = listener_open(&address, 8), status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		char head[256];
		int peer = accept(fd, NULL, NULL);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (read(peer, head, sizeof(head)) <= 0 ||
		    write(peer, refusal, strlen(refusal)) != (ssize_t)strlen(refusal))
			_exit(1);
		usleep(300000);
		_exit(0);
	}
	start_at(&courier, "http", &address, 10, &none);
	assert_int_equal(put(&courier, LARGE, &status, &e), 0);
	assert_int_equal(status, 413);
	courier_stop(&courier);
	waitpid(pid, NULL, 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connection_closed_between_requests),
		cmocka_unit_test(test_no_answer_is_not_tried_again),
		cmocka_unit_test(test_tls_resumption),
		cmocka_unit_test(test_tls_ticket_refused),
		cmocka_unit_test(test_tls_record_in_halves),
		cmocka_unit_test(test_slow_to_connect),
		cmocka_unit_test(test_slow_in_the_handshake),
		cmocka_unit_test(test_slow_to_read_and_to_answer),
		cmocka_unit_test(test_answer_before_the_request_is_sent),
	};

	return cmocka_run_group_tests(tests, plain_start, plain_stop);
}
