/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock: what time it is. In a realm only the boot clock can be relied on: the host cannot set it, and
 * it goes on while the realm is suspended. The wall clock is the host's.
 */
#ifndef REALMKEY_CLOCK_H
#define REALMKEY_CLOCK_H

#include <stdint.h>

/* Milliseconds since boot. */
int64_t clock_boot_ms(void);
/* Seconds since 1970 as the host says. */
int64_t clock_wall_s(void);

#endif
