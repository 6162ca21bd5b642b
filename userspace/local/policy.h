/* SPDX-License-Identifier: Apache-2.0 */
/* policy: which secret a process may have, by the configuration. These are functions over what peer.h found; they do no
 * I/O. */
#ifndef REALMKEY_POLICY_H
#define REALMKEY_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "config/settings.h"
#include "peer/peer.h"

#define POLICY_NONE SIZE_MAX

/* The number of the secret that the process @peer, which asks for @address, gets from the credential socket, or
 * POLICY_NONE with the reason in @e, an ERROR_POLICY. */
size_t policy_credential(const struct settings *settings, const struct peer *peer,
			 const struct peer_address *address, struct error *e);

/* True if @peer may read secret @number through the API. */
bool policy_allows(const struct settings *settings, size_t number, const struct peer *peer);

/* The number of the secret called @name if @peer may read it; otherwise POLICY_NONE, whether there is one or not. */
size_t policy_find(const struct settings *settings, const char *name, const struct peer *peer);

#endif
