/* SPDX-License-Identifier: Apache-2.0 */
/* rsi_watch: extensions as they happen: the multicast group "events" of the generic netlink family
 * "cca-rsi". */
#ifndef REALMKEY_RSI_WATCH_H
#define REALMKEY_RSI_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"

struct rsi_notice {
	bool log_full;	    /* the log is nearly full; only the next two fields are set */
	uint64_t log_used;  /* bytes */
	uint64_t log_limit; /* bytes */
	uint64_t seq;	    /* of the record in the log */
	unsigned int index; /* of the register */
	uint32_t type;	    /* TCG event type */
	uint8_t digest[HASH_SIZE_MAX];
	size_t size; /* of the digest, bytes */
};

struct rsi_watch;

/* Extensions from now on are kept for rsi_watch_next(). Returns NULL with an error of
 * rsi_open(). */
struct rsi_watch *rsi_watch_open(struct error *e);
/* Wait for the next extension, or for the notice that the log is nearly full. If notices are lost because
 * they were not read in time, there is a gap in their seq; records that are not extensions cause gaps, too.
 * ERROR_NO_DRIVER if the module was unloaded: then there are no more notices, even if it is loaded again. */
int rsi_watch_next(struct rsi_watch *watch, struct rsi_notice *notice, struct error *e);
/* @watch may be NULL. */
void rsi_watch_close(struct rsi_watch *watch);

#endif
