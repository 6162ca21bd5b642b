// SPDX-License-Identifier: Apache-2.0
/* The pool of processes that evaluate policies, with a program that does what the policy says
 * (fake_policy.c) in the place of realmkey-policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "rego/process.h"
#include "rego/question.h"
#include "trusteed/policy/pool.h"

#define TIME  2000 /* ms for a question */
#define STILL 5000 /* ms in which a busy machine does anything that does not wait */

struct asked {
	struct pool_job job;
	int done; /* how often */
	bool allowed;
	struct error e;
	int64_t at; /* when: boot clock, ms */
	/* Asked in the callback, if not NULL. */
	struct asked *next;
	const char *next_policy;
};

static struct loop *loop;
static struct pool *pool;

static const struct pool_limits limits = {
	.processes = 2,
	.waiting = 8,
	.memory = (size_t)256 << 20,
	.time = TIME,
};

static int setup(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	setenv("REALMKEY_POLICY", getenv("FAKE_POLICY"), 1);
	loop = loop_open(&e);
	assert_non_null(loop);
	pool = pool_open(loop, &limits, &e);
	assert_non_null(pool);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pool_close(pool);
	loop_close(loop);
	return 0;
}

static int ask(struct asked *asked, const char *policy, struct error *e);

static void on_done(struct pool_job *job, json_t *answer, const struct error *e)
{
	struct asked *asked = (struct asked *)job;
	const json_t *values = json_object_get(answer, "values");
	struct error why = ERROR_INIT;

	assert_true((answer != NULL) != (e != NULL));
	asked->done++;
	asked->at = clock_boot_ms();
	asked->allowed = json_is_true(json_object_get(values, REGO_ALLOW));
	if (e)
		asked->e = *e;
	if (asked->next)
		assert_int_equal(ask(asked->next, asked->next_policy, &why), 0);
}

/* Ask a question of @len bytes more with the policy @policy. */
static int ask_long(struct asked *asked, const char *policy, size_t len, struct error *e)
{
	static const char *const rules[] = { REGO_ALLOW, NULL };
	struct bytes text = BYTES_INIT, question = BYTES_INIT, more = BYTES_INIT;
	json_t *input;
	int ret;

	assert_int_equal(bytes_resize(&more, len + 1, e), 0);
	memset(more.data, 'x', len);
	input = json_pack("{s:s}", "more", bytes_text(&more));
	bytes_append_text(&text, policy);
	assert_int_equal(rego_ask_evaluate(&text, rules, input, NULL, NULL, &question, e), 0);
	asked->job.done = on_done;
	ret = pool_ask(pool, &asked->job, policy, &question, e);
	assert_int_equal(asked->done, 0);
	assert_int_equal(question.len == 0, ret == 0);
	json_decref(input);
	bytes_free(&question);
	bytes_free(&more);
	bytes_free(&text);
	return ret;
}

static int ask(struct asked *asked, const char *policy, struct error *e)
{
	return ask_long(asked, policy, 0, e);
}

static void ask_ok(struct asked *asked, const char *policy)
{
	struct error e = ERROR_INIT;

	if (ask(asked, policy, &e) < 0)
		fail_msg("%s", e.text);
}

/* Run the loop until @asked is done. */
static void await(const struct asked *asked)
{
	int64_t end = clock_boot_ms() + 20000;
	struct error e = ERROR_INIT;

	while (!asked->done) {
		assert_int_equal(loop_step(loop, 1000, &e), 0);
		assert_true(clock_boot_ms() < end);
	}
}

/* Run the loop for @ms. */
static void run_for(int64_t ms)
{
	int64_t end = clock_boot_ms() + ms;
	struct error e = ERROR_INIT;

	while (clock_boot_ms() < end)
		assert_int_equal(loop_step(loop, 10, &e), 0);
}

static void expect_allowed(const char *policy)
{
	struct asked asked = { 0 };

	ask_ok(&asked, policy);
	await(&asked);
	if (!asked.allowed)
		fail_msg("%s: %s", policy, asked.e.text);
	assert_int_equal(asked.done, 1);
}

