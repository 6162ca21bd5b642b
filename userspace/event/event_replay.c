// SPDX-License-Identifier: Apache-2.0
#include "event_replay.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"

struct replayer {
	const struct event_log *log;
	const EVP_MD *md;
	EVP_MD_CTX *context;
	struct event_replay *replay;
};

/* H(@a || @b): @a has the size of a digest or is NULL, @b has @len bytes. */
static int replay_digest(struct replayer *r, const void *a, const void *b, size_t len, uint8_t *out,
			 struct error *e)
{
	if (EVP_DigestInit_ex(r->context, r->md, NULL) != 1 ||
	    (a && EVP_DigestUpdate(r->context, a, r->log->hash->size) != 1) ||
	    EVP_DigestUpdate(r->context, b, len) != 1 ||
	    EVP_DigestFinal_ex(r->context, out, NULL) != 1)
		return crypto_error(e, ERROR_SYSTEM, "event log: cannot compute %s",
				    r->log->hash->name);
	return 0;
}

/* Remember @at as the first record that does not fit, unless an earlier one is known. */
__attribute__((format(printf, 3, 4))) static void misfit_set(struct event_replay *replay, size_t at,
							     const char *format, ...)
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

/* The digest of a tagged event is that of the event itself. */
static int tagged_check(struct replayer *r, size_t at, struct error *e)
{
	const struct event_record *record = &r->log->record[at];
	uint8_t digest[HASH_SIZE_MAX];
	size_t len;

	if (!event_tagged_text(record, &len))
		return 0;
	if (replay_digest(r, NULL, record->event, record->size, digest, e) < 0)
		return -1;
	if (memcmp(digest, record->digest, r->log->hash->size))
		misfit_set(r->replay, at, "its digest is not that of its event");
	return 0;
}

/* Firmware's records of the RIM say how it was made; the RIM is not their hash. */
static bool record_counts(const struct event_record *record)
{
	return record->kind != EVENT_NOTE && (record->kind != EVENT_BOOT || record->index > 0);
}

static int record_replay(struct replayer *r, size_t at, struct error *e)
{
	const struct event_record *record = &r->log->record[at];
	size_t size = r->log->hash->size;
	struct event_register *reg;

	if (!record_counts(record))
		return 0;
	if (record->index >= REALM_REGISTERS) {
		misfit_set(r->replay, at, "there is no register %u", record->index);
		return 0;
	}
	reg = &r->replay->reg[record->index];
	if (record->kind == EVENT_EXTENSION || record->kind == EVENT_BOOT) {
		reg->extensions++;
		reg->boot += record->kind == EVENT_BOOT;
		if (replay_digest(r, reg->value, record->digest, size, reg->value, e) < 0)
			return -1;
		return tagged_check(r, at, e);
	}
	/* The log does not explain a value from which a register is restarted, unless the register
	 * has it already (at the start: zeros). */
	if (record->kind == EVENT_FOREIGN || memcmp(reg->value, record->value, size)) {
		reg->gaps++;
		reg->explained = reg->explained && record->kind != EVENT_BASE;
	}
	memcpy(reg->value, record->value, size);
	return 0;
}

/* Compare the register of record @at with its @expected value after that record. If they differ,
 * the cause is the first record since they were last equal. After a restart earlier records no
 * longer matter. */
static void register_compare(struct replayer *r, size_t at, const uint8_t *expected)
{
	const struct event_record *record = &r->log->record[at];
	struct event_register *reg = &r->replay->reg[record->index];

	if (!memcmp(reg->value, expected, r->log->hash->size)) {
		reg->fits = true;
		reg->misfit = EVENT_REPLAY_NONE;
		return;
	}
	if (reg->fits || reg->misfit == EVENT_REPLAY_NONE || record->value)
		reg->misfit = at;
	reg->fits = false;
}

static int records_replay(struct replayer *r, const uint8_t value[][HASH_SIZE_MAX], struct error *e)
{
	for (size_t at = 0; at < r->log->count; at++) {
		const struct event_record *record = &r->log->record[at];

		if (record_replay(r, at, e) < 0)
			return -1;
		if (record_counts(record) && record->index < REALM_REGISTERS)
			register_compare(r, at, value[record->index]);
	}
	for (uint32_t i = 0; i < REALM_REGISTERS; i++) {
		const struct event_register *reg = &r->replay->reg[i];

		if (!reg->fits)
			misfit_set(r->replay, reg->misfit,
				   "%s differs after this record and all "
				   "later ones",
				   realm_register_name(i));
	}
	return 0;
}

static bool has_records(const struct event_log *log, uint32_t index)
{
	for (size_t i = 0; i < log->count; i++)
		if (log->record[i].index == index && record_counts(&log->record[i]))
			return true;
	return false;
}

int event_replay_run(const struct event_log *log,
		     const uint8_t value[REALM_REGISTERS][HASH_SIZE_MAX],
		     struct event_replay *replay, struct error *e)
{
	struct replayer r = { .log = log, .replay = replay };
	static const uint8_t zeros[HASH_SIZE_MAX];
	int ret = -1;

	*replay = (struct event_replay){ .fits = true, .misfit = EVENT_REPLAY_NONE };
	for (uint32_t i = 0; i < REALM_REGISTERS; i++) {
		struct event_register *reg = &replay->reg[i];

		reg->misfit = EVENT_REPLAY_NONE;
		reg->explained = true;
		reg->fits = (i == 0 && !has_records(log, i)) ||
			    !memcmp(value[i], zeros, log->hash->size);
	}
	crypto_begin();
	r.md = EVP_get_digestbyname(log->hash->openssl);
	r.context = EVP_MD_CTX_new();
	if (r.md && r.context)
		ret = records_replay(&r, value, e);
	else
		crypto_error(e, ERROR_SYSTEM, "event log: OpenSSL has no %s", log->hash->openssl);
	EVP_MD_CTX_free(r.context);
	return ret;
}
