// SPDX-License-Identifier: Apache-2.0
/* trusteed's loop: descriptors, times, and callbacks that end others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "trusteed/loop/loop.h"

/* Clients of the loop: each has one end of a pair of sockets, and counts its calls. */
struct client {
	struct loop_source source;
	struct loop *loop;
	int other;
	int calls;
	uint32_t events;
	struct client *ends; /* what its call frees */
};

static struct error error;

static void on_ready(struct loop_source *source, uint32_t events)
{
	struct client *client = (struct client *)source;

	client->calls++;
	client->events = events;
	if (!client->ends)
		return;
	loop_remove(client->loop, &client->ends->source);
	close(client->ends->source.fd);
	close(client->ends->other);
	if (client->ends != client)
		free(client->ends);
	client->ends = NULL;
}

static struct client *client_add(struct loop *loop, uint32_t events)
{
	struct client *client = calloc(1, sizeof(*client));
	int fd[2];

	assert_non_null(client);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	*client = (struct client){ .source = { fd[0], on_ready }, .loop = loop, .other = fd[1] };
	assert_int_equal(loop_add(loop, &client->source, events, &error), 0);
	return client;
}

static void client_free(struct client *client)
{
	loop_remove(client->loop, &client->source);
	close(client->source.fd);
	close(client->other);
	free(client);
}

static struct loop *opened(void)
{
	struct loop *loop = loop_open(&error);

	assert_non_null(loop);
	return loop;
}

static void step(struct loop *loop, int timeout)
{
	assert_int_equal(loop_step(loop, timeout, &error), 0);
}

static void a_ready_descriptor_is_called(void **state)
{
	struct loop *loop = opened();
	struct client *a = client_add(loop, EPOLLIN), *b = client_add(loop, EPOLLIN);

	(void)state;
	step(loop, 0);
	assert_int_equal(a->calls + b->calls, 0);
	assert_int_equal(write(a->other, "x", 1), 1);
	step(loop, -1);
	assert_int_equal(a->calls, 1);
	assert_int_equal(a->events, EPOLLIN);
	assert_int_equal(b->calls, 0);
	client_free(a);
	client_free(b);
	loop_close(loop);
}

static void events_change(void **state)
{
	struct loop *loop = opened();
	struct client *a = client_add(loop, 0);

	(void)state;
	assert_int_equal(write(a->other, "x", 1), 1);
	step(loop, 0);
	assert_int_equal(a->calls, 0);
	loop_change(loop, &a->source, EPOLLOUT);
	step(loop, -1);
	assert_int_equal(a->events, EPOLLOUT);
	/* The end of the other side is called even if nothing is waited for. */
	loop_change(loop, &a->source, 0);
	step(loop, 0);
	assert_int_equal(a->calls, 1);
	assert_int_equal(shutdown(a->other, SHUT_RDWR), 0);
	step(loop, -1);
	assert_int_equal(a->calls, 2);
	assert_true(a->events & EPOLLHUP);
	client_free(a);
	loop_close(loop);
}

/* Both are ready at once, and the one that is called first frees the other. */
static void a_callback_frees_another(void **state)
{
	struct loop *loop = opened();
	struct client *a = client_add(loop, EPOLLIN), *b = client_add(loop, EPOLLIN);

	(void)state;
	a->ends = b;
	assert_int_equal(write(a->other, "x", 1), 1);
	assert_int_equal(write(b->other, "x", 1), 1);
	step(loop, -1);
	assert_int_equal(a->calls, 1);
	assert_null(a->ends);
	client_free(a);
	loop_close(loop);
}

static void a_callback_ends_its_own_source(void **state)
{
	struct loop *loop = opened();
	struct client *a = client_add(loop, EPOLLIN);

	(void)state;
	a->ends = a;
	assert_int_equal(write(a->other, "x", 1), 1);
	step(loop, -1);
	step(loop, 0);
	assert_int_equal(a->calls, 1);
	free(a);
	loop_close(loop);
}

/* More are ready than one call of the kernel reports; none is left out. */
static void many_are_ready(void **state)
{
	struct loop *loop = opened();
	struct client *clients[200];
	int calls = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
		clients[i] = client_add(loop, EPOLLIN | EPOLLET);
		assert_int_equal(write(clients[i]->other, "x", 1), 1);
	}
	for (int i = 0; i < 4; i++)
		step(loop, 0);
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
		calls += clients[i]->calls;
		client_free(clients[i]);
	}
	assert_int_equal(calls, ARRAY_SIZE(clients));
	loop_close(loop);
}

/* --- times ------------------------------------------------------------------------------------ */

struct alarm {
	struct loop_timer timer;
	struct loop *loop;
	int calls;
	int64_t called; /* a count over all alarms */
	int64_t again;	/* set for this time again, if it is not 0 */
	struct alarm *unsets;
};

static int64_t alarms_called;

static void on_due(struct loop_timer *timer)
{
	struct alarm *alarm = (struct alarm *)timer;

	assert_false(timer->set);
	alarm->calls++;
	alarm->called = ++alarms_called;
	if (alarm->again)
		assert_int_equal(loop_set(alarm->loop, timer, alarm->again, &error), 0);
	if (alarm->unsets)
		loop_unset(alarm->loop, &alarm->unsets->timer);
}

