/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine: how the keeper gives up privileges. It handles secrets, and answers from a hostile
 * network. Afterwards it has the descriptors that are open (realm, keyring, courier, service
 * manager, log), may put files into the keyring and give them to their owners, and cannot reach any
 * other process, file, socket or program.
 */
#ifndef REALMKEY_KEEPER_CONFINE_H
#define REALMKEY_KEEPER_CONFINE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "sandbox/sandbox.h"

/* The keeper becomes this user. If it does not exist, the id stands in, which no distribution
 * assigns: another process with the user of the keyring could replace secrets. */
#define CONFINE_USER	 "realmkey"
#define CONFINE_FALLBACK 61183

/* Look up what the keeper becomes. Returns false if there is no CONFINE_USER. */
bool confine_identity(struct sandbox_identity *identity);

/* Call once at the start. Disables core dumps and tracing, locks memory against swap, and makes a
 * separate heap for private keys. */
int confine_begin(struct error *e);
/* Call once everything is open; cannot be undone. @keyring is the open root of the keyring. The process ends together
 * with @supervisor, its parent, unless that is 0. The process must have one thread. */
int confine_finish(int keyring, const struct sandbox_identity *identity, pid_t supervisor,
		   struct error *e);

#endif
