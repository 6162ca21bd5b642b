/* SPDX-License-Identifier: Apache-2.0 */
/* The RIPAS (realm IPA state) of each granule of the realm's memory. Pure: mapping is s2.c's. */
#ifndef RMM_RIPAS_H
#define RMM_RIPAS_H

#include <stdbool.h>
#include <stdint.h>

#define GRANULE		4096
#define RIPAS_BATCH	16384	/* granules that one call changes at most: bounds the time of an SMC */

enum ripas { RIPAS_EMPTY, RIPAS_RAM, RIPAS_DESTROYED };

/* Outside [base, base + size) all is EMPTY for ever. */
struct ripas_map {
	uint64_t base, size;	/* bytes */
	uint8_t *state;		/* one enum ripas a granule */
};

/* ripas_at - the state of the granule at @ipa */
enum ripas ripas_at(const struct ripas_map *map, uint64_t ipa);

/*
 * ripas_set - change [@base, @top) as far as one call goes; only the host makes it DESTROYED
 * @destroyed: may change DESTROYED granules too
 * @changed: called for each granule whose state differs, after the change
 *
 * Returns where it stopped: @top; earlier after RIPAS_BATCH granules; or at the first granule that
 * may not change, which is @base itself when there is no progress at all.
 */
uint64_t ripas_set(struct ripas_map *map, uint64_t base, uint64_t top, enum ripas to, bool destroyed,
		   void (*changed)(uint64_t ipa, enum ripas to));

/* ripas_get - the state at @base into @state; returns how far, up to @top, it is the same */
uint64_t ripas_get(const struct ripas_map *map, uint64_t base, uint64_t top, enum ripas *state);

#endif
