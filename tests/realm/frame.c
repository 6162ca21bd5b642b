// SPDX-License-Identifier: Apache-2.0
#include "frame.h"

#include <endian.h>
#include <string.h>

static uint32_t frame_number(const uint8_t *in)
{
	uint32_t n;

	memcpy(&n, in, sizeof(n));
	return le32toh(n);
}

static void frame_put_number(uint8_t *out, uint32_t n)
{
	n = htole32(n);
	memcpy(out, &n, sizeof(n));
}

void frame_header(uint8_t *out, enum frame_type type, uint32_t length)
{
	frame_put_number(out, FRAME_MAGIC);
	frame_put_number(out + 4, type);
	frame_put_number(out + 8, length);
}

uint8_t *frame_room(struct frame_buffer *buffer, size_t *room)
{
	memmove(buffer->data, buffer->data + buffer->start, buffer->end - buffer->start);
	buffer->end -= buffer->start;
	buffer->start = 0;
	*room = sizeof(buffer->data) - buffer->end;
	return buffer->data + buffer->end;
}

static int frame_begins(const uint8_t *in)
{
	return frame_number(in) == FRAME_MAGIC && frame_number(in + 8) <= FRAME_MAX;
}

int frame_next(struct frame_buffer *buffer, struct frame *frame)
{
	const uint8_t *in;
	size_t have;

	while (buffer->end - buffer->start >= FRAME_HEADER &&
	       !frame_begins(buffer->data + buffer->start))
		buffer->start++;

	in = buffer->data + buffer->start;
	have = buffer->end - buffer->start;
	if (have < FRAME_HEADER)
		return 0;
	frame->type = frame_number(in + 4);
	frame->length = frame_number(in + 8);
	frame->payload = in + FRAME_HEADER;
	if (have < FRAME_HEADER + frame->length)
		return 0;
	buffer->start += FRAME_HEADER + frame->length;
	return 1;
}
