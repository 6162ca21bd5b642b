/* SPDX-License-Identifier: Apache-2.0 */
/* wait: wait until secrets are in the keyring, for the commands wait and run. */
#ifndef REALMKEY_WAIT_H
#define REALMKEY_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "status/status.h"

#define WAIT_FOREVER INT64_MAX

struct wait {
	const char *command; /* for messages */
	const char *keyring;
	const char *const *name; /* of secrets, @count of them; 0: all that are required */
	size_t count;
	int64_t timeout; /* ms, or WAIT_FOREVER */
};

/* Wait, and report progress on a terminal. Returns LOCAL_FOUND with the status that shows the secrets, which the caller
 * frees; LOCAL_ABSENT if realmkeyd does not run; or -1. After a time-out, the error has the kind of the first missing
 * secret's failure, or ERROR_DELIVERY if none is known. */
int wait_secrets(const struct wait *wait, struct status *status, struct error *e);

/* How long no realmkeyd may run, in milliseconds. */
#define WAIT_ABSENT_MS 30000
/* Notes at @now, on the boot clock, whether realmkeyd runs; *@since, at first 0, is when it was first found not to.
 * Returns true once that is too long ago. */
bool wait_gives_up(bool stopped, int64_t now, int64_t *since);

#endif
