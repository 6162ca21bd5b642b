// SPDX-License-Identifier: Apache-2.0
/* The results of a replay of an event log. */
#include "event_log_test.h"

static void a_log_leads_to_the_registers(void **state)
{
	static const uint8_t zeros[SHA256_SIZE];

	(void)state;
	value[0][0] = 1; /* the RIM, which is not in the log */
	for (uint32_t i = 1; i < REALM_REGISTERS; i++)
		put_restart(EVENT_BASE, i, zeros);
	extend(1, 'a');
	extend(3, 'b');
	extend(1, 'c');
	decodes(7);
	replays(true, EVENT_REPLAY_NONE);
	assert_int_equal(replay.reg[1].extensions, 2);
	assert_int_equal(replay.reg[1].gaps, 0);
	assert_int_equal(replay.reg[3].extensions, 1);
	assert_memory_equal(replay.reg[1].value, value[1], SHA256_SIZE);
	assert_string_equal(replay.reason, "");
}

static void a_log_without_base_starts_at_zero(void **state)
{
	(void)state;
	decodes(0);
	replays(true, EVENT_REPLAY_NONE);
	extend(4, 'a');
	decodes(1);
	replays(true, EVENT_REPLAY_NONE);
}

/* The known answer is SHA-256 of 32 zeros and 32 times 'a', from another program. */
static void an_extension_hashes_old_value_and_digest(void **state)
{
	static const char wanted[] =
		"02e1135630209abf08d0402d579a5282ed2b5b50bb51ee0ed1450792d5d979a0";
	struct bytes hex = BYTES_INIT;

	(void)state;
	put_event(1, 13, digest_of('a'), "", 0);
	decodes(1);
	assert_int_equal(event_replay_run(&log_, value, &replay, &error), 0);
	encode_hex(replay.reg[1].value, SHA256_SIZE, &hex);
	assert_string_equal(bytes_text(&hex), wanted);
	bytes_free(&hex);
}

static void restarts_are_gaps(void **state)
{
	(void)state;
	memcpy(value[1], digest_of('x'), SHA256_SIZE);
	put_restart(EVENT_BASE, 1, value[1]);
	extend(1, 'a');
	memcpy(value[1], digest_of('y'), SHA256_SIZE);
	put_restart(EVENT_FOREIGN, 1, value[1]);
	extend(1, 'b');
	decodes(4);
	replays(true, EVENT_REPLAY_NONE);
	assert_int_equal(replay.reg[1].gaps, 2);
	assert_int_equal(replay.reg[1].extensions, 2);
}

static void an_additional_record_does_not_fit(void **state)
{
	(void)state;
	extend(1, 'a');
	extend(2, 'b');
	put_event(2, 13, digest_of('c'), "", 0);
	put_event(1, 13, digest_of('d'), "", 0);
	put_event(2, 13, digest_of('e'), "", 0);
	decodes(5);
	replays(false, 2);
	assert_true(replay.reg[3].fits);
	assert_int_equal(replay.reg[1].misfit, 3);
	assert_int_equal(replay.reg[2].misfit, 2);
	assert_string_equal(replay.reason, "REM1 differs after this record and all later ones");
}

static void a_missing_record_does_not_fit(void **state)
{
	(void)state;
	extend(1, 'a');
	extend(1, 'b');
	register_extend(1, digest_of('c'));
	decodes(2);
	replays(false, 0);
	bytes_resize(&raw, HEADER_SIZE, &error);
	decodes(0);
	replays(false, EVENT_REPLAY_NONE);
	assert_int_equal(replay.reg[1].misfit, EVENT_REPLAY_NONE);
	assert_false(replay.reg[1].fits);
}

static void records_before_a_foreign_one_are_not_reported(void **state)
{
	(void)state;
	extend(1, 'a');
	put_restart(EVENT_FOREIGN, 1, digest_of('y'));
	extend(1, 'b');
	memcpy(value[1], digest_of('z'), SHA256_SIZE);
	decodes(3);
	replays(false, 1);
}

static void a_tagged_event_has_its_own_digest(void **state)
{
	struct bytes event = BYTES_INIT;
	uint8_t digest[SHA256_SIZE];

	(void)state;
	event_tagged_put("a", "b", "c", &event);
	SHA256(event.data, event.len, digest);
	put_event(1, EVENT_TYPE_TAG, digest, event.data, event.len);
	register_extend(1, digest);
	decodes(1);
	replays(true, EVENT_REPLAY_NONE);
	raw.data[raw.len - 1] ^= 1;
	decodes(1);
	replays(false, 0);
	assert_true(replay.reg[1].fits);
	assert_string_equal(replay.reason, "its digest is not that of its event");
	bytes_free(&event);
}

static void there_are_five_registers(void **state)
{
	(void)state;
	extend(1, 'a');
	put_event(5, 13, digest_of('b'), "", 0);
	decodes(2);
	replays(false, 1);
	assert_string_equal(replay.reason, "there is no register 5");
}

static void rim_cannot_be_extended(void **state)
{
	(void)state;
	value[0][0] = 1;
	put_event(0, 13, digest_of('a'), "", 0);
	decodes(1);
	replays(false, 0);
}

static void other_no_action_records_extend_nothing(void **state)
{
	(void)state;
	put_event(1, EVENT_TYPE_NO_ACTION, digest_of('a'), "StartupLocality\0\3", 17);
	put_event(1, EVENT_TYPE_NO_ACTION, digest_of('a'), "", 0);
	decodes(2);
	assert_int_equal(log_.record[0].kind, EVENT_NOTE);
	replays(true, EVENT_REPLAY_NONE);
	assert_int_equal(replay.reg[1].extensions, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_log_leads_to_the_registers),
		TEST(a_log_without_base_starts_at_zero),
		TEST(an_extension_hashes_old_value_and_digest),
		TEST(restarts_are_gaps),
		TEST(an_additional_record_does_not_fit),
		TEST(a_missing_record_does_not_fit),
		TEST(records_before_a_foreign_one_are_not_reported),
		TEST(a_tagged_event_has_its_own_digest),
		TEST(there_are_five_registers),
		TEST(rim_cannot_be_extended),
		TEST(other_no_action_records_extend_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
