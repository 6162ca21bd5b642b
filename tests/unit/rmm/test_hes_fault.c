/* SPDX-License-Identifier: Apache-2.0 */
/* Faults on command: the lines that arm them, and their effect on a token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "hes_fault.h"
#include "hes_profile.h"

static struct hes_faults faults;
static struct hes_strike strike;

static int setup(void **state)
{
	(void)state;
	memset(&faults, 0, sizeof(faults));
	return 0;
}

/* Executes @line, whose answer must be @expected. Returns whether faults were cleared. */
static bool command(const char *line, const char *expected)
{
	char answer[HES_FAULT_ANSWER];
	bool cleared;

	memset(answer, 'x', sizeof(answer));
	cleared = hes_fault_execute(&faults, line, answer);
	assert_non_null(memchr(answer, '\0', sizeof(answer)));
	assert_string_equal(answer, expected);
	return cleared;
}

static void without_a_command_there_is_no_fault(void **state)
{
	struct channel_request request = { .challenge = { 7 } }, before = request;
	struct channel_fault order;

	(void)state;
	command("show", "ok\n");
	hes_fault_strike(&faults, &strike);
	for (int i = 0; i < HES_FAULTS; i++)
		assert_false(strike.by[i]);
	assert_false(hes_fault_order(&strike, &order));
	hes_fault_distort(&strike, &request);
	assert_memory_equal(&request, &before, sizeof(request));
}

