/* SPDX-License-Identifier: Apache-2.0 */
/* hes as a process: the effect of each fault on command on a token, judged by our verifier. */
#include "hes_process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "base/json.h"
#include "cca/cca_verify.h"

#define SEQ 100

static int machine = -1, control = -1;
static uint32_t seq;

static int setup(void **state)
{
	if (hes_setup(state))
		return -1;
	hes_start("399");
	machine = hes_dial(hes.socket);
	control = hes_dial(hes.control);
	seq = SEQ;
	return 0;
}

static int teardown(void **state)
{
	close(machine);
	close(control);
	return hes_teardown(state);
}

/* The next line from the control socket must be @expected. */
static void line_expect(const char *expected)
{
	char answer[256];
	size_t got = 0;

	do {
		assert_true(got + 1 < sizeof(answer) && hes_readable(control, HES_TIMEOUT));
		assert_int_equal(read(control, answer + got, 1), 1);
	} while (answer[got++] != '\n');
	answer[got - 1] = '\0';
	assert_string_equal(answer, expected);
}

/* Sends the command @line. The first line of its answer must be @expected. */
static void command(const char *line, const char *expected)
{
	assert_int_equal(dprintf(control, "%s\n", line), strlen(line) + 1);
	line_expect(expected);
}

static void arm(const char *line)
{
	command(line, "ok");
}

static uint64_t ms(void)
{
	struct timeval t;

	gettimeofday(&t, NULL);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_usec / 1000;
}

static struct channel_request request(void)
{
	struct channel_request r = hes_request(0x11, 0);

	memset(r.challenge, 0xc1, sizeof(r.challenge));
	memset(r.before, 0xbe, sizeof(r.before));
	return r;
}

static void ask(uint16_t rec)
{
	struct channel_request r = request();

	hes_ask(machine, rec, ++seq, &r);
}

/* The next frame must have @type and answer the last request. */
static void expect(struct channel_reader *reader, enum channel_type type)
{
	hes_answer(machine, reader);
	assert_int_equal(reader->header.type, type);
	assert_int_equal(reader->header.seq, seq);
}

/* Requests a token and verifies it with the anchors of this hes. Returns the cause. */
static enum cca_cause token_judge(struct cca_token *token, struct cca_verdict *verdict)
{
	struct cca_anchors anchors = CCA_ANCHORS_INIT;
	struct channel_request r = request();
	struct channel_reader reader;
	struct error e = ERROR_INIT;
	char path[96];

	ask(0);
	expect(&reader, CHANNEL_TOKEN);
	snprintf(path, sizeof(path), "%s/cpak.pub.jwk", hes.keys);
	assert_int_equal(io_each_file(path, cca_anchors_suffixes, JSON_INPUT_MAX, cca_anchors_use,
				      &anchors, &e),
			 0);
	if (cca_token_decode(reader.payload, reader.header.size, token, verdict, &e) == 0)
		cca_token_verify(token, &anchors, r.challenge, verdict, NULL, &e);
	cca_anchors_free(&anchors);
	return verdict->cause;
}

/* @warning: a part of the expected warning, or NULL for none */
static void verdict_expect(enum cca_cause cause, const char *warning)
{
	struct cca_token token = CCA_TOKEN_INIT;
	struct cca_verdict verdict = CCA_VERDICT_INIT;

	if (token_judge(&token, &verdict) != cause)
		fail_msg("%s: %s", cca_cause_name(verdict.cause), verdict.detail);
	if (warning)
		assert_non_null(strstr(verdict.warning, warning));
	else
		assert_string_equal(verdict.warning, "");
	cca_token_free(&token);
}

static void profiles_and_tags(void **state)
{
	static const struct {
		const char *line;
		enum cca_cause cause;
		const char *warning;
	} cases[] = {
		{ "profile 2023", CCA_OK, NULL },
		{ "profile legacy", CCA_OK, NULL },
		{ "profile 2024", CCA_OK, NULL },
		{ "profile 2026", CCA_OK, NULL },
		{ "profile 2023/2024", CCA_OK, "no specification pairs" },
		{ "profile legacy/2023", CCA_OK, "no specification pairs" },
		{ "profile 2026/legacy", CCA_OK, "no specification pairs" },
		{ "profile unknown", CCA_E_PROFILE, NULL },
		{ "profile 2023/unknown", CCA_E_PROFILE, NULL },
		{ "tag 907", CCA_OK, NULL },
		{ "tag 399", CCA_OK, NULL },
		{ "tag 400", CCA_E_TOP_TAG, NULL },
	};

	(void)state;
	verdict_expect(CCA_OK, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		arm("clear");
		arm(cases[i].line);
		verdict_expect(cases[i].cause, cases[i].warning);
	}
	arm("profile 2026"); /* with the tag of that generation */
	arm("tag 907");
	verdict_expect(CCA_OK, NULL);
}

