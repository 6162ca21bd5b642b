// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "event_log.h"
#include "rsi/rsi.h"

struct replayer {
	const struct event_log *log;
	const EVP_MD *md;
	EVP_MD_CTX *context;
	struct event_replay *replay;
};

/* H(@a || @b), each of the log's digest size or, @b, @len bytes. */
static int hash(struct replayer *r, const void *a, const void *b, size_t len, uint8_t *out,
		struct error *e)
{
	if (EVP_DigestInit_ex(r->context, r->md, NULL) != 1 ||
	    (a && EVP_DigestUpdate(r->context, a, r->log->digest_size) != 1) ||
	    EVP_DigestUpdate(r->context, b, len) != 1 ||
	    EVP_DigestFinal_ex(r->context, out, NULL) != 1)
		return error_set(e, ERROR_SYSTEM, "event log: digest");
	return 0;
}

/* Remember @at as the first record that does not fit, unless an earlier one is known. */
__attribute__((format(printf, 3, 4)))
static void misfit(struct event_replay *replay, size_t at, const char *format, ...)
{
	va_list args;

	if (!replay->fits && replay->misfit <= at)
		return;
	replay->fits = false;
	replay->misfit = at;
	va_start(args, format);
	vsnprintf(replay->reason, sizeof(replay->reason), format, args);
	va_end(args);
}

/* A tagged event is what its digest is of. */
static int tagged_check(struct replayer *r, size_t at, struct error *e)
{
	const struct event_record *record = &r->log->record[at];
	uint8_t digest[EVENT_DIGEST_MAX];
	size_t len;

	if (!event_tagged_text(record, &len))
		return 0;
	if (hash(r, NULL, record->event, record->size, digest, e) < 0)
		return -1;
	if (memcmp(digest, record->digest, r->log->digest_size))
		misfit(r->replay, at, "its digest is not that of its event");
	return 0;
}

static int record_replay(struct replayer *r, size_t at, struct error *e)
{
	const struct event_record *record = &r->log->record[at];
	struct event_register *reg;

	if (record->kind == EVENT_NOTE)
		return 0;
	if (record->index >= EVENT_LOG_REGISTERS) {
		misfit(r->replay, at, "there is no register %u", record->index);
		return 0;
	}
	reg = &r->replay->reg[record->index];
	if (record->kind == EVENT_EXTENSION) {
		reg->extensions++;
		return hash(r, reg->value, record->digest, r->log->digest_size, reg->value, e) < 0 ?
		       -1 : tagged_check(r, at, e);
	}
	/* A register begins at zeros; whatever else it is restarted from came about outside the log. */
	if (record->kind == EVENT_FOREIGN ||
	    memcmp(reg->value, record->value, r->log->digest_size))
		reg->gaps++;
	memcpy(reg->value, record->value, r->log->digest_size);
	return 0;
}

/* After record @at: has its register the value sought? The first record since it last had is the one
 * to blame; a restart leaves nothing of what was before it to blame. */
static void register_compare(struct replayer *r, size_t at, const uint8_t *wanted)
{
	const struct event_record *record = &r->log->record[at];
	struct event_register *reg = &r->replay->reg[record->index];

	if (!memcmp(reg->value, wanted, r->log->digest_size)) {
		reg->fits = true;
		reg->misfit = EVENT_NONE;
		return;
	}
	if (reg->fits || reg->misfit == EVENT_NONE || record->kind != EVENT_EXTENSION)
		reg->misfit = at;
	reg->fits = false;
}

static bool has_records(const struct event_log *log, uint32_t index)
{
	for (size_t i = 0; i < log->count; i++)
		if (log->record[i].index == index && log->record[i].kind != EVENT_NOTE)
			return true;
	return false;
}

static int records_replay(struct replayer *r, const uint8_t value[][EVENT_DIGEST_MAX],
			  struct error *e)
{
	for (size_t at = 0; at < r->log->count; at++) {
		const struct event_record *record = &r->log->record[at];

		if (record_replay(r, at, e) < 0)
			return -1;
		if (record->kind != EVENT_NOTE && record->index < EVENT_LOG_REGISTERS)
			register_compare(r, at, value[record->index]);
	}
	return 0;
}

static void registers_judge(struct replayer *r)
{
	char name[24];

	for (uint32_t i = 0; i < EVENT_LOG_REGISTERS; i++) {
		const struct event_register *reg = &r->replay->reg[i];

		if (!reg->fits)
			misfit(r->replay, reg->misfit, "%s is not where it leads, nor any record after it",
			       event_register_name(i, name));
	}
}

int event_log_replay(const struct event_log *log,
		     const uint8_t value[EVENT_LOG_REGISTERS][EVENT_DIGEST_MAX],
		     struct event_replay *replay, struct error *e)
{
	struct replayer r = { .log = log, .replay = replay };
	static const uint8_t zeros[EVENT_DIGEST_MAX];
	int ret = -1;

	*replay = (struct event_replay){ .fits = true, .misfit = EVENT_NONE };
	for (uint32_t i = 0; i < EVENT_LOG_REGISTERS; i++) {
		struct event_register *reg = &replay->reg[i];

		reg->misfit = EVENT_NONE;
		reg->fits = (i == 0 && !has_records(log, i)) ||
			    !memcmp(value[i], zeros, log->digest_size);
	}
	r.md = EVP_get_digestbyname(rsi_hash_openssl(log->hash_algo));
	r.context = EVP_MD_CTX_new();
	if (!r.md || !r.context)
		error_set(e, ERROR_SYSTEM, "event log: no %s here", rsi_hash_openssl(log->hash_algo));
	else
		ret = records_replay(&r, value, e);
	if (ret == 0)
		registers_judge(&r);
	EVP_MD_CTX_free(r.context);
	return ret;
}
