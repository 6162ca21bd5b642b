// SPDX-License-Identifier: Apache-2.0
/* Requests that trusteed answers later: because another process works for them. */
#include "trusteed_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "trusteed/http/later.h"

#define HOST "Host: a\r\n"

/* One request of "/later/NAME", which waits until the test has it answered. */
struct waiting {
	struct later later;
	char name[16];
	struct waiting *next;
};

/* Only the server's thread uses these two. */
static struct waiting *waiting;
static int cancelled;

static struct waiting **waiting_find(const struct later *later)
{
	struct waiting **at = &waiting;

	while (*at && &(*at)->later != later)
		at = &(*at)->next;
	assert_non_null(*at);
	return at;
}

static void waiting_free(struct later *later)
{
	struct waiting **at = waiting_find(later), *gone = *at;

	*at = gone->next;
	free(gone);
}

static void on_cancel(struct later *later)
{
	cancelled++;
	waiting_free(later);
}

static void dispatch(void *context, const struct request *request, struct reply *reply)
{
	struct waiting *new;

	(void)context;
	if (strncmp(request->path, "/later/", 7) != 0) {
		reply_json(reply, json_string(request->path));
		return;
	}
	new = calloc(1, sizeof(*new));
	assert_non_null(new);
	new->later.cancel = on_cancel;
	snprintf(new->name, sizeof(new->name), "%s", request->path + 7);
	new->next = waiting;
	waiting = new;
	reply->later = &new->later;
}

static bool admit(void *context, const struct request *request, struct http_body *body,
		  struct reply *reply)
{
	(void)context, (void)request, (void)reply;
	body->max = 64;
	return true;
}

static struct net *later_start(void **state, size_t connections)
{
	struct net *net = *state;

	cancelled = 0;
	net->connections = connections;
	net->service = (struct http_service){ .dispatch = dispatch, .admit = admit };
	net_start(net, false);
	return net;
}

struct tally {
	int waiting, cancelled;
};

static void tally_take(void *tally)
{
	struct tally *t = tally;

	*t = (struct tally){ .cancelled = cancelled };
	for (const struct waiting *at = waiting; at; at = at->next)
		t->waiting++;
}

/* Wait until so many requests wait and so many were cancelled. */
static void expect(struct net *net, int wait, int cancel)
{
	struct tally tally;

	for (int i = 0; i < 1000; i++) {
		net_call(net, tally_take, &tally);
		if (tally.waiting == wait && tally.cancelled == cancel)
			return;
		usleep(10000);
	}
	fail_msg("%d wait, %d were cancelled", tally.waiting, tally.cancelled);
}

/* Answer the request of the name @name. */
static void answer_now(void *name)
{
	struct reply reply = REPLY_INIT;
	struct waiting *at = waiting;
	struct later *later;

	while (at && strcmp(at->name, name) != 0)
		at = at->next;
	assert_non_null(at);
	reply_json(&reply, json_pack("{s:s}", "later", name));
	reply_note(&reply, "after a while");
	later = &at->later;
	later->answer(later, &reply);
	waiting_free(later);
}

static void answer_as(struct net *net, const char *name)
{
	char copy[16];

	snprintf(copy, sizeof(copy), "%s", name);
	net_call(net, answer_now, copy);
}

static int ask(const struct net *net, const char *path)
{
	char text[128];

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", path);
	return net_open(net, text);
}

/* Others are served while requests wait, and each gets its own answer, in any order. */
static void test_others_are_served(void **state)
{
	struct net *net = later_start(state, 16);
	int a = ask(net, "/later/a"), b = ask(net, "/later/b"), c;
	struct bytes out = BYTES_INIT;
	char byte;

	expect(net, 2, 0);
	c = ask(net, "/now");
	net_receive(c, "\"/now\"", &out);
	assert_int_equal(recv(a, &byte, 1, MSG_DONTWAIT), -1);
	bytes_clear(&out);
	answer_as(net, "b");
	net_receive(b, "{\"later\":\"b\"}", &out);
	assert_ptr_equal(strstr(bytes_text(&out), "HTTP/1.1 200 OK\r\n"), bytes_text(&out));
	bytes_clear(&out);
	answer_as(net, "a");
	net_receive(a, "{\"later\":\"a\"}", &out);
	assert_int_equal(log_count("request GET /later/a 200 after a while\n"), 1);
	assert_int_equal(log_count("request "), 3);
	/* The connection can carry another request. */
	assert_int_equal(send(a, "GET /now HTTP/1.1\r\n" HOST "\r\n", 30, 0), 30);
	bytes_clear(&out);
	net_receive(a, "\"/now\"", &out);
	close(a);
	close(b);
	close(c);
	expect(net, 0, 0);
	bytes_free(&out);
}

/* What a client has sent after its request waits for the answer, also if there is more that waits. */
static void test_pipelining(void **state)
{
	struct net *net = later_start(state, 16);
	struct bytes out = BYTES_INIT;
	int fd = net_open(net, "GET /later/a HTTP/1.1\r\n" HOST "\r\n"
			       "POST /later/b HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx"
			       "GET /now HTTP/1.1\r\n" HOST "\r\n");

	expect(net, 1, 0);
	answer_as(net, "a");
	net_receive(fd, "\"a\"", &out);
	expect(net, 1, 0);
	answer_as(net, "b");
	net_receive(fd, "\"/now\"", &out);
	assert_true(strstr(bytes_text(&out), "\"b\"") < strstr(bytes_text(&out), "\"/now\""));
	close(fd);
	bytes_free(&out);
}

/* A client that has gone costs nothing more. */
static void test_client_gone(void **state)
{
	struct net *net = later_start(state, 16);
	int a = ask(net, "/later/a"), b = ask(net, "/later/b"), c;
	struct bytes out = BYTES_INIT;
	const struct linger reset = { .l_onoff = 1 };

	c = net_open(net, "GET /later/c HTTP/1.1\r\n" HOST "\r\nGET /now HTTP/1.1\r\n");
	expect(net, 3, 0);
	close(a);
	expect(net, 2, 1);
	close(c); /* with bytes that the server has not read */
	expect(net, 1, 2);
	setsockopt(b, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(b);
	expect(net, 0, 3);
	assert_int_equal(log_count("request "), 0);
	a = ask(net, "/now");
	net_receive(a, "\"/now\"", &out);
	close(a);
	bytes_free(&out);
}

/* The table of connections is full, so the oldest of those that wait ends. */
static void test_table_full(void **state)
{
	struct net *net = later_start(state, 4);
	int fd[5];

	for (int i = 0; i < 4; i++) {
		fd[i] = ask(net, "/later/x");
		expect(net, i + 1, 0);
	}
	fd[4] = ask(net, "/later/y");
	expect(net, 4, 1);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
	expect(net, 0, 5);
}

/* The server stops while requests wait. */
static void test_stop(void **state)
{
	struct net *net = later_start(state, 16);
	int a = ask(net, "/later/a"), b = ask(net, "/later/b");
	char byte;

	expect(net, 2, 0);
	net_stop(net);
	assert_null(waiting);
	assert_int_equal(cancelled, 2);
	assert_true(recv(a, &byte, 1, 0) <= 0);
	close(a);
	close(b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, net_setup, net_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(others_are_served), TEST(pipelining), TEST(client_gone),
		TEST(table_full),	 TEST(stop),
	};

	return cmocka_run_group_tests_name("trusteed_later", tests, NULL, NULL);
}
