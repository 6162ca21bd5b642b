/* SPDX-License-Identifier: Apache-2.0 */
/* event_print: event logs and their replay, as text and as JSON. */
#ifndef REALMKEY_EVENT_PRINT_H
#define REALMKEY_EVENT_PRINT_H

#include <jansson.h>

#include "base/bytes.h"
#include "event_log.h"
#include "event_replay.h"

/* Append one line for each record. */
void event_print_log(const struct event_log *log, struct bytes *out);
/* Append one line for each register, and one for the first record that does not fit. */
void event_print_replay(const struct event_log *log, const struct event_replay *replay,
			struct bytes *out);
/* Returns all of it as a new object, or NULL if out of memory; @replay may be NULL. */
json_t *event_print_json(const struct event_log *log, const struct event_replay *replay);

#endif
