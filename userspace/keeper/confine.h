/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine: what the keeper gives up. It handles secrets and a hostile network's answers, so it
 * keeps the RMM's interface and the keyring, and no network, no other program and no other file.
 */
#ifndef REALMKEY_KEEPER_CONFINE_H
#define REALMKEY_KEEPER_CONFINE_H

#include "base/error.h"

/* At the start, once: no core dump, no tracing, memory locked against swap, a heap of their own for
 * private keys. */
int confine_begin(struct error *e);
/* After courier and keyring (at @keyring) are there, for good. The process has one thread. */
int confine_finish(const char *keyring, struct error *e);

#endif
