/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message: what keeper and courier say to each other over a socketpair. Pure encoding: every size
 * is checked here and nowhere else. A message is an 8-byte header (u32 type, u32 length, little-
 * endian) and a body of fields, each u32 length and bytes, in the fixed order of its type.
 */
#ifndef REALMKEY_MESSAGE_H
#define REALMKEY_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

enum message_type {
	MESSAGE_OPEN = 1,	/* keeper: url, ca (PEM; empty: system roots), flags, timeout (s) */
	MESSAGE_AUTH,		/* keeper: body */
	MESSAGE_ATTEST,		/* keeper: body */
	MESSAGE_RESOURCE,	/* keeper: path, bearer (or empty: session cookie) */
	MESSAGE_ADMIN,		/* operator's tool only: method, path, bearer, body */
	MESSAGE_ANSWER,		/* courier: HTTP status, body */
	MESSAGE_FAILURE,	/* courier: no answer; kind, transient, text */
};

#define MESSAGE_HEADER_SIZE 8
#define MESSAGE_BODY_MAX ((size_t)4 << 20)
#define MESSAGE_FIELDS_MAX 4
/* The longest body of an HTTP answer: what an ANSWER has room for beside its status. */
#define MESSAGE_ANSWER_MAX (MESSAGE_BODY_MAX - 12)

#define MESSAGE_OPEN_INSECURE 1U	/* flag: http:// is allowed */

struct message_field {
	const uint8_t *data;
	size_t len;
};

/* A decoded message; fields point into the body that was decoded. */
struct message {
	enum message_type type;
	size_t count;
	struct message_field field[MESSAGE_FIELDS_MAX];
};

/* Append header and body of @m to @out. Fails (ERROR_PROTOCOL) when a field breaks its limit. */
int message_encode(const struct message *m, struct bytes *out, struct error *e);
/* The type and the body's length from the 8 bytes at @header. */
int message_decode_header(const uint8_t header[MESSAGE_HEADER_SIZE], enum message_type *type,
			  size_t *len, struct error *e);
/* Split @len bytes of body; the count and each field's limit must be those of @type. */
int message_decode_body(enum message_type type, const void *body, size_t len, struct message *m,
			struct error *e);

/* Numbers as fields: u32 little-endian in @buffer. */
struct message_field message_u32(uint32_t value, uint8_t buffer[4]);
int message_field_u32(const struct message *m, size_t index, uint32_t *value, struct error *e);

#endif
