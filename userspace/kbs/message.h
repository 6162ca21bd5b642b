/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message: the messages between keeper and courier, which are sent over a socketpair
 * (Documentation/PROTOCOL.md). This file encodes and decodes, and it is the only one that checks
 * sizes. A message is a header of 8 bytes (u32 type, u32 length of the body, little-endian), and a
 * body of fields, each of which is u32 length and bytes, in the order that its type fixes.
 */
#ifndef REALMKEY_MESSAGE_H
#define REALMKEY_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/encode.h"
#include "base/error.h"

enum message_type {
	/* keeper, after SERVER: flags, timeout (s), URL of the proxy, its credentials ("USER:PASSWORD"),
	 * the client's certificate and key (PEM); all but the first two may be empty */
	MESSAGE_OPEN = 1,
	MESSAGE_AUTH,	  /* keeper: body */
	MESSAGE_ATTEST,	  /* keeper: body */
	MESSAGE_RESOURCE, /* keeper: path, bearer (or empty: session cookie) */
	MESSAGE_ADMIN,	  /* only from the tool for operators: method, path, bearer, body */
	/* courier: HTTP status, seconds that the KBS asks to wait, which KBS answered (u32), body */
	MESSAGE_ANSWER,
	MESSAGE_FAILURE, /* courier: no answer; kind, transient, text */
	MESSAGE_SERVER, /* keeper, before OPEN, without an answer: url, ca (PEM; empty: system roots) */
};

#define MESSAGE_HEADER_SIZE 8
#define MESSAGE_BODY_MAX    ((size_t)4 << 20)
#define MESSAGE_FIELDS_MAX  6
/* The longest body of an HTTP answer. The longest honest one is a secret of 1 MiB as JWE, 1.4 MiB. */
#define MESSAGE_ANSWER_MAX ((size_t)3 << 19)

/* A bearer token consists of these characters (RFC 6750 section 2.1). */
#define MESSAGE_BEARER_CHARACTERS ENCODE_ALPHANUMERIC "-._~+/="

#define MESSAGE_OPEN_INSECURE 1U /* flag: http:// and vsock:// are allowed */

struct message_field {
	const uint8_t *data;
	size_t len;
};

/* The fields of a decoded message point into the body that was decoded. */
struct message {
	enum message_type type;
	size_t count;
	struct message_field field[MESSAGE_FIELDS_MAX];
};

/* Append header and body of @m to @out. ERROR_PROTOCOL if the number of fields or the size of one
 * is not allowed for the type of @m. */
int message_encode(const struct message *m, struct bytes *out, struct error *e);
/* As message_encode(), without the bytes of the last field, for a caller that sends them from where
 * they are. */
int message_encode_front(const struct message *m, struct bytes *out, struct error *e);
/* Read the type, and the length of the body in bytes, from @header. */
int message_decode_header(const uint8_t header[MESSAGE_HEADER_SIZE], enum message_type *type,
			  size_t *len, struct error *e);
/* Split @len bytes of @body into fields. ERROR_PROTOCOL if their number or the size of one is not
 * allowed for @type. */
int message_decode_body(enum message_type type, const void *body, size_t len, struct message *m,
			struct error *e);

/* A number as a field, u32 little-endian: it is encoded into @buffer, and decoded from field
 * @index. */
struct message_field message_u32(uint32_t value, uint8_t buffer[4]);
int message_field_u32(const struct message *m, size_t index, uint32_t *value, struct error *e);

#endif
