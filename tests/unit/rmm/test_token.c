/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Token operations: one per REC, frozen at INIT, with a signer that may be slow, silent or wrong.
 */
#include "fake.h"
#include "rsi_fid.h"

#define BASE 0x40000000UL

static uint8_t token[3000];

static int setup(void **state)
{
	(void)state;
	fake_init(BASE, 33);
	for (size_t i = 0; i < sizeof(token); i++)
		token[i] = (uint8_t)(i * 11 + i / 256);
	return 0;
}

static void init(unsigned int rec, uint8_t seed)
{
	uint64_t x[11] = { RSI_TOKEN_INIT };

	memset(&x[1], seed, 64);
	fake_call(rec, x);
	assert_int_equal(x[0], RSI_SUCCESS);
	assert_int_equal(x[1], 0x1000);
}

static void signer_answers(uint32_t size)
{
	fake.answer = token;
	fake.answer_size = size;
}

/*
 * One CONTINUE. Returns its status; @copied is set to the number of bytes, or NULL: it must be 0.
 */
static uint64_t more(unsigned int rec, uint64_t ipa, uint64_t offset, uint64_t size,
		     uint64_t *copied)
{
	uint64_t x[11] = { RSI_TOKEN_CONTINUE, ipa, offset, size };

	fake_call(rec, x);
	assert_int_equal(x[2], 0);
	assert_int_equal(x[3], 0);
	if (copied)
		*copied = x[1];
	else
		assert_int_equal(x[1], 0);
	return x[0];
}

static void input_is_checked_before_state(void **state)
{
	(void)state;
	for (int started = 0; started < 2; started++) {
		assert_int_equal(more(0, BASE + 4, 0, 4096, NULL), RSI_ERROR_INPUT);
		assert_int_equal(more(0, BASE, 4096, 0, NULL), RSI_ERROR_INPUT);
		assert_int_equal(more(0, BASE, 0x800, 0x801, NULL), RSI_ERROR_INPUT);
		assert_int_equal(more(0, BASE, 0x10, UINT64_MAX, NULL), RSI_ERROR_INPUT);
		assert_int_equal(more(0, BASE, UINT64_MAX, 1, NULL), RSI_ERROR_INPUT);
		assert_int_equal(more(0, BASE | 1UL << 32, 0, 4096, NULL), RSI_ERROR_INPUT);
		assert_int_equal(more(0, UINT64_MAX - 4095, 0, 4096, NULL), RSI_ERROR_INPUT);
		assert_int_equal(more(0, BASE, 4095, 1, NULL),
				 started ? RSI_INCOMPLETE : RSI_ERROR_STATE);
		init(0, 0);
	}
}

static void whole_token_at_once(void **state)
{
	uint64_t copied;

	(void)state;
	init(0, 1);
	signer_answers(3000);
	assert_int_equal(more(0, BASE, 0, 4096, &copied), RSI_SUCCESS);
	assert_int_equal(copied, 3000);
	assert_memory_equal(fake.memory[0], token, 3000);
	assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_ERROR_STATE);
}

/* The client may change granule, offset and size in each call. The RMM knows which byte is next. */
static void pieces_at_various_places(void **state)
{
	static const struct {
		uint64_t granule, offset, size;
	} pieces[] = { { 2, 4000, 96 }, { 1, 7, 1 }, { 1, 0, 0 }, { 3, 1, 1000 }, { 1, 0, 4096 } };
	uint64_t copied, at = 0;
	uint8_t got[3000];

	(void)state;
	init(0, 1);
	signer_answers(sizeof(got));
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		bool last = i == ARRAY_SIZE(pieces) - 1;

		assert_int_equal(more(0, BASE + pieces[i].granule * GRANULE, pieces[i].offset,
				      pieces[i].size, &copied),
				 last ? RSI_SUCCESS : RSI_INCOMPLETE);
		assert_int_equal(copied, last ? sizeof(got) - at : pieces[i].size);
		memcpy(got + at, fake.memory[pieces[i].granule] + pieces[i].offset, copied);
		at += copied;
	}
	assert_int_equal(at, sizeof(got));
	assert_memory_equal(got, token, sizeof(got));
}

