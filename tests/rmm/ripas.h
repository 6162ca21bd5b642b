/* SPDX-License-Identifier: Apache-2.0 */
/* The RIPAS (realm IPA state) of each granule of the realm's memory. s2.c maps the granules. */
#ifndef RMM_RIPAS_H
#define RMM_RIPAS_H

#include <stdbool.h>
#include <stdint.h>

#define GRANULE	    4096
#define RIPAS_BATCH 16384 /* most granules per call, so that an SMC takes a bounded time */

enum ripas { RIPAS_EMPTY, RIPAS_RAM, RIPAS_DESTROYED };

/* Outside [base, base + size) every granule is EMPTY and cannot change. */
struct ripas_map {
	uint64_t base, size; /* bytes */
	uint8_t *state;	     /* an enum ripas for each granule */
};

/* ripas_at - returns the state of the granule at @ipa */
enum ripas ripas_at(const struct ripas_map *map, uint64_t ipa);

/*
 * ripas_set - change [@base, @top) as far as one call goes; only the host passes RIPAS_DESTROYED
 * @destroyed: DESTROYED granules may change too
 * @changed: called for each granule whose state changed, after the change
 *
 * Returns where it stopped: at @top, or earlier after RIPAS_BATCH granules or at the first granule
 * that must not change. That is @base if nothing could be changed.
 */
uint64_t ripas_set(struct ripas_map *map, uint64_t base, uint64_t top, enum ripas to,
		   bool destroyed, void (*changed)(uint64_t ipa, enum ripas to));

/* ripas_get - set @state to the state at @base; returns where that state ends, at most @top */
uint64_t ripas_get(const struct ripas_map *map, uint64_t base, uint64_t top, enum ripas *state);

#endif