static void a_question_is_answered(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		expect_allowed("fine");
	expect_allowed("slowly");
}

static void a_long_question_is_answered(void **state)
{
	struct asked asked[3] = { 0 };
	struct error e = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
		assert_int_equal(ask_long(&asked[i], "fine", (size_t)3 << 20, &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		await(&asked[i]);
		assert_true(asked[i].allowed);
	}
}

static const struct {
	const char *policy;
	enum error_kind kind;
	const char *cause;
} failures[] = {
	{ "hang", ERROR_POLICY, "the policy took longer than 2.0 s and was ended" },
	{ "too slow", ERROR_POLICY, "the policy took longer than 2.0 s and was ended" },
	{ "die", ERROR_SYSTEM, "SIGKILL" },
	{ "leave", ERROR_SYSTEM, "ended" },
	{ "garbage", ERROR_PROTOCOL, "" },
	{ "endless", ERROR_PROTOCOL, "" },
	{ "twice", ERROR_PROTOCOL, "realmkey-policy answered" },
	{ "mistaken", ERROR_INPUT, "line 3, column 7: a mistake" },
};

/* Each failure has its cause, and the next question is answered. */
static void a_process_that_fails_is_replaced(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		int64_t begun = clock_boot_ms();
		struct asked asked = { 0 };

		ask_ok(&asked, failures[i].policy);
		await(&asked);
		assert_false(asked.allowed);
		assert_int_equal(asked.done, 1);
		assert_true(asked.at - begun < TIME + STILL);
		assert_string_not_equal(asked.e.text, "");
		if (asked.e.kind != failures[i].kind || !strstr(asked.e.text, failures[i].cause))
			fail_msg("%s: %d %s", failures[i].policy, (int)asked.e.kind, asked.e.text);
		expect_allowed("fine");
	}
}

static void a_process_that_ends_between_questions_is_replaced(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		expect_allowed("last");
		run_for(TIME / 4);
	}
	/* Whether the loop has seen the end or not. */
	expect_allowed("fine");
}

/* One policy that hangs, asked again and again, does not keep another one waiting. */
static void one_policy_does_not_occupy_all_processes(void **state)
{
	struct asked hang[3] = { 0 }, fine[4] = { 0 };
	int64_t begun = clock_boot_ms();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hang); i++)
		ask_ok(&hang[i], "hang");
	for (size_t i = 0; i < ARRAY_SIZE(fine); i++)
		ask_ok(&fine[i], "fine");
	for (size_t i = 0; i < ARRAY_SIZE(fine); i++) {
		await(&fine[i]);
		assert_true(fine[i].allowed);
	}
	assert_true(fine[3].at - begun < TIME);
	assert_int_equal(hang[0].done, 0);
	for (size_t i = 0; i < ARRAY_SIZE(hang); i++) {
		await(&hang[i]);
		assert_true(hang[i].at - begun >= TIME * (int64_t)(i + 1));
	}
}

static void a_question_waits_for_a_limited_time(void **state)
{
	struct pool_limits longer = limits;
	struct asked hang[8] = { 0 };
	int64_t begun = clock_boot_ms();
	struct error e = ERROR_INIT;

	(void)state;
	pool_close(pool);
	longer.waiting = 32;
	pool = pool_open(loop, &longer, &e);
	assert_non_null(pool);
	/* They have one process, so the sixth could begin only when it has waited as long as five take. */
	for (size_t i = 0; i < ARRAY_SIZE(hang); i++)
		ask_ok(&hang[i], "hang");
	await(&hang[7]);
	for (size_t i = 5; i < ARRAY_SIZE(hang); i++) {
		await(&hang[i]);
		assert_int_equal(hang[i].e.kind, ERROR_POLICY);
		assert_string_equal(hang[i].e.text, "no process was free for the policy for 10 s");
		assert_true(hang[i].at - begun < 6 * TIME);
	}
	assert_int_equal(hang[3].done, 1);
	await(&hang[4]);
}