static void a_last_piece_of_the_requested_size(void **state)
{
	uint64_t copied;

	(void)state;
	init(0, 1);
	signer_answers(200);
	assert_int_equal(more(0, BASE, 0, 100, &copied), RSI_INCOMPLETE);
	assert_int_equal(more(0, BASE, 100, 100, &copied), RSI_SUCCESS);
	assert_int_equal(copied, 100);
}

static void claims_are_frozen_at_init(void **state)
{
	uint8_t before[REALM_MEASUREMENTS][HASH_SIZE_MAX];

	(void)state;
	memset(fake.realm.measurement[0], 0x11, 32);
	memset(fake.realm.rpv, 0x22, 64);
	fake.realm.hash_algo = HASH_SHA384;
	CALL(1, RSI_MEASUREMENT_EXTEND, 1, 8, 42);
	memcpy(before, fake.realm.measurement, sizeof(before));
	init(0, 0x5a);
	CALL(1, RSI_MEASUREMENT_EXTEND, 1, 8, 43);
	assert_memory_not_equal(before, fake.realm.measurement, sizeof(before));
	fake.now += 5000;
	more(0, BASE, 0, 4096, NULL);
	fake.now += 5000;
	more(0, BASE, 0, 4096, NULL);
	assert_int_equal(fake.sends, 2);
	assert_memory_equal(fake.request.measurement, before, sizeof(before));
	assert_memory_equal(fake.request.rpv, fake.realm.rpv, 64);
	for (int i = 0; i < 64; i++)
		assert_int_equal(fake.request.challenge[i], 0x5a);
	assert_int_equal(fake.request.hash_algo, 2);
}

static void recs_are_independent(void **state)
{
	uint64_t copied;
	uint32_t seq[2];

	(void)state;
	init(0, 1);
	seq[0] = fake.seq;
	init(1, 2);
	seq[1] = fake.seq;
	assert_true(seq[0] != seq[1]);
	assert_int_equal(more(2, BASE, 0, 4096, NULL), RSI_ERROR_STATE);
	token_answer(&fake.realm, 1, seq[1], token, 20);
	assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_INCOMPLETE);
	assert_int_equal(more(1, BASE, 0, 4096, &copied), RSI_SUCCESS);
	assert_int_equal(copied, 20);
	token_answer(&fake.realm, 0, seq[0], token, 30);
	assert_int_equal(more(0, BASE, 0, 4096, &copied), RSI_SUCCESS);
	assert_int_equal(copied, 30);
}

static void answers_must_match(void **state)
{
	(void)state;
	init(0, 1);
	token_answer(&fake.realm, 0, fake.seq + 1, token, 20);
	token_answer(&fake.realm, 1, fake.seq, token, 20);
	token_answer(&fake.realm, REC_MAX, fake.seq, token, 20);
	token_answer(&fake.realm, 4, fake.seq, token, 20); /* this vCPU does not exist */
	assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_INCOMPLETE);
}

static void init_discards_the_operation_under_way(void **state)
{
	uint64_t copied;
	uint32_t old;

	(void)state;
	init(0, 1);
	old = fake.seq;
	signer_answers(3000);
	assert_int_equal(more(0, BASE, 0, 10, &copied), RSI_INCOMPLETE);
	fake.answer = NULL;
	init(0, 2);
	assert_true(fake.seq != old);
	token_answer(&fake.realm, 0, old, token, 99);
	assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_INCOMPLETE);
	token_answer(&fake.realm, 0, fake.seq, token + 1, 50);
	assert_int_equal(more(0, BASE, 0, 4096, &copied), RSI_SUCCESS);
	assert_int_equal(copied, 50);
	assert_memory_equal(fake.memory[0], token + 1, 50);
}

static void a_second_answer_changes_nothing(void **state)
{
	uint64_t copied;

	(void)state;
	init(0, 1);
	token_answer(&fake.realm, 0, fake.seq, token, 20);
	token_answer(&fake.realm, 0, fake.seq, token + 5, 70);
	token_answer(&fake.realm, 0, fake.seq, NULL, 0);
	assert_int_equal(more(0, BASE, 0, 4096, &copied), RSI_SUCCESS);
	assert_int_equal(copied, 20);
	assert_memory_equal(fake.memory[0], token, 20);
}

