// SPDX-License-Identifier: Apache-2.0
/* Connections of trusteed's HTTP server, byte by byte: what a usual client does not send. */
#include "trusteed_net.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"

/* Answers with what it got. */
static void echo(void *context, const struct request *request, struct reply *reply)
{
	(void)context;
	reply_json(reply, json_pack("{s:s, s:s, s:s?, s:s?, s:s%}", "method", request->method,
				    "path", request->path, "query", request->query, "session",
				    request->session, "body",
				    request->len ? (const char *)request->body : "", request->len));
}

static bool admit(void *context, const struct request *request, struct http_body *body,
		  struct reply *reply)
{
	(void)context;
	if (strcmp(request->method, "PUT") == 0) {
		reply_refuse(reply, REPLY_ADMIN, NULL);
		return false;
	}
	body->max = strcmp(request->method, "POST") == 0 ? 64 : 0;
	return true;
}

static struct net *echo_start(void **state)
{
	struct net *net = *state;

	net->service = (struct http_service){ .dispatch = echo, .admit = admit };
	net_start(net, false);
	return net;
}

/* Send @text; all that comes until the server ends the connection. */
static void exchange(const struct net *net, const char *text, struct bytes *out)
{
	int fd = net_open(net, text);

	bytes_clear(out);
	shutdown(fd, SHUT_WR);
	net_receive(fd, NULL, out);
}

static size_t count(const struct bytes *text, const char *what)
{
	size_t found = 0;

	for (const char *at = bytes_text(text); (at = strstr(at, what)); at++)
		found++;
	return found;
}

#define HOST "Host: a\r\n"

/* Requests that come at once are answered in their order, on one connection. */
static void test_pipelining(void **state)
{
	struct net *net = echo_start(state);
	struct bytes out = BYTES_INIT;
	const char *first, *second, *third;

	exchange(net,
		 "GET /1?q=1 HTTP/1.1\r\n" HOST "\r\n"
		 "POST /2 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
		 "HEAD /3 HTTP/1.1\r\n" HOST "\r\n"
		 "GET /4 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"
		 "GET /5 HTTP/1.1\r\n" HOST "\r\n",
		 &out);
	assert_int_equal(count(&out, "HTTP/1.1 200 OK\r\n"), 4);
	first = strstr(bytes_text(&out), "\"path\":\"/1\",\"query\":\"q=1\"");
	second = strstr(bytes_text(&out),
			"\"path\":\"/2\",\"query\":null,\"session\":null,\"body\":\"abc\"");
	third = strstr(bytes_text(&out), "\"path\":\"/4\"");
	assert_true(first && second > first && third > second);
	assert_null(strstr(bytes_text(&out), "/3"));
	assert_int_equal(count(&out, "Connection: close\r\n"), 1);
	assert_int_equal(count(&out, "Date: "), 4);
	assert_int_equal(log_count("request "), 4);
	bytes_free(&out);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *text, *status, *logged;
	} cases[] = {
		{ "\x16\x03\x01\x02\x10\x01\r\n\r\n", "400 Bad Request", "request - - 400 " },
		{ "GET /a HTTP/1.1\r\n\r\n", "400 Bad Request", "request - - 400 no Host header" },
		{ "GET /a HTTP/3.0\r\n\r\n", "400 Bad Request", "request - - 400 " },
		{ "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: x\r\n\r\n", "501 Not Implemented",
		  "request - - 501 " },
		{ "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nx",
		  "400 Bad Request", "request POST /a 400 " },
		{ "POST /a HTTP/1.1\r\n" HOST
		  "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "0\r\n\r\nGET /b HTTP/1.1\r\n" HOST "\r\n",
		  "400 Bad Request", "request - - 400 " },
	};
	struct net *net = echo_start(state);
	struct bytes out = BYTES_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		exchange(net, cases[i].text, &out);
		if (!strstr(bytes_text(&out), cases[i].status))
			fail_msg("%s: %s", cases[i].text, bytes_text(&out));
		assert_int_equal(count(&out, "HTTP/1.1 "), 1);
		assert_int_equal(count(&out, "Connection: close\r\n"), 1);
		if (!log_count(cases[i].logged))
			fail_msg("no '%s' in\n%s", cases[i].logged, log_all());
	}
	assert_int_equal(log_count("request "), ARRAY_SIZE(cases));
	bytes_free(&out);
}

/* A client that waits for permission gets it, unless its body is refused: then the answer comes at once, and
 * the connection ends. */
