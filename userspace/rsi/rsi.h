/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rsi: the realm as user space sees it, through one of several sources: the character device
 * /dev/cca-rsi or the generic netlink family "cca-rsi".
 */
#ifndef REALMKEY_RSI_H
#define REALMKEY_RSI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/realm.h"

/* What an RMM, or an older module, may not report. */
struct rsi_field {
	bool present;
	uint64_t value; /* 0 if it is not present */
};

#define RSI_FEATURE_DA	1 /* bits of struct rsi_config's features */
#define RSI_FEATURE_MRO 2
#define RSI_FEATURE_ATS 4

struct rsi_config {
	unsigned int abi_lower, abi_higher; /* major << 16 | minor */
	struct rsi_field abi;		    /* the revision that the module uses */
	struct rsi_field features, aux_planes, gicv3_vtr, ats_plane;
	unsigned int ipa_bits;
	const struct hash *hash; /* of the measurements; never NULL */
	size_t event_max;	 /* bytes of the longest event */
	uint8_t rpv[REALM_RPV_SIZE];
};

struct rsi;

/*
 * Open the source @source, "device" or "netlink", or the first that is there if @source is NULL.
 * Returns NULL with an ERROR_NO_REALM if this machine is not a realm, an ERROR_NO_DRIVER if it is a
 * realm but the module is not loaded, an ERROR_USAGE that lists the names if there is no such
 * source, or an ERROR_SYSTEM. rsi_close() accepts NULL.
 */
struct rsi *rsi_open(const char *source, struct error *e);
void rsi_close(struct rsi *rsi);
/* "device" or "netlink". Static. */
const char *rsi_source_name(const struct rsi *rsi);
/* The names of the sources, NULL-terminated. Static. */
const char *const *rsi_sources(void);

int rsi_config_get(struct rsi *rsi, struct rsi_config *config, struct error *e);
/* Read register @index (0 is the RIM, 1 is REM0) into @value. *@size is set to its bytes. */
int rsi_measurement_get(struct rsi *rsi, unsigned int index, uint8_t value[HASH_SIZE_MAX],
			size_t *size, struct error *e);

/* What the event log records in addition to the digest. */
struct rsi_event {
	uint32_t type; /* TCG event type */
	const void *data;
	size_t size; /* bytes, at most event_max */
};

/* Extend register @index (1 to 4) with @digest, of exactly the realm's digest size, and record
 * @event, or an empty event if it is NULL. *@seq (may be NULL) is set to the position of the record
 * in the log. */
int rsi_measurement_extend(struct rsi *rsi, unsigned int index, const void *digest, size_t size,
			   const struct rsi_event *event, uint64_t *seq, struct error *e);
/* Append the whole event log, in the form of event/event_log.h, to @log. */
int rsi_log_get(struct rsi *rsi, struct bytes *log, struct error *e);
/* Append the CCA token over @challenge to @token; more than 64 KiB is an error. *@records (may be
 * NULL) is set to the number of records, from the start of the log, that lead to the registers in
 * the token. Only a signal that kills the process ends the wait for the RMM: handlers run later. */
int rsi_token_get(struct rsi *rsi, const uint8_t challenge[REALM_CHALLENGE_SIZE],
		  struct bytes *token, uint64_t *records, struct error *e);

#endif
