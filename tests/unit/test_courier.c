// SPDX-License-Identifier: Apache-2.0
/* The courier's requests, and its results with good and bad servers, over HTTP and TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "courier/cookie.h"
#include "courier_test.h"

static struct http_server secure;
static struct bytes secure_pem = BYTES_INIT;

/* --- requests --------------------------------------------------------------------------------- */

static void test_post(void **state)
{
	static const char *const wanted[] = {
		"POST /kbs/v0/auth HTTP/1.1\r\n",
		"\r\nUser-Agent: realmkey/",
		"\r\nContent-Type: application/json\r\n",
		"\r\nContent-Length: 7\r\n",
		"\r\n\r\n{\"a\":1}",
	};
	const struct message m = { .type = MESSAGE_AUTH,
				   .count = 1,
				   .field = { text("{\"a\":1}") } };
	struct courier courier = COURIER_INIT;
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	int status = 0;

	(void)state;
	start_plain(&courier);
	assert_int_equal(courier_call(&courier, &m, &status, &body, &e), 0);
	assert_int_equal(status, 200);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!strstr(bytes_text(&body), wanted[i]))
			fail_msg("no '%s' in: %s", wanted[i], bytes_text(&body));
	assert_null(strstr(bytes_text(&body), "Expect"));
	assert_null(strstr(bytes_text(&body), "Cookie"));
	assert_null(strstr(bytes_text(&body), "Authorization"));
	bytes_free(&body);
	courier_stop(&courier);
}

static void test_bearer(void **state)
{
	struct courier courier = COURIER_INIT;
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	int status = 0;

	(void)state;
	start_plain(&courier);
	assert_int_equal(get(&courier, "a/b/c", "h.p-_~+/=.s", &status, &body, &e), 0);
	assert_non_null(strstr(bytes_text(&body), "GET /kbs/v0/resource/a/b/c HTTP/1.1\r\n"));
	assert_non_null(strstr(bytes_text(&body), "\r\nAuthorization: Bearer h.p-_~+/=.s\r\n"));
	assert_null(strstr(bytes_text(&body), "Content-"));
	bytes_free(&body);
	courier_stop(&courier);
}

static void test_admin(void **state)
{
	const struct message m = { .type = MESSAGE_ADMIN,
				   .count = 4,
				   .field = { text("DELETE"), text("resource/a/b/c?x=1"),
					      text("token"), text("") } };
	struct courier courier = COURIER_INIT;
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	int status = 0;

	(void)state;
	start_plain(&courier);
	assert_int_equal(courier_call(&courier, &m, &status, &body, &e), 0);
	assert_non_null(
		strstr(bytes_text(&body), "DELETE /kbs/v0/resource/a/b/c?x=1 HTTP/1.1\r\n"));
	assert_non_null(strstr(bytes_text(&body), "\r\nAuthorization: Bearer token\r\n"));
	bytes_free(&body);
	courier_stop(&courier);
}

/* A request that would contain a second header line, or leave /kbs/v0/, is not sent. */
static void test_injection(void **state)
{
	static const char *const paths[] = { "a/../c", "a/b/c d", "a/b/c\r\nX: y",
					     "a//c",   "a/b#c",	  "./a/b" };
	struct courier courier = COURIER_INIT;
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	int status = 0;

	(void)state;
	start_plain(&courier);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		assert_int_equal(get(&courier, paths[i], "", &status, &body, &e), -1);
		assert_int_equal(e.kind, ERROR_PROTOCOL);
	}
	assert_int_equal(get(&courier, "a/b/c", "x\r\nCookie: y", &status, &body, &e), -1);
	assert_int_equal(e.kind, ERROR_PROTOCOL);
	expect_get(&courier, "a/b/c", " request=1\n");
	bytes_free(&body);
	courier_stop(&courier);
}