static void wrong_challenge(void **state)
{
	(void)state;
	arm("wrong-challenge count 1");
	verdict_expect(CCA_E_FRESHNESS, NULL);
	verdict_expect(CCA_OK, NULL);
}

static void stale_rem(void **state)
{
	struct cca_token token = CCA_TOKEN_INIT;
	struct cca_verdict verdict = CCA_VERDICT_INIT;
	uint8_t old[32];

	(void)state;
	arm("stale-rem");
	assert_int_equal(token_judge(&token, &verdict), CCA_OK);
	memset(old, 0xbe, sizeof(old));
	for (int i = 0; i < REALM_REMS; i++)
		assert_memory_equal(token.realm.rem[i].data, old, sizeof(old));
	memset(old, 0x11, sizeof(old));
	assert_memory_equal(token.realm.rim.data, old, sizeof(old));
	cca_token_free(&token);
}

static uint32_t next_size(void)
{
	struct channel_reader reader;

	ask(0);
	expect(&reader, CHANNEL_TOKEN);
	return reader.header.size;
}

static void sizes(void **state)
{
	static const char *const oversize[] = { "2000", "4096", "4097", "5000", "8192" };
	uint32_t whole = next_size();
	char line[32];

	(void)state;
	arm("truncated 1");
	assert_int_equal(next_size(), 1);
	arm("truncated");
	assert_int_equal(next_size(), whole / 2);
	verdict_expect(CCA_E_CBOR, NULL);
	arm("truncated 4096"); /* longer than the token: no effect */
	assert_int_equal(next_size(), whole);
	arm("clear");
	for (size_t i = 0; i < ARRAY_SIZE(oversize); i++) {
		snprintf(line, sizeof(line), "oversize %s", oversize[i]);
		arm(line);
		assert_int_equal(next_size(), atoi(oversize[i]));
		verdict_expect(CCA_OK, NULL); /* an unknown claim enlarges the token */
	}
	arm("oversize 10");
	assert_int_equal(next_size(), whole);
	for (uint32_t i = 1; i < 20; i++) { /* less than the size of an empty claim */
		snprintf(line, sizeof(line), "oversize %u", whole + i);
		arm(line);
		assert_true(next_size() < whole + 40);
	}
}

static void refusals(void **state)
{
	struct channel_reader reader;

	(void)state;
	arm("refuse count 2");
	for (int i = 0; i < 2; i++) {
		ask(0);
		expect(&reader, CHANNEL_REFUSAL);
		assert_int_equal(reader.header.size, 0);
	}
	verdict_expect(CCA_OK, NULL);
}

static void late_answers(void **state)
{
	struct channel_reader reader;
	uint64_t begun = ms();

	(void)state;
	arm("late 400 count 1");
	ask(3);
	ask(4); /* another REC is not delayed */
	expect(&reader, CHANNEL_TOKEN);
	assert_int_equal(reader.header.rec, 4);
	seq--;
	expect(&reader, CHANNEL_TOKEN);
	assert_int_equal(reader.header.rec, 3);
	assert_true(ms() - begun >= 400);
}

/* A stalled request gets no answer when it is repeated. A new request replaces it. */
static void a_stall_ends_when_it_is_cleared(void **state)
{
	struct channel_request r = request();
	struct channel_reader reader;

	(void)state;
	arm("stall");
	ask(1);
	hes_ask(machine, 1, seq, &r);
	assert_false(hes_readable(machine, 300));
	ask(1);
	assert_false(hes_readable(machine, 300));
	arm("clear");
	expect(&reader, CHANNEL_TOKEN);
	assert_false(hes_readable(machine, 100));
	verdict_expect(CCA_OK, NULL);
}

static void order_expect(const struct channel_fault *wanted)
{
	struct channel_reader reader;

	expect(&reader, CHANNEL_FAULT);
	assert_int_equal(reader.header.size, sizeof(*wanted));
	assert_memory_equal(reader.payload, wanted, sizeof(*wanted));
}

static void orders_for_the_rmm_come_before_the_token(void **state)
{
	static const struct {
		const char *line;
		struct channel_fault order;
	} cases[] = {
		{ "zero-progress", { .idle = CHANNEL_FOR_EVER } },
		{ "error-unknown 5", { .fail = 1, .fail_after = 5 } },
		{ "chunk 7", { .chunk = 7 } },
		{ "overrun 8", { .extra = 8 } },
		{ "destroy 0x41234000", { .destroy = 0x41234 } },
	};
	static const struct channel_fault none;
	struct channel_reader reader;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		arm(cases[i].line);
		ask(5);
		order_expect(&cases[i].order);
		expect(&reader, CHANNEL_TOKEN);
		assert_int_equal(reader.header.rec, 5);
		arm("clear"); /* this ends the fault of the token under way too */
		order_expect(&none);
	}
	arm("stall 900");
	ask(5);
	order_expect(&(struct channel_fault){ .patience = 900 });
	assert_false(hes_readable(machine, 300));
	arm("clear stall");
	order_expect(&none);
	expect(&reader, CHANNEL_TOKEN);
	arm("clear");
	assert_false(hes_readable(machine, 200));
}

