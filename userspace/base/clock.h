/* SPDX-License-Identifier: Apache-2.0 */
/* clock: the boot clock, the one that the host cannot set and that goes on while a realm is suspended. */
#ifndef REALMKEY_CLOCK_H
#define REALMKEY_CLOCK_H

#include <stdint.h>

/* Milliseconds since the realm's start. */
int64_t clock_boot_ms(void);

#endif
