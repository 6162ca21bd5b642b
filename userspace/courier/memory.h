/* SPDX-License-Identifier: Apache-2.0 */
/* memory: OpenSSL's allocations, so that one that failed is never taken for a verdict. */
#ifndef REALMKEY_COURIER_MEMORY_H
#define REALMKEY_COURIER_MEMORY_H

#include <stdbool.h>

/*
 * Give OpenSSL this allocator. Call it before OpenSSL is used. Until memory_prepared(), a failed
 * allocation ends this process: an OpenSSL that has no memory for its initialisation waits for ever,
 * because its report of that failure initialises it again.
 */
void memory_prepare(void);
void memory_prepared(void);

/* While @wipe, wipe what OpenSSL releases: it parses a private key in memory that is like any other. */
void memory_wipe(bool wipe);

/* Whether an allocation of OpenSSL has failed since memory_begin(). OpenSSL reports some of these as a
 * bad certificate or a malformed message. */
void memory_begin(void);
bool memory_failed(void);

#endif
