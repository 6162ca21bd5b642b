/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine: how the keeper gives up privileges. It handles secrets, and answers from a hostile
 * network, so it keeps access to the RMM and to the keyring, and to no network, program or other
 * file.
 */
#ifndef REALMKEY_KEEPER_CONFINE_H
#define REALMKEY_KEEPER_CONFINE_H

#include "base/error.h"

/* Call once at the start. Disables core dumps and tracing, locks memory against swap, and makes a
 * separate heap for private keys. */
int confine_begin(struct error *e);
/* Call once the courier runs and the keyring (at @keyring) is open; cannot be undone. The process
 * must have one thread. */
int confine_finish(const char *keyring, struct error *e);

#endif
