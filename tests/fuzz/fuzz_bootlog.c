// SPDX-License-Identifier: Apache-2.0
/*
 * The input is a log of firmware, for the kernel module's parser. The parser of user space serves as
 * the judge: with the same algorithm, both accept the same logs and find the same extensions.
 */
#include "base/realm.h"
#include "event/event_log.h"
#include "fuzz.h"
#include "kmod_bootlog.h"

struct mlog {
	const struct event_log *log; /* NULL: only look at the bytes */
	size_t at, count, digest_size;
	unsigned int sum;
};

/* Each byte that the event names must be within the input, which ASan checks. */
static int look(struct mlog *seen, const struct mlog_event *event)
{
	seen->count++;
	for (size_t i = 0; i < seen->digest_size; i++)
		seen->sum += event->digest[i];
	for (size_t i = 0; i < event->size; i++)
		seen->sum += ((const uint8_t *)event->data)[i];
	must(event->index < REALM_REGISTERS && event->type != EVENT_TYPE_NO_ACTION);
	return 0;
}

static bool extends(const struct event_record *record)
{
	return record->kind == EVENT_EXTENSION || record->kind == EVENT_BOOT;
}

static int compare(struct mlog *seen, const struct mlog_event *event)
{
	const struct event_record *record;

	look(seen, event);
	while (seen->at < seen->log->count && !extends(&seen->log->record[seen->at]))
		seen->at++;
	must(seen->at < seen->log->count);
	record = &seen->log->record[seen->at++];
	must(record->index == event->index && record->type == event->type &&
	     record->digest == event->digest && record->size == event->size &&
	     record->event == event->data);
	return 0;
}

static size_t extensions(const struct event_log *log, bool *known)
{
	size_t count = 0;

	*known = true;
	for (size_t i = 0; i < log->count; i++) {
		if (!extends(&log->record[i]))
			continue;
		*known = *known && log->record[i].index < REALM_REGISTERS;
		count++;
	}
	return count;
}

static const char *parse(const struct hash *hash, struct mlog *seen,
			 int (*visit)(struct mlog *, const struct mlog_event *),
			 const uint8_t *data, size_t size)
{
	struct cca_bootlog log = {
		.algo = hash->tpm,
		.digest_size = (u32)hash->size,
		.registers = REALM_REGISTERS,
		.visit = visit,
		.log = seen,
	};

	seen->digest_size = hash->size;
	return cca_bootlog_parse(&log, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event_log log = EVENT_LOG_INIT;
	struct error e = ERROR_INIT;
	bool accepted = event_log_decode(&log, data, size, &e) == 0, known;

	for (unsigned int i = 0; hash_by_number(i); i++) {
		struct mlog seen = { 0 };
		const char *fault = parse(hash_by_number(i), &seen, look, data, size);

		must(!fault || *fault);
	}
	if (accepted) {
		struct mlog seen = { .log = &log };
		size_t count = extensions(&log, &known);
		const char *fault = parse(log.hash, &seen, compare, data, size);

		must(known == !fault);
		must(fault || seen.count == count);
	}
	event_log_free(&log);
	return 0;
}
