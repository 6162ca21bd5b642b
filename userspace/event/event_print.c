// SPDX-License-Identifier: Apache-2.0
#include "event_print.h"

#include "base/encode.h"
#include "base/json.h"

#define EVENT_TEXT_MAX 240 /* characters of an event that are printed */

static const char *const kinds[] = {
	[EVENT_EXTENSION] = "extension", [EVENT_BOOT] = "boot", [EVENT_BASE] = "base",
	[EVENT_FOREIGN] = "foreign",	 [EVENT_NOTE] = "note",
};

/* The event as @len characters of text, if it is printable ASCII with at most one NUL at its end;
 * NULL otherwise. */
static const char *event_text(const struct event_record *record, size_t *len)
{
	const char *text = event_tagged_text(record, len);

	if (!text) {
		text = (const char *)record->event;
		*len = record->size;
		if (*len && !text[*len - 1])
			(*len)--;
	}
	for (size_t i = 0; i < *len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return NULL;
	return *len ? text : NULL;
}

/* --- lines ------------------------------------------------------------------------------------ */

static void event_append(const struct event_record *record, struct bytes *out)
{
	size_t len, shown;
	const char *text = event_text(record, &len);

	if (!record->size)
		return;
	if (text) {
		shown = len < EVENT_TEXT_MAX ? len : EVENT_TEXT_MAX;
		bytes_printf(out, " \"%.*s\"", (int)shown, text);
	} else {
		len = record->size;
		shown = len < EVENT_TEXT_MAX / 2 ? len : EVENT_TEXT_MAX / 2;
		bytes_append_text(out, " ");
		encode_hex(record->event, shown, out);
	}
	if (shown < len)
		bytes_printf(out, "... (%zu bytes)", len);
}

void event_print_log(const struct event_log *log, struct bytes *out)
{
	for (size_t i = 0; i < log->count; i++) {
		const struct event_record *record = &log->record[i];
		const char *type = event_type_name(record->type);
		char name[24];

		bytes_printf(out, "%5zu %-5s ", i, event_register_name(record->index, name));
		if (record->kind == EVENT_BOOT)
			bytes_append_text(out, "boot ");
		if (record->value)
			bytes_append_text(out, kinds[record->kind]);
		else if (type)
			bytes_append_text(out, type);
		else
			bytes_printf(out, "0x%08x", record->type);
		bytes_printf(out, " %s:", log->hash->name);
		encode_hex(record->value ? record->value : record->digest, log->hash->size, out);
		if (!record->value)
			event_append(record, out);
		if (record->kind == EVENT_FOREIGN)
			bytes_append_text(out, " extended by another program");
		bytes_append_text(out, "\n");
	}
}

/* The RIM cannot be extended, so it is shown only if the log claims that it was. */
static bool register_shown(const struct event_replay *replay, uint32_t index)
{
	const struct event_register *reg = &replay->reg[index];

	return index > 0 || reg->extensions || reg->gaps || !reg->fits;
}

void event_print_replay(const struct event_log *log, const struct event_replay *replay,
			struct bytes *out)
{
	for (uint32_t i = 0; i < REALM_REGISTERS; i++) {
		const struct event_register *reg = &replay->reg[i];

		if (!register_shown(replay, i))
			continue;
		bytes_printf(out, "%-4s %s, %zu extension%s", realm_register_name(i),
			     reg->fits ? "fits" : "does not fit", reg->extensions,
			     reg->extensions == 1 ? "" : "s");
		if (reg->gaps)
			bytes_printf(out, ", %zu gap%s", reg->gaps, reg->gaps == 1 ? "" : "s");
		if (reg->boot && reg->explained)
			bytes_printf(out, "; explained from the start, %zu by firmware", reg->boot);
		else if (reg->boot)
			bytes_printf(out, "; firmware's %zu %s not explain the start", reg->boot,
				     reg->boot == 1 ? "does" : "do");
		if (!reg->fits) {
			bytes_printf(out, "; the log leads to %s:", log->hash->name);
			encode_hex(reg->value, log->hash->size, out);
		}
		bytes_append_text(out, "\n");
	}
	if (!replay->fits && replay->misfit == EVENT_REPLAY_NONE)
		bytes_append_text(out, "the log has no records of a register that does not fit\n");
	else if (!replay->fits)
		bytes_printf(out, "record %zu does not fit: %s\n", replay->misfit, replay->reason);
}

/* --- JSON ------------------------------------------------------------------------------------- */

/* Optional members are set one by one, because the optional members of json_pack() are left out if
 * memory fails. */
static json_t *record_json(const struct event_log *log, size_t at)
{
	const struct event_record *record = &log->record[at];
	const char *type = event_type_name(record->type), *text;
	size_t size = log->hash->size, len;
	json_t *value = json_pack("{s:I, s:I, s:s}", "seq", (json_int_t)at, "index",
				  (json_int_t)record->index, "kind", kinds[record->kind]);
	int ret = 0;

	if (record->value) {
		ret = json_object_set_new(value, "value", json_hex(record->value, size));
	} else {
		ret |= json_object_set_new(value, "event-type", json_integer(record->type));
		if (type)
			ret |= json_object_set_new(value, "event-type-name", json_string(type));
		ret |= json_object_set_new(value, "digest", json_hex(record->digest, size));
		ret |= json_object_set_new(value, "event", json_hex(record->event, record->size));
		text = event_text(record, &len);
		if (text)
			ret |= json_object_set_new(value, "event-text", json_stringn(text, len));
	}
	if (ret == 0)
		return value;
	json_decref(value);
	return NULL;
}

static json_t *position_json(size_t at)
{
	return at == EVENT_REPLAY_NONE ? json_null() : json_integer((json_int_t)at);
}

static json_t *register_json(const struct event_log *log, const struct event_replay *replay,
			     uint32_t index)
{
	const struct event_register *reg = &replay->reg[index];

	return json_pack("{s:I, s:b, s:b, s:I, s:I, s:I, s:o, s:o}", "index", (json_int_t)index,
			 "fits", reg->fits, "explained", reg->explained, "boot-extensions",
			 (json_int_t)reg->boot, "extensions", (json_int_t)reg->extensions, "gaps",
			 (json_int_t)reg->gaps, "value", json_hex(reg->value, log->hash->size),
			 "first-misfit", position_json(reg->misfit));
}

json_t *event_print_json(const struct event_log *log, const struct event_replay *replay)
{
	json_t *records = json_array(), *registers = replay ? json_array() : NULL, *value;
	int ret = 0;

	for (size_t i = 0; i < log->count; i++)
		ret |= json_array_append_new(records, record_json(log, i));
	for (uint32_t i = 0; replay && i < REALM_REGISTERS; i++)
		if (register_shown(replay, i))
			ret |= json_array_append_new(registers, register_json(log, replay, i));
	value = json_pack("{s:s, s:o}", "hash-algorithm", log->hash->name, "records", records);
	if (replay)
		ret |= json_object_set_new(value, "replay",
					   json_pack("{s:b, s:o, s:s, s:o}", "fits", replay->fits,
						     "first-misfit", position_json(replay->misfit),
						     "reason", replay->reason, "registers",
						     registers));
	if (ret == 0)
		return value;
	json_decref(value);
	return NULL;
}
