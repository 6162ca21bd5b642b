/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_log: what was measured into the registers, record by record, in the crypto-agile form of the TCG
 * (PC Client Platform Firmware Profile, section 10: TCG_PCR_EVENT with Spec ID Event03, then
 * TCG_PCR_EVENT2), as /dev/cca-rsi, firmware and attestation agents write it.
 *
 * A register's number is RSI's: 0 RIM, 1..4 REM0..REM3.
 */
#ifndef REALMKEY_EVENT_LOG_H
#define REALMKEY_EVENT_LOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define EVENT_LOG_MAX ((size_t)16 << 20)
#define EVENT_LOG_REGISTERS 5
#define EVENT_DIGEST_MAX 64
#define EVENT_NONE SIZE_MAX		/* no record */

/* TCG event types that this tree writes or looks for. */
#define EVENT_TYPE_NO_ACTION 3U
#define EVENT_TYPE_TAG 6U		/* the event is a TCG_PCClientTaggedEvent */
#define EVENT_TYPE_IPL 13U		/* it is anything */

enum event_kind {
	EVENT_EXTENSION,	/* the register became H(register || digest) */
	EVENT_BASE,		/* the register's value when the log began */
	EVENT_FOREIGN,		/* the value found after an extension that is not in this log */
	EVENT_NOTE,		/* any other record of type EV_NO_ACTION: extends nothing */
};

struct event_record {
	enum event_kind kind;
	uint32_t index;		/* register */
	uint32_t type;		/* TCG event type */
	const uint8_t *digest;	/* digest_size bytes */
	const uint8_t *event;	/* @size bytes, what the digest is of or a description of it */
	size_t size;
	const uint8_t *value;	/* base, foreign: the register, digest_size bytes; else NULL */
};

/* Records are slices of the bytes that were decoded, and live as long as those. */
struct event_log {
	unsigned int hash_algo;	/* as RSI numbers them */
	size_t digest_size;
	struct event_record *record;
	size_t count;
};

#define EVENT_LOG_INIT { 0 }

/*
 * Decode @len bytes at @data, which may end in padding (zeros or 0xff, as firmware tables do). Of several
 * digest algorithms the first that RSI knows counts, and each record must have it. ERROR_INPUT names the
 * record, counted from 0, and the field.
 */
int event_log_decode(struct event_log *log, const void *data, size_t len, struct error *e);
void event_log_free(struct event_log *log);

/* Append a header naming @hash_algo alone, or one record of such a log. Of base and foreign records only
 * kind, index and value count. 0, or -1 out of memory. */
int event_log_put_header(unsigned int hash_algo, struct bytes *out);
int event_log_put(unsigned int hash_algo, const struct event_record *record, struct bytes *out);

/* "EV_IPL" and the like, or NULL. */
const char *event_type_name(uint32_t type);
/* Append the names of all that extend, in lines of 80 columns at most. 0, or -1 out of memory. */
int event_types_print(struct bytes *out);
/* A name as above or a number, decimal or with 0x; ERROR_USAGE for anything else, and for EV_NO_ACTION,
 * which says that nothing was extended. */
int event_type_parse(const char *text, uint32_t *type, struct error *e);

/*
 * Append an event for EV_EVENT_TAG in the form of attestation agents' logs (AAEL): a tag, a length,
 * "DOMAIN OPERATION CONTENT". The digest to extend with is that of the whole event. Neither of the first
 * two has a space in it.
 */
int event_tagged_put(const char *domain, const char *operation, const char *content,
		     struct bytes *out);
/* The text of such an event, @len bytes within it, or NULL. */
const char *event_tagged_text(const struct event_record *record, size_t *len);

/* --- replay ----------------------------------------------------------------------------------- */

struct event_register {
	uint8_t value[EVENT_DIGEST_MAX];	/* what the records lead to */
	size_t extensions;
	size_t gaps;		/* values that the log tells without telling how they came about */
	bool fits;		/* it is the value given to compare with */
	size_t misfit;		/* if not: the first record after which it never was, or EVENT_NONE */
};

struct event_replay {
	struct event_register reg[EVENT_LOG_REGISTERS];
	size_t misfit;		/* the first record that does not fit, or EVENT_NONE */
	bool fits;		/* each register does, and so does each record */
	char reason[128];	/* why not, for people */
};

/*
 * Replay @log and compare with @value, EVENT_LOG_REGISTERS registers, of which RIM counts only if the log
 * has records of it. An extension begins at zeros unless a base record says otherwise; base and foreign
 * records restart a register. A tagged event must have its own digest. ERROR_SYSTEM without the hash.
 */
int event_log_replay(const struct event_log *log,
		     const uint8_t value[EVENT_LOG_REGISTERS][EVENT_DIGEST_MAX],
		     struct event_replay *replay, struct error *e);

/* --- for people and programs ------------------------------------------------------------------ */

/* "RIM", "REM0", ... or "register N". */
const char *event_register_name(uint32_t index, char buffer[24]);
const char *event_kind_name(enum event_kind kind);

/* Append a line for each record, or for each register of a replay. 0, or -1 out of memory. */
int event_log_print(const struct event_log *log, struct bytes *out);
int event_replay_print(const struct event_log *log, const struct event_replay *replay,
		       struct bytes *out);
/* A new object, or NULL out of memory; @replay may be NULL. */
json_t *event_log_json(const struct event_log *log, const struct event_replay *replay);

#endif
