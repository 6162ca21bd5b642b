// SPDX-License-Identifier: Apache-2.0
#include "event_log.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/realm.h"

#define SPEC_ID		"Spec ID Event03"
#define SIGNATURE_SIZE	16 /* of events of EV_NO_ACTION, NUL included */
#define SHA1_SIZE	20 /* the digest of the header, all zeros */
#define ALGORITHMS_MAX	8
#define TAG_AAEL	UINT32_C(0x4141454c)
#define TAG_HEADER_SIZE 8

/* The kernel's records of a register's value: the signature, followed by the value. */
static const struct {
	enum event_kind kind;
	char signature[SIGNATURE_SIZE];
} restarts[] = {
	{ EVENT_BASE, "CCA RSI base" },
	{ EVENT_FOREIGN, "CCA RSI foreign" },
};

const char *event_register_name(uint32_t index, char buffer[24])
{
	const char *name = realm_register_name(index);

	if (name)
		return name;
	snprintf(buffer, 24, "register %u", index);
	return buffer;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct cursor {
	const uint8_t *at, *end;
	const char *fault; /* the field that was cut short, or NULL */
};

struct algorithms {
	size_t count;
	struct {
		uint16_t id, size;
	} of[ALGORITHMS_MAX];
};

/* The next @size bytes, or NULL if fewer remain. */
static const uint8_t *cursor_read(struct cursor *c, size_t size, const char *field)
{
	const uint8_t *at = c->at;

	if (size > (size_t)(c->end - c->at)) {
		c->fault = c->fault ? c->fault : field;
		c->at = c->end;
		return NULL;
	}
	c->at += size;
	return at;
}

/* The next number, little-endian in @size bytes; 0 if fewer remain. */
static uint32_t cursor_number(struct cursor *c, size_t size, const char *field)
{
	const uint8_t *at = cursor_read(c, size, field);
	uint32_t number = 0;

	while (at && size--)
		number = number << 8 | at[size];
	return number;
}

/* Whether only padding remains. */
static bool cursor_at_padding(const struct cursor *c)
{
	const uint8_t *at = c->at;

	if (at < c->end && *at != 0x00 && *at != 0xff)
		return false;
	while (at < c->end && *at == *c->at)
		at++;
	return at == c->end;
}

/* TCG_EfiSpecIdEvent, up to its algorithms. */
static int spec_decode(struct cursor *c, struct algorithms *algorithms, struct error *e)
{
	const uint8_t *signature = cursor_read(c, SIGNATURE_SIZE, "signature");
	uint32_t count;

	if (signature && memcmp(signature, SPEC_ID, SIGNATURE_SIZE))
		return error_set(e, ERROR_INPUT, "event log: header: no '" SPEC_ID "'");
	cursor_read(c, 8, "version");
	count = cursor_number(c, 4, "number of algorithms");
	if (!c->fault && (count == 0 || count > ALGORITHMS_MAX))
		return error_set(e, ERROR_INPUT,
				 "event log: header: %u digest algorithms, not 1 "
				 "to %d",
				 count, ALGORITHMS_MAX);
	for (algorithms->count = 0; algorithms->count < count; algorithms->count++) {
		algorithms->of[algorithms->count].id = (uint16_t)cursor_number(c, 2, "algorithm");
		algorithms->of[algorithms->count].size = (uint16_t)cursor_number(c, 2,
										 "digest size");
	}
	return c->fault ? error_set(e, ERROR_INPUT, "event log: header: ends in %s", c->fault) : 0;
}

/* TCG_PCR_EVENT, the one record in the old form. */
static int log_header_decode(struct cursor *c, struct algorithms *algorithms, struct error *e)
{
	struct cursor event = { 0 };
	uint32_t type, size;

	cursor_read(c, 4, "register");
	type = cursor_number(c, 4, "event type");
	cursor_read(c, SHA1_SIZE, "digest");
	size = cursor_number(c, 4, "event size");
	event.at = cursor_read(c, size, "event");
	if (c->fault)
		return error_set(e, ERROR_INPUT, "event log: header: ends in %s", c->fault);
	if (type != EVENT_TYPE_NO_ACTION)
		return error_set(e, ERROR_INPUT, "event log: header: event type 0x%x", type);
	event.end = event.at + size;
	return spec_decode(&event, algorithms, e);
}

static int hash_choose(const struct algorithms *algorithms, struct event_log *log, struct error *e)
{
	for (size_t i = 0; i < algorithms->count; i++) {
		const struct hash *hash = hash_by_tpm(algorithms->of[i].id);

		if (!hash)
			continue;
		if (algorithms->of[i].size != hash->size)
			return error_set(e, ERROR_INPUT,
					 "event log: header: algorithm 0x%04x has "
					 "digests of %u bytes",
					 hash->tpm, algorithms->of[i].size);
		log->hash = hash;
		return 0;
	}
	return error_set(e, ERROR_INPUT, "event log: header: neither SHA-256, SHA-384 nor SHA-512");
}

static size_t algorithm_digest_size(const struct algorithms *algorithms, uint32_t id)
{
	for (size_t i = 0; i < algorithms->count; i++)
		if (algorithms->of[i].id == id)
			return algorithms->of[i].size;
	return 0;
}

/* TPML_DIGEST_VALUES: each algorithm at most once, and that of the log. Returns NULL, or what is
 * wrong. */
static const char *digests_decode(struct cursor *c, const struct algorithms *algorithms,
				  const struct hash *hash, struct event_record *record)
{
	uint32_t count = cursor_number(c, 4, "number of digests");

	if (!c->fault && (count == 0 || count > algorithms->count))
		return "number of digests is not that of the header";
	while (!c->fault && count--) {
		uint32_t id = cursor_number(c, 2, "digest algorithm");
		size_t size = algorithm_digest_size(algorithms, id);
		const uint8_t *digest = cursor_read(c, size, "digest");

		if (c->fault)
			break;
		if (!size)
			return "a digest algorithm that is not in the header";
		if (id != hash->tpm)
			continue;
		if (record->digest)
			return "a digest algorithm twice";
		record->digest = digest;
	}
	return c->fault || record->digest ? NULL : "no digest in the log's algorithm";
}

/* Read the event of a record of EV_NO_ACTION. Returns NULL, or what is wrong. */
static const char *no_action_decode(const struct hash *hash, struct event_record *record)
{
	record->kind = EVENT_NOTE;
	if (record->size < SIGNATURE_SIZE)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(restarts); i++) {
		if (memcmp(record->event, restarts[i].signature, SIGNATURE_SIZE))
			continue;
		if (record->size != SIGNATURE_SIZE + hash->size)
			return "event does not have the size of a register";
		if (record->index >= REALM_REGISTERS)
			return "there is no such register";
		record->kind = restarts[i].kind;
		record->value = record->event + SIGNATURE_SIZE;
	}
	return NULL;
}

