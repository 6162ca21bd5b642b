// SPDX-License-Identifier: Apache-2.0
/* The courier from the keeper's end: the real program ($REALMKEY_COURIER) against a small server, and
 * couriers that misbehave. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "courier.h"
#include "http_server.h"
#include "io.h"
#include "sandbox.h"

static struct http_server plain, secure;
static struct bytes secure_pem = BYTES_INIT;

static const char *program(void)
{
	const char *path = getenv("REALMKEY_COURIER");

	if (!path)
		fail_msg("REALMKEY_COURIER does not name the program");
	return path;
}

static struct message_field text(const char *s)
{
	return (struct message_field){ (const uint8_t *)s, strlen(s) };
}

static void start(struct courier *courier, struct courier_target target)
{
	struct error e = ERROR_INIT;

	if (courier_start(courier, program(), &target, &e) < 0)
		fail_msg("%s", e.text);
}

static void start_plain(struct courier *courier)
{
	start(courier, (struct courier_target){ .url = plain.url, .insecure = true, .timeout = 5 });
}

/* GET resource @path; the answer's body is the request as the server saw it. */
static int get(struct courier *courier, const char *path, const char *bearer, int *status,
	       struct bytes *body, struct error *e)
{
	const struct message m = { .type = MESSAGE_RESOURCE, .count = 2,
				   .field = { text(path), text(bearer) } };

	return courier_call(courier, &m, status, body, e);
}

