/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames between realmctl, on the host, and the agent, in the realm: a header of magic, type and
 * payload length (each a little-endian 32-bit number), then the payload.
 *
 *   host to realm                            realm to host
 *   HELLO   cookie: answered by the same;    HELLO   the cookie
 *           ends whatever still runs
 *   EXEC    arguments, each ended by a NUL   STDOUT, STDERR  bytes of the command
 *   STDIN   bytes for the command            EXIT    its status, a 32-bit number as $? in a
 *   STDIN_END                                        shell: the command is over
 *   POWEROFF
 */
#ifndef REALM_FRAME_H
#define REALM_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_MAGIC  0x464d4c52 /* "RLMF" */
#define FRAME_HEADER 12
#define FRAME_MAX    16384 /* bytes of payload */

enum frame_type {
	FRAME_HELLO = 1,
	FRAME_EXEC,
	FRAME_STDIN,
	FRAME_STDIN_END,
	FRAME_STDOUT,
	FRAME_STDERR,
	FRAME_EXIT,
	FRAME_POWEROFF,
};

struct frame {
	uint32_t type;
	uint32_t length;	/* of payload, bytes */
	const uint8_t *payload; /* in the buffer, until its next frame_room() */
};

/* Received bytes that are not yet frames. All zero is the empty buffer. */
struct frame_buffer {
	size_t start, end;
	uint8_t data[FRAME_HEADER + FRAME_MAX];
};

/*
 * frame_room - where to put received bytes
 * @room: set to the number of bytes that fit, never 0 after frame_next() has returned 0
 *
 * After writing n bytes there, add n to buffer->end.
 */
uint8_t *frame_room(struct frame_buffer *buffer, size_t *room);

/*
 * frame_next - take the next frame out of the buffer
 *
 * Returns 1 and fills @frame, or 0 if more bytes are needed. Bytes that do not begin a frame are
 * skipped: a connection that broke off can leave the end of one.
 */
int frame_next(struct frame_buffer *buffer, struct frame *frame);

/* frame_header - the FRAME_HEADER bytes that go before a payload of @length bytes */
void frame_header(uint8_t *out, enum frame_type type, uint32_t length);

#endif