static void silence_ends_after_ten_seconds(void **state)
{
	(void)state;
	init(0, 1);
	fake.now += 60000; /* the realm was busy, so its waiting begins only now */
	assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_INCOMPLETE);
	fake.now += 9999;
	assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_INCOMPLETE);
	fake.now += 1;
	assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_ERROR_UNKNOWN);
	assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_ERROR_STATE);
}

/* Eight RECs may wait for one slow signer. The RMM gives up when the signer is silent to all. */
static void a_signer_that_answers_others_is_not_silent(void **state)
{
	uint32_t seq;

	(void)state;
	init(1, 1);
	seq = fake.seq;
	init(0, 1);
	assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_INCOMPLETE);
	fake.now += 9000;
	token_answer(&fake.realm, 1, seq, token, 20);
	fake.now += 9999;
	assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_INCOMPLETE);
	fake.now += 1;
	assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_ERROR_UNKNOWN);
}

/* The realm abandoned a token. Its answer comes late, so that the next one's is later still. */
static void a_signer_that_answers_too_late_is_not_silent(void **state)
{
	uint64_t copied;
	uint32_t old;

	(void)state;
	init(0, 1);
	old = fake.seq;
	init(0, 2);
	assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_INCOMPLETE);
	fake.now += 9000;
	token_answer(&fake.realm, 0, old, token, 20);
	fake.now += 9000;
	assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_INCOMPLETE);
	token_answer(&fake.realm, 0, fake.seq, token, 30);
	assert_int_equal(more(0, BASE, 0, 4096, &copied), RSI_SUCCESS);
	assert_int_equal(copied, 30);
}

static void the_request_is_repeated(void **state)
{
	uint32_t seq;

	(void)state;
	init(0, 1);
	seq = fake.seq;
	for (int i = 0; i < 50; i++, fake.now += 100)
		assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_INCOMPLETE);
	assert_int_equal(fake.sends, 3); /* at INIT, after 2 s and after 4 s */
	assert_int_equal(fake.seq, seq);
}

/*
 * The signer was restarted, has lost the request of one REC, and keeps answering another REC. The
 * lost request is repeated nevertheless, and its REC does not wait for ever.
 */
static void a_lost_request_is_repeated(void **state)
{
	uint64_t copied, waited = 0;
	uint32_t seq;

	(void)state;
	init(0, 1);
	seq = fake.seq;
	for (unsigned int i = 0; more(0, BASE, 0, 4096, NULL) == RSI_INCOMPLETE;
	     i++, waited += 500) {
		assert_int_equal(fake.sends, 1 + i + i / 4); /* including the other REC's */
		init(1, 2);
		token_answer(&fake.realm, 1, fake.seq, token, 20);
		assert_int_equal(more(1, BASE, 0, 4096, &copied), RSI_SUCCESS);
		fake.now += 500;
	}
	assert_int_equal(waited, 20000);
	assert_true(fake.seq != seq);
}

static void refusal(void **state)
{
	(void)state;
	init(0, 1);
	fake.refuse = true;
	assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_ERROR_UNKNOWN);
	assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_ERROR_STATE);
	init(0, 1);
	fake.refuse = false;
	signer_answers(CHANNEL_PAYLOAD_MAX + 1);
	assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_ERROR_UNKNOWN);
	init(0, 1);
	signer_answers(0);
	assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_ERROR_UNKNOWN);
}

