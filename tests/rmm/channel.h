/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channel between the test RMM and its signer `hes`: frames on a byte stream (UART1 of the
 * machine, a unix socket on the host). A frame is a header and @size bytes of payload, numbers
 * little-endian. An answer carries rec and seq of its request. Either end drops what it cannot
 * parse and goes on at the next magic. No I/O here.
 */
#ifndef RMM_CHANNEL_H
#define RMM_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHANNEL_MAGIC		0x43484d52	/* "RMHC" */
#define CHANNEL_VERSION		4
#define CHANNEL_TOKEN_MAX	4096		/* bytes of a token that the RMM has room for, as TF-RMM */
#define CHANNEL_PAYLOAD_MAX	8192		/* more, so that a token can be too long */
#define CHANNEL_PAUSE		500		/* ms without a byte: a frame was cut */

enum channel_type {
	CHANNEL_TOKEN_REQUEST = 1,	/* RMM to signer: struct channel_request */
	CHANNEL_TOKEN = 2,		/* signer to RMM: the CCA token */
	CHANNEL_REFUSAL = 3,		/* signer to RMM: no token; payload empty */
	CHANNEL_FAULT = 4,		/* signer to RMM: struct channel_fault for the token asked for */
};

struct channel_header {
	uint32_t magic;
	uint8_t version;
	uint8_t type;
	uint16_t rec;		/* index of the REC that asks */
	uint32_t seq;		/* new with every TOKEN_INIT; a repeated request keeps it */
	uint32_t size;		/* of the payload, at most CHANNEL_PAYLOAD_MAX */
	uint32_t crc;		/* CRC-32 of the fields above and the payload */
};

/* Everything the realm token needs, as it was when the realm called TOKEN_INIT. */
struct channel_request {
	uint8_t challenge[64];
	uint8_t rpv[64];
	uint8_t measurement[5][64];	/* RIM, REM0 to REM3; zero after the digest */
	uint8_t hash_algo;		/* enum hash_algo */
	uint8_t reserved[7];
	uint8_t before[4][64];		/* REM0 to REM3 as they were before the last extension */
};

/*
 * How the RMM is to fail with one token, for tests of clients; zeros: not at all. Sent ahead of the
 * answer, or alone while the signer stays silent, and once more when a fault is to end.
 */
struct channel_fault {
	uint32_t patience;	/* ms of the signer's silence until ERROR_UNKNOWN, in place of the RMM's own */
	uint32_t idle;		/* ms of INCOMPLETE without a byte, though the token is there */
	uint32_t chunk;		/* most bytes that one CONTINUE hands out */
	uint32_t fail;		/* 1: CONTINUE answers ERROR_UNKNOWN after @fail_after bytes */
	uint32_t fail_after;
	uint32_t extra;		/* bytes that follow the token's end */
	uint32_t destroy;	/* IPA / 4096 of a page that is DESTROYED as this arrives; or 0 */
};

#define CHANNEL_FOR_EVER	UINT32_MAX	/* as patience, and as idle */

_Static_assert(sizeof(struct channel_header) == 20, "no padding in the frame header");
_Static_assert(sizeof(struct channel_fault) == 28, "no padding in the fault");
_Static_assert(sizeof(struct channel_request) == 712, "no padding in the request");

/* One direction of the stream, as far as it has come in. Zero it to start. */
struct channel_reader {
	size_t got;		/* bytes of the frame so far */
	uint64_t heard;		/* ms; when bytes last came, see channel_look() */
	union {
		struct {
			struct channel_header header;
			uint8_t payload[CHANNEL_PAYLOAD_MAX];
		};
		uint8_t bytes[sizeof(struct channel_header) + CHANNEL_PAYLOAD_MAX];
	};
};

enum channel_state { CHANNEL_MORE, CHANNEL_FRAME, CHANNEL_BAD };

/*
 * channel_feed - take in one byte
 *
 * Returns CHANNEL_FRAME when the reader holds a whole frame, valid until the next call;
 * CHANNEL_BAD when bytes had to be dropped; else CHANNEL_MORE.
 */
enum channel_state channel_feed(struct channel_reader *reader, uint8_t byte);

/*
 * channel_look - @now (ms) the stream was looked at, and bytes were there (@heard) or not
 *
 * Drops a frame that was cut: its sender is gone, and another one's bytes would be lost in it.
 */
void channel_look(struct channel_reader *reader, uint64_t now, bool heard);

/* channel_header_make - the header for @size bytes of @payload */
struct channel_header channel_header_make(enum channel_type type, uint16_t rec, uint32_t seq,
					  const void *payload, uint32_t size);

#endif