static void a_queue_has_a_limit(void **state)
{
	struct asked asked[10] = { 0 };
	struct error e = ERROR_INIT;

	(void)state;
	/* One policy has half of the 8 places. */
	for (size_t i = 0; i < 4; i++)
		ask_ok(&asked[i], "late");
	assert_int_equal(ask(&asked[4], "late", &e), -1);
	assert_int_equal(e.kind, ERROR_POLICY);
	for (size_t i = 4; i < 8; i++)
		ask_ok(&asked[i], "fine");
	e = (struct error)ERROR_INIT;
	assert_int_equal(ask(&asked[8], "third", &e), -1);
	assert_int_equal(e.kind, ERROR_POLICY);
	for (size_t i = 0; i < 8; i++) {
		await(&asked[i]);
		assert_true(asked[i].allowed);
	}
	ask_ok(&asked[8], "third");
	await(&asked[8]);
	assert_true(asked[8].allowed);
}

static void a_cancelled_question_is_not_answered(void **state)
{
	struct asked hang = { 0 }, waiting[3] = { 0 }, never = { 0 };

	(void)state;
	ask_ok(&hang, "hang");
	for (size_t i = 0; i < ARRAY_SIZE(waiting); i++)
		ask_ok(&waiting[i], "hang");
	run_for(TIME / 4);
	pool_cancel(pool, &waiting[2].job);
	pool_cancel(pool, &hang.job);
	/* Its process was ended, so the next one begins at once. */
	await(&waiting[0]);
	pool_cancel(pool, &waiting[0].job);
	await(&waiting[1]);
	assert_int_equal(hang.done + waiting[2].done, 0);
	ask_ok(&never, "fine");
	pool_cancel(pool, &never.job);
	expect_allowed("fine");
	assert_int_equal(never.done, 0);
}

static void a_callback_asks_again(void **state)
{
	static const char *const policies[] = { "fine", "die", "hang", "mistaken" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		struct asked second = { 0 }, first = { .next = &second, .next_policy = "fine" };

		ask_ok(&first, policies[i]);
		await(&second);
		assert_true(second.allowed);
		assert_int_equal(first.done, 1);
	}
}

static void the_pool_is_closed_with_questions(void **state)
{
	struct asked hang[4] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hang); i++)
		ask_ok(&hang[i], "hang");
	run_for(TIME / 4);
	pool_close(pool);
	pool = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(hang); i++)
		assert_int_equal(hang[i].done, 0);
}

static void a_missing_program_denies(void **state)
{
	struct asked asked = { 0 };
	struct error e = ERROR_INIT;

	(void)state;
	setenv("REALMKEY_POLICY", "/nonexistent", 1);
	assert_false(pool_available());
	assert_int_equal(ask(&asked, "fine", &e), -1);
	assert_int_equal(e.kind, ERROR_POLICY);
	assert_non_null(strstr(e.text, "/nonexistent"));
}

/* A file that can be executed, but is no program: what fails is the start. */
static void a_broken_program_denies(void **state)
{
	char path[] = "/tmp/fake-policy.XXXXXX";
	struct asked asked[3] = { 0 };
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);
	setenv("REALMKEY_POLICY", path, 1);
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
		ask_ok(&asked[i], "fine");
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		await(&asked[i]);
		assert_false(asked[i].allowed);
		assert_string_not_equal(asked[i].e.text, "");
	}
	unlink(path);
}

/* Step until @asked is done. Returns the ms of the longest step, or @longest if that is more. */
static int64_t longest_step(const struct asked *asked, int64_t longest)
{
	struct error e = ERROR_INIT;

	while (!asked->done) {
		int64_t begun = clock_boot_ms();

		assert_int_equal(loop_step(loop, 0, &e), 0);
		if (longest < clock_boot_ms() - begun)
			longest = clock_boot_ms() - begun;
	}
	return longest;
}

