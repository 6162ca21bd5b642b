// SPDX-License-Identifier: Apache-2.0
/* The input is an event log. An accepted one can be printed, and fits its replayed registers. */
#include <stdlib.h>
#include <string.h>

#include "event/event_print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void show(const struct event_log *log, const struct event_replay *replay)
{
	struct bytes out = BYTES_INIT;
	json_t *json = event_print_json(log, replay);

	event_print_log(log, &out);
	event_print_replay(log, replay, &out);
	if (!json || out.failed)
		abort();
	for (size_t i = 0; i < out.len; i++)
		if ((out.data[i] < ' ' && out.data[i] != '\n') || out.data[i] > '~')
			abort(); /* no control character reaches a terminal */
	json_decref(json);
	bytes_free(&out);
}

static void replay_twice(const struct event_log *log)
{
	static const uint8_t zeros[REALM_REGISTERS][HASH_SIZE_MAX];
	uint8_t value[REALM_REGISTERS][HASH_SIZE_MAX];
	struct event_replay replay;
	struct error e = ERROR_INIT;

	if (event_replay_run(log, zeros, &replay, &e) < 0)
		abort();
	show(log, &replay);
	for (int i = 0; i < REALM_REGISTERS; i++)
		memcpy(value[i], replay.reg[i].value, HASH_SIZE_MAX);
	if (event_replay_run(log, (const uint8_t(*)[HASH_SIZE_MAX])value, &replay, &e) < 0)
		abort();
	for (int i = 0; i < REALM_REGISTERS; i++)
		if (!replay.reg[i].fits)
			abort();
}

/* Encoding and decoding the records results in the same records. */
static void encode_again(const struct event_log *log)
{
	struct event_log again = EVENT_LOG_INIT;
	struct bytes raw = BYTES_INIT;
	struct error e = ERROR_INIT;

	event_log_put_header(log->hash, &raw);
	for (size_t i = 0; i < log->count; i++)
		event_log_put(log->hash, &log->record[i], &raw);
	if (raw.failed)
		abort();
	if (event_log_decode(&again, raw.data, raw.len, &e) < 0 || again.count != log->count)
		abort();
	for (size_t i = 0; i < log->count; i++)
		if (again.record[i].kind != log->record[i].kind ||
		    again.record[i].index != log->record[i].index ||
		    again.record[i].type != log->record[i].type ||
		    again.record[i].size != log->record[i].size)
			abort();
	event_log_free(&again);
	bytes_free(&raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event_log log = EVENT_LOG_INIT;
	struct error e = ERROR_INIT;

	if (event_log_decode(&log, data, size, &e) < 0) {
		if (e.kind == ERROR_NONE || log.record)
			abort();
		return 0;
	}
	replay_twice(&log);
	encode_again(&log);
	event_log_free(&log);
	return 0;
}