static void expect_get(struct courier *courier, const char *path, const char *in_answer)
{
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	int status = 0;

	if (get(courier, path, "", &status, &body, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(status, 200);
	if (!strstr(bytes_text(&body), in_answer))
		fail_msg("no '%s' in: %s", in_answer, bytes_text(&body));
	bytes_free(&body);
}

static void expect_failure(struct courier *courier, const char *path, enum error_kind kind,
			   bool transient, const char *words)
{
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	int status = 0;

	assert_int_equal(get(courier, path, "", &status, &body, &e), -1);
	if (e.kind != kind || e.transient != transient || !strstr(e.text, words))
		fail_msg("%s, %d: %s", error_kind_name(e.kind), e.transient, e.text);
	bytes_free(&body);
}

/* --- requests --------------------------------------------------------------------------------- */

static void test_post(void **state)
{
	static const char *const wanted[] = {
		"POST /kbs/v0/auth HTTP/1.1\r\n", "\r\nUser-Agent: realmkey/",
		"\r\nContent-Type: application/json\r\n", "\r\nContent-Length: 7\r\n",
		"\r\n\r\n{\"a\":1}",
	};
	const struct message m = { .type = MESSAGE_AUTH, .count = 1, .field = { text("{\"a\":1}") } };
	struct courier courier = COURIER_INIT;
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	int status = 0;

	(void)state;
	start_plain(&courier);
	assert_int_equal(courier_call(&courier, &m, &status, &body, &e), 0);
	assert_int_equal(status, 200);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
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
	const struct message m = { .type = MESSAGE_ADMIN, .count = 4, .field = {
		text("DELETE"), text("resource/a/b/c?x=1"), text("token"), text("") } };
	struct courier courier = COURIER_INIT;
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	int status = 0;

	(void)state;
	start_plain(&courier);
	assert_int_equal(courier_call(&courier, &m, &status, &body, &e), 0);
	assert_non_null(strstr(bytes_text(&body), "DELETE /kbs/v0/resource/a/b/c?x=1 HTTP/1.1\r\n"));
	assert_non_null(strstr(bytes_text(&body), "\r\nAuthorization: Bearer token\r\n"));
	bytes_free(&body);
	courier_stop(&courier);
}

/* What could become a second header line, or leave /kbs/v0/, is not sent. */
static void test_injection(void **state)
{
	static const char *const paths[] = { "a/../c", "a/b/c d", "a/b/c\r\nX: y", "a//c", "a/b#c",
					     "./a/b" };
	struct courier courier = COURIER_INIT;
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	int status = 0;

	(void)state;
	start_plain(&courier);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
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
	const struct message m = { .type = MESSAGE_ADMIN, .count = 4, .field = {
		text("GET"), text("cookie"), text(""), text("") } };
	struct courier courier = COURIER_INIT;
	struct bytes body = BYTES_INIT;
	struct error e = ERROR_INIT;
	int status = 0;

	(void)state;
	start_plain(&courier);
	assert_int_equal(courier_call(&courier, &m, &status, &body, &e), 0);
	expect_get(&courier, "a/b/c",
		   "\r\nCookie: kbs-session-id=0123456789abcdef0123456789abcdef\r\n");
	expect_get(&courier, "a/b/c", " request=3\n");
	bytes_free(&body);
	courier_stop(&courier);
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
	expect_failure(&courier, "a/b/huge", ERROR_PROTOCOL, false, "answer over 4194292 bytes");
	expect_failure(&courier, "a/b/cut", ERROR_NETWORK, true, "connection lost");
	expect_get(&courier, "a/b/c", "request=1\n");
	courier_stop(&courier);
}

static void test_time_out(void **state)
{
	struct courier courier = COURIER_INIT;

	(void)state;
	start(&courier, (struct courier_target){ .url = plain.url, .insecure = true, .timeout = 1 });
	expect_failure(&courier, "a/b/slow", ERROR_NETWORK, true, "timed out");
	courier_stop(&courier);
}

static void test_unreachable(void **state)
{
	struct courier courier = COURIER_INIT;

	(void)state;
	start(&courier, (struct courier_target){ .url = "http://127.0.0.1:1", .insecure = true });
	expect_failure(&courier, "a/b/c", ERROR_NETWORK, true,
		       "http://127.0.0.1:1: no connection: Connection refused");
	courier_stop(&courier);
}

static void test_unknown_name(void **state)
{
	struct courier courier = COURIER_INIT;

	(void)state;
	start(&courier, (struct courier_target){ .url = "https://no-such-name.invalid",
						 .ca = secure_pem.data, .ca_len = secure_pem.len,
						 .timeout = 2 });
	expect_failure(&courier, "a/b/c", ERROR_NETWORK, true, "https://no-such-name.invalid: ");
	courier_stop(&courier);
}

/* --- TLS -------------------------------------------------------------------------------------- */

static void test_tls(void **state)
{
	struct courier courier = COURIER_INIT;

	(void)state;
	start(&courier, (struct courier_target){ .url = secure.url, .ca = secure_pem.data,
						 .ca_len = secure_pem.len });
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
	start(&courier, (struct courier_target){ .url = secure.url, .ca = pem.data,
						 .ca_len = pem.len });
	expect_failure(&courier, "a/b/c", ERROR_TLS, false, "certificate not trusted: self-signed");
	expect_failure(&courier, "a/b/c", ERROR_TLS, false, "; give its CA (--ca");
	courier_stop(&courier);
	bytes_free(&pem);
}

static void test_tls_system_roots(void **state)
{
	struct courier courier = COURIER_INIT;

	(void)state;
	start(&courier, (struct courier_target){ .url = secure.url });
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
	start(&courier, (struct courier_target){ .url = server.url, .ca = pem.data,
						 .ca_len = pem.len });
	expect_failure(&courier, "a/b/c", ERROR_TLS, false,
		       "certificate not trusted: SSL: no alternative certificate subject name");
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
	start(&courier, (struct courier_target){ .url = server.url, .ca = pem.data,
						 .ca_len = pem.len });
	expect_failure(&courier, "a/b/c", ERROR_TLS, false, "TLS handshake failed");
	courier_stop(&courier);
	http_server_stop(&server);
	SSL_CTX_free(tls);
	bytes_free(&pem);
}

static void test_tls_to_plain_server(void **state)
{
	struct courier courier = COURIER_INIT;
	char url[64];

	(void)state;
	snprintf(url, sizeof(url), "https://127.0.0.1:%u", plain.port);
	start(&courier, (struct courier_target){ .url = url, .ca = secure_pem.data,
						 .ca_len = secure_pem.len });
	expect_failure(&courier, "a/b/c", ERROR_TLS, false, "TLS handshake failed");
	courier_stop(&courier);
}

static void test_plain_needs_insecure(void **state)
{
	struct courier courier = COURIER_INIT;

	(void)state;
	start(&courier, (struct courier_target){ .url = plain.url });
	expect_failure(&courier, "a/b/c", ERROR_PROTOCOL, false, "http");
	courier_stop(&courier);
}

static void test_bad_ca(void **state)
{
	struct courier_target target = { .url = secure.url, .ca = "hello", .ca_len = 5 };
	struct courier courier = COURIER_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(courier_start(&courier, program(), &target, &e), -1);
	assert_int_equal(e.kind, ERROR_INPUT);
	assert_non_null(strstr(e.text, "no certificate"));
	assert_int_equal(courier.fd, -1);
}

/* --- the process ------------------------------------------------------------------------------ */

/* The line of /proc/PID/status that begins with @name, without it and white space. */
static void proc_status(pid_t pid, const char *name, char *value, size_t size)
{
	char path[64], line[256];
	FILE *f;

	*value = '\0';
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			snprintf(value, size, "%s", line + strlen(name) + 1 +
				 strspn(line + strlen(name) + 1, " \t"));
	fclose(f);
	value[strcspn(value, "\n")] = '\0';
}

static void expect_status(pid_t pid, const char *name, const char *wanted)
{
	char value[256];

	proc_status(pid, name, value, sizeof(value));
	if (strcmp(value, wanted))
		fail_msg("%s is '%s', not '%s'", name, value, wanted);
}

static size_t descriptors(pid_t pid)
{
	char path[64];
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	for (const struct dirent *entry; (entry = readdir(dir));)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void test_confinement(void **state)
{
	struct courier courier = COURIER_INIT;
	int leak = fcntl(2, F_DUPFD, 10);	/* not close-on-exec: what a careless keeper leaves open */
	struct bytes environment = BYTES_INIT;
	struct error e = ERROR_INIT;
	char path[64];

	(void)state;
	assert_true(leak >= 10);
	start_plain(&courier);
	expect_status(courier.pid, "NoNewPrivs", "1");
	expect_status(courier.pid, "Seccomp", "2");
	expect_status(courier.pid, "CapPrm", "0000000000000000");
	expect_status(courier.pid, "CapEff", "0000000000000000");
	expect_status(courier.pid, "CapAmb", "0000000000000000");
	if (geteuid() == 0) {
		char uid[256];

		proc_status(courier.pid, "Uid", uid, sizeof(uid));
		assert_int_not_equal(strtoul(uid, NULL, 10), 0);
		expect_status(courier.pid, "Groups", "");
		assert_int_equal(descriptors(courier.pid), 4);
		snprintf(path, sizeof(path), "/proc/%d/environ", (int)courier.pid);
		assert_int_equal(io_read_file(path, 65536, &environment, &e), 0);
		assert_int_equal(environment.len, 0);
	}
	bytes_free(&environment);
	courier_stop(&courier);
	close(leak);
}

/* Without Landlock no file at all can be opened after start, and requests still work. */
static void test_without_landlock(void **state)
{
	static const struct sandbox_rule rule = { .call = SCMP_SYS(landlock_create_ruleset),
						  .action = SCMP_ACT_ERRNO(38) };
	struct courier courier = COURIER_INIT;
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct error e = ERROR_INIT;

		if (sandbox_seccomp(SCMP_ACT_ALLOW, &rule, 1, &e) < 0)
			_exit(1);
		start_plain(&courier);
		expect_status(courier.pid, "Seccomp_filters", "3");
		expect_get(&courier, "a/b/c", "request=1\n");
		courier_stop(&courier);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static bool process_gone(pid_t pid)
{
	for (int i = 0; i < 200; i++) {
		char state[256] = "";
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d", (int)pid);
		if (access(path, F_OK) < 0)
			return true;
		proc_status(pid, "State", state, sizeof(state));
		if (state[0] == 'Z')
			return true;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	return false;
}

static void test_dies_with_its_keeper(void **state)
{
	struct courier courier = COURIER_INIT;
	pid_t keeper, courier_pid = 0;
	int tell[2];

	(void)state;
	assert_int_equal(pipe(tell), 0);
	keeper = fork();
	if (keeper == 0) {
		start_plain(&courier);
		if (write(tell[1], &courier.pid, sizeof(courier.pid)) < 0)
			_exit(1);
		pause();
	}
	assert_int_equal(read(tell[0], &courier_pid, sizeof(courier_pid)), sizeof(courier_pid));
	kill(keeper, SIGKILL);
	waitpid(keeper, NULL, 0);
	assert_true(process_gone(courier_pid));
	close(tell[0]);
	close(tell[1]);
}

static void test_killed(void **state)
{
	struct courier courier = COURIER_INIT;

	(void)state;
	start_plain(&courier);
	kill(courier.pid, SIGTERM);
	expect_failure(&courier, "a/b/c", ERROR_PROTOCOL, false, "courier: died of SIGTERM");
	expect_failure(&courier, "a/b/c", ERROR_PROTOCOL, false, "courier: not running");
}

static void test_no_program(void **state)
{
	struct courier_target target = { .url = plain.url, .insecure = true };
	struct courier courier = COURIER_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(courier_start(&courier, "/nonexistent/courier", &target, &e), -1);
	assert_string_equal(e.text, "courier /nonexistent/courier: No such file or directory");
	assert_int_equal(courier_start(&courier, "/bin/true", &target, &e), -1);
	assert_int_equal(e.kind, ERROR_PROTOCOL);
}

/* --- couriers that a network has taken -------------------------------------------------------- */

/* Reads the question, says @len bytes of @data, and waits. */
static void fake(struct courier *courier, const void *data, size_t len)
{
	char question[256];
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	*courier = (struct courier){ .fd = pair[0], .patience = 1, .pid = fork() };
	if (courier->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		if (read(pair[1], question, sizeof(question)) < 0 ||
		    write(pair[1], data, len) < 0)
			_exit(1);
		pause();
	}
	close(pair[1]);
}

static void test_babble(void **state)
{
	static const struct {
		const char *says;
		size_t len;
		const char *words;
	} cases[] = {
		{ "", 0, "silent for too long" },
		{ "\6\0\0", 3, "silent for too long" },
		{ "\0\0\0\0\0\0\0\0", 8, "unknown type 0" },
		{ "\11\0\0\0\0\0\0\0", 8, "unknown type 9" },
		{ "\2\0\0\0\0\0\0\0", 8, "message of type 2" },
		{ "\6\0\0\0\0\0\0\1", 8, "over the limit" },
		{ "\6\0\0\0\0\0\0\0", 8, "ends before status" },
		{ "\6\0\0\0\14\0\0\0" "\4\0\0\0\1\1\1\1\0\0\0\0", 20, "HTTP status" },
		{ "\6\0\0\0\15\0\0\0" "\4\0\0\0\1\1\0\0\0\0\0\0x", 21, "after its last field" },
		{ "\7\0\0\0\25\0\0\0" "\4\0\0\0\10\0\0\0" "\4\0\0\0\0\0\0\0" "\1\0\0\0x", 29,
		  "failure of unknown kind 8" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct courier courier;

		fake(&courier, cases[i].says, cases[i].len);
		expect_failure(&courier, "a/b/c", ERROR_PROTOCOL, false, cases[i].words);
		courier_stop(&courier);
	}
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
		cmocka_unit_test(test_status_is_passed_on),
		cmocka_unit_test(test_bad_servers),
		cmocka_unit_test(test_time_out),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_unknown_name),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_tls_wrong_ca),
		cmocka_unit_test(test_tls_system_roots),
		cmocka_unit_test(test_tls_wrong_name),
		cmocka_unit_test(test_tls_too_old),
		cmocka_unit_test(test_tls_to_plain_server),
		cmocka_unit_test(test_plain_needs_insecure),
		cmocka_unit_test(test_bad_ca),
		cmocka_unit_test(test_confinement),
		cmocka_unit_test(test_without_landlock),
		cmocka_unit_test(test_dies_with_its_keeper),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_no_program),
		cmocka_unit_test(test_babble),
	};

	return cmocka_run_group_tests(tests, servers_start, servers_stop);
}
