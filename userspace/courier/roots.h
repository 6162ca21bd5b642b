/* SPDX-License-Identifier: Apache-2.0 */
/* roots: the system's CA certificates, for a courier that was given none. */
#ifndef REALMKEY_COURIER_ROOTS_H
#define REALMKEY_COURIER_ROOTS_H

#include "base/bytes.h"
#include "base/error.h"

/* Append the system's bundle (PEM). ERROR_TLS when there is none. */
int roots_load(struct bytes *pem, struct error *e);

#endif