static void test_connection_and_cookie_are_kept(void **state)
{
	const struct message m = { .type = MESSAGE_ADMIN,
				   .count = 4,
				   .field = { text("GET"), text("cookie"), text(""), text("") } };
	struct courier courier = COURIER_INIT;
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	int status = 0;

	(void)state;
	start_plain(&courier);
	assert_int_equal(courier_call(&courier, &m, &status, &body, &e), 0);
	expect_get(&courier, "a/b/c",
		   "\r\nCookie: other=1; kbs-session-id=0123456789abcdef0123456789abcdef\r\n");
	expect_get(&courier, "a/b/c", " request=3\n");
	bytes_free(&body);
	courier_stop(&courier);
}

static void test_cookies(void **state)
{
	static const struct {
		const char *value, *cookies; /* all cookies after @value came */
	} cases[] = {
		{ "a=1", "a=1" },
		{ " b=2 ; Max-Age=0", "a=1; b=2" },
		{ "a=3; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "b=2; a=3" },
		{ "aa=x=y", "b=2; a=3; aa=x=y" },
		{ "", "b=2; a=3; aa=x=y" },
		{ "novalue; a=5", "b=2; a=3; aa=x=y" },
		{ "=5", "b=2; a=3; aa=x=y" },
		{ "c=\r5", "b=2; a=3; aa=x=y" },
		{ "b=; Secure", "a=3; aa=x=y; b=" },
	};
	struct bytes cookies = BYTES_INIT, large = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(cookie_keep(&cookies, cases[i].value, &e), 0);
		assert_string_equal(bytes_text(&cookies), cases[i].cookies);
	}
	bytes_printf(&large, "large=%0*d", COOKIE_MAX - 10, 1);
	assert_int_equal(cookie_keep(&cookies, bytes_text(&large), &e), 0);
	assert_string_equal(bytes_text(&cookies), bytes_text(&large));
	assert_int_equal(cookie_keep(&cookies, "session=1", &e), 0);
	assert_string_equal(bytes_text(&cookies), "session=1");
	bytes_append_text(&large, "0000000000");
	assert_int_equal(cookie_keep(&cookies, bytes_text(&large), &e), 0);
	assert_string_equal(bytes_text(&cookies), "session=1");
	bytes_free(&cookies);
	bytes_free(&large);
}

static void test_status_is_passed_on(void **state)
{
	struct courier courier = COURIER_INIT;
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	int status = 0;

	(void)state;
	start_plain(&courier);
	assert_int_equal(get(&courier, "a/b/status418", "", &status, &body, &e), 0);
	assert_int_equal(status, 418);
	assert_int_equal(get(&courier, "a/b/redirect", "", &status, &body, &e), 0);
	assert_int_equal(status, 302);
	bytes_free(&body);
	courier_stop(&courier);
}

static void test_bad_servers(void **state)
{
	struct courier courier = COURIER_INIT;

	(void)state;
	start_plain(&courier);
	expect_failure(&courier, "a/b/silent", ERROR_NETWORK, true, "closed without an answer");
	expect_failure(&courier, "a/b/garbage", ERROR_PROTOCOL, false, "not an answer of a KBS");
	expect_failure(&courier, "a/b/huge", ERROR_PROTOCOL, false, "answer over 1572864 bytes");
	expect_failure(&courier, "a/b/cut", ERROR_NETWORK, true, "connection lost");
	expect_get(&courier, "a/b/c", "request=1\n");
	courier_stop(&courier);
}

static void test_time_out(void **state)
{
	struct courier courier = COURIER_INIT;

	(void)state;
	start(&courier, (struct courier_target){ SERVER(plain.url, NULL, 0), .insecure = true,
						 .timeout = 1 });
	expect_failure(&courier, "a/b/slow", ERROR_NETWORK, true, "timed out");
	courier_stop(&courier);
}

static void test_unreachable(void **state)
{
	struct courier courier = COURIER_INIT;

	(void)state;
	start(&courier,
	      (struct courier_target){ SERVER("http://127.0.0.1:1", NULL, 0), .insecure = true });
	expect_failure(&courier, "a/b/c", ERROR_NETWORK, true,
		       "http://127.0.0.1:1: no connection: Connection refused");
	courier_stop(&courier);
}

