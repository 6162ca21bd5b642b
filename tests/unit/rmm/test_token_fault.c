/* SPDX-License-Identifier: Apache-2.0 */
/* The RMM fails with a token as hes orders it to. */
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

static void init(void)
{
	CALL(0, RSI_TOKEN_INIT);
}

static void order(struct channel_fault fault)
{
	token_fault(&fake.realm, 0, fake.seq, &fault);
}

static void signer_answers(void)
{
	fake.answer = token;
	fake.answer_size = sizeof(token);
}

static uint64_t more(uint64_t offset, uint64_t size, uint64_t *copied)
{
	uint64_t x[11] = { RSI_TOKEN_CONTINUE, BASE, offset, size };

	fake_call(0, x);
	*copied = x[1];
	return x[0];
}

static void expect(uint64_t status, uint64_t copied)
{
	uint64_t got;

	assert_int_equal(more(0, 4096, &got), status);
	assert_int_equal(got, copied);
}

static void an_order_is_for_its_token_only(void **state)
{
	struct channel_fault fault = { .fail = 1 };

	(void)state;
	init();
	token_fault(&fake.realm, 0, fake.seq + 1, &fault);
	token_fault(&fake.realm, 1, fake.seq, &fault);
	token_fault(&fake.realm, 4, fake.seq, &fault); /* this vCPU does not exist */
	token_fault(&fake.realm, UINT16_MAX, fake.seq, &fault);
	signer_answers();
	expect(RSI_SUCCESS, 3000);
	init();
	order(fault);
	expect(RSI_ERROR_UNKNOWN, 0);
	init();
	expect(RSI_SUCCESS, 3000);
}

static void no_progress_for_a_while(void **state)
{
	(void)state;
	init();
	order((struct channel_fault){ .idle = 500 });
	signer_answers();
	fake.now += 5000; /* the realm was busy and has not called CONTINUE yet */
	expect(RSI_INCOMPLETE, 0);
	fake.now += 499;
	expect(RSI_INCOMPLETE, 0);
	fake.now += 1;
	expect(RSI_SUCCESS, 3000);
	assert_memory_equal(fake.memory[0], token, 3000);
}

/* The RMM does not give up, because the signer has answered. */
static void no_progress_for_ever_until_it_is_cleared(void **state)
{
	(void)state;
	init();
	order((struct channel_fault){ .idle = CHANNEL_FOR_EVER });
	signer_answers();
	for (int i = 0; i < 100; i++, fake.now += 100000)
		expect(RSI_INCOMPLETE, 0);
	order((struct channel_fault){ 0 });
	expect(RSI_SUCCESS, 3000);
}

static void pieces_of_a_size(void **state)
{
	uint8_t got[3000];
	uint64_t at = 0, copied;

	(void)state;
	init();
	order((struct channel_fault){ .chunk = 7 });
	signer_answers();
	while (more(at % 4000, 96, &copied) == RSI_INCOMPLETE) {
		assert_int_equal(copied, 7);
		memcpy(got + at, fake.memory[0] + at % 4000, copied);
		at += copied;
	}
	assert_int_equal(at, 2996); /* 428 pieces, and a last one of 4 bytes */
	assert_int_equal(copied, 4);
	assert_memory_equal(got, token, at);
}

static void a_piece_smaller_than_the_chunk(void **state)
{
	uint64_t copied;

	(void)state;
	init();
	order((struct channel_fault){ .chunk = 100 });
	signer_answers();
	assert_int_equal(more(0, 10, &copied), RSI_INCOMPLETE);
	assert_int_equal(copied, 10);
}

static void an_error_half_way(void **state)
{
	uint64_t copied;

	(void)state;
	init();
	order((struct channel_fault){ .fail = 1, .fail_after = 1000 });
	signer_answers();
	assert_int_equal(more(0, 600, &copied), RSI_INCOMPLETE);
	assert_int_equal(copied, 600);
	assert_int_equal(more(600, 600, &copied), RSI_INCOMPLETE);
	assert_int_equal(copied, 400);
	assert_memory_equal(fake.memory[0], token, 1000);
	expect(RSI_ERROR_UNKNOWN, 0);
	expect(RSI_ERROR_STATE, 0);
}