/* TCG_PCR_EVENT2. Returns NULL, or what is wrong unless a field was cut short. */
static const char *record_decode(struct cursor *c, const struct algorithms *algorithms,
				 const struct hash *hash, struct event_record *record)
{
	const char *fault;

	*record = (struct event_record){ .kind = EVENT_EXTENSION };
	record->index = cursor_number(c, 4, "register");
	record->type = cursor_number(c, 4, "event type");
	fault = digests_decode(c, algorithms, hash, record);
	if (fault)
		return fault;
	record->size = cursor_number(c, 4, "event size");
	record->event = cursor_read(c, record->size, "event");
	if (c->fault || record->type != EVENT_TYPE_NO_ACTION)
		return NULL;
	return no_action_decode(hash, record);
}

static int records_decode(struct cursor *c, const struct algorithms *algorithms,
			  struct event_log *log, struct error *e)
{
	while (!cursor_at_padding(c)) {
		const char *fault;

		/* Make room at each power of two. */
		if (!(log->count & (log->count - 1))) {
			size_t room = log->count ? 2 * log->count : 1;
			struct event_record *grown = reallocarray(log->record, room,
								  sizeof(*grown));

			if (!grown)
				return error_set_memory(e);
			log->record = grown;
		}
		fault = record_decode(c, algorithms, log->hash, &log->record[log->count]);
		if (fault || c->fault)
			return error_set(e, ERROR_INPUT, "event log: record %zu: %s%s", log->count,
					 fault ? "" : "ends in ", fault ? fault : c->fault);
		log->count++;
	}
	return 0;
}