static void each_fault_by_its_name(void **state)
{
	static const struct {
		const char *line;
		enum hes_fault fault;
		uint32_t argument;
	} cases[] = {
		{ "stall", HES_STALL, 0 },
		{ "stall 2000", HES_STALL, 2000 },
		{ "late 500", HES_LATE, 500 },
		{ "refuse", HES_REFUSE, 0 },
		{ "truncated", HES_TRUNCATED, 0 },
		{ "truncated 4096", HES_TRUNCATED, 4096 },
		{ "oversize", HES_OVERSIZE, 5000 },
		{ "oversize 8192", HES_OVERSIZE, 8192 },
		{ "overrun", HES_OVERRUN, 4096 },
		{ "zero-progress", HES_ZERO_PROGRESS, CHANNEL_FOR_EVER },
		{ "zero-progress 1", HES_ZERO_PROGRESS, 1 },
		{ "error-unknown", HES_ERROR_UNKNOWN, 0 },
		{ "error-unknown 100", HES_ERROR_UNKNOWN, 100 },
		{ "chunk 1", HES_CHUNK, 1 },
		{ "wrong-challenge", HES_WRONG_CHALLENGE, 0 },
		{ "stale-rem", HES_STALE_REM, 0 },
		{ "profile legacy", HES_PROFILE, 0 },
		{ "profile 2026", HES_PROFILE, 0x303 },
		{ "profile 2023/2024", HES_PROFILE, 0x201 },
		{ "tag 0", HES_TAG, 0 },
		{ "tag 4294967295", HES_TAG, UINT32_MAX },
		{ "destroy 0x41234000", HES_DESTROY, 0x41234 },
		{ "cut", HES_CUT, 0 },
		{ "destroy 0xfffffffF000", HES_DESTROY, UINT32_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		setup(NULL);
		assert_false(command(cases[i].line, "ok\n"));
		hes_fault_strike(&faults, &strike);
		for (int f = 0; f < HES_FAULTS; f++)
			assert_int_equal(strike.by[f], f == (int)cases[i].fault);
		assert_int_equal(strike.argument[cases[i].fault], cases[i].argument);
	}
}

static void show_lists_armed_faults(void **state)
{
	(void)state;
	command("  late   500  count 3 ", "ok\n");
	command("zero-progress", "ok\n");
	command("profile 2023/legacy", "ok\n");
	command("destroy 0x41234000", "ok\n");
	command("tag 0", "ok\n");
	command("refuse count 1", "ok\n");
	command("show",
		"late 500 count 3\nrefuse count 1\nzero-progress\nprofile 2023/legacy\ntag 0\ndestroy 0x41234000\nok\n");
}

static void all_faults_fit_into_an_answer(void **state)
{
	char line[HES_FAULT_LINE], answer[HES_FAULT_ANSWER];

	(void)state;
	for (int i = 0; i < HES_FAULTS; i++) {
		const struct hes_fault_info *info = &hes_fault_info[i];

		if (info->form == HES_FORM_NUMBER)
			snprintf(line, sizeof(line), "%s %u count 1000000", info->name, info->max);
		else
			snprintf(line, sizeof(line), "%s%s count 1000000", info->name,
				 info->form == HES_FORM_PAGE	? " 0xffffffff000" :
				 info->form == HES_FORM_PROFILE ? " legacy/unknown" :
								  "");
		command(line, "ok\n");
	}
	hes_fault_execute(&faults, "show", answer);
	assert_string_equal(answer + strlen(answer) - 4, "\nok\n");
}

static void a_fault_ends_after_its_count(void **state)
{
	(void)state;
	command("chunk 7 count 2", "ok\n");
	command("tag 5", "ok\n");
	for (int i = 0; i < 4; i++) {
		hes_fault_strike(&faults, &strike);
		assert_int_equal(strike.by[HES_CHUNK], i < 2);
		assert_true(strike.by[HES_TAG]);
	}
	command("show", "tag 5\nok\n");
	command("tag 6 count 1", "ok\n"); /* it replaces "tag 5" */
	hes_fault_strike(&faults, &strike);
	assert_int_equal(strike.argument[HES_TAG], 6);
	command("show", "ok\n");
}

static void clear_ends_one_or_all(void **state)
{
	(void)state;
	command("late 1", "ok\n");
	command("tag 5", "ok\n");
	command("chunk 5", "ok\n");
	assert_true(command("clear tag", "ok\n"));
	command("show", "late 1\nchunk 5\nok\n");
	assert_true(command("clear tag", "ok\n")); /* also if it is not armed */
	assert_true(command("clear", "ok\n"));
	command("show", "ok\n");
}

static void an_invalid_command_changes_nothing(void **state)
{
	static const struct {
		const char *line, *words;
	} cases[] = {
		{ "", "a line is" },
		{ "    ", "a line is" },
		{ "burn", "unknown fault" },
		{ "show all", "unknown fault" },
		{ "Late 5", "unknown fault" },
		{ "late", "late requires MS" },
		{ "late count 5", "late requires MS" },
		{ "late 0", "from 1 to 600000" },
		{ "late 600001", "from 1 to 600000" },
		{ "late -1", "from 1" },
		{ "late +1", "from 1" },
		{ "late 0x10", "from 1" },
		{ "late 99999999999", "from 1" },
		{ "tag 4294967296", "from 0 to 4294967295" },
		{ "chunk", "chunk requires BYTES" },
		{ "refuse 1", "accepts no argument" },
		{ "profile", "profile requires" },
		{ "profile 2025", "not legacy" },
		{ "profile 2023/", "not legacy" },
		{ "profile /2023", "not legacy" },
		{ "profile 2023/2024/2026", "not legacy" },
		{ "destroy", "destroy requires IPA" },
		{ "destroy 41234000", "not a page's address" },
		{ "destroy 0x", "not a page's address" },
		{ "destroy 0x0", "not a page's address" },
		{ "destroy 0x41234001", "not a page's address" },
		{ "destroy 0x41234000h", "not a page's address" },
		{ "destroy 0x100000000000", "not a page's address" },
		{ "late 5 count", "'count N'" },
		{ "late 5 times 3", "'count N'" },
		{ "late 5 count 0", "count: not a number" },
		{ "late 5 count 1000001", "count: not a number" },
		{ "late 5 count 3 4", "a line is" },
		{ "clear burn", "clear: only one fault" },
		{ "clear late tag", "clear: only one fault" },
	};
	char answer[HES_FAULT_ANSWER];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_false(hes_fault_execute(&faults, cases[i].line, answer));
		if (strncmp(answer, "error: ", 7) || !strstr(answer, cases[i].words) ||
		    strchr(answer, '\n') != answer + strlen(answer) - 1)
			fail_msg("'%s': %s", cases[i].line, answer);
		command("show", "ok\n");
	}
}