/* The answer to a repeated request has the same order and token. A new fault does not affect it. */
static void a_repeated_request_has_the_same_faults(void **state)
{
	struct channel_request r = request();
	struct channel_reader reader;

	(void)state;
	arm("chunk 7 count 1");
	arm("truncated 9 count 1");
	ask(5);
	for (int i = 0; i < 2; i++) {
		order_expect(&(struct channel_fault){ .chunk = 7 });
		expect(&reader, CHANNEL_TOKEN);
		assert_int_equal(reader.header.size, 9);
		if (!i) {
			arm("refuse");
			hes_ask(machine, 5, seq, &r);
		}
	}
}

/* The machine gets half an answer, connects again, repeats its request and gets a whole answer. */
static void an_answer_is_cut(void **state)
{
	struct channel_request r = request();
	uint32_t whole = next_size();
	struct channel_reader reader;
	uint8_t bytes[CHANNEL_PAYLOAD_MAX];
	size_t size = 0;
	ssize_t got;

	(void)state;
	arm("cut count 1");
	ask(2);
	do {
		assert_true(hes_readable(machine, HES_TIMEOUT));
		got = read(machine, bytes + size, sizeof(bytes) - size);
		size += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	assert_int_equal(size, sizeof(struct channel_header) + whole / 2);
	close(machine);
	machine = hes_dial(hes.socket);
	hes_ask(machine, 2, seq, &r);
	expect(&reader, CHANNEL_TOKEN);
	assert_int_equal(reader.header.size, whole);
}

static void commands_one_by_one(void **state)
{
	(void)state;
	command("burn", "error: unknown fault, see --list");
	command("late 5", "ok");
	command("refuse\nshow", "ok");
	line_expect("late 5");
	line_expect("refuse");
	line_expect("ok");
	command("", "error: a line is FAULT [ARGUMENT] [count N], clear [FAULT] or show");
}

static bool disconnected(int fd)
{
	char rest[256];
	ssize_t got;

	do {
		assert_true(hes_readable(fd, HES_TIMEOUT));
		got = read(fd, rest, sizeof(rest));
	} while (got > 0);
	return got == 0 || got == -1;
}

/* Bad input on the control socket does not keep hes from serving other peers and machines. */
static void bad_peers_do_not_block_others(void **state)
{
	char flood[4096];
	int peers[8];

	(void)state;
	memset(flood, 'x', sizeof(flood));
	for (int i = 0; i < 8; i++) {
		peers[i] = hes_dial(hes.control);
		assert_true(write(peers[i], i % 2 ? "late" : flood, i % 2 ? 4 : sizeof(flood)) !=
			    0);
	}
	for (int i = 0; i < 8; i += 2) { /* a flood, or one too many */
		assert_true(disconnected(peers[i]));
		close(peers[i]);
	}
	arm("refuse count 1");
	arm("clear");
	verdict_expect(CCA_OK, NULL);
	for (int i = 1; i < 8; i += 2)
		close(peers[i]);
	close(control);
	control = hes_dial(hes.control);
	while (!hes_readable(control, 0) && dprintf(control, "tag 400 count 1\n") > 0 &&
	       !hes_readable(control, 200))
		;
	verdict_expect(CCA_E_TOP_TAG, NULL);
}

static void a_disconnected_machine_gets_no_answer_later(void **state)
{
	(void)state;
	arm("late 200");
	arm("zero-progress");
	ask(0);
	close(machine);
	machine = hes_dial(hes.socket);
	assert_false(hes_readable(machine, 500));
	arm("clear");
	assert_false(hes_readable(machine, 100));
	verdict_expect(CCA_OK, NULL);
	hes_stop();
}

static void a_control_socket_requires_a_socket(void **state)
{
	(void)state;
	assert_int_equal(hes_run("--keys", hes.keys, "--control", hes.control, NULL), 2);
	assert_int_equal(hes_run("--keys", hes.keys, "--socket", hes.control, NULL), 1);
	arm("show");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(profiles_and_tags),
		TEST(wrong_challenge),
		TEST(stale_rem),
		TEST(sizes),
		TEST(refusals),
		TEST(late_answers),
		TEST(a_stall_ends_when_it_is_cleared),
		TEST(orders_for_the_rmm_come_before_the_token),
		TEST(a_repeated_request_has_the_same_faults),
		TEST(an_answer_is_cut),
		TEST(commands_one_by_one),
		TEST(bad_peers_do_not_block_others),
		TEST(a_disconnected_machine_gets_no_answer_later),
		TEST(a_control_socket_requires_a_socket),
	};

	if (!getenv("HES")) {
		fputs("set HES to the path of hes\n", stderr);
		return 1;
	}
	signal(SIGPIPE, SIG_IGN); /* hes may have closed a connection that is written to */
	return cmocka_run_group_tests_name("hes_faults", tests, NULL, NULL);
}
