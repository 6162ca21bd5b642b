/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock: the time. A realm can rely on the boot clock only: the host cannot set it, and it runs on
 * while the realm is suspended. The host controls the wall clock.
 */
#ifndef REALMKEY_CLOCK_H
#define REALMKEY_CLOCK_H

#include <stdint.h>

/* Milliseconds since boot. */
int64_t clock_boot_ms(void);
/* Seconds since 1970, as reported by the host. */
int64_t clock_wall_s(void);

#endif
