// SPDX-License-Identifier: Apache-2.0
/* How the courier reaches its KBSs: several of them, Unix sockets and vsocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/array.h"
#include "courier/route/target.h"
#include "peer_test.h"

static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
static const char busy[] = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n";
static const char denied[] = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n";

/* --- several KBSs ----------------------------------------------------------------------------- */

static int call(struct courier *courier, enum message_type type, int *status, struct error *e)
{
	const struct message m = { .type = type, .count = 1, .field = { text("{}") } };
	struct bytes body = BYTES_INIT;
	int ret = courier_call(courier, &m, status, &body, e);

	bytes_free(&body);
	return ret;
}

static void expect_server(struct courier *courier, enum message_type type, int wanted,
			  size_t server)
{
	struct error e = ERROR_INIT;
	int status = 0;

	if (call(courier, type, &status, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(status, wanted);
	assert_int_equal(courier->server, server);
	assert_int_equal(courier->failed, wanted >= 500);
}

/* Each way to fail leads the next handshake to the next KBS, and a session stays with its own. */
static void test_failover(void **state)
{
	struct courier courier = COURIER_INIT;
	struct peer late;
	struct courier_target target = {
		.server = { { .url = "http://127.0.0.1:1" },
			    { .url = plain.url }, /* below: https, which it is not */
			    { .url = late.url },
			    { .url = secure.url, .ca = second_pem.data, .ca_len = second_pem.len },
			    { .url = secure.url,
			      .ca = secure_pem.data,
			      .ca_len = secure_pem.len } },
		.servers = 5,
		.insecure = true,
		.timeout = 30,
	};
	static const char *const words[] = { "Connection refused", "TLS handshake", NULL,
					     "not trusted" };
	char url[64];

	(void)state;
	peer_tcp(&late, busy);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u", plain.port);
	target.server[1].url = url;
	target.server[1].ca = secure_pem.data;
	target.server[1].ca_len = secure_pem.len;
	start(&courier, target);
	for (size_t i = 0; i < 4; i++) {
		struct error e = ERROR_INIT;
		int status = 0;

		if (!words[i]) {
			expect_server(&courier, MESSAGE_AUTH, 503, i);
			assert_int_equal(courier.wait, 7);
			continue;
		}
		assert_int_equal(call(&courier, MESSAGE_AUTH, &status, &e), -1);
		if (!strstr(e.text, words[i]) || !courier.failed)
			fail_msg("%s", e.text);
	}
	expect_server(&courier, MESSAGE_AUTH, 200, 4);
	expect_server(&courier, MESSAGE_ATTEST, 200, 4);
	expect_get(&courier, "a/b/c", "connection=2 request=3\n");
	expect_server(&courier, MESSAGE_AUTH, 200, 4);
	courier_stop(&courier);
	peer_stop(&late);
}

/* A denial is a decision of that KBS. */
static void test_no_failover_after_a_refusal(void **state)
{
	struct courier courier = COURIER_INIT;
	struct peer first;

	(void)state;
	peer_tcp(&first, denied);
	start(&courier,
	      (struct courier_target){ .server = { { .url = first.url }, { .url = plain.url } },
				       .servers = 2,
				       .insecure = true });
	for (int i = 0; i < 3; i++) {
		expect_server(&courier, MESSAGE_AUTH, 401, 0);
		expect_server(&courier, MESSAGE_ATTEST, 401, 0);
	}
	courier_stop(&courier);
	peer_stop(&first);
}

/* --- Unix sockets and vsocks ------------------------------------------------------------------ */

static void test_unix(void **state)
{
	struct courier courier = COURIER_INIT;
	char path[64];
	struct peer peer;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/realmkey-unix-%d", (int)getpid());
	peer_unix(&peer, path, hello);
	assert_int_equal(chmod(path, 0666), 0);
	start(&courier, (struct courier_target){ SERVER(peer.url, NULL, 0), .timeout = 10 });
	expect_get(&courier, "a/b/c", "hello");
	assert_non_null(strstr(peer.head, "\r\nHost: localhost\r\n"));
	usleep(100000);
	expect_get(&courier, "a/b/c", "hello"); /* over another connection */
	assert_int_equal(*peer.connections, 2);
	peer_stop(&peer);
	expect_failure(&courier, "a/b/c", ERROR_NETWORK, true, "no connection: Connection refused");
	unlink(path);
	expect_failure(&courier, "a/b/c", ERROR_NETWORK, true, "no connection: No such file");
	courier_stop(&courier);
}

/* A Unix socket and TCP in one courier, the proxy only for the latter. */
static void test_unix_and_tcp(void **state)
{
	struct courier courier = COURIER_INIT;
	struct peer proxy;

	(void)state;
	peer_tcp(&proxy, NULL);
	start(&courier, (struct courier_target){ .server = { { .url = "unix:/nonexistent/socket" },
							     { .url = plain.url } },
						 .servers = 2,
						 .proxy = proxy.url,
						 .insecure = true });
	for (int i = 0; i < 2; i++) {
		struct error e = ERROR_INIT;
		int status;

		if (i == 0)
			assert_int_equal(call(&courier, MESSAGE_AUTH, &status, &e), -1);
		else
			expect_server(&courier, MESSAGE_AUTH, 200, 1);
		assert_int_equal(*proxy.connections, i);
	}
	courier_stop(&courier);
	peer_stop(&proxy);
}

/* No such machine: the host refuses, or there is no vsock here. Each is said. */
static void test_vsock_without_peer(void **state)
{
	struct courier courier = COURIER_INIT;

	(void)state;
	start(&courier, (struct courier_target){ SERVER("vsock://3:1", NULL, 0), .insecure = true,
						 .timeout = 4 });
	expect_failure(&courier, "a/b/c", ERROR_NETWORK, true, "vsock://3:1: ");
	courier_stop(&courier);
	start(&courier, (struct courier_target){ SERVER("vsock://3:1", NULL, 0) });
	expect_failure(&courier, "a/b/c", ERROR_PROTOCOL, false, "not allowed");
	courier_stop(&courier);
}

/* --- messages --------------------------------------------------------------------------------- */

static void test_target_refused(void **state)
{
	static const struct {
		const char *url, *proxy, *certificate, *key, *words;
	} cases[] = {
		{ "ftp://kbs", "", "", "", "malformed URL: ftp://kbs" },
		{ "https://kbs", "https://proxy:1", "", "", "malformed URL of a proxy" },
		{ "https://kbs", "unix:/x", "", "", "malformed URL of a proxy" },
		{ "https://kbs", "proxy", "", "", "malformed URL: proxy" },
		{ "https://kbs", "", "c", "", "alone" },
		{ "https://kbs", "", "", "k", "alone" },
	};
	uint8_t flags[4], timeout[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct message server = { .type = MESSAGE_SERVER,
						.count = 2,
						.field = { text(cases[i].url), text("") } };
		const struct message open = {
			.type = MESSAGE_OPEN,
			.count = 6,
			.field = { message_u32(0, flags), message_u32(9, timeout),
				   text(cases[i].proxy), text(""), text(cases[i].certificate),
				   text(cases[i].key) }
		};
		struct target t = TARGET_INIT;
		struct error e = ERROR_INIT;
		int ret = target_add(&t, &server, &e);

		if (ret == 0)
			ret = target_add(&t, &open, &e);
		assert_int_equal(ret, -1);
		if (e.kind != ERROR_PROTOCOL || !strstr(e.text, cases[i].words))
			fail_msg("%s", e.text);
		target_free(&t);
	}
}

static void test_target_count(void **state)
{
	const struct message server = { .type = MESSAGE_SERVER,
					.count = 2,
					.field = { text("https://kbs"), text("pem") } };
	const struct message other = { .type = MESSAGE_AUTH, .count = 1 };
	uint8_t flags[4], timeout[4];
	struct message open = { .type = MESSAGE_OPEN,
				.count = 6,
				.field = { message_u32(0, flags), message_u32(0, timeout) } };
	struct target t = TARGET_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(target_add(&t, &open, &e), -1);
	assert_int_equal(target_add(&t, &other, &e), -1);
	for (size_t i = 0; i < FAILOVER_SERVERS_MAX; i++)
		assert_int_equal(target_add(&t, &server, &e), 0);
	assert_int_equal(t.cas, 1);
	assert_int_equal(target_add(&t, &server, &e), -1);
	assert_int_equal(target_add(&t, &open, &e), -1);
	assert_non_null(strstr(e.text, "time-out of 0 s"));
	open.field[1] = message_u32(5, timeout);
	assert_int_equal(target_add(&t, &open, &e), 1);
	target_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failover),
		cmocka_unit_test(test_no_failover_after_a_refusal),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_unix_and_tcp),
		cmocka_unit_test(test_vsock_without_peer),
		cmocka_unit_test(test_target_refused),
		cmocka_unit_test(test_target_count),
	};

	return cmocka_run_group_tests(tests, all_start, all_stop);
}
