/* SPDX-License-Identifier: Apache-2.0 */
/* event_replay: whether an event log leads to given values of the registers. */
#ifndef REALMKEY_EVENT_REPLAY_H
#define REALMKEY_EVENT_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/realm.h"
#include "event_log.h"

#define EVENT_REPLAY_NONE SIZE_MAX /* instead of the position of a record */

struct event_register {
	uint8_t value[HASH_SIZE_MAX]; /* the result of the records */
	size_t extensions;	      /* those of firmware included */
	size_t boot;		      /* extensions by firmware */
	size_t gaps;		      /* values in the log that its extensions do not explain */
	bool explained; /* firmware's records lead from zero to the base record, if there is one */
	bool fits;	/* the result is the given value */
	size_t misfit;	/* if not: the first record after which it never was, or NONE */
};

struct event_replay {
	struct event_register reg[REALM_REGISTERS];
	size_t misfit;	  /* the first record that does not fit, or EVENT_REPLAY_NONE */
	bool fits;	  /* all registers fit, and all records */
	char reason[128]; /* why not, for people */
};

/*
 * Replay @log and compare the result with @value, the registers. The RIM is compared only if the
 * log has records of it, and those of firmware do not count, because they only say how the RIM was
 * made. A register begins with zeros unless a base record says otherwise; base and
 * foreign records restart a register. A tagged event must have its own digest. ERROR_SYSTEM if the
 * hash cannot be computed.
 */
int event_replay_run(const struct event_log *log,
		     const uint8_t value[REALM_REGISTERS][HASH_SIZE_MAX],
		     struct event_replay *replay, struct error *e);

#endif
