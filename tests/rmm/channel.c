/* SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

#include "mem.h"

/* CRC-32 as Ethernet has it, reflected; @crc starts as 0 */
static uint32_t crc32(uint32_t crc, const void *data, size_t size)
{
	const uint8_t *p = data;

	crc = ~crc;
	while (size--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static uint32_t frame_crc(const struct channel_header *h, const void *payload)
{
	return crc32(crc32(0, h, offsetof(struct channel_header, crc)), payload, h->size);
}

struct channel_header channel_header_make(enum channel_type type, uint16_t rec, uint32_t seq,
					  const void *payload, uint32_t size)
{
	struct channel_header h = {
		.magic = CHANNEL_MAGIC,
		.version = CHANNEL_VERSION,
		.type = (uint8_t)type,
		.rec = rec,
		.seq = seq,
		.size = size,
	};

	h.crc = frame_crc(&h, payload);
	return h;
}

/* A byte that does not continue the magic may still begin one. */
static enum channel_state magic_feed(struct channel_reader *r, uint8_t byte)
{
	uint32_t magic = CHANNEL_MAGIC;
	uint8_t *header = (uint8_t *)&r->header;
	const uint8_t *expected = (const uint8_t *)&magic;
	bool dropped = byte != expected[r->got];

	if (dropped) {
		r->got = 0;
		if (byte != expected[0])
			return CHANNEL_BAD;
	}
	header[r->got++] = byte;
	return dropped ? CHANNEL_BAD : CHANNEL_MORE;
}

static enum channel_state frame_end(struct channel_reader *r)
{
	r->got = 0;
	return r->header.crc == frame_crc(&r->header, r->payload) ? CHANNEL_FRAME : CHANNEL_BAD;
}

enum channel_state channel_feed(struct channel_reader *r, uint8_t byte)
{
	if (r->got < sizeof(r->header.magic))
		return magic_feed(r, byte);
	if (r->got < sizeof(r->header))
		((uint8_t *)&r->header)[r->got++] = byte;
	else
		r->payload[r->got++ - sizeof(r->header)] = byte;
	if (r->got < sizeof(r->header))
		return CHANNEL_MORE;
	if (r->header.version != CHANNEL_VERSION || r->header.size > CHANNEL_PAYLOAD_MAX) {
		r->got = 0;
		return CHANNEL_BAD;
	}
	return r->got == sizeof(r->header) + r->header.size ? frame_end(r) : CHANNEL_MORE;
}
