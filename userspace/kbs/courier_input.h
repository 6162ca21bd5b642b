/* SPDX-License-Identifier: Apache-2.0 */
/* courier_input: which file a courier has refused. Only the courier parses these files, and it does not know
 * their names. */
#ifndef REALMKEY_COURIER_INPUT_H
#define REALMKEY_COURIER_INPUT_H

#include "base/error.h"
#include "failover.h"

/* The names of the files that a target's contents are from; each may be NULL. */
struct courier_names {
	const char *ca[FAILOVER_SERVERS_MAX]; /* for each KBS */
	const char *proxy_credentials, *certificate, *key;
};

/* Of these names, that of the file which the courier refused with the ERROR_INPUT @e, or NULL. */
const char *courier_input(const struct courier_names *names, const struct error *e);

#endif
