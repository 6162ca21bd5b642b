/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channel between the test RMM and its signer `hes`: frames on a byte stream (UART1 of the
 * machine, a unix socket on the host). A frame is a header and @size bytes of payload; numbers are
 * little-endian. An answer has the rec and seq of its request. Either end drops what it cannot
 * parse and continues at the next magic number. This file does no I/O.
 */
#ifndef RMM_CHANNEL_H
#define RMM_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHANNEL_MAGIC	    0x43484d52 /* "RMHC" */
#define CHANNEL_VERSION	    4
#define CHANNEL_TOKEN_MAX   4096 /* bytes of the RMM's token buffer, as in TF-RMM */
#define CHANNEL_PAYLOAD_MAX 8192 /* larger, so that a token can be too long */
#define CHANNEL_PAUSE	    500	 /* ms without a byte after which a frame was cut */

enum channel_type {
	CHANNEL_TOKEN_REQUEST = 1, /* RMM to signer: struct channel_request */
	CHANNEL_TOKEN = 2,	   /* signer to RMM: the CCA token */
	CHANNEL_REFUSAL = 3,	   /* signer to RMM: no token; the payload is empty */
	CHANNEL_FAULT = 4,	   /* signer to RMM: struct channel_fault for that token */
};

struct channel_header {
	uint32_t magic;
	uint8_t version;
	uint8_t type;
	uint16_t rec;  /* index of the requesting REC */
	uint32_t seq;  /* new for every TOKEN_INIT; a repeated request keeps it */
	uint32_t size; /* of the payload, at most CHANNEL_PAYLOAD_MAX */
	uint32_t crc;  /* CRC-32 of the fields above and the payload */
};

/* What the realm token is made from, as it was when the realm called TOKEN_INIT. */
struct channel_request {
	uint8_t challenge[64];
	uint8_t rpv[64];
	uint8_t measurement[5][64]; /* RIM, REM0 to REM3; each is zero after its digest */
	uint8_t hash_algo;	    /* enum hash_algorithm */
	uint8_t reserved[7];
	uint8_t before[4][64]; /* REM0 to REM3 before the last extension */
};

/*
 * How the RMM must fail with one token, for tests of clients. All zeros mean that it does not fail.
 * hes sends it before the answer, or alone while it stays silent; to end a fault early, it sends
 * zeros.
 */
struct channel_fault {
	uint32_t patience; /* ms of silence until ERROR_UNKNOWN; 0: the RMM's default */
	uint32_t idle;	   /* ms of INCOMPLETE without a byte, although the token is there */
	uint32_t chunk;	   /* most bytes that one CONTINUE hands out; 0: no limit */
	uint32_t fail;	   /* 1: CONTINUE answers ERROR_UNKNOWN after @fail_after bytes */
	uint32_t fail_after;
	uint32_t extra;	  /* bytes handed out after the token's end */
	uint32_t destroy; /* IPA / 4096 of a page that becomes DESTROYED at once; 0: none */
};

#define CHANNEL_FOR_EVER UINT32_MAX /* as @idle: until the fault is cleared */

_Static_assert(sizeof(struct channel_header) == 20, "no padding in the frame header");
_Static_assert(sizeof(struct channel_fault) == 28, "no padding in the fault");
_Static_assert(sizeof(struct channel_request) == 712, "no padding in the request");

/* What has been received of one direction of the stream. All zeros is the initial state. */
struct channel_reader {
	size_t got;	/* bytes of the frame so far */
	uint64_t heard; /* ms; when the last bytes came, see channel_look() */
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
 * channel_feed - add one received byte
 *
 * Returns CHANNEL_FRAME when the reader holds a whole frame, valid until the next call;
 * CHANNEL_BAD when bytes had to be dropped; otherwise CHANNEL_MORE.
 */
enum channel_state channel_feed(struct channel_reader *reader, uint8_t byte);

/*
 * channel_look - note that the stream was polled at @now (ms); @heard: bytes were there
 *
 * Drops a frame that was cut. Its sender is gone, and it would swallow the next sender's bytes.
 */
void channel_look(struct channel_reader *reader, uint64_t now, bool heard);

/* channel_header_make - returns the header for @size bytes of @payload */
struct channel_header channel_header_make(enum channel_type type, uint16_t rec, uint32_t seq,
					  const void *payload, uint32_t size);

#endif
