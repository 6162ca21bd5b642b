// SPDX-License-Identifier: Apache-2.0
/* What the supervisor and the keeper of realmkeyd send each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "keeper/channel.h"

static int pair[2];
static struct error error;

static int setup(void **state)
{
	(void)state;
	error = (struct error)ERROR_INIT;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int teardown(void **state)
{
	(void)state;
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static void commands_and_reports_arrive(void **state)
{
	const struct channel_command sent = {
		.type = CHANNEL_REFRESH, .id = 7, .secret = CHANNEL_ALL, .now = 1
	};
	struct channel_command command;
	struct channel_report report;

	(void)state;
	assert_int_equal(channel_receive_command(pair[1], &command, &error), 0);
	assert_int_equal(channel_send_command(pair[0], &sent, &error), 0);
	assert_int_equal(channel_receive_command(pair[1], &command, &error), 1);
	assert_memory_equal(&command, &sent, sizeof(sent));
	assert_int_equal(channel_receive_report(pair[0], &report, &error), 0);
	assert_int_equal(channel_send_report(pair[1], CHANNEL_DONE, 7, true, 9, "no such", &error),
			 0);
	assert_int_equal(channel_receive_report(pair[0], &report, &error), 1);
	assert_int_equal(report.type, CHANNEL_DONE);
	assert_int_equal(report.id, 7);
	assert_int_equal(report.ready, 1);
	assert_int_equal(report.code, 9);
	assert_string_equal(report.text, "no such");
	assert_int_equal(error.kind, ERROR_NONE);
}

/* The text may quote a hostile KBS. */
static void text_is_cleaned_and_cut(void **state)
{
	char text[2 * CHANNEL_TEXT_MAX];
	struct channel_report report;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "a\nREADY=1\r\033", 11);
	assert_int_equal(channel_send_report(pair[1], CHANNEL_STATE, 0, false, 0, text, &error), 0);
	assert_int_equal(channel_receive_report(pair[0], &report, &error), 1);
	assert_int_equal(strlen(report.text), CHANNEL_TEXT_MAX - 1);
	assert_memory_equal(report.text, "a?READY=1??", 11);
}

static void malformed_packets_are_refused(void **state)
{
	static const struct channel_report good = { .type = CHANNEL_STATE };
	struct channel_report rows[5], report;
	struct channel_command command = { .type = CHANNEL_DONE };
	char longer[sizeof(good) + 1] = { CHANNEL_STATE };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		rows[i] = good;
	rows[0].type = CHANNEL_DONE + 1;
	rows[1].type = CHANNEL_REFRESH;
	rows[2].ready = 2;
	rows[3].code = 256;
	memset(rows[4].text, 'x', sizeof(rows[4].text));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(send(pair[1], &rows[i], sizeof(rows[i]), 0), sizeof(rows[i]));
		assert_int_equal(channel_receive_report(pair[0], &report, &error), -1);
		assert_int_equal(error.kind, ERROR_PROTOCOL);
	}
	for (size_t size = sizeof(good) - 1; size <= sizeof(longer); size += 2) {
		assert_int_equal(send(pair[1], longer, size, 0), size);
		assert_int_equal(channel_receive_report(pair[0], &report, &error), -1);
	}
	assert_int_equal(send(pair[0], &command, sizeof(command), 0), sizeof(command));
	assert_int_equal(channel_receive_command(pair[1], &command, &error), -1);
}

static void the_end_of_the_other_is_noticed(void **state)
{
	const struct channel_command ping = { .type = CHANNEL_PING };
	struct channel_command command;
	struct channel_report report;

	(void)state;
	/* What does not read fills its socket, and does not stop the sender. */
	while (channel_send_command(pair[0], &ping, &error) == 0)
		;
	assert_int_equal(error.kind, ERROR_SYSTEM);
	close(pair[1]);
	pair[1] = -1;
	assert_int_equal(channel_receive_report(pair[0], &report, &error), -1);
	assert_int_equal(channel_send_command(pair[0], &ping, &error), -1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	close(pair[0]);
	pair[0] = -1;
	assert_int_equal(channel_receive_command(pair[1], &command, &error), -1);
	assert_int_equal(channel_send_report(pair[1], CHANNEL_PONG, 1, true, 0, "", &error), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(commands_and_reports_arrive),
		TEST(text_is_cleaned_and_cut),
		TEST(malformed_packets_are_refused),
		TEST(the_end_of_the_other_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