/* The kernel puts firmware's records before its base records, and nothing else. */
static void boot_mark(struct event_log *log)
{
	size_t base = 0;

	while (base < log->count && log->record[base].kind != EVENT_BASE)
		base++;
	for (size_t i = 0; base < log->count && i < base; i++)
		if (log->record[i].kind == EVENT_EXTENSION)
			log->record[i].kind = EVENT_BOOT;
}

int event_log_decode(struct event_log *log, const void *data, size_t len, struct error *e)
{
	struct cursor c = { .at = data, .end = (const uint8_t *)data + len };
	struct algorithms algorithms = { 0 };

	*log = (struct event_log)EVENT_LOG_INIT;
	if (len > EVENT_LOG_MAX)
		return error_set(e, ERROR_INPUT, "event log: more than %zu MiB",
				 EVENT_LOG_MAX >> 20);
	if (log_header_decode(&c, &algorithms, e) == 0 && hash_choose(&algorithms, log, e) == 0 &&
	    records_decode(&c, &algorithms, log, e) == 0) {
		boot_mark(log);
		return 0;
	}
	event_log_free(log);
	return -1;
}

void event_log_free(struct event_log *log)
{
	free(log->record);
	*log = (struct event_log)EVENT_LOG_INIT;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void put_number(struct bytes *out, uint32_t number, size_t size)
{
	const uint8_t raw[4] = { (uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16),
				 (uint8_t)(number >> 24) };

	bytes_append(out, raw, size);
}

void event_log_put_header(const struct hash *hash, struct bytes *out)
{
	static const uint8_t zeros[SHA1_SIZE];
	/* platform class 0, version 2.0, errata 0, uintn of 64 bits */
	static const uint8_t version[8] = { 0, 0, 0, 0, 0, 2, 0, 2 };

	put_number(out, 0, 4);
	put_number(out, EVENT_TYPE_NO_ACTION, 4);
	bytes_append(out, zeros, SHA1_SIZE);
	put_number(out, 33, 4);
	bytes_append(out, SPEC_ID, SIGNATURE_SIZE);
	bytes_append(out, version, sizeof(version));
	put_number(out, 1, 4);
	put_number(out, hash->tpm, 2);
	put_number(out, (uint32_t)hash->size, 2);
	put_number(out, 0, 1);
}

void event_log_put(const struct hash *hash, const struct event_record *record, struct bytes *out)
{
	static const uint8_t zeros[HASH_SIZE_MAX];
	uint8_t event[SIGNATURE_SIZE + HASH_SIZE_MAX];
	struct event_record restart = {
		.index = record->index,
		.type = EVENT_TYPE_NO_ACTION,
		.digest = zeros,
		.event = event,
		.size = SIGNATURE_SIZE + hash->size,
	};

	for (size_t i = 0; i < ARRAY_SIZE(restarts); i++) {
		if (restarts[i].kind != record->kind)
			continue;
		memcpy(event, restarts[i].signature, SIGNATURE_SIZE);
		memcpy(event + SIGNATURE_SIZE, record->value, hash->size);
		record = &restart;
		break;
	}
	put_number(out, record->index, 4);
	put_number(out, record->type, 4);
	put_number(out, 1, 4);
	put_number(out, hash->tpm, 2);
	bytes_append(out, record->digest, hash->size);
	put_number(out, (uint32_t)record->size, 4);
	bytes_append(out, record->event, record->size);
}

/* --- tagged events ---------------------------------------------------------------------------- */

void event_tagged_put(const char *domain, const char *operation, const char *content,
		      struct bytes *out)
{
	size_t len = strlen(domain) + strlen(operation) + strlen(content) + 2;

	put_number(out, TAG_AAEL, 4);
	put_number(out, (uint32_t)len, 4);
	bytes_printf(out, "%s %s %s", domain, operation, content);
}

const char *event_tagged_text(const struct event_record *record, size_t *len)
{
	struct cursor c = { .at = record->event, .end = record->event + record->size };
	uint32_t tag, size;

	if (record->type != EVENT_TYPE_TAG || record->size < TAG_HEADER_SIZE)
		return NULL;
	tag = cursor_number(&c, 4, "tag");
	size = cursor_number(&c, 4, "size");
	if (tag != TAG_AAEL || size != record->size - TAG_HEADER_SIZE)
		return NULL;
	*len = size;
	return (const char *)c.at;
}