static void test_unknown_name(void **state)
{
	struct courier courier = COURIER_INIT;

	(void)state;
	start(&courier, (struct courier_target){ SERVER("https://no-such-name.invalid",
							secure_pem.data, secure_pem.len),
						 .timeout = 2 });
	expect_failure(&courier, "a/b/c", ERROR_NETWORK, true, "https://no-such-name.invalid: ");
	courier_stop(&courier);
}

/* --- TLS -------------------------------------------------------------------------------------- */

static void test_tls(void **state)
{
	struct courier courier = COURIER_INIT;

	(void)state;
	start(&courier,
	      (struct courier_target){ SERVER(secure.url, secure_pem.data, secure_pem.len) });
	expect_get(&courier, "a/b/c", " request=1\n");
	expect_get(&courier, "a/b/c", " request=2\n");
	courier_stop(&courier);
}

static void test_tls_wrong_ca(void **state)
{
	struct courier courier = COURIER_INIT;
	struct bytes pem = BYTES_INIT;

	(void)state;
	SSL_CTX_free(http_server_tls("IP:127.0.0.1", &pem));
	start(&courier, (struct courier_target){ SERVER(secure.url, pem.data, pem.len) });
	expect_failure(&courier, "a/b/c", ERROR_TLS, false, "certificate not trusted: self-signed");
	expect_failure(&courier, "a/b/c", ERROR_TLS, false, "; give its CA (--ca");
	courier_stop(&courier);
	bytes_free(&pem);
}

/* Whether the certificate or this machine's clock is wrong cannot be known, but the clock is said, and
 * that it is wrong if it reads less than the newest token. */
static void test_tls_dates(void **state)
{
	static const struct {
		long from;
		const char *cause;
	} cases[] = {
		{ 3600, "certificate is not yet valid; this machine's clock reads 20" },
		{ -7200, "certificate has expired; this machine's clock reads 20" },
	};
	struct bytes pem = BYTES_INIT, body = BYTES_INIT;
	struct courier courier = COURIER_INIT;
	struct http_server server;
	SSL_CTX *tls;
	int status;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;

		tls = http_server_tls_from("IP:127.0.0.1", cases[i].from, &pem);
		http_server_start(&server, tls);
		start(&courier, (struct courier_target){ SERVER(server.url, pem.data, pem.len) });
		assert_int_equal(get(&courier, "a/b/c", "", &status, &body, &e), -1);
		assert_int_equal(e.kind, ERROR_TLS);
		assert_true(e.transient);
		if (!strstr(e.text, cases[i].cause) || strstr(e.text, "wrong"))
			fail_msg("%s", e.text);
		if (i == ARRAY_SIZE(cases) - 1) {
			clock_learn(clock_wall_s() + 86400);
			assert_int_equal(get(&courier, "a/b/c", "", &status, &body, &e), -1);
			assert_non_null(strstr(e.text, "; the clock is wrong: it is "));
		}
		courier_stop(&courier);
		http_server_stop(&server);
		SSL_CTX_free(tls);
	}
	bytes_free(&pem);
	bytes_free(&body);
}

static void test_tls_system_roots(void **state)
{
	struct courier courier = COURIER_INIT;

	(void)state;
	start(&courier, (struct courier_target){ SERVER(secure.url, NULL, 0) });
	expect_failure(&courier, "a/b/c", ERROR_TLS, false, "certificate not trusted: self-signed");
	courier_stop(&courier);
}

static void test_tls_wrong_name(void **state)
{
	struct courier courier = COURIER_INIT;
	struct http_server server;
	struct bytes pem = BYTES_INIT;
	SSL_CTX *tls = http_server_tls("DNS:kbs.example", &pem);

	(void)state;
	http_server_start(&server, tls);
	start(&courier, (struct courier_target){ SERVER(server.url, pem.data, pem.len) });
	expect_failure(&courier, "a/b/c", ERROR_TLS, false,
		       "certificate not trusted: IP address mismatch: it is not for 127.0.0.1");
	courier_stop(&courier);
	http_server_stop(&server);
	SSL_CTX_free(tls);
	bytes_free(&pem);
}

