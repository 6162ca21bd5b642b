// SPDX-License-Identifier: Apache-2.0
/* The table of trusteed's connections: which one ends, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "trusteed/http/peers.h"

#define NOW INT64_C(1000000)

static struct peer *add(struct peers *peers, const char *address, int fd, int64_t now)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	const struct sockaddr *sockaddr = (const struct sockaddr *)&in;
	struct peer *peer;

	if (strchr(address, ':')) {
		assert_int_equal(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
		sockaddr = (const struct sockaddr *)&in6;
	} else {
		assert_int_equal(inet_pton(AF_INET, address, &in.sin_addr), 1);
	}
	peer = peers_add(peers, sockaddr, fd, now);
	assert_non_null(peer);
	return peer;
}

/* At the limit, one of the address that has most ends, and of these the oldest. */
static void the_address_with_most_loses_its_oldest(void **state)
{
	struct peers peers = { .live_max = 5, .held_max = 100 };
	struct peer *honest, *flood[8];

	(void)state;
	honest = add(&peers, "10.0.0.1", -1, NOW);
	for (int i = 0; i < 4; i++)
		flood[i] = add(&peers, "10.0.0.2", -1, NOW + 1 + i);
	assert_int_equal(peers.live, 5);
	flood[4] = add(&peers, "10.0.0.2", -1, NOW + 10);
	assert_true(flood[0]->ended);
	assert_false(honest->ended);
	assert_int_equal(peers.live, 5);
	flood[5] = add(&peers, "10.0.0.3", -1, NOW + 11);
	assert_true(flood[1]->ended);
	assert_false(flood[5]->ended);
	/* It counts in the table until the server has closed it. */
	assert_int_equal(peers.count, 7);
	peers_remove(&peers, flood[0]);
	peers_remove(&peers, flood[1]);
	assert_int_equal(peers.count, 5);
	assert_int_equal(peers.live, 5);
	peers_free(&peers);
}

/* Of one address, which realms behind one NAT have, the slow ones end, not those that make progress. */
static void progress_protects(void **state)
{
	struct peers peers = { .live_max = 3, .held_max = 100 };
	struct peer *honest, *slow[2], *next;

	(void)state;
	honest = add(&peers, "10.0.0.1", -1, NOW);
	slow[0] = add(&peers, "10.0.0.1", -1, NOW + 1);
	slow[1] = add(&peers, "10.0.0.1", -1, NOW + 2);
	peer_begin(honest, PEER_BODY, NOW + 3);
	next = add(&peers, "10.0.0.1", -1, NOW + 4);
	assert_true(slow[0]->ended);
	peer_begin(honest, PEER_HEAD, NOW + 5);
	(void)add(&peers, "10.0.0.1", -1, NOW + 6);
	assert_true(slow[1]->ended);
	assert_false(honest->ended || next->ended);
	peers_free(&peers);
}

/* A connection whose data the server has not read yet is not slow. Its socket is shut down when it
 * ends. */
