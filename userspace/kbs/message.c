// SPDX-License-Identifier: Apache-2.0
#include "message.h"

#include <string.h>

#include "base/array.h"
#include "base/encode.h"

#define KIB		  ((size_t)1 << 10)
#define MIB		  ((size_t)1 << 20)
#define PATH_MAX_BYTES	  KIB
#define BEARER_MAX	  (256 * KIB)
#define FIELD_HEADER_SIZE 4

struct field_rule {
	const char *name;
	size_t min, max; /* bytes */
};

struct type_rule {
	const char *name;
	size_t count;
	struct field_rule field[MESSAGE_FIELDS_MAX];
};

/* Documentation/PROTOCOL.md describes the contents of each field. */
static const struct type_rule rules[] = {
	[MESSAGE_OPEN] = { "OPEN",
			   6,
			   { { "flags", 4, 4 },
			     { "timeout", 4, 4 },
			     { "proxy", 0, 2 * KIB },
			     { "credentials", 0, 2 * KIB },
			     { "certificate", 0, 64 * KIB },
			     { "key", 0, 32 * KIB } } },
	[MESSAGE_SERVER] = { "SERVER", 2, { { "url", 1, 2 * KIB }, { "ca", 0, MIB } } },
	[MESSAGE_AUTH] = { "AUTH", 1, { { "body", 1, 16 * KIB } } },
	[MESSAGE_ATTEST] = { "ATTEST", 1, { { "body", 1, 512 * KIB } } },
	[MESSAGE_RESOURCE] = { "RESOURCE",
			       2,
			       { { "path", 1, PATH_MAX_BYTES }, { "bearer", 0, BEARER_MAX } } },
	[MESSAGE_ADMIN] = { "ADMIN",
			    4,
			    { { "method", 1, 8 },
			      { "path", 1, PATH_MAX_BYTES },
			      { "bearer", 0, BEARER_MAX },
			      { "body", 0, 3 * MIB } } },
	[MESSAGE_ANSWER] = { "ANSWER",
			     4,
			     { { "status", 4, 4 },
			       { "wait", 4, 4 },
			       { "server", 4, 4 },
			       { "body", 0, MESSAGE_ANSWER_MAX } } },
	[MESSAGE_FAILURE] = { "FAILURE",
			      3,
			      { { "kind", 4, 4 },
				{ "transient", 4, 4 },
				{ "text", 1, ERROR_TEXT_MAX - 1 } } },
};

static const struct type_rule *type_rule(uint32_t type)
{
	if (type >= ARRAY_SIZE(rules) || !rules[type].name)
		return NULL;
	return &rules[type];
}

static int field_check(const struct type_rule *rule, size_t index, size_t len, struct error *e)
{
	const struct field_rule *field = &rule->field[index];

	if (len >= field->min && len <= field->max)
		return 0;
	return error_set(e, ERROR_PROTOCOL, "message %s: %s has %zu bytes, not %zu to %zu",
			 rule->name, field->name, len, field->min, field->max);
}

static int message_check(const struct message *m, size_t *len, struct error *e)
{
	const struct type_rule *rule = type_rule(m->type);

	if (!rule)
		return error_set(e, ERROR_PROTOCOL, "message of unknown type %u",
				 (unsigned int)m->type);
	if (m->count != rule->count)
		return error_set(e, ERROR_PROTOCOL, "message %s: %zu fields, not %zu", rule->name,
				 m->count, rule->count);
	for (size_t i = 0; i < m->count; i++) {
		if (field_check(rule, i, m->field[i].len, e) < 0)
			return -1;
		*len += FIELD_HEADER_SIZE + m->field[i].len;
	}
	return 0;
}

/* Append @m without its last @omitted bytes. The limits in the table keep each body below MESSAGE_BODY_MAX, so
 * lengths fit in 32 bits. */