static void an_error_after_the_end(void **state)
{
	(void)state;
	init();
	order((struct channel_fault){ .fail = 1, .fail_after = 4096 });
	signer_answers();
	expect(RSI_INCOMPLETE, 3000);
	expect(RSI_ERROR_UNKNOWN, 0);
}

static void more_than_the_bound(void **state)
{
	uint64_t copied, sum = 0;

	(void)state;
	init();
	order((struct channel_fault){ .extra = 9000 });
	signer_answers();
	while (more(0, 4096, &copied) == RSI_INCOMPLETE) {
		assert_int_equal(copied, 4096);
		sum += copied;
	}
	assert_int_equal(sum + copied, 12000);
	expect(RSI_ERROR_STATE, 0);
}

/* The CONTINUE that receives the order may itself use the page that is then DESTROYED. */
static void a_page_is_destroyed(void **state)
{
	uint64_t x[11] = { RSI_TOKEN_CONTINUE, BASE + GRANULE, 0, 4096 };

	(void)state;
	init();
	order((struct channel_fault){ .destroy = (BASE + GRANULE) / GRANULE });
	signer_answers();
	assert_int_equal(fake.states[1], RIPAS_DESTROYED);
	assert_int_equal(fake.changes, 1);
	assert_int_equal(fake.syncs, 1);
	assert_false(rsi_execute(&fake.realm, &fake.realm.rec[0], x));
	expect(RSI_SUCCESS, 3000);
}

static void a_page_outside_memory_is_not_destroyed(void **state)
{
	static const uint32_t pages[] = { 0, 1, BASE / GRANULE - 1, BASE / GRANULE + FAKE_GRANULES,
					  UINT32_MAX };

	(void)state;
	init();
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		order((struct channel_fault){ .destroy = pages[i] });
	assert_int_equal(fake.changes, 0);
	token_fault(&fake.realm, 0, fake.seq + 1,
		    &(struct channel_fault){ .destroy = BASE / GRANULE });
	assert_int_equal(fake.changes, 0);
}

static void less_patience_with_the_signer(void **state)
{
	(void)state;
	init();
	order((struct channel_fault){ .patience = 700 });
	expect(RSI_INCOMPLETE, 0);
	fake.now += 699;
	expect(RSI_INCOMPLETE, 0);
	fake.now += 1;
	expect(RSI_ERROR_UNKNOWN, 0);
	expect(RSI_ERROR_STATE, 0);
}

/* A held token that is released comes after the order that releases it. */
static void patience_after_a_release(void **state)
{
	(void)state;
	init();
	order((struct channel_fault){ .patience = 60000 });
	expect(RSI_INCOMPLETE, 0);
	fake.now += 50000;
	expect(RSI_INCOMPLETE, 0);
	order((struct channel_fault){ 0 });
	expect(RSI_INCOMPLETE, 0);
	fake.now += 9999;
	expect(RSI_INCOMPLETE, 0);
	fake.now += 1;
	expect(RSI_ERROR_UNKNOWN, 0);
}

static void a_request_has_the_rems_before_the_last_extension(void **state)
{
	uint8_t rems[4][HASH_SIZE_MAX];

	(void)state;
	CALL(0, RSI_MEASUREMENT_EXTEND, 2, 8, 42);
	memcpy(rems, fake.realm.measurement[1], sizeof(rems));
	CALL(1, RSI_MEASUREMENT_EXTEND, 4, 8, 43);
	init();
	assert_memory_equal(fake.request.before, rems, sizeof(rems));
	assert_memory_not_equal(fake.request.measurement[1], rems, sizeof(rems));
	CALL(0, RSI_MEASUREMENT_EXTEND, 0, 8, 43); /* refused: nothing was extended */
	init();
	assert_memory_equal(fake.request.before, rems, sizeof(rems));
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_order_is_for_its_token_only),
		TEST(no_progress_for_a_while),
		TEST(no_progress_for_ever_until_it_is_cleared),
		TEST(pieces_of_a_size),
		TEST(a_piece_smaller_than_the_chunk),
		TEST(an_error_half_way),
		TEST(an_error_after_the_end),
		TEST(more_than_the_bound),
		TEST(a_page_is_destroyed),
		TEST(a_page_outside_memory_is_not_destroyed),
		TEST(less_patience_with_the_signer),
		TEST(patience_after_a_release),
		TEST(a_request_has_the_rems_before_the_last_extension),
	};

	return cmocka_run_group_tests_name("token_fault", tests, NULL, NULL);
}
