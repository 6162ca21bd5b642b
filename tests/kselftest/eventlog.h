/* SPDX-License-Identifier: Apache-2.0 */
/* The event log as a verifier gets it: bytes, with a parser of their own */
#ifndef EVENTLOG_H
#define EVENTLOG_H

#include <linux/cca_rsi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEADER_SIZE 65

/* The numbers are those of netlink. */
enum record_kind { KIND_BASE, KIND_EVENT, KIND_FOREIGN, KIND_BOOT };

/*
 * The pointers are into the log's bytes. In a base or foreign record @digest is the register's
 * value.
 */
struct record {
	enum record_kind kind;
	uint32_t index;
	uint32_t type;
	const uint8_t *digest;
	const uint8_t *event;
	uint32_t size;
};

/* The first @boot records are firmware's. @used: bytes of the log without those, which log_max limits */
struct eventlog {
	uint8_t *bytes;
	struct record *records;
	size_t count, boot, used;
	const struct cca_rsi_config *config;
};

/* Reads and parses /dev/cca-rsi from its start; false, with a note, if anything is wrong. */
bool eventlog_read(struct eventlog *log, const struct cca_rsi_config *config);
void eventlog_free(struct eventlog *log);

/* Does the replay of all records lead to the current values of the registers? */
bool eventlog_replays(const struct eventlog *log);

/*
 * Reads the log and the configuration. True if the log leads to the registers and has as many
 * records as the device reports. @config receives the configuration.
 */
bool eventlog_good(struct cca_rsi_config *config);

/*
 * How many records the log has when it begins: firmware's and one base record of each register that
 * can be extended. 0, with a note, if the log cannot be read.
 */
uint64_t eventlog_begin_count(const struct cca_rsi_config *config);

/* Computes register @index (1 or more) after the first @count records, into @value. */
void eventlog_register(const struct eventlog *log, size_t count, uint32_t index, uint8_t *value);

/*
 * Computes H(@old || @digest) by the realm's algorithm, into @result; all have the realm's digest
 * size.
 */
void register_after(const struct cca_rsi_config *config, const uint8_t *old, const uint8_t *digest,
		    uint8_t *result);

#endif /* EVENTLOG_H */
