/* SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"
#include "fake.h"

static struct channel_reader reader;
static unsigned int frames, drops;

static int setup(void **state)
{
	(void)state;
	memset(&reader, 0, sizeof(reader));
	frames = drops = 0;
	return 0;
}

static void feed(const void *bytes, size_t size)
{
	const uint8_t *p = bytes;

	while (size--) {
		enum channel_state s = channel_feed(&reader, *p++);

		frames += s == CHANNEL_FRAME;
		drops += s == CHANNEL_BAD;
	}
}

static void feed_frame(const struct channel_header *header, const void *payload)
{
	feed(header, sizeof(*header));
	feed(payload, header->size);
}

static struct channel_header token(const void *payload, uint32_t size)
{
	return channel_header_make(CHANNEL_TOKEN, 3, 77, payload, size);
}

static void frames_of_all_sizes(void **state)
{
	static uint8_t payload[CHANNEL_PAYLOAD_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 13);
	for (uint32_t size = 0; size <= sizeof(payload); size += size < 64 ? 1 : 1016) {
		struct channel_header h = token(payload, size);

		setup(NULL);
		feed_frame(&h, payload);
		assert_int_equal(frames, 1);
		assert_int_equal(drops, 0);
		assert_memory_equal(&reader.header, &h, sizeof(h));
		assert_memory_equal(reader.payload, payload, size);
	}
}

static void frames_follow_each_other(void **state)
{
	struct channel_header h = token("abc", 3);

	(void)state;
	for (int i = 0; i < 5; i++)
		feed_frame(&h, "abc");
	assert_int_equal(frames, 5);
	assert_int_equal(drops, 0);
}

/* The last bytes of the noise are the start of a magic number. */
static void noise_before_a_frame(void **state)
{
	struct channel_header h = token("abc", 3);

	(void)state;
	feed("noise RRMRMH", 12);
	feed_frame(&h, "abc");
	assert_int_equal(frames, 1);
	assert_int_equal(drops, 12);
}

/* A cut frame swallows the start of the next frame. The frame after that arrives. */
static void recovers_from_a_cut_frame(void **state)
{
	struct channel_header h = token("abcdefgh", 8);

	(void)state;
	feed(&h, sizeof(h));
	feed("abc", 3);
	for (int i = 0; i < 3; i++)
		feed_frame(&h, "abcdefgh");
	assert_true(frames >= 1);
	assert_true(drops >= 1);
	assert_memory_equal(reader.payload, "abcdefgh", 8);
}

/*
 * A signer was killed in the middle of a frame. The first frame of its successor must not be lost.
 */
static void a_pause_ends_a_cut_frame(void **state)
{
	struct channel_header h = token("abcdefgh", 8);

	(void)state;
	channel_look(&reader, 10000, true);
	feed(&h, sizeof(h));
	feed("abc", 3);
	channel_look(&reader, 10000 + CHANNEL_PAUSE - 1, false);
	feed("defgh", 5); /* the sender was only slow */
	assert_int_equal(frames, 1);
	channel_look(&reader, 20000, true);
	feed(&h, sizeof(h) - 1);
	channel_look(&reader, 20000 + CHANNEL_PAUSE, false);
	channel_look(&reader, 22000, true);
	feed_frame(&h, "abcdefgh");
	assert_int_equal(frames, 2);
	assert_int_equal(drops, 0);
}

/* Without polls there is no evidence of a pause: the bytes may have waited in a buffer. */
static void bytes_that_waited_continue_their_frame(void **state)
{
	struct channel_header h = token("abcdefgh", 8);

	(void)state;
	channel_look(&reader, 10000, true);
	feed(&h, sizeof(h));
	channel_look(&reader, 90000, true);
	feed("abcdefgh", 8);
	assert_int_equal(frames, 1);
}

static void damage_is_detected(void **state)
{
	const struct channel_header good = token("abc", 3);

	(void)state;
	for (size_t bit = 0; bit < 8 * (sizeof(good) + 3); bit++) {
		uint8_t bytes[sizeof(good) + 3];

		setup(NULL);
		memcpy(bytes, &good, sizeof(good));
		memcpy(bytes + sizeof(good), "abc", 3);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		feed(bytes, sizeof(bytes));
		assert_int_equal(frames, 0);
	}
}

static void bad_headers_are_dropped_at_once(void **state)
{
	struct channel_header h = token("", 0);

	(void)state;
	h.size = CHANNEL_PAYLOAD_MAX + 1;
	feed(&h, sizeof(h));
	assert_int_equal(drops, 1);
	h = token("", 0);
	h.version++;
	feed(&h, sizeof(h));
	assert_int_equal(drops, 2);
	h = token("", 0);
	feed(&h, sizeof(h));
	assert_int_equal(frames, 1);
}

static void crc_is_crc32(void **state)
{
	struct channel_header h = token("123456789", 9);

	(void)state;
	/* zlib.crc32() of the sixteen header bytes and the payload */
	assert_int_equal(h.crc, 0xeed568bf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(frames_of_all_sizes, setup),
		cmocka_unit_test_setup(frames_follow_each_other, setup),
		cmocka_unit_test_setup(noise_before_a_frame, setup),
		cmocka_unit_test_setup(recovers_from_a_cut_frame, setup),
		cmocka_unit_test_setup(a_pause_ends_a_cut_frame, setup),
		cmocka_unit_test_setup(bytes_that_waited_continue_their_frame, setup),
		cmocka_unit_test_setup(damage_is_detected, setup),
		cmocka_unit_test_setup(bad_headers_are_dropped_at_once, setup),
		cmocka_unit_test_setup(crc_is_crc32, setup),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
