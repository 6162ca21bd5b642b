// SPDX-License-Identifier: Apache-2.0
/* Connections to several addresses at once: one that refuses, one that is silent, one that answers. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "courier/connect.h"

enum server { GOOD, SILENT, REFUSES, SERVERS };

/* One of each kind, on 127.0.0.1 and on ::1. */
static struct addresses servers[2];
static int sockets[2][SERVERS + 1];
static bool ipv6;

static socklen_t address_make(int family, struct sockaddr_storage *to)
{
	memset(to, 0, sizeof(*to));
	to->ss_family = (sa_family_t)family;
	if (family == AF_INET6) {
		((struct sockaddr_in6 *)to)->sin6_addr = in6addr_loopback;
		return sizeof(struct sockaddr_in6);
	}
	((struct sockaddr_in *)to)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sizeof(struct sockaddr_in);
}

static bool servers_open(int family, struct addresses *to, int *fds)
{
	for (int i = 0; i < SERVERS; i++) {
		to->len[i] = address_make(family, &to->at[i]);
		fds[i] = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (bind(fds[i], (struct sockaddr *)&to->at[i], to->len[i]) < 0 ||
		    getsockname(fds[i], (struct sockaddr *)&to->at[i], &to->len[i]) < 0)
			return false;
	}
	assert_int_equal(listen(fds[GOOD], 8), 0);
	/* Its queue is full after one connection, so it does not answer another SYN. */
	assert_int_equal(listen(fds[SILENT], 0), 0);
	fds[SERVERS] = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return connect(fds[SERVERS], (struct sockaddr *)&to->at[SILENT], to->len[SILENT]) == 0;
}

static int group_setup(void **state)
{
	(void)state;
	assert_true(servers_open(AF_INET, &servers[0], sockets[0]));
	ipv6 = servers_open(AF_INET6, &servers[1], sockets[1]);
	return 0;
}

static void add(struct addresses *list, int six, enum server server)
{
	list->len[list->count] = servers[six].len[server];
	list->at[list->count++] = servers[six].at[server];
}

/* Returns the family that won, or -1; in @ms how long that took. */
static int race(const struct addresses *list, unsigned int seconds, int64_t *ms, struct error *e)
{
	const struct deadline whole = deadline_start(seconds, -1);
	const struct deadline d = deadline_phase(&whole, "connecting", false);
	struct sockaddr_storage peer = { 0 };
	socklen_t len = sizeof(peer);
	int64_t began = clock_boot_ms();
	int fd = connect_race(list, &d, e);

	*ms = clock_boot_ms() - began;
	if (fd < 0)
		return -1;
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(getpeername(fd, (struct sockaddr *)&peer, &len), 0);
	close(fd);
	close(accept(sockets[peer.ss_family == AF_INET6][GOOD], NULL, NULL));
	return peer.ss_family;
}

static void test_first_that_answers(void **state)
{
	static const struct {
		enum server server[3];
		int64_t min, max;
	} cases[] = {
		{ { GOOD, SILENT, SILENT }, 0, 200 },
		{ { REFUSES, GOOD, SILENT }, 0, 200 },
		{ { REFUSES, REFUSES, GOOD }, 0, 200 },
		{ { SILENT, GOOD, SILENT }, CONNECT_STAGGER, 2 * CONNECT_STAGGER - 30 },
		{ { SILENT, REFUSES, GOOD }, CONNECT_STAGGER, 2 * CONNECT_STAGGER - 30 },
		{ { SILENT, SILENT, GOOD }, 2 * CONNECT_STAGGER, 4 * CONNECT_STAGGER },
	};
	struct error e = ERROR_INIT;
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct addresses list = { 0 };

		for (size_t j = 0; j < 3; j++)
			add(&list, 0, cases[i].server[j]);
		assert_int_equal(race(&list, 10, &ms, &e), AF_INET);
		if (ms < cases[i].min || ms > cases[i].max)
			fail_msg("case %zu took %d ms", i, (int)ms);
	}
}

/* Two silent addresses of one family cost one pause, because the next to be tried is of the other. */
static void test_families_alternate(void **state)
{
	struct error e = ERROR_INIT;
	int64_t ms;

	(void)state;
	if (!ipv6) {
		print_message("# this machine has no IPv6 on its loopback interface\n");
		skip();
	}
	for (int six = 0; six < 2; six++) {
		struct addresses list = { 0 };

		add(&list, six, SILENT);
		add(&list, six, SILENT);
		add(&list, six, SILENT);
		add(&list, !six, GOOD);
		assert_int_equal(race(&list, 10, &ms, &e), six ? AF_INET : AF_INET6);
		assert_in_range(ms, CONNECT_STAGGER, 2 * CONNECT_STAGGER - 30);
	}
}

static void test_none_answers(void **state)
{
	struct addresses list = { 0 };
	struct error e = ERROR_INIT;
	int64_t ms;

	(void)state;
	add(&list, 0, REFUSES);
	add(&list, 0, REFUSES);
	assert_int_equal(race(&list, 10, &ms, &e), -1);
	assert_string_equal(e.text, "no connection: Connection refused");
	assert_true(e.kind == ERROR_NETWORK && e.transient);
	assert_in_range(ms, 0, 200);

	e = (struct error)ERROR_INIT;
	add(&list, 0, SILENT);
	assert_int_equal(race(&list, 1, &ms, &e), -1);
	assert_string_equal(e.text, "timed out while connecting");
	assert_true(e.kind == ERROR_NETWORK && e.transient);
	assert_in_range(ms, 1000, 1500);
}

/* A request whose keeper is gone is of no use. */
static void test_keeper_gone(void **state)
{
	struct addresses list = { 0 };
	struct error e = ERROR_INIT;
	struct deadline d;
	int64_t began = clock_boot_ms();
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	close(pair[1]);
	d = deadline_start(10, pair[0]);
	add(&list, 0, SILENT);
	assert_int_equal(connect_race(&list, &d, &e), -1);
	assert_string_equal(e.text, "aborted: the keeper is gone");
	assert_in_range(clock_boot_ms() - began, 0, 200);
	close(pair[0]);
}

/* No descriptor is left open by a race. */
static void test_descriptors(void **state)
{
	struct addresses list = { 0 };
	struct error e = ERROR_INIT;
	int before = dup(0), after;
	int64_t ms;

	(void)state;
	close(before);
	add(&list, 0, SILENT);
	add(&list, 0, SILENT);
	add(&list, 0, GOOD);
	assert_int_equal(race(&list, 10, &ms, &e), AF_INET);
	after = dup(0);
	close(after);
	assert_int_equal(after, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_that_answers),
		cmocka_unit_test(test_families_alternate),
		cmocka_unit_test(test_none_answers),
		cmocka_unit_test(test_keeper_gone),
		cmocka_unit_test(test_descriptors),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