static void test_expect(void **state)
{
	static const char *const refused[][2] = {
		{ "POST /a HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 65\r\n\r\n",
		  "HTTP/1.1 413 " },
		{ "PUT /a HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n",
		  "HTTP/1.1 401 " },
		/* Too much to drop. */
		{ "PUT /a HTTP/1.1\r\n" HOST "Content-Length: 9000000\r\n\r\n", "HTTP/1.1 401 " },
		{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: 9000000\r\n\r\n", "HTTP/1.1 413 " },
	};
	struct net *net = echo_start(state);
	struct bytes out = BYTES_INIT;
	int fd = net_open(net, "POST /a HTTP/1.1\r\n" HOST
			       "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");

	net_receive(fd, "\r\n\r\n", &out);
	assert_string_equal(bytes_text(&out), "HTTP/1.1 100 Continue\r\n\r\n");
	assert_int_equal(send(fd, "xy", 2, 0), 2);
	net_receive(fd, "\"xy\"", &out);
	close(fd);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		bytes_clear(&out);
		net_receive(net_open(net, refused[i][0]), NULL, &out);
		assert_ptr_equal(strstr(bytes_text(&out), refused[i][1]), bytes_text(&out));
		assert_int_equal(count(&out, "Connection: close\r\n"), 1);
	}
	assert_int_equal(log_count("request POST /a ") + log_count("request PUT /a "), 5);
	bytes_free(&out);
}

/* A refusal before the end of the request is read, although the client goes on sending. */
static void test_linger(void **state)
{
	static char part[65536];
	struct net *net = echo_start(state);
	struct bytes out = BYTES_INIT;
	int fd = net_open(net, "PUT /a HTTP/1.1\r\n" HOST "Content-Length: 9000000\r\n\r\n");

	for (int i = 0; i < 32; i++)
		assert_int_equal(send(fd, part, sizeof(part), MSG_NOSIGNAL), sizeof(part));
	net_receive(fd, NULL, &out);
	assert_ptr_equal(strstr(bytes_text(&out), "HTTP/1.1 401 "), bytes_text(&out));
	bytes_free(&out);
}

static void test_old_clients(void **state)
{
	struct net *net = echo_start(state);
	struct bytes out = BYTES_INIT;

	exchange(net, "GET /a HTTP/1.0\r\n\r\nGET /b HTTP/1.0\r\n\r\n", &out);
	assert_int_equal(count(&out, "HTTP/1.1 200 OK\r\n"), 1);
	exchange(net,
		 "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
		 "GET /b HTTP/1.0\r\n\r\n",
		 &out);
	assert_int_equal(count(&out, "HTTP/1.1 200 OK\r\n"), 2);
	assert_int_equal(count(&out, "Connection: keep-alive\r\n"), 1);
	bytes_free(&out);
}

/* A client that does not read its answers keeps neither the others waiting nor the server's memory: it is not
 * read further. */
static void test_not_reading(void **state)
{
	struct net *net = echo_start(state);
	static const char request[] = "GET /a HTTP/1.1\r\n" HOST "\r\n";
	int fd = net_open(net, ""), sent = 0;
	struct bytes out = BYTES_INIT;
	char end[64];

	while (send(fd, request, strlen(request), MSG_DONTWAIT | MSG_NOSIGNAL) ==
	       (ssize_t)strlen(request)) {
		assert_true(++sent < 10000000);
		if (sent % 1000 == 0)
			usleep(1000);
	}
	for (int i = 0; i < 100; i++) {
		exchange(net, "GET /other HTTP/1.1\r\n" HOST "\r\n", &out);
		assert_int_equal(count(&out, "\"path\":\"/other\""), 1);
	}
	assert_true(recv(fd, end, sizeof(end), 0) > 0);
	close(fd);
	bytes_free(&out);
}

static int busy[2];

/* In the server's thread, which meanwhile accepts and reads nothing. */
static void connect_busy(void *net)
{
	for (size_t i = 0; i < ARRAY_SIZE(busy); i++)
		busy[i] = net_open(net, "GET /a HTTP/1.1\r\n" HOST "\r\n");
}

/* Clients that make request after request do not keep a new one out: while there are too many connections of that
 * kind, an answer ends its connection. */
static void test_too_many_busy(void **state)
{
	struct net *net = *state;
	struct bytes out = BYTES_INIT;

	net->connections = 1;
	(void)echo_start(state);
	net_call(net, connect_busy, net);
	net_receive(busy[0], "\r\n\r\n", &out);
	assert_int_equal(count(&out, "HTTP/1.1 200 OK\r\n"), 1);
	assert_int_equal(count(&out, "Connection: close\r\n"), 1);
	bytes_clear(&out);
	net_receive(busy[1], "\r\n\r\n", &out);
	assert_int_equal(count(&out, "HTTP/1.1 200 OK\r\n"), 1);
	assert_int_equal(count(&out, "Connection: close\r\n"), 0);
	close(busy[0]);
	close(busy[1]);
	bytes_free(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, net_setup, net_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(too_many_busy), TEST(pipelining),	TEST(refusals),	   TEST(expect),
		TEST(linger),	     TEST(old_clients), TEST(not_reading),
	};

	return cmocka_run_group_tests_name("trusteed_conn", tests, NULL, NULL);
}
