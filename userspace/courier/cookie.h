/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cookie: the cookies of the one KBS, of which one names the session of a handshake. No I/O.
 *
 * They are kept until the courier ends, whatever dates they have: the KBS knows when a session is
 * over, and the realm's clock is the host's. Path and domain do not matter, because all requests go
 * to the same place.
 */
#ifndef REALMKEY_COURIER_COOKIE_H
#define REALMKEY_COURIER_COOKIE_H

#include "base/bytes.h"
#include "base/error.h"

#define COOKIE_MAX 8192 /* bytes of all cookies */

/* Put the cookie in @value, that of a Set-Cookie header, into @cookies, "name=value; name=value...", in
 * place of one of the same name. A malformed one is ignored; if there are too many, the older ones are
 * dropped. */
int cookie_keep(struct bytes *cookies, const char *value, struct error *e);

#endif
