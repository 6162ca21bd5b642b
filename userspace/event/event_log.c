// SPDX-License-Identifier: Apache-2.0
#include "event_log.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define SPEC_ID "Spec ID Event03"
#define SIGNATURE_SIZE 16	/* of events of EV_NO_ACTION, NUL included */
#define SHA1_SIZE 20		/* the header's digest, all zeros */
#define ALGORITHMS_MAX 8
#define TAG_AAEL UINT32_C(0x4141454c)
#define TAG_HEADER_SIZE 8
#define TYPES_WIDTH 80

/* By RSI's number of the hash algorithm. */
static const struct {
	uint16_t tcg;
	size_t size;
} hashes[] = { { 0x000b, 32 }, { 0x000d, 64 }, { 0x000c, 48 } };

static const struct {
	uint32_t type;
	const char *name;
} types[] = {
	{ 0x00, "EV_PREBOOT_CERT" }, { 0x01, "EV_POST_CODE" }, { 0x03, "EV_NO_ACTION" },
	{ 0x04, "EV_SEPARATOR" }, { 0x05, "EV_ACTION" }, { 0x06, "EV_EVENT_TAG" },
	{ 0x07, "EV_S_CRTM_CONTENTS" }, { 0x08, "EV_S_CRTM_VERSION" },
	{ 0x09, "EV_CPU_MICROCODE" }, { 0x0a, "EV_PLATFORM_CONFIG_FLAGS" },
	{ 0x0b, "EV_TABLE_OF_DEVICES" }, { 0x0c, "EV_COMPACT_HASH" }, { 0x0d, "EV_IPL" },
	{ 0x0e, "EV_IPL_PARTITION_DATA" }, { 0x0f, "EV_NONHOST_CODE" },
	{ 0x10, "EV_NONHOST_CONFIG" }, { 0x11, "EV_NONHOST_INFO" },
	{ 0x12, "EV_OMIT_BOOT_DEVICE_EVENTS" }, { 0x13, "EV_POST_CODE2" },
	{ 0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG" }, { 0x80000002, "EV_EFI_VARIABLE_BOOT" },
	{ 0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION" },
	{ 0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER" },
	{ 0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER" }, { 0x80000006, "EV_EFI_GPT_EVENT" },
	{ 0x80000007, "EV_EFI_ACTION" }, { 0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB" },
	{ 0x80000009, "EV_EFI_HANDOFF_TABLES" },
	{ 0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2" },
	{ 0x8000000b, "EV_EFI_HANDOFF_TABLES2" }, { 0x8000000c, "EV_EFI_VARIABLE_BOOT2" },
	{ 0x8000000d, "EV_EFI_GPT_EVENT2" }, { 0x80000010, "EV_EFI_HCRTM_EVENT" },
	{ 0x800000e0, "EV_EFI_VARIABLE_AUTHORITY" },
	{ 0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB" },
	{ 0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG" },
};

/* What the kernel writes about a register's value: the signature, then the value. */
static const struct {
	enum event_kind kind;
	char signature[SIGNATURE_SIZE];
} restarts[] = {
	{ EVENT_BASE, "CCA RSI base" },
	{ EVENT_FOREIGN, "CCA RSI foreign" },
};

const char *event_type_name(uint32_t type)
{
	for (size_t i = 0; i < COUNT(types); i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}

int event_types_print(struct bytes *out)
{
	size_t column = 0, len;

	for (size_t i = 0; i < COUNT(types); i++) {
		if (types[i].type == EVENT_TYPE_NO_ACTION)
			continue;
		len = 1 + strlen(types[i].name);
		if (column + len > TYPES_WIDTH)
			column = 0;
		if (bytes_printf(out, "%s %s", column || !i ? "" : "\n", types[i].name) < 0)
			return -1;
		column += len;
	}
	return 0;
}

static bool type_from_number(const char *text, uint32_t *type)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	const char *alphabet = hex ? "0123456789abcdefABCDEF" : "0123456789";
	unsigned long long number;

	if (!*digits || strlen(digits) > 10 || strspn(digits, alphabet) != strlen(digits))
		return false;
	number = strtoull(digits, NULL, hex ? 16 : 10);
	*type = (uint32_t)number;
	return number <= UINT32_MAX;
}

int event_type_parse(const char *text, uint32_t *type, struct error *e)
{
	bool found = type_from_number(text, type);

	for (size_t i = 0; !found && i < COUNT(types); i++) {
		found = !strcasecmp(types[i].name, text);
		*type = types[i].type;
	}
	if (!found)
		return error_set(e, ERROR_USAGE, "'%s' is neither the name of a TCG event type nor "
				 "a number of 32 bits", text);
	if (*type == EVENT_TYPE_NO_ACTION)
		return error_set(e, ERROR_USAGE, "EV_NO_ACTION is for records that extend nothing");
	return 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct cursor {
	const uint8_t *at, *end;
	const char *fault;	/* the field that was cut short, or NULL */
};

struct algorithms {
	size_t count;
	struct {
		uint16_t id, size;
	} of[ALGORITHMS_MAX];
	uint16_t chosen;
};

/* @size bytes, or NULL when there are no more so many. */
static const uint8_t *take(struct cursor *c, size_t size, const char *field)
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

/* A number of @size bytes, least first; 0 when it was cut short. */
static uint32_t take_number(struct cursor *c, size_t size, const char *field)
{
	const uint8_t *at = take(c, size, field);
	uint32_t number = 0;

	while (at && size--)
		number = number << 8 | at[size];
	return number;
}

/* Whether nothing but padding is left. */
static bool padded(const struct cursor *c)
{
	const uint8_t *at = c->at;

	if (at < c->end && *at != 0x00 && *at != 0xff)
		return false;
	while (at < c->end && *at == *c->at)
		at++;
	return at == c->end;
}

static int algorithms_choose(struct algorithms *algorithms, struct event_log *log, struct error *e)
{
	for (size_t i = 0; i < algorithms->count; i++) {
		for (unsigned int h = 0; h < COUNT(hashes); h++) {
			if (algorithms->of[i].id != hashes[h].tcg)
				continue;
			if (algorithms->of[i].size != hashes[h].size)
				return error_set(e, ERROR_INPUT, "event log: header: algorithm "
						 "0x%04x has digests of %u bytes", hashes[h].tcg,
						 algorithms->of[i].size);
			algorithms->chosen = hashes[h].tcg;
			log->hash_algo = h;
			log->digest_size = hashes[h].size;
			return 0;
		}
	}
	return error_set(e, ERROR_INPUT, "event log: header: neither SHA-256, SHA-384 nor SHA-512");
}

/* TCG_EfiSpecIdEvent, up to its algorithms. */
static int spec_decode(struct cursor *c, struct algorithms *algorithms, struct error *e)
{
	const uint8_t *signature = take(c, SIGNATURE_SIZE, "signature");
	uint32_t count;

	if (signature && memcmp(signature, SPEC_ID, SIGNATURE_SIZE))
		return error_set(e, ERROR_INPUT, "event log: header: no '" SPEC_ID "'");
	take(c, 8, "version");
	count = take_number(c, 4, "number of algorithms");
	if (!c->fault && (count == 0 || count > ALGORITHMS_MAX))
		return error_set(e, ERROR_INPUT, "event log: header: %u digest algorithms, not 1 to "
				 "%d", count, ALGORITHMS_MAX);
	for (algorithms->count = 0; algorithms->count < count; algorithms->count++) {
		algorithms->of[algorithms->count].id = (uint16_t)take_number(c, 2, "algorithm");
		algorithms->of[algorithms->count].size = (uint16_t)take_number(c, 2, "digest size");
	}
	return c->fault ? error_set(e, ERROR_INPUT, "event log: header: ends in %s", c->fault) : 0;
}

/* TCG_PCR_EVENT: the one record in the old form. */
static int header_decode(struct cursor *c, struct algorithms *algorithms, struct event_log *log,
			 struct error *e)
{
	struct cursor event = { 0 };
	uint32_t type, size;

	take(c, 4, "register");
	type = take_number(c, 4, "event type");
	take(c, SHA1_SIZE, "digest");
	size = take_number(c, 4, "event size");
	event.at = take(c, size, "event");
	if (c->fault)
		return error_set(e, ERROR_INPUT, "event log: header: ends in %s", c->fault);
	if (type != EVENT_TYPE_NO_ACTION)
		return error_set(e, ERROR_INPUT, "event log: header: event type 0x%x", type);
	event.end = event.at + size;
	return spec_decode(&event, algorithms, e) < 0 ? -1 : algorithms_choose(algorithms, log, e);
}

static size_t digest_size(const struct algorithms *algorithms, uint32_t id)
{
	for (size_t i = 0; i < algorithms->count; i++)
		if (algorithms->of[i].id == id)
			return algorithms->of[i].size;
	return 0;
}

/* TPML_DIGEST_VALUES: each algorithm once at most, and the chosen one. NULL, or what is wrong. */
static const char *digests_decode(struct cursor *c, const struct algorithms *algorithms,
				  struct event_record *record)
{
	uint32_t count = take_number(c, 4, "number of digests");

	if (!c->fault && (count == 0 || count > algorithms->count))
		return "number of digests is not that of the header";
	while (!c->fault && count--) {
		uint32_t id = take_number(c, 2, "digest algorithm");
		size_t size = digest_size(algorithms, id);
		const uint8_t *digest = take(c, size, "digest");

		if (c->fault)
			break;
		if (!size)
			return "a digest algorithm that is not in the header";
		if (id != algorithms->chosen)
			continue;
		if (record->digest)
			return "a digest algorithm twice";
		record->digest = digest;
	}
	return c->fault || record->digest ? NULL : "no digest in the log's algorithm";
}

/* What a record of EV_NO_ACTION says. NULL, or what is wrong. */
static const char *no_action_decode(const struct event_log *log, struct event_record *record)
{
	record->kind = EVENT_NOTE;
	if (record->size < SIGNATURE_SIZE)
		return NULL;
	for (size_t i = 0; i < COUNT(restarts); i++) {
		if (memcmp(record->event, restarts[i].signature, SIGNATURE_SIZE))
			continue;
		if (record->size != SIGNATURE_SIZE + log->digest_size)
			return "event has not the size of a register";
		if (record->index >= EVENT_LOG_REGISTERS)
			return "there is no such register";
		record->kind = restarts[i].kind;
		record->value = record->event + SIGNATURE_SIZE;
	}
	return NULL;
}

/* TCG_PCR_EVENT2. NULL, or what is wrong beside a field that was cut short. */
static const char *record_decode(struct cursor *c, const struct algorithms *algorithms,
				 const struct event_log *log, struct event_record *record)
{
	const char *fault;

	*record = (struct event_record){ .kind = EVENT_EXTENSION };
	record->index = take_number(c, 4, "register");
	record->type = take_number(c, 4, "event type");
	fault = digests_decode(c, algorithms, record);
	if (fault)
		return fault;
	record->size = take_number(c, 4, "event size");
	record->event = take(c, record->size, "event");
	if (c->fault || record->type != EVENT_TYPE_NO_ACTION)
		return NULL;
	return no_action_decode(log, record);
}

/* Room for one more record. */
static int log_grow(struct event_log *log, struct error *e)
{
	struct event_record *grown;

	if (log->count & (log->count - 1))	/* room was made at each power of two */
		return 0;
	grown = reallocarray(log->record, log->count ? 2 * log->count : 1, sizeof(*grown));
	if (!grown)
		return error_set_memory(e);
	log->record = grown;
	return 0;
}

static int records_decode(struct cursor *c, const struct algorithms *algorithms,
			  struct event_log *log, struct error *e)
{
	const char *fault;

	while (!padded(c)) {
		if (log_grow(log, e) < 0)
			return -1;
		fault = record_decode(c, algorithms, log, &log->record[log->count]);
		if (fault || c->fault)
			return error_set(e, ERROR_INPUT, "event log: record %zu: %s%s", log->count,
					 fault ? "" : "ends in ", fault ? fault : c->fault);
		log->count++;
	}
	return 0;
}

int event_log_decode(struct event_log *log, const void *data, size_t len, struct error *e)
{
	struct cursor c = { .at = data, .end = (const uint8_t *)data + len };
	struct algorithms algorithms = { 0 };

	*log = (struct event_log)EVENT_LOG_INIT;
	if (len > EVENT_LOG_MAX)
		return error_set(e, ERROR_INPUT, "event log: more than %zu MiB",
				 EVENT_LOG_MAX >> 20);
	if (header_decode(&c, &algorithms, log, e) == 0 &&
	    records_decode(&c, &algorithms, log, e) == 0)
		return 0;
	event_log_free(log);
	return -1;
}

void event_log_free(struct event_log *log)
{
	free(log->record);
	*log = (struct event_log)EVENT_LOG_INIT;
}

/* --- writing ---------------------------------------------------------------------------------- */

static int put_number(struct bytes *out, uint32_t number, size_t size)
{
	const uint8_t raw[4] = { (uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16),
				 (uint8_t)(number >> 24) };

	return bytes_append(out, raw, size);
}

int event_log_put_header(unsigned int hash_algo, struct bytes *out)
{
	static const uint8_t zeros[SHA1_SIZE];
	/* platform class 0, version 2.0, errata 0, uintn of 64 bits */
	static const uint8_t version[8] = { 0, 0, 0, 0, 0, 2, 0, 2 };

	if (put_number(out, 0, 4) || put_number(out, EVENT_TYPE_NO_ACTION, 4) ||
	    bytes_append(out, zeros, SHA1_SIZE) || put_number(out, 33, 4) ||
	    bytes_append(out, SPEC_ID, SIGNATURE_SIZE) ||
	    bytes_append(out, version, sizeof(version)) || put_number(out, 1, 4) ||
	    put_number(out, hashes[hash_algo].tcg, 2) ||
	    put_number(out, (uint32_t)hashes[hash_algo].size, 2) || put_number(out, 0, 1))
		return -1;
	return 0;
}

static int put_record(uint16_t algorithm, size_t size, const struct event_record *record,
		      struct bytes *out)
{
	if (put_number(out, record->index, 4) || put_number(out, record->type, 4) ||
	    put_number(out, 1, 4) || put_number(out, algorithm, 2) ||
	    bytes_append(out, record->digest, size) ||
	    put_number(out, (uint32_t)record->size, 4) ||
	    bytes_append(out, record->event, record->size))
		return -1;
	return 0;
}

int event_log_put(unsigned int hash_algo, const struct event_record *record, struct bytes *out)
{
	static const uint8_t zeros[EVENT_DIGEST_MAX];
	uint8_t event[SIGNATURE_SIZE + EVENT_DIGEST_MAX];
	struct event_record restart = {
		.index = record->index, .type = EVENT_TYPE_NO_ACTION, .digest = zeros,
		.event = event, .size = SIGNATURE_SIZE + hashes[hash_algo].size,
	};

	for (size_t i = 0; i < COUNT(restarts); i++) {
		if (restarts[i].kind != record->kind)
			continue;
		memcpy(event, restarts[i].signature, SIGNATURE_SIZE);
		memcpy(event + SIGNATURE_SIZE, record->value, hashes[hash_algo].size);
		record = &restart;
		break;
	}
	return put_record(hashes[hash_algo].tcg, hashes[hash_algo].size, record, out);
}

/* --- tagged events ---------------------------------------------------------------------------- */

int event_tagged_put(const char *domain, const char *operation, const char *content,
		     struct bytes *out)
{
	size_t len = strlen(domain) + strlen(operation) + strlen(content) + 2;

	if (put_number(out, TAG_AAEL, 4) || put_number(out, (uint32_t)len, 4))
		return -1;
	return bytes_printf(out, "%s %s %s", domain, operation, content);
}

const char *event_tagged_text(const struct event_record *record, size_t *len)
{
	struct cursor c = { .at = record->event, .end = record->event + record->size };
	uint32_t tag, size;

	if (record->type != EVENT_TYPE_TAG || record->size < TAG_HEADER_SIZE)
		return NULL;
	tag = take_number(&c, 4, "tag");
	size = take_number(&c, 4, "size");
	if (tag != TAG_AAEL || size != record->size - TAG_HEADER_SIZE)
		return NULL;
	*len = size;
	return (const char *)c.at;
}
