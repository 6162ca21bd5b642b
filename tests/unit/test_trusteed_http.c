// SPDX-License-Identifier: Apache-2.0
/* trusteed over loopback: what can be tested only with a real connection. */
#include "trusteed_net.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "trusteed/route.h"

#define AUTH_MAX  ((size_t)16 << 10)
#define ADMIN_MAX ((size_t)2 << 20)

/* The three requests of the handshake and two with the cookie, on one connection. The log has one
 * line for each. */
static void test_story(void **state)
{
	static const char *const lines[] = {
		"request POST /kbs/v0/auth 200 session ",
		"request POST /kbs/v0/attest 200 session ",
		"request GET /kbs/v0/resource/a/b/c 401 session ",
		"request GET /healthz 200\n",
		"request HEAD /healthz 200\n",
	};
	struct net *net = *state;
	struct bytes auth = BYTES_INIT, attest = BYTES_INIT;
	CURL *curl = curl_easy_init();
	struct error e = ERROR_INIT;
	struct answer answer;
	struct world *w = net->world;

	net_start(net, false);
	curl_easy_setopt(curl, CURLOPT_COOKIEFILE, "");
	kbs_auth_body(&auth);
	net_request(net, curl, "/kbs/v0/auth", "Content-Type: application/json", &auth, &answer);
	assert_int_equal(kbs_auth_answer(&w->kbs, (int)answer.status, answer.body.data,
					 answer.body.len, &e),
			 0);
	assert_non_null(strstr(bytes_text(&answer.head), "Content-Type: application/json\r\n"));
	answer_free(&answer);
	world_attest_body(w, &attest);
	net_request(net, curl, "/kbs/v0/attest", NULL, &attest, &answer);
	assert_int_equal(answer.status, 200);
	answer_free(&answer);
	net_request(net, curl, "/kbs/v0/resource/a/b/c", NULL, NULL, &answer);
	assert_int_equal(answer.status, 401);
	assert_non_null(strstr(bytes_text(&answer.body), "/PolicyDeny\""));
	answer_free(&answer);
	net_request(net, curl, "/healthz", NULL, NULL, &answer);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body.len, 0);
	answer_free(&answer);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "HEAD"); /* as load balancers ask */
	net_request(net, curl, "/healthz", NULL, NULL, &answer);
	assert_int_equal(answer.code, CURLE_OK);
	assert_int_equal(answer.status, 200);
	answer_free(&answer);
	curl_easy_cleanup(curl);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (log_count(lines[i]) != 1)
			fail_msg("%s: %zu times in\n%s", lines[i], log_count(lines[i]), log_all());
	assert_int_equal(log_count("request "), 5);
	bytes_free(&auth);
	bytes_free(&attest);
}

static void test_body_limit(void **state)
{
	static const char *const headers[] = {
		NULL,
		"Transfer-Encoding: chunked",
		"Expect: 100-continue",
	};
	struct net *net = *state;
	struct bytes body = BYTES_INIT;

	net_start(net, false);
	for (size_t i = 0; i < 3; i++) {
		CURL *curl = curl_easy_init();
		struct answer answer;

		assert_int_equal(bytes_resize(&body, AUTH_MAX, &(struct error)ERROR_INIT), 0);
		net_request(net, curl, "/kbs/v0/auth", headers[i], &body, &answer);
		assert_int_equal(answer.status, 401);
		answer_free(&answer);
		assert_int_equal(bytes_resize(&body, AUTH_MAX + 1, &(struct error)ERROR_INIT), 0);
		net_request(net, curl, "/kbs/v0/auth", headers[i], &body, &answer);
		assert_int_equal(answer.status, 413);
		assert_non_null(strstr(bytes_text(&answer.body), "/PayloadTooLarge\""));
		answer_free(&answer);
		curl_easy_cleanup(curl);
	}
	assert_int_equal(log_count("request POST /kbs/v0/auth 413 PayloadTooLarge"), 3);
	bytes_free(&body);
}

/* An endless body only closes its connection. The server keeps working. */
static void test_body_endless(void **state)
{
	struct net *net = *state;
	CURL *curl = curl_easy_init();
	struct bytes body = BYTES_INIT;
	struct answer answer;

	net_start(net, false);
	assert_int_equal(bytes_resize(&body, 5 * ADMIN_MAX, &(struct error)ERROR_INIT), 0);
	net_request(net, curl, "/kbs/v0/auth", "Transfer-Encoding: chunked", &body, &answer);
	assert_int_not_equal(answer.code, CURLE_OK);
	answer_free(&answer);
	net_request(net, curl, "/healthz", NULL, NULL, &answer);
	assert_int_equal(answer.status, 200);
	answer_free(&answer);
	bytes_free(&body);
	curl_easy_cleanup(curl);
}

/* A bearer of 100 KiB, an EAR with long init-data, is accepted in the head. A longer head is refused, and
 * nothing of either is logged. */
static void test_large_bearer(void **state)
{
	static const struct {
		int tens;
		long status;
	} bearers[] = { { 10240, 401 }, { 13200, 431 } };
	struct net *net = *state;
	struct bytes header = BYTES_INIT;
	struct answer answer;

	net_start(net, false);
	for (size_t i = 0; i < ARRAY_SIZE(bearers); i++) {
		CURL *curl = curl_easy_init();

		bytes_clear(&header);
		bytes_append_text(&header, "Authorization: Bearer e30.e30.");
		for (int ten = 0; ten < bearers[i].tens; ten++)
			bytes_append_text(&header, "SECRETSECR");
		net_request(net, curl, "/kbs/v0/resource/a/b/c", bytes_text(&header), NULL,
			    &answer);
		assert_int_equal(answer.status, bearers[i].status);
		assert_true(i > 0 ||
			    strstr(bytes_text(&answer.body), "/TokenVerifierError\"") != NULL);
		answer_free(&answer);
		curl_easy_cleanup(curl);
	}
	assert_int_equal(log_count("SECRET"), 0);
	bytes_free(&header);
}