static int message_append(const struct message *m, size_t omitted, struct bytes *out,
			  struct error *e)
{
	size_t len = 0, start = out->len;
	uint8_t *at;

	if (message_check(m, &len, e) < 0)
		return -1;
	if (bytes_resize(out, start + MESSAGE_HEADER_SIZE + len - omitted, e) < 0)
		return -1;
	at = out->data + start;
	encode_u32((uint32_t)m->type, at);
	encode_u32((uint32_t)len, at + 4);
	at += MESSAGE_HEADER_SIZE;
	for (size_t i = 0; i < m->count; i++) {
		encode_u32((uint32_t)m->field[i].len, at);
		at += FIELD_HEADER_SIZE;
		if (i + 1 == m->count && omitted)
			break;
		if (m->field[i].len)
			memcpy(at, m->field[i].data, m->field[i].len);
		at += m->field[i].len;
	}
	return 0;
}

int message_encode(const struct message *m, struct bytes *out, struct error *e)
{
	return message_append(m, 0, out, e);
}

int message_encode_front(const struct message *m, struct bytes *out, struct error *e)
{
	return message_append(m, m->count ? m->field[m->count - 1].len : 0, out, e);
}

int message_decode_header(const uint8_t header[MESSAGE_HEADER_SIZE], enum message_type *type,
			  size_t *len, struct error *e)
{
	uint32_t number = decode_u32(header), body = decode_u32(header + 4);
	const struct type_rule *rule = type_rule(number);

	if (!rule)
		return error_set(e, ERROR_PROTOCOL, "message of unknown type %u", number);
	if (body > MESSAGE_BODY_MAX)
		return error_set(e, ERROR_PROTOCOL, "message %s: %u bytes, over the limit of %zu",
				 rule->name, body, MESSAGE_BODY_MAX);
	*type = (enum message_type)number;
	*len = body;
	return 0;
}

/* Read one field at *@at, of whose message *@left bytes are left; advance both. */
static int field_decode(const struct type_rule *rule, size_t index, const uint8_t **at,
			size_t *left, struct message_field *field, struct error *e)
{
	const char *name = rule->field[index].name;
	size_t len;

	if (*left < FIELD_HEADER_SIZE)
		return error_set(e, ERROR_PROTOCOL, "message %s: ends before %s", rule->name, name);
	len = decode_u32(*at);
	*at += FIELD_HEADER_SIZE;
	*left -= FIELD_HEADER_SIZE;
	if (field_check(rule, index, len, e) < 0)
		return -1;
	if (len > *left)
		return error_set(e, ERROR_PROTOCOL, "message %s: ends within %s", rule->name, name);
	field->data = *at;
	field->len = len;
	*at += len;
	*left -= len;
	return 0;
}

int message_decode_body(enum message_type type, const void *body, size_t len, struct message *m,
			struct error *e)
{
	const struct type_rule *rule = type_rule((uint32_t)type);
	const uint8_t *at = body;

	*m = (struct message){ .type = type };
	if (!rule)
		return error_set(e, ERROR_PROTOCOL, "message of unknown type %u",
				 (unsigned int)type);
	for (size_t i = 0; i < rule->count; i++)
		if (field_decode(rule, i, &at, &len, &m->field[i], e) < 0)
			return -1;
	if (len)
		return error_set(e, ERROR_PROTOCOL, "message %s: %zu bytes after its last field",
				 rule->name, len);
	m->count = rule->count;
	return 0;
}

struct message_field message_u32(uint32_t value, uint8_t buffer[4])
{
	encode_u32(value, buffer);
	return (struct message_field){ buffer, 4 };
}

int message_field_u32(const struct message *m, size_t index, uint32_t *value, struct error *e)
{
	if (index >= m->count || m->field[index].len != 4)
		return error_set(e, ERROR_PROTOCOL, "message: field %zu is not a number", index);
	*value = decode_u32(m->field[index].data);
	return 0;
}