static void a_long_line_is_refused(void **state)
{
	char line[2 * HES_FAULT_LINE], answer[HES_FAULT_ANSWER];

	(void)state;
	memset(line, ' ', sizeof(line));
	memcpy(line, "refuse", 6);
	line[HES_FAULT_LINE] = '\0';
	hes_fault_execute(&faults, line, answer);
	assert_string_equal(answer, "error: a line has at most 127 bytes\n");
	line[HES_FAULT_LINE - 1] = '\0';
	command(line, "ok\n");
}

static void the_rmm_gets_its_order(void **state)
{
	struct channel_fault order;

	(void)state;
	command("stall 5", "ok\n");
	command("zero-progress 6", "ok\n");
	command("chunk 7", "ok\n");
	command("error-unknown 8", "ok\n");
	command("overrun 9", "ok\n");
	command("destroy 0x10000", "ok\n");
	hes_fault_strike(&faults, &strike);
	assert_true(hes_fault_order(&strike, &order));
	assert_int_equal(order.patience, 5);
	assert_int_equal(order.idle, 6);
	assert_int_equal(order.chunk, 7);
	assert_int_equal(order.fail, 1);
	assert_int_equal(order.fail_after, 8);
	assert_int_equal(order.extra, 9);
	assert_int_equal(order.destroy, 16);
	command("clear", "ok\n");
	command("error-unknown", "ok\n");
	hes_fault_strike(&faults, &strike);
	assert_true(hes_fault_order(&strike, &order));
	assert_int_equal(order.fail, 1);
	assert_int_equal(order.fail_after, 0);
	command("clear", "ok\n");
	command("stall", "ok\n"); /* the RMM's default patience needs no order */
	hes_fault_strike(&faults, &strike);
	assert_false(hes_fault_order(&strike, &order));
}

static void a_request_is_distorted(void **state)
{
	struct channel_request request, before;

	(void)state;
	for (size_t i = 0; i < sizeof(request); i++)
		((uint8_t *)&request)[i] = (uint8_t)(i / 64);
	before = request;
	command("wrong-challenge", "ok\n");
	hes_fault_strike(&faults, &strike);
	hes_fault_distort(&strike, &request);
	assert_memory_not_equal(request.challenge, before.challenge, 64);
	assert_memory_equal(request.rpv, before.rpv, sizeof(request) - 64);
	request = before;
	command("clear", "ok\n");
	command("stale-rem", "ok\n");
	hes_fault_strike(&faults, &strike);
	hes_fault_distort(&strike, &request);
	assert_memory_equal(&request, &before, 64 + 64 + 64);
	assert_memory_equal(request.measurement[1], before.before, sizeof(before.before));
}

static void profiles_by_name(void **state)
{
	(void)state;
	assert_string_equal(hes_profiles[HES_PROFILE_DEFAULT].name, "2023");
	assert_int_equal(hes_profile_find("2023x", 4), HES_PROFILE_DEFAULT);
	assert_int_equal(hes_profile_find("2023x", 5), -1);
	assert_int_equal(hes_profile_find("202", 3), -1);
	assert_int_equal(hes_profile_find("", 0), -1);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_command_there_is_no_fault),
		TEST(each_fault_by_its_name),
		TEST(show_lists_armed_faults),
		TEST(all_faults_fit_into_an_answer),
		TEST(a_fault_ends_after_its_count),
		TEST(clear_ends_one_or_all),
		TEST(an_invalid_command_changes_nothing),
		TEST(a_long_line_is_refused),
		TEST(the_rmm_gets_its_order),
		TEST(a_request_is_distorted),
		TEST(profiles_by_name),
	};

	return cmocka_run_group_tests_name("hes_fault", tests, NULL, NULL);
}
