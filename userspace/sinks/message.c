// SPDX-License-Identifier: Apache-2.0
#include "message.h"

#include "base/array.h"
#include "base/encode.h"

#define SECRETS_MAX 256 /* of a configuration */

static const struct rule {
	const char *name;
	size_t min, max; /* bytes of the body */
	uint32_t number_max;
} rules[] = {
	[SINKS_HELLO] = { "HELLO", SINKS_DIGEST_SIZE, SINKS_DIGEST_SIZE, 0 },
	[SINKS_SET] = { "SET", 0, SINKS_VALUE_MAX, SECRETS_MAX - 1 },
	[SINKS_CONFIRM] = { "CONFIRM", 0, 0, SECRETS_MAX - 1 },
	[SINKS_REMOVE] = { "REMOVE", 0, 0, SECRETS_MAX - 1 },
	[SINKS_CHANGED] = { "CHANGED", 0, 0, SECRETS_MAX - 1 },
	[SINKS_DONE] = { "DONE", 0, SECRETS_MAX, SECRETS_MAX - 1 },
	[SINKS_FAILED] = { "FAILED", 1, SINKS_TEXT_MAX, ERROR_ANY - 1 },
};

static int header_check(uint32_t type, uint32_t number, size_t len, struct error *e)
{
	const struct rule *rule = type < ARRAY_SIZE(rules) ? &rules[type] : NULL;

	if (!rule || !rule->name)
		return error_set(e, ERROR_PROTOCOL, "message of unknown type %u", type);
	if (number > rule->number_max)
		return error_set(e, ERROR_PROTOCOL, "message %s: number %u, over the limit of %u",
				 rule->name, number, rule->number_max);
	if (len < rule->min || len > rule->max)
		return error_set(e, ERROR_PROTOCOL, "message %s: %zu bytes, not %zu to %zu",
				 rule->name, len, rule->min, rule->max);
	return 0;
}

int sinks_encode_header(const struct sinks_message *m, uint8_t header[SINKS_HEADER_SIZE],
			struct error *e)
{
	if (header_check((uint32_t)m->type, m->number, m->len, e) < 0)
		return -1;
	encode_u32((uint32_t)m->type, header);
	encode_u32(m->number, header + 4);
	encode_u32((uint32_t)m->len, header + 8);
	return 0;
}

int sinks_decode_header(const uint8_t header[SINKS_HEADER_SIZE], struct sinks_message *m,
			struct error *e)
{
	const uint32_t type = decode_u32(header), number = decode_u32(header + 4);
	const size_t len = decode_u32(header + 8);

	if (header_check(type, number, len, e) < 0)
		return -1;
	*m = (struct sinks_message){ .type = (enum sinks_type)type, .number = number, .len = len };
	return 0;
}