/* An upload without the admin token is refused by its head: at once if the client asks first, and
 * else after the body, of which nothing is kept. */
static void test_body_not_authorised(void **state)
{
	static const char *const headers[] = { NULL, "Transfer-Encoding: chunked",
					       "Expect: 100-continue" };
	struct net *net = *state;
	struct bytes body = BYTES_INIT;
	struct answer answer;

	net_start(net, false);
	assert_int_equal(bytes_resize(&body, ADMIN_MAX, &(struct error)ERROR_INIT), 0);
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		CURL *curl = curl_easy_init();

		net_request(net, curl, "/kbs/v0/resource/a/b/c", headers[i], &body, &answer);
		assert_int_equal(answer.code, CURLE_OK);
		assert_int_equal(answer.status, 401);
		assert_non_null(strstr(bytes_text(&answer.body), "/AdminAuthAccess\""));
		answer_free(&answer);
		curl_easy_cleanup(curl);
	}
	assert_int_equal(log_count("request POST /kbs/v0/resource/a/b/c 401 AdminAuthAccess"), 3);
	bytes_free(&body);
}

/* The head decides, and no byte of a body is kept without authorisation. */
static void test_admit(void **state)
{
	static const struct {
		const char *method, *path;
		bool admitted;
		size_t max;
	} heads[] = {
		{ "POST", "/kbs/v0/auth", true, AUTH_MAX },
		{ "POST", "/kbs/v0/attest", true, (size_t)320 << 10 },
		{ "GET", "/kbs/v0/resource/a/b/c", true, 0 },
		{ "POST", "/kbs/v0/resource/a/b/c", false, 0 },
		{ "POST", "/kbs/v0/resource-policy", false, 0 },
		{ "POST", "/kbs/v0/reference-value", false, 0 },
		{ "POST", "/kbs/v0/no-such-thing", true, 0 },
		{ "PUT", "/kbs/v0/resource/a/b/c", true, 0 },
	};
	struct net *net = *state;
	const struct http_service service = route_service(&net->world->trustee);

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		struct request request = { .method = heads[i].method, .path = heads[i].path };
		struct reply reply = REPLY_INIT;
		struct http_body body = { 0 };

		assert_int_equal(service.admit(service.context, &request, &body, &reply),
				 heads[i].admitted);
		assert_int_equal(body.max, heads[i].max);
		assert_false(body.trusted);
		assert_int_equal(reply.status, heads[i].admitted ? 200 : 401);
		reply_free(&reply);
	}
}

/* Connections that send nothing more do not keep others out, though there are more of them than the
 * server has room for. The first of them is closed. */
static void test_slow_connections(void **state)
{
	struct net *net = *state;
	CURL *curl = curl_easy_init();
	struct answer answer;
	int slow[200];
	char byte;

	net->connections = 16;
	net_start(net, false);
	for (size_t i = 0; i < ARRAY_SIZE(slow); i++)
		slow[i] = net_open(net, "GET /he");
	for (int i = 0; i < 3; i++) {
		net_request(net, curl, "/healthz", NULL, NULL, &answer);
		assert_int_equal(answer.code, CURLE_OK);
		assert_int_equal(answer.status, 200);
		answer_free(&answer);
	}
	assert_true(recv(slow[0], &byte, 1, 0) <= 0);
	for (size_t i = 0; i < ARRAY_SIZE(slow); i++)
		close(slow[i]);
	curl_easy_cleanup(curl);
}

/* A path cannot forge a line of the log. */
static void test_odd_paths(void **state)
{
	struct net *net = *state;
	CURL *curl = curl_easy_init();
	struct answer answer;

	net_start(net, false);
	net_request(net, curl, "/x%0atrusteed:%20request%20GET%20/forged%20200%ff", NULL, NULL,
		    &answer);
	assert_int_equal(answer.status, 404);
	assert_int_equal(log_count("\ntrusteed: request"), 0);
	assert_int_equal(log_count("request GET /x?trusteed:?request?GET?/forged?200? 404 "), 1);
	answer_free(&answer);
	net_request(net, curl, "/healthz%00/etc", NULL, NULL, &answer);
	assert_int_equal(answer.status, 404);
	answer_free(&answer);
	net_request(net, curl, "/kbs/v0/resource/a/b/%2e%2e", NULL, NULL, &answer);
	assert_int_equal(answer.status, 404);
	answer_free(&answer);
	curl_easy_cleanup(curl);
}

/* An answer does not wait until the client has acknowledged what was sent before it. */
static void test_no_delay(void **state)
{
	struct net *net = *state;
	struct error e = ERROR_INIT;
	int listener, fd, client, on = 0;
	socklen_t len = sizeof(on);

	assert_int_equal(listen_parse("127.0.0.1:0", &net->address, &e), 0);
	listener = listen_open(&net->address, &e);
	client = net_open(net, "");
	fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
	assert_int_equal(on, 1);
	close(fd);
	close(client);
	close(listener);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, net_setup, net_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(story),
		TEST(body_limit),
		TEST(body_endless),
		TEST(large_bearer),
		TEST(body_not_authorised),
		TEST(admit),
		TEST(slow_connections),
		TEST(odd_paths),
		TEST(no_delay),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests_name("trusteed_http", tests, NULL, NULL);
}
