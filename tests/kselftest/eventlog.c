// SPDX-License-Identifier: Apache-2.0
#include "eventlog.h"
#include "device.h"
#include "tap.h"
#include "../rmm/hash.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_ROOM       (1 << 20)
#define SIGNATURE_SIZE 16

static uint32_t u32_at(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

/* Parses a base or foreign record; its digest member is set to the value. */
static bool value_parse(struct record *record, uint32_t digest_size)
{
	if (record->size != SIGNATURE_SIZE + digest_size)
		return false;
	if (strncmp((const char *)record->event, CCA_RSI_LOG_BASE, SIGNATURE_SIZE) == 0)
		record->kind = KIND_BASE;
	else if (strncmp((const char *)record->event, CCA_RSI_LOG_FOREIGN, SIGNATURE_SIZE) == 0)
		record->kind = KIND_FOREIGN;
	else
		return false;
	record->digest = record->event + SIGNATURE_SIZE;
	return true;
}

/* Parses the record at @bytes; returns its length, or 0 if it is not a record. */
static size_t record_parse(const uint8_t *bytes, size_t size, uint32_t digest_size,
			   struct record *record)
{
	size_t fixed = 14 + digest_size + 4;

	if (size < fixed || u32_at(bytes + 8) != 1)
		return 0;
	*record = (struct record){
		.kind = KIND_EVENT,
		.index = u32_at(bytes),
		.type = u32_at(bytes + 4),
		.digest = bytes + 14,
		.size = u32_at(bytes + fixed - 4),
		.event = bytes + fixed,
	};
	if (record->size > size - fixed || record->index >= REGISTERS)
		return 0;
	if (record->type == CCA_RSI_EV_NO_ACTION && !value_parse(record, digest_size))
		return 0;
	return fixed + record->size;
}

static bool header_good(const uint8_t *bytes, size_t size, const struct cca_rsi_config *config)
{
	static const uint8_t algos[] = { 0x0b, 0x0d, 0x0c };

	return size >= HEADER_SIZE && u32_at(bytes) == 0 &&
	       u32_at(bytes + 4) == CCA_RSI_EV_NO_ACTION &&
	       u32_at(bytes + 28) == HEADER_SIZE - 32 &&
	       memcmp(bytes + 32, "Spec ID Event03", 16) == 0 && u32_at(bytes + 56) == 1 &&
	       bytes[60] == algos[config->hash_algo] && bytes[61] == 0 &&
	       bytes[62] == config->digest_size && bytes[63] == 0 && bytes[64] == 0;
}

/* Reads the device's whole log; returns its length, or 0 if that fails. */
static size_t device_read(uint8_t *bytes, size_t room)
{
	int fd = device_open(O_RDONLY);
	size_t size = 0;
	ssize_t length;

	while ((length = read(fd, bytes + size, room - size)) > 0)
		size += (size_t)length;
	close(fd);
	return length < 0 ? 0 : size;
}

/* Firmware's events precede the first base record. Only they may be of RIM. */
static bool records_parse(struct eventlog *log, size_t size)
{
	size_t used = HEADER_SIZE, length;
	struct record *record;

	log->used = size;
	for (; used < size; used += length) {
		record = &log->records[log->count];
		length = record_parse(log->bytes + used, size - used, log->config->digest_size,
				      record);
		if (!length)
			return false;
		if (record->kind == KIND_EVENT && log->boot == log->count) {
			record->kind = KIND_BOOT;
			log->boot++;
			log->used -= length;
		}
		if (!record->index && record->kind != KIND_BOOT)
			return false;
		log->count++;
	}
	return true;
}

bool eventlog_read(struct eventlog *log, const struct cca_rsi_config *config)
{
	size_t size;

	*log = (struct eventlog){ .bytes = malloc(LOG_ROOM), .config = config };
	log->records = calloc(LOG_ROOM / 50, sizeof(*log->records));
	if (!log->bytes || !log->records)
		tap_bail("cannot allocate memory for a log");
	size = device_read(log->bytes, LOG_ROOM);
	if (header_good(log->bytes, size, config) && records_parse(log, size))
		return true;
	tap_note("%zu bytes are not a valid log, after record %zu", size, log->count);
	eventlog_free(log);
	return false;
}

uint64_t eventlog_begin_count(const struct cca_rsi_config *config)
{
	struct eventlog log;

	if (!eventlog_read(&log, config))
		return 0;
	eventlog_free(&log);
	return log.boot + REGISTERS - 1;
}

void eventlog_free(struct eventlog *log)
{
	free(log->bytes);
	free(log->records);
}

void register_after(const struct cca_rsi_config *config, const uint8_t *old, const uint8_t *digest,
		    uint8_t *result)
{
	_Alignas(8) uint8_t joined[2 * CCA_RSI_DIGEST_MAX];
	size_t size = config->digest_size;

	memcpy(joined, old, size);
	memcpy(joined + size, digest, size);
	hash_bytes((enum hash_algorithm)config->hash_algo, joined, 2 * size, result);
}

void eventlog_register(const struct eventlog *log, size_t count, uint32_t index, uint8_t *value)
{
	const struct record *record;

	memset(value, 0, CCA_RSI_DIGEST_MAX);
	for (size_t i = 0; i < count && i < log->count; i++) {
		record = &log->records[i];
		if (record->index != index)
			continue;
		if (record->kind == KIND_EVENT || record->kind == KIND_BOOT)
			register_after(log->config, value, record->digest, value);
		else
			memcpy(value, record->digest, log->config->digest_size);
	}
}

bool eventlog_replays(const struct eventlog *log)
{
	uint8_t value[CCA_RSI_DIGEST_MAX];
	struct cca_rsi_measurement found;

	for (uint32_t i = 1; i < REGISTERS; i++) {
		eventlog_register(log, log->count, i, value);
		if (!device_measurement(i, &found))
			return false;
		if (memcmp(value, found.value, sizeof(value)) == 0)
			continue;
		tap_note("the replay of register %u leads to another value", i);
		return false;
	}
	return true;
}

/* Reading the log may add a foreign record, so the configuration is read again afterwards. */
bool eventlog_good(struct cca_rsi_config *config)
{
	struct eventlog log;
	bool good;

	if (!device_config(config) || !eventlog_read(&log, config))
		return false;
	good = device_config(config) && log.count == config->log_seq && eventlog_replays(&log);
	if (!good)
		tap_note("%zu records, but the device reports %llu", log.count,
			 (unsigned long long)config->log_seq);
	eventlog_free(&log);
	return good;
}
