/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events: what changed between two statuses, one JSON object a line:
 *
 *	{"event":"changed","time":36000000,"name":"database","file":"db/password","version":4}
 *
 * "event" is one of delivered, changed, stale, removed, failed for a secret, and ready or not-ready for all. "failed" has the
 * members "kind" and "error". "time" is in milliseconds on the boot clock.
 */
#ifndef REALMKEY_EVENTS_H
#define REALMKEY_EVENTS_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "status.h"

/* Append what changed from @old to @new: of the @count secrets at @name, or of all and whether
 * realmkeyd is ready if @count is 0. Adds the number of
 * lines to *@lines. */
int events_print(const struct status *old, const struct status *new, const char *const *name,
		 size_t count, struct bytes *out, size_t *lines, struct error *e);

#endif
