// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "event_log.h"
#include "rsi/rsi.h"

#define EVENT_TEXT_MAX 240	/* characters of an event that a line shows */

const char *event_register_name(uint32_t index, char buffer[24])
{
	if (index == 0)
		return "RIM";
	snprintf(buffer, 24, index < EVENT_LOG_REGISTERS ? "REM%u" : "register %u",
		 index < EVENT_LOG_REGISTERS ? index - 1 : index);
	return buffer;
}

const char *event_kind_name(enum event_kind kind)
{
	static const char *const names[] = { "extension", "base", "foreign", "note" };

	return names[kind];
}

/* The event as a text, @len characters, if it is one: printable ASCII, a NUL at the end at most. */
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

static int event_line(const struct event_record *record, struct bytes *out)
{
	size_t len, shown;
	const char *text = event_text(record, &len);
	int ret;

	if (!record->size)
		return 0;
	if (text) {
		shown = len < EVENT_TEXT_MAX ? len : EVENT_TEXT_MAX;
		ret = bytes_printf(out, " \"%.*s\"", (int)shown, text);
	} else {
		len = record->size;
		shown = len < EVENT_TEXT_MAX / 2 ? len : EVENT_TEXT_MAX / 2;
		ret = bytes_append_text(out, " ") < 0 ? -1 : encode_hex(record->event, shown, out);
	}
	return ret == 0 && shown < len ? bytes_printf(out, "... (%zu bytes)", len) : ret;
}

static int record_line(const struct event_log *log, size_t at, struct bytes *out)
{
	const struct event_record *record = &log->record[at];
	const uint8_t *digest = record->value ? record->value : record->digest;
	const char *type = event_type_name(record->type);
	char name[24];

	if (bytes_printf(out, "%5zu %-5s ", at, event_register_name(record->index, name)) < 0)
		return -1;
	if (record->value ? bytes_append_text(out, event_kind_name(record->kind)) :
	    type ? bytes_append_text(out, type) : bytes_printf(out, "0x%08x", record->type))
		return -1;
	if (bytes_printf(out, " %s:", rsi_hash_name(log->hash_algo)) < 0 ||
	    encode_hex(digest, log->digest_size, out) < 0 ||
	    (!record->value && event_line(record, out) < 0))
		return -1;
	return bytes_append_text(out, record->kind == EVENT_FOREIGN ?
				 " extended by somebody else\n" : "\n");
}

int event_log_print(const struct event_log *log, struct bytes *out)
{
	for (size_t i = 0; i < log->count; i++)
		if (record_line(log, i, out) < 0)
			return -1;
	return 0;
}

static int register_line(const struct event_log *log, const struct event_replay *replay,
			 uint32_t index, struct bytes *out)
{
	const struct event_register *reg = &replay->reg[index];
	char name[24];

	if (bytes_printf(out, "%-4s %s, %zu extension%s", event_register_name(index, name),
			 reg->fits ? "fits" : "does not fit", reg->extensions,
			 reg->extensions == 1 ? "" : "s") < 0 ||
	    (reg->gaps && bytes_printf(out, ", %zu gap%s", reg->gaps,
				       reg->gaps == 1 ? "" : "s") < 0))
		return -1;
	if (reg->fits)
		return bytes_append_text(out, "\n");
	if (bytes_printf(out, "; the log leads to %s:", rsi_hash_name(log->hash_algo)) < 0 ||
	    encode_hex(reg->value, log->digest_size, out) < 0)
		return -1;
	return bytes_append_text(out, "\n");
}

/* RIM cannot be extended: worth a word only if the log has. */
static bool register_shown(const struct event_replay *replay, uint32_t index)
{
	const struct event_register *reg = &replay->reg[index];

	return index > 0 || reg->extensions || reg->gaps || !reg->fits;
}

int event_replay_print(const struct event_log *log, const struct event_replay *replay,
		       struct bytes *out)
{
	for (uint32_t i = 0; i < EVENT_LOG_REGISTERS; i++)
		if (register_shown(replay, i) && register_line(log, replay, i, out) < 0)
			return -1;
	if (replay->fits)
		return 0;
	if (replay->misfit == EVENT_NONE)
		return bytes_append_text(out, "there are no records of a register that does not fit\n");
	return bytes_printf(out, "record %zu does not fit: %s\n", replay->misfit, replay->reason);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *hex_json(const uint8_t *data, size_t len)
{
	struct bytes hex = BYTES_INIT;
	json_t *value = NULL;

	if (encode_hex(data, len, &hex) == 0)
		value = json_string(bytes_text(&hex));
	bytes_free(&hex);
	return value;
}

static json_t *record_json(const struct event_log *log, size_t at)
{
	const struct event_record *record = &log->record[at];
	size_t len = 0;
	const char *text = record->value ? NULL : event_text(record, &len);

	if (record->value)
		return json_pack("{s:I, s:I, s:s, s:o}", "seq", (json_int_t)at, "index",
				 (json_int_t)record->index, "kind", event_kind_name(record->kind),
				 "value", hex_json(record->value, log->digest_size));
	return json_pack("{s:I, s:I, s:s, s:I, s:s*, s:o, s:o, s:o*}", "seq", (json_int_t)at,
			 "index", (json_int_t)record->index, "kind", event_kind_name(record->kind),
			 "event-type", (json_int_t)record->type, "event-type-name",
			 event_type_name(record->type), "digest",
			 hex_json(record->digest, log->digest_size), "event",
			 hex_json(record->event, record->size), "event-text",
			 text ? json_stringn(text, len) : NULL);
}

static json_t *seq_json(size_t seq)
{
	return seq == EVENT_NONE ? json_null() : json_integer((json_int_t)seq);
}

static json_t *register_json(const struct event_log *log, const struct event_replay *replay,
			     uint32_t index)
{
	const struct event_register *reg = &replay->reg[index];

	return json_pack("{s:I, s:b, s:I, s:I, s:o, s:o}", "index", (json_int_t)index, "fits",
			 reg->fits, "extensions", (json_int_t)reg->extensions, "gaps",
			 (json_int_t)reg->gaps, "value", hex_json(reg->value, log->digest_size),
			 "first-misfit", seq_json(reg->misfit));
}

static json_t *replay_json(const struct event_log *log, const struct event_replay *replay)
{
	json_t *registers = json_array();

	for (uint32_t i = 0; registers && i < EVENT_LOG_REGISTERS; i++) {
		if (!register_shown(replay, i))
			continue;
		if (json_array_append_new(registers, register_json(log, replay, i)) == 0)
			continue;
		json_decref(registers);
		registers = NULL;
	}
	return json_pack("{s:b, s:o, s:s, s:o}", "fits", replay->fits, "first-misfit",
			 seq_json(replay->misfit), "reason", replay->reason, "registers",
			 registers);
}

json_t *event_log_json(const struct event_log *log, const struct event_replay *replay)
{
	json_t *records = json_array(), *value;

	for (size_t i = 0; records && i < log->count; i++) {
		if (json_array_append_new(records, record_json(log, i)) == 0)
			continue;
		json_decref(records);
		records = NULL;
	}
	value = json_pack("{s:s, s:o}", "hash-algorithm", rsi_hash_name(log->hash_algo), "records",
			  records);
	if (!value || !replay)
		return value;
	if (json_object_set_new(value, "replay", replay_json(log, replay)) == 0)
		return value;
	json_decref(value);
	return NULL;
}