static void unread_data_protects(void **state)
{
	struct peers peers = { .live_max = 2, .held_max = 100 };
	struct peer *waits, *slow;
	int a[2], b[2];
	char byte;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
	assert_int_equal(write(a[1], "x", 1), 1);
	waits = add(&peers, "10.0.0.1", a[0], NOW);
	slow = add(&peers, "10.0.0.1", b[0], NOW + 1);
	(void)add(&peers, "10.0.0.1", -1, NOW + 2);
	assert_false(waits->ended);
	assert_true(slow->ended);
	assert_int_equal(read(b[1], &byte, 1), 0);
	assert_int_equal(recv(a[1], &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	peers_free(&peers);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
}

/* A table for one connection has one, whose data is not read yet. */
static struct peer *unread(struct peers *peers, int pair[2])
{
	*peers = (struct peers){ .live_max = 1, .held_max = 100 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	return add(peers, "10.0.0.1", pair[0], NOW);
}

static void unread_free(struct peers *peers, const int pair[2])
{
	peers_free(peers);
	close(pair[0]);
	close(pair[1]);
}

/* A client that sends more, and does not read its answer, is slow all the same. */
static void unread_data_protects_no_unread_answer(void **state)
{
	struct peers peers;
	int pair[2];
	struct peer *peer = unread(&peers, pair);

	(void)state;
	peer_begin(peer, PEER_ANSWER, NOW);
	(void)add(&peers, "10.0.0.1", -1, NOW + 1);
	assert_true(peer->ended);
	unread_free(&peers, pair);
}

/* To be passed over does not begin a phase anew. */
static void unread_data_extends_no_limit(void **state)
{
	const int64_t limit = PEER_HEAD_SECONDS * INT64_C(1000);
	struct peers peers;
	int pair[2];
	struct peer *peer = unread(&peers, pair);

	(void)state;
	(void)add(&peers, "10.0.0.1", pair[0], NOW + limit - 1);
	assert_false(peer->ended);
	peers_end_overdue(&peers, NOW + limit);
	assert_true(peer->ended);
	unread_free(&peers, pair);
}

static void addresses_are_grouped(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} pairs[] = {
		{ "10.0.0.1", "10.0.0.1", true },
		{ "10.0.0.1", "10.0.0.2", false },
		{ "10.0.0.1", "::ffff:10.0.0.1", true },
		{ "2001:db8::1", "2001:db8::ffff:2", true },
		{ "2001:db8::1", "2001:db8:0:1::1", false },
		{ "::1", "10.0.0.1", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct peers peers = { .live_max = 2, .held_max = 100 };
		struct peer *a = add(&peers, pairs[i].a, -1, NOW);
		struct peer *b = add(&peers, pairs[i].b, -1, NOW);

		assert_int_equal(a->origin == b->origin, pairs[i].same);
		peers_free(&peers);
	}
}

/* Bodies that are kept have a limit of their own. */
static void the_address_with_most_bytes_loses_its_oldest(void **state)
{
	struct peers peers = { .live_max = 100, .held_max = 100 };
	struct peer *honest = add(&peers, "10.0.0.1", -1, NOW);
	struct peer *idle = add(&peers, "10.0.0.2", -1, NOW);
	struct peer *first = add(&peers, "10.0.0.2", -1, NOW + 1);
	struct peer *last = add(&peers, "10.0.0.2", -1, NOW + 2);

	(void)state;
	peers_hold(&peers, honest, 10, NOW);
	peers_hold(&peers, first, 40, NOW);
	peers_hold(&peers, last, 50, NOW);
	assert_int_equal(peers.held, 100);
	peers_hold(&peers, honest, 11, NOW);
	assert_true(first->ended);
	assert_false(honest->ended || idle->ended || last->ended);
	assert_int_equal(peers.held, 61);
	peers_hold(&peers, last, 101, NOW);
	assert_true(last->ended);
	peers_hold(&peers, honest, 0, NOW);
	assert_int_equal(peers.held, 0);
	peers_free(&peers);
}

/* The limits are absolute, each from the beginning of its phase. */
static void each_phase_has_a_limit(void **state)
{
	static const int64_t limits[PEER_PHASES] = {
		[PEER_HEAD] = PEER_HEAD_SECONDS * INT64_C(1000),
		[PEER_BODY] = PEER_BODY_SECONDS * INT64_C(1000),
		[PEER_ANSWER] = PEER_ANSWER_SECONDS * INT64_C(1000),
	};

	(void)state;
	for (int phase = 0; phase < PEER_PHASES; phase++) {
		struct peers peers = { .live_max = 100, .held_max = 100 };
		struct peer *peer = add(&peers, "10.0.0.1", -1, NOW);

		peer_begin(peer, (enum peer_phase)phase, NOW + 5);
		peers_end_overdue(&peers, NOW + 5 + limits[phase] - 1);
		assert_false(peer->ended);
		peers_end_overdue(&peers, NOW + 5 + limits[phase]);
		assert_true(peer->ended);
		peers_free(&peers);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_address_with_most_loses_its_oldest),
		cmocka_unit_test(progress_protects),
		cmocka_unit_test(unread_data_protects),
		cmocka_unit_test(unread_data_protects_no_unread_answer),
		cmocka_unit_test(unread_data_extends_no_limit),
		cmocka_unit_test(addresses_are_grouped),
		cmocka_unit_test(the_address_with_most_bytes_loses_its_oldest),
		cmocka_unit_test(each_phase_has_a_limit),
	};

	return cmocka_run_group_tests_name("trusteed_peers", tests, NULL, NULL);
}