static void alarm_set(struct loop *loop, struct alarm *alarm, int64_t at)
{
	alarm->loop = loop;
	alarm->timer.due = on_due;
	assert_int_equal(loop_set(loop, &alarm->timer, at, &error), 0);
}

static void timers_are_called_in_order(void **state)
{
	struct loop *loop = opened();
	struct alarm alarms[300] = { 0 };
	int64_t past = clock_boot_ms() - 1000;
	size_t count = ARRAY_SIZE(alarms);

	(void)state;
	/* 7 and 300 have no common divisor, so each time is that of one alarm. */
	for (size_t i = 0; i < count; i++)
		alarm_set(loop, &alarms[i], past + (int64_t)(i * 7 % count));
	/* Every third is unset, and every fifth is set for another time, which is still its place. */
	for (size_t i = 0; i < count; i += 3)
		loop_unset(loop, &alarms[i].timer);
	for (size_t i = 0; i < count; i += 5)
		if (alarms[i].timer.set)
			alarm_set(loop, &alarms[i], past + (int64_t)(i * 7 % count));
	alarms_called = 0;
	step(loop, -1);
	assert_int_equal(alarms_called, 200);
	for (size_t i = 0; i < count; i++) {
		size_t before = i * 7 % count;

		assert_int_equal(alarms[i].calls, i % 3 != 0);
		/* Of the times before this one, a third belongs to alarms that were unset. */
		if (i % 3)
			assert_int_equal(alarms[i].called, before - (before + 2) / 3 + 1);
	}
	loop_close(loop);
}

static void a_step_waits_for_the_first_timer(void **state)
{
	struct loop *loop = opened();
	struct alarm soon = { 0 }, late = { 0 };
	int64_t begin = clock_boot_ms();

	(void)state;
	alarm_set(loop, &late, begin + 3600000);
	alarm_set(loop, &soon, begin + 30);
	while (!soon.calls)
		step(loop, -1);
	assert_in_range(clock_boot_ms() - begin, 30, 5000);
	assert_int_equal(late.calls, 0);
	begin = clock_boot_ms();
	step(loop, 20);
	assert_in_range(clock_boot_ms() - begin, 19, 5000);
	loop_close(loop);
	assert_false(late.timer.set);
}

/* A timer that is always due does not keep descriptors waiting. */
static void a_timer_sets_itself(void **state)
{
	struct loop *loop = opened();
	struct client *client = client_add(loop, EPOLLIN);
	struct alarm alarm = { .again = 1 }, other = { 0 };

	(void)state;
	alarm_set(loop, &alarm, 1);
	alarm_set(loop, &other, 2);
	assert_int_equal(write(client->other, "x", 1), 1);
	step(loop, -1);
	step(loop, -1);
	assert_int_equal(client->calls, 2);
	assert_true(alarm.calls >= 2);
	client_free(client);
	loop_close(loop);
}

static void a_timer_unsets_another(void **state)
{
	struct loop *loop = opened();
	struct alarm b = { 0 }, a = { .unsets = &b };

	(void)state;
	alarm_set(loop, &a, 1);
	alarm_set(loop, &b, 2);
	step(loop, -1);
	step(loop, 0);
	assert_int_equal(a.calls, 1);
	assert_int_equal(b.calls, 0);
	loop_close(loop);
}

static void on_stop(struct loop_timer *timer)
{
	loop_stop(((struct alarm *)timer)->loop);
}

static void it_runs_until_it_is_stopped(void **state)
{
	struct loop *loop = opened();
	struct alarm alarm = { .timer.due = on_stop, .loop = loop };

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(loop_set(loop, &alarm.timer, clock_boot_ms() + 5, &error), 0);
		assert_int_equal(loop_run(loop, &error), 0);
		assert_false(alarm.timer.set);
	}
	loop_close(loop);
	loop_close(NULL);
}

static void a_bad_descriptor_is_an_error(void **state)
{
	struct loop *loop = opened();
	struct loop_source source = { .fd = -1, .ready = on_ready };
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(loop_add(loop, &source, EPOLLIN, &e), -1);
	assert_int_equal(e.kind, ERROR_SYSTEM);
	loop_close(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ready_descriptor_is_called),
		cmocka_unit_test(events_change),
		cmocka_unit_test(a_callback_frees_another),
		cmocka_unit_test(a_callback_ends_its_own_source),
		cmocka_unit_test(many_are_ready),
		cmocka_unit_test(timers_are_called_in_order),
		cmocka_unit_test(a_step_waits_for_the_first_timer),
		cmocka_unit_test(a_timer_sets_itself),
		cmocka_unit_test(a_timer_unsets_another),
		cmocka_unit_test(it_runs_until_it_is_stopped),
		cmocka_unit_test(a_bad_descriptor_is_an_error),
	};

	return cmocka_run_group_tests_name("trusteed_loop", tests, NULL, NULL);
}
