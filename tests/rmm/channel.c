/* SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

#include "mem.h"

/* CRC-32 as in Ethernet, reflected. @crc is 0 for the first bytes, later the previous result. */
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

static bool header_is_valid(const struct channel_header *h)
{
	return h->version == CHANNEL_VERSION && h->size <= CHANNEL_PAYLOAD_MAX;
}

enum channel_state channel_feed(struct channel_reader *r, uint8_t byte)
{
	const struct channel_header *h = &r->header;

	r->bytes[r->got++] = byte;
	if (r->got == sizeof(h->magic) && h->magic != CHANNEL_MAGIC) {
		r->header.magic >>= 8; /* drop the oldest byte: a frame may begin later */
		r->got--;
		return CHANNEL_BAD;
	}
	if (r->got < sizeof(*h) || (header_is_valid(h) && r->got < sizeof(*h) + h->size))
		return CHANNEL_MORE;
	r->got = 0;
	return header_is_valid(h) && h->crc == frame_crc(h, r->payload) ? CHANNEL_FRAME :
									  CHANNEL_BAD;
}

void channel_look(struct channel_reader *r, uint64_t now, bool heard)
{
	if (heard)
		r->heard = now;
	else if (now - r->heard >= CHANNEL_PAUSE)
		r->got = 0;
}
