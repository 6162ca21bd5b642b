/* SPDX-License-Identifier: Apache-2.0 */
/* roots: the CA certificates of the system, for a courier that got none from the keeper. */
#ifndef REALMKEY_COURIER_ROOTS_H
#define REALMKEY_COURIER_ROOTS_H

#include "base/bytes.h"
#include "base/error.h"

/* Append the system's CA certificates (PEM) to @pem. ERROR_TLS if the system has none. */
int roots_load(struct bytes *pem, struct error *e);

#endif