/* TF-RMM reports a token for which it has no room as an error of the realm. */
static void oversize_token(void **state)
{
	(void)state;
	for (fake.realm.quirks = 0; fake.realm.quirks < QUIRK_ALL;
	     fake.realm.quirks += QUIRK_OVERSIZE_INPUT) {
		bool quirk = fake.realm.quirks & QUIRK_OVERSIZE_INPUT;

		init(0, 1);
		signer_answers(CHANNEL_PAYLOAD_MAX + 1);
		assert_int_equal(more(0, BASE, 0, 4096, NULL),
				 quirk ? RSI_ERROR_INPUT : RSI_ERROR_UNKNOWN);
		assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_ERROR_STATE);
		fake.answer = NULL;
		fake.refuse = true; /* a refusal is ERROR_UNKNOWN with the quirk too */
		init(0, 1);
		assert_int_equal(more(0, BASE, 0, 4096, NULL), RSI_ERROR_UNKNOWN);
		fake.refuse = false;
	}
}

/* A call with size 0 makes progress with signing, and is never the last piece. */
static void calls_of_size_zero(void **state)
{
	uint64_t copied;

	(void)state;
	init(0, 1);
	assert_int_equal(more(0, BASE, 0, 0, NULL), RSI_INCOMPLETE);
	signer_answers(10);
	for (int i = 0; i < 3; i++)
		assert_int_equal(more(0, BASE, 4095, 0, NULL), RSI_INCOMPLETE);
	assert_int_equal(more(0, BASE, 0, 9, &copied), RSI_INCOMPLETE);
	assert_int_equal(more(0, BASE, 0, 0, NULL), RSI_INCOMPLETE);
	assert_int_equal(more(0, BASE, 0, 1, &copied), RSI_SUCCESS);
	assert_int_equal(copied, 1);
}

/* The granule is checked only when there are bytes to write. The operation can continue. */
static void an_empty_granule(void **state)
{
	uint64_t copied;

	(void)state;
	fake.states[1] = RIPAS_EMPTY;
	init(0, 1);
	assert_int_equal(more(0, BASE + GRANULE, 0, 4096, NULL), RSI_INCOMPLETE);
	signer_answers(100);
	assert_int_equal(more(0, BASE + GRANULE, 0, 4096, NULL), RSI_ERROR_INPUT);
	assert_int_equal(more(0, 0, 0, 4096, NULL), RSI_ERROR_INPUT);
	assert_int_equal(more(0, BASE, 0, 4096, &copied), RSI_SUCCESS);
	assert_int_equal(copied, 100);
}

static void a_destroyed_granule(void **state)
{
	uint64_t x[11] = { RSI_TOKEN_CONTINUE, BASE, 0, 4096, 5, 6, 7 }, before[11], copied;

	(void)state;
	memcpy(before, x, sizeof(x));
	init(0, 1);
	signer_answers(100);
	fake.states[0] = RIPAS_DESTROYED;
	assert_false(rsi_execute(&fake.realm, &fake.realm.rec[0], x));
	assert_memory_equal(x, before, sizeof(x));
	assert_int_equal(more(0, BASE + GRANULE, 0, 4096, &copied), RSI_SUCCESS);
	assert_int_equal(copied, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(input_is_checked_before_state, setup),
		cmocka_unit_test_setup(whole_token_at_once, setup),
		cmocka_unit_test_setup(pieces_at_various_places, setup),
		cmocka_unit_test_setup(a_last_piece_of_the_requested_size, setup),
		cmocka_unit_test_setup(claims_are_frozen_at_init, setup),
		cmocka_unit_test_setup(recs_are_independent, setup),
		cmocka_unit_test_setup(answers_must_match, setup),
		cmocka_unit_test_setup(init_discards_the_operation_under_way, setup),
		cmocka_unit_test_setup(a_second_answer_changes_nothing, setup),
		cmocka_unit_test_setup(silence_ends_after_ten_seconds, setup),
		cmocka_unit_test_setup(a_signer_that_answers_others_is_not_silent, setup),
		cmocka_unit_test_setup(a_signer_that_answers_too_late_is_not_silent, setup),
		cmocka_unit_test_setup(the_request_is_repeated, setup),
		cmocka_unit_test_setup(a_lost_request_is_repeated, setup),
		cmocka_unit_test_setup(refusal, setup),
		cmocka_unit_test_setup(oversize_token, setup),
		cmocka_unit_test_setup(calls_of_size_zero, setup),
		cmocka_unit_test_setup(an_empty_granule, setup),
		cmocka_unit_test_setup(a_destroyed_granule, setup),
	};

	return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
