/* SPDX-License-Identifier: Apache-2.0 */
#include "ripas.h"

static bool in_memory(const struct ripas_map *map, uint64_t ipa)
{
	return ipa >= map->base && ipa - map->base < map->size;
}

/*
 * Returns the granule after @ipa. Outside memory, where nothing changes, skips to memory or @top.
 */
static uint64_t next(const struct ripas_map *map, uint64_t ipa, uint64_t top)
{
	if (in_memory(map, ipa))
		return ipa + GRANULE;
	return ipa < map->base && map->base < top ? map->base : top;
}

enum ripas ripas_at(const struct ripas_map *map, uint64_t ipa)
{
	return in_memory(map, ipa) ? (enum ripas)map->state[(ipa - map->base) / GRANULE] :
				     RIPAS_EMPTY;
}

uint64_t ripas_set(struct ripas_map *map, uint64_t base, uint64_t top, enum ripas to,
		   bool destroyed, void (*changed)(uint64_t ipa, enum ripas to))
{
	uint64_t ipa = base;

	for (int i = 0; ipa < top && i < RIPAS_BATCH; i++, ipa = next(map, ipa, top)) {
		enum ripas from = ripas_at(map, ipa);

		if (from == to)
			continue;
		if (!in_memory(map, ipa) || (from == RIPAS_DESTROYED && !destroyed))
			break;
		map->state[(ipa - map->base) / GRANULE] = (uint8_t)to;
		changed(ipa, to);
	}
	return ipa;
}

uint64_t ripas_get(const struct ripas_map *map, uint64_t base, uint64_t top, enum ripas *state)
{
	uint64_t ipa = base;

	*state = ripas_at(map, base);
	while (ipa < top && ripas_at(map, ipa) == *state)
		ipa = next(map, ipa, top);
	return ipa;
}