/* How long the loop stands still for one step, also when processes start and are killed. */
static void the_loop_does_not_stand_still(void **state)
{
	int64_t longest = 0;

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct asked asked = { 0 };

		ask_ok(&asked, i % 2 ? "die" : "garbage");
		longest = longest_step(&asked, longest);
	}
	print_message("# the longest step: %lld ms\n", (long long)longest);
	/* 2 ms on an idle machine. */
	assert_true(longest < STILL);
}

/* --- realmkey-policy itself ----------------------------------------------------------------------- */

static char engine[512];

static int setup_engine(void **state)
{
	int ret = setup(state);

	setenv("REALMKEY_POLICY", engine, 1);
	if (!rego_available())
		print_message(
			"# this build has no realmkey-policy: the tests with it are skipped\n");
	return ret;
}

#define POLICY "package policy\nimport rego.v1\n"

static const struct {
	const char *policy, *cause;
} bad_policies[] = {
	{ POLICY "allow if { some x in numbers.range(1, 100000); some y in "
		 "numbers.range(1, 100000); x * y == -1 }",
	  "the policy took longer than 2.0 s and was ended" },
	{ POLICY "allow := count(numbers.range(1, 1000000000000))",
	  "realmkey-policy ended: the policy needed more memory than it may use" },
	{ POLICY "f(x) := f(x + 1)\nallow if f(1)",
	  "realmkey-policy ended: the policy was nested too deeply" },
	{ POLICY "allow if {\n\tinput.x ==\n}", "line 5, column 1" },
};

/* Each one is cut off with its cause, and others are answered in the meantime. */
static void bad_policies_are_cut_off(void **state)
{
	struct pool_limits real = POOL_LIMITS_INIT;
	struct error e = ERROR_INIT;

	if (!rego_available())
		skip();
	(void)state;
	pool_close(pool);
	pool = pool_open(loop, &real, &e);
	assert_non_null(pool);
	expect_allowed(POLICY "allow := true");
	for (size_t i = 0; i < ARRAY_SIZE(bad_policies); i++) {
		struct asked bad = { 0 };
		int fine = 0;

		ask_ok(&bad, bad_policies[i].policy);
		while (!bad.done) {
			expect_allowed(POLICY "allow := true");
			fine++;
		}
		assert_false(bad.allowed);
		if (!strstr(bad.e.text, bad_policies[i].cause))
			fail_msg("%zu: %s", i, bad.e.text);
		print_message("# %s; %d others meanwhile\n", bad.e.text, fine);
		assert_true(fine > 0);
	}
}

/* How long the loop stands still while engines start, allocate and are ended. */
static void the_engine_does_not_hold_up_the_loop(void **state)
{
	int64_t longest = 0;

	if (!rego_available())
		skip();
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct asked asked = { 0 };

		/* Its end, by its time or by its memory, releases what it has. */
		ask_ok(&asked,
		       POLICY "allow := count([[x, y] | some x in numbers.range(1, 100000); "
			      "some y in numbers.range(1, 100000)])");
		longest = longest_step(&asked, longest);
	}
	print_message("# the longest step: %lld ms\n", (long long)longest);
	assert_true(longest < STILL);
}

#define REAL(name) cmocka_unit_test_setup_teardown(name, setup_engine, teardown)
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_question_is_answered),
		CASE(a_long_question_is_answered),
		CASE(a_process_that_fails_is_replaced),
		CASE(a_process_that_ends_between_questions_is_replaced),
		CASE(one_policy_does_not_occupy_all_processes),
		CASE(a_question_waits_for_a_limited_time),
		CASE(a_queue_has_a_limit),
		CASE(a_cancelled_question_is_not_answered),
		CASE(a_callback_asks_again),
		CASE(the_pool_is_closed_with_questions),
		CASE(a_missing_program_denies),
		CASE(a_broken_program_denies),
		CASE(the_loop_does_not_stand_still),
		REAL(bad_policies_are_cut_off),
		REAL(the_engine_does_not_hold_up_the_loop),
	};
	const char *named = getenv("REALMKEY_POLICY");

	snprintf(engine, sizeof(engine), "%s", named ? named : "/nonexistent");
	return cmocka_run_group_tests_name("trusteed_pool", tests, NULL, NULL);
}
