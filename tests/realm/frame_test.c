// SPDX-License-Identifier: Apache-2.0
/* Tests that frames are found however the stream is cut, and with garbage between them. TAP. */
#include "frame.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tests, failed;

static void ok(bool good, const char *what)
{
	tests++;
	failed += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", tests, what);
}

static size_t frame_put(uint8_t *out, enum frame_type type, const char *payload)
{
	const size_t length = strlen(payload);

	frame_header(out, type, (uint32_t)length);
	memcpy(out + FRAME_HEADER, payload, length);
	return FRAME_HEADER + length;
}

static void feed(struct frame_buffer *buffer, const uint8_t *bytes, size_t length)
{
	size_t room;
	uint8_t *at = frame_room(buffer, &room);

	memcpy(at, bytes, length < room ? length : room);
	buffer->end += length < room ? length : room;
}

static bool frame_is(const struct frame *frame, uint32_t type, const char *payload)
{
	return frame->type == type && frame->length == strlen(payload) &&
	       memcmp(frame->payload, payload, frame->length) == 0;
}

/* Returns true if the stream, in pieces of @piece bytes, holds both frames and nothing else. */
static bool stream_parses(const uint8_t *stream, size_t length, size_t piece)
{
	static const char *const expected[] = { "hello", "world!" };
	static struct frame_buffer buffer;
	struct frame frame;
	size_t seen = 0;
	bool good = true;

	buffer = (struct frame_buffer){ 0 };
	for (size_t at = 0; at < length; at += piece) {
		feed(&buffer, stream + at, length - at < piece ? length - at : piece);
		while (frame_next(&buffer, &frame)) {
			good = good && seen < 2 &&
			       frame_is(&frame, seen ? FRAME_STDERR : FRAME_STDOUT, expected[seen]);
			seen++;
		}
	}
	return good && seen == 2;
}

static void test_stream(const char *garbage, const char *what)
{
	uint8_t stream[256];
	size_t length = 0;
	bool good = true;

	memcpy(stream, garbage, strlen(garbage));
	length += strlen(garbage);
	length += frame_put(stream + length, FRAME_STDOUT, "hello");
	memcpy(stream + length, garbage, strlen(garbage));
	length += strlen(garbage);
	length += frame_put(stream + length, FRAME_STDERR, "world!");
	for (size_t piece = 1; piece <= length; piece++)
		good = good && stream_parses(stream, length, piece);
	ok(good, what);
}

static void test_oversize(void)
{
	static struct frame_buffer buffer;
	uint8_t stream[FRAME_HEADER + 64];
	struct frame frame;
	size_t length = FRAME_HEADER;

	frame_header(stream, FRAME_STDIN, FRAME_MAX + 1);
	length += frame_put(stream + length, FRAME_EXIT, "next");
	feed(&buffer, stream, length);
	ok(frame_next(&buffer, &frame) && frame_is(&frame, FRAME_EXIT, "next"),
	   "a header with a length over the limit is skipped; the next frame is found");
}

static void test_largest(void)
{
	static struct frame_buffer buffer;
	static uint8_t stream[FRAME_HEADER + FRAME_MAX];
	struct frame frame;
	size_t room;

	frame_header(stream, FRAME_STDIN, FRAME_MAX);
	feed(&buffer, stream, sizeof(stream) - 1);
	ok(!frame_next(&buffer, &frame), "the largest frame is not complete without its last byte");
	frame_room(&buffer, &room);
	ok(room == 1, "there is room for that byte");
	feed(&buffer, stream + sizeof(stream) - 1, 1);
	ok(frame_next(&buffer, &frame) && frame.length == FRAME_MAX,
	   "with it the frame is complete");
}

int main(void)
{
	test_stream("", "two frames, cut at every length");
	test_stream("the end of an older connection", "the same with garbage before each");
	test_stream("RLM", "the same with half a magic before each");
	test_oversize();
	test_largest();
	printf("1..%d\n", tests);
	return failed != 0;
}