static void test_tls_too_old(void **state)
{
	struct courier courier = COURIER_INIT;
	struct http_server server;
	struct bytes pem = BYTES_INIT;
	SSL_CTX *tls = http_server_tls("IP:127.0.0.1", &pem);

	(void)state;
	SSL_CTX_set_max_proto_version(tls, TLS1_1_VERSION);
	SSL_CTX_set_security_level(tls, 0);
	http_server_start(&server, tls);
	start(&courier, (struct courier_target){ SERVER(server.url, pem.data, pem.len) });
	expect_failure(&courier, "a/b/c", ERROR_TLS, false, "TLS handshake failed");
	courier_stop(&courier);
	http_server_stop(&server);
	SSL_CTX_free(tls);
	bytes_free(&pem);
}

/* A load balancer whose server is away ends connections like this. It is a failure of the network. */
static void test_tls_handshake_cut_short(void **state)
{
	struct courier courier = COURIER_INIT;
	char url[64];

	(void)state;
	snprintf(url, sizeof(url), "https://127.0.0.1:%u", plain.port);
	start(&courier, (struct courier_target){ SERVER(url, secure_pem.data, secure_pem.len) });
	expect_failure(&courier, "a/b/c", ERROR_NETWORK, true,
		       "connection lost within the TLS handshake");
	courier_stop(&courier);
}

/* The same with a TCP reset, while the server has not read all of the ClientHello. */
static void test_tls_handshake_reset(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const struct linger reset = { .l_onoff = 1 };
	socklen_t len = sizeof(address);
	struct courier courier = COURIER_INIT;
	char url[64];
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u", ntohs(address.sin_port));
	pid = fork();
	if (pid == 0) {
		int fd = accept(listener, NULL, NULL);
		char byte;

		recv(fd, &byte, 1, 0);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		_exit(0);
	}
	close(listener);
	start(&courier, (struct courier_target){ SERVER(url, secure_pem.data, secure_pem.len) });
	expect_failure(&courier, "a/b/c", ERROR_NETWORK, true,
		       "connection lost within the TLS handshake");
	courier_stop(&courier);
	waitpid(pid, NULL, 0);
}

static void test_plain_requires_insecure(void **state)
{
	struct courier courier = COURIER_INIT;

	(void)state;
	start(&courier, (struct courier_target){ SERVER(plain.url, NULL, 0) });
	expect_failure(&courier, "a/b/c", ERROR_PROTOCOL, false, "http");
	courier_stop(&courier);
}

static void test_bad_ca(void **state)
{
	struct courier_target target = { SERVER(secure.url, "hello", 5) };
	struct courier courier = COURIER_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(courier_start(&courier, program(), &target, &e), -1);
	assert_int_equal(e.kind, ERROR_INPUT);
	assert_non_null(strstr(e.text, "no certificate"));
	assert_int_equal(courier.fd, -1);
}

static int servers_start(void **state)
{
	SSL_CTX *tls = http_server_tls("IP:127.0.0.1", &secure_pem);

	(void)state;
	http_server_start(&plain, NULL);
	http_server_start(&secure, tls);
	SSL_CTX_free(tls);
	return 0;
}

static int servers_stop(void **state)
{
	(void)state;
	http_server_stop(&plain);
	http_server_stop(&secure);
	bytes_free(&secure_pem);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_bearer),
		cmocka_unit_test(test_admin),
		cmocka_unit_test(test_injection),
		cmocka_unit_test(test_connection_and_cookie_are_kept),
		cmocka_unit_test(test_cookies),
		cmocka_unit_test(test_status_is_passed_on),
		cmocka_unit_test(test_bad_servers),
		cmocka_unit_test(test_time_out),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_unknown_name),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_tls_dates),
		cmocka_unit_test(test_tls_wrong_ca),
		cmocka_unit_test(test_tls_system_roots),
		cmocka_unit_test(test_tls_wrong_name),
		cmocka_unit_test(test_tls_too_old),
		cmocka_unit_test(test_tls_handshake_cut_short),
		cmocka_unit_test(test_tls_handshake_reset),
		cmocka_unit_test(test_plain_requires_insecure),
		cmocka_unit_test(test_bad_ca),
	};

	return cmocka_run_group_tests(tests, servers_start, servers_stop);
}
