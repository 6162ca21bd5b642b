/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message: what the keeper sends to realmkey-keys and to realmkey-hooks, and what they answer, over a stream socket. Both
 * read the configuration themselves: a message names a secret by its number there, and says nothing
 * about what to do with it. This file encodes and decodes, and does no I/O.
 *
 * A message is a header of 12 bytes (u32 type, u32 number, u32 length of the body; little-endian) and the body.
 */
#ifndef REALMKEY_SINKS_MESSAGE_H
#define REALMKEY_SINKS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define SINKS_KEYS_SOCKET  "/run/realmkey/keys.sock"
#define SINKS_HOOKS_SOCKET "/run/realmkey/hooks.sock"

#define SINKS_HEADER_SIZE 12
#define SINKS_DIGEST_SIZE 32
#define SINKS_VALUE_MAX	  ((size_t)1 << 20) /* bytes of a secret */
#define SINKS_TEXT_MAX	  512

enum sinks_type {
	/* From the keeper. The first message is HELLO; its body is settings.text_digest. The number is 0. The answer's body has
	 * a byte for each secret of the configuration: 1 if its key exists (realmkey-hooks: all 0). */
	SINKS_HELLO = 1,
	/* To realmkey-keys, about a secret with `key`. */
	SINKS_SET,     /* the body is the new value: make the key, or replace it */
	SINKS_CONFIRM, /* the KBS has confirmed the value: its time-out begins again; without a body */
	SINKS_REMOVE, /* revoke and unlink the key, if there is one; without a body */
	/* To realmkey-hooks: the secret has changed, and is in place. Without a body. */
	SINKS_CHANGED,
	/* The answers, one for each message. The number is that of the message, or for FAILED the kind of the error, whose text is
	 * the body. */
	SINKS_DONE,
	SINKS_FAILED,
};

struct sinks_message {
	enum sinks_type type;
	uint32_t number;
	const void *body; /* not owned */
	size_t len;	  /* bytes */
};

/* Write the header of @m. ERROR_PROTOCOL if its type does not allow its number or the length of its body. */
int sinks_encode_header(const struct sinks_message *m, uint8_t header[SINKS_HEADER_SIZE],
			struct error *e);
/* Read @header; the body is not there yet: only @m->len. ERROR_PROTOCOL for an unknown type, or for a number or a length
 * that it does not allow. */
int sinks_decode_header(const uint8_t header[SINKS_HEADER_SIZE], struct sinks_message *m,
			struct error *e);

#endif
