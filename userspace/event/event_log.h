/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_log: the measurements that extended the registers, record by record, in the crypto-agile
 * form of the TCG (PC Client Platform Firmware Profile, section 10: TCG_PCR_EVENT with Spec ID
 * Event03, then TCG_PCR_EVENT2), as /dev/cca-rsi, firmware and attestation agents write it.
 *
 * A register's number is that of RSI: 0 is RIM, 1 to 4 are REM0 to REM3.
 */
#ifndef REALMKEY_EVENT_LOG_H
#define REALMKEY_EVENT_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "event_type.h"

#define EVENT_LOG_MAX ((size_t)16 << 20) /* bytes */

enum event_kind {
	EVENT_EXTENSION, /* the register became H(register || digest) */
	EVENT_BOOT,	 /* the same, by firmware: an extension before the base records */
	EVENT_BASE,	 /* the register's value when the log began */
	EVENT_FOREIGN,	 /* the value found after an extension that is not in this log */
	EVENT_NOTE,	 /* another record of type EV_NO_ACTION: extends nothing */
};

struct event_record {
	enum event_kind kind;
	uint32_t index;	       /* register */
	uint32_t type;	       /* TCG event type */
	const uint8_t *digest; /* of the log's hash */
	const uint8_t *event;  /* @size bytes: the data of the digest, or a description of it */
	size_t size;
	const uint8_t *value; /* base, foreign: the register, of a digest's size; else NULL */
};

/* The records point into the bytes that were decoded, which have to live as long. */
struct event_log {
	const struct hash *hash;
	struct event_record *record;
	size_t count;
};

#define EVENT_LOG_INIT { 0 }

/*
 * Decode @len bytes at @data, which may end with padding (zeros or 0xff, as firmware tables do). If
 * the log has several digest algorithms, the first that RSI knows is used, and each record must
 * have it. Extensions before the first base record are of kind EVENT_BOOT. An ERROR_INPUT names the record, counted from 0, and the field.
 */
int event_log_decode(struct event_log *log, const void *data, size_t len, struct error *e);
void event_log_free(struct event_log *log);

/* Append a header that names only @hash, or one record of that log. Of a base or foreign record,
 * only kind, index and value are used. */
void event_log_put_header(const struct hash *hash, struct bytes *out);
void event_log_put(const struct hash *hash, const struct event_record *record, struct bytes *out);

/*
 * Append an event for EV_EVENT_TAG in the form of attestation agents' logs (AAEL): a tag, a length,
 * "DOMAIN OPERATION CONTENT". The digest to extend with is that of the whole event. @domain and
 * @operation have no space in them.
 */
void event_tagged_put(const char *domain, const char *operation, const char *content,
		      struct bytes *out);
/* The text of that event, @len bytes within @record, or NULL if it is not one. */
const char *event_tagged_text(const struct event_record *record, size_t *len);

/* "RIM", "REM0", ... or "register N", formatted into @buffer if necessary. */
const char *event_register_name(uint32_t index, char buffer[24]);

#endif
