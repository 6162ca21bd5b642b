/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rsi: the realm as user space sees it, through one of several sources: the character device
 * /dev/cca-rsi or the generic netlink family "cca-rsi".
 */
#ifndef REALMKEY_RSI_H
#define REALMKEY_RSI_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define RSI_CHALLENGE_SIZE 64
#define RSI_DIGEST_MAX 64
#define RSI_REGISTERS 5		/* 0 RIM, 1..4 REM0..REM3 */

struct rsi_config {
	unsigned int abi_lower, abi_higher;	/* major << 16 | minor */
	unsigned int ipa_bits;
	unsigned int hash_algo;			/* RSI number: 0 SHA-256, 1 SHA-512, 2 SHA-384 */
	size_t digest_size;			/* 32, 64, 48 */
	size_t event_max;			/* bytes of the longest event */
	uint8_t rpv[64];
};

struct rsi;

/*
 * Open a source by name ("device", "netlink"), or NULL for the first that answers.
 * ERROR_NO_REALM when this is not a realm, ERROR_NO_DRIVER when it is one (or may be) but the
 * module is not loaded, ERROR_USAGE for an unknown name (listing the known ones).
 */
struct rsi *rsi_open(const char *source, struct error *e);
void rsi_close(struct rsi *rsi);
const char *rsi_source_name(const struct rsi *rsi);
/* The names of the sources, NULL-terminated, static. */
const char *const *rsi_sources(void);

int rsi_config_get(struct rsi *rsi, struct rsi_config *config, struct error *e);
/* Register @index (0..4) into @value; @size bytes are used. */
int rsi_measurement_get(struct rsi *rsi, unsigned int index, uint8_t value[RSI_DIGEST_MAX],
			size_t *size, struct error *e);
/* What the log shall say beside the digest: a TCG event type, and up to event_max bytes. */
struct rsi_event {
	uint32_t type;
	const void *data;
	size_t size;
};

/* Extend register @index (1..4) with @digest, exactly the realm's digest size, and log @event, by
 * default an empty one. @seq, if not NULL, takes the position of the record in the log. */
int rsi_measurement_extend(struct rsi *rsi, unsigned int index, const void *digest, size_t size,
			   const struct rsi_event *event, uint64_t *seq, struct error *e);
/* Append the whole event log, as event_log.h decodes it, to @log. */
int rsi_log_get(struct rsi *rsi, struct bytes *log, struct error *e);
/* Append the CCA token over @challenge to @token; over 64 KiB is an error. @records, if not NULL,
 * takes how many records of the log its registers account for: the first so many lead to them. */
int rsi_token_get(struct rsi *rsi, const uint8_t challenge[RSI_CHALLENGE_SIZE],
		  struct bytes *token, uint64_t *records, struct error *e);

/* "sha-256", "sha-512", "sha-384", or NULL. */
const char *rsi_hash_name(unsigned int hash_algo);
/* What libcrypto calls it, or NULL. */
const char *rsi_hash_openssl(unsigned int hash_algo);

/* --- extensions as they happen (generic netlink only) ----------------------------------------- */

struct rsi_notice {
	uint64_t seq;		/* of the record in the log; a gap is a notice lost, or another record */
	unsigned int index;
	uint32_t type;		/* TCG event type */
	uint8_t digest[RSI_DIGEST_MAX];
	size_t size;		/* of the digest */
};

struct rsi_watch;

/* From here on extensions are kept for rsi_watch_next(). Errors as of rsi_open(). */
struct rsi_watch *rsi_watch_open(struct error *e);
/* Wait for the next one. Notices lost because nobody took them show as a gap in their seq.
 * ERROR_NO_DRIVER when the module is unloaded: there will be none any more, even if it is loaded
 * again. */
int rsi_watch_next(struct rsi_watch *watch, struct rsi_notice *notice, struct error *e);
void rsi_watch_close(struct rsi_watch *watch);

#endif
