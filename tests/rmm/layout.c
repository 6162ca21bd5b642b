/* SPDX-License-Identifier: Apache-2.0 */
#include "layout.h"

#include <stdbool.h>

#include "quirk.h"

#define PAGE 4096

const char *const layout_flavours[LAYOUT_FLAVOURS] = { "1.0", "tfrmm-0.9", "2.0" };

static const char *header_check(const struct layout *l)
{
	if (l->magic != LAYOUT_MAGIC)
		return "magic: this is not a layout page";
	if (l->version != LAYOUT_VERSION)
		return "version: unknown to this RMM";
	if (l->hash_algo > 2)
		return "hash_algo: not 0, 1 or 2";
	if (l->vcpus < 1 || l->vcpus > LAYOUT_MAX_VCPUS)
		return "vcpus: not 1 to 8";
	if (!l->ram_size || l->ram_size > LAYOUT_RAM_SIZE || l->ram_size % LAYOUT_RAM_STEP)
		return "ram_size: not 2 MiB to 1 GiB in steps of 2 MiB";
	if (l->flavour >= LAYOUT_FLAVOURS)
		return "flavour: unknown to this RMM";
	if (l->quirks & ~(uint32_t)QUIRK_ALL)
		return "quirks: some are unknown to this RMM";
	if (l->count < 1 || l->count > LAYOUT_MAX_RANGES)
		return "count: zero, or more than the page holds";
	if (l->entry_ipa % 4)
		return "entry_ipa: not aligned to 4";
	if (l->dtb_ipa % 8)
		return "dtb_ipa: not aligned to 8";
	for (uint32_t i = 0; i < LAYOUT_MAX_EXTENDS; i++) {
		if (l->extend[i].index > 4)
			return "extend: there is no such register";
	}
	return 0;
}

/* @floor: the first byte after the pages of the previous range; @end: the end of realm memory */
static const char *range_check(const struct layout_range *r, uint64_t floor, uint64_t end)
{
	if (r->ipa % PAGE)
		return "range: ipa is not page-aligned";
	if (!r->size)
		return "range: size is zero";
	if (r->ipa < LAYOUT_RAM_BASE || r->ipa >= end || r->size > end - r->ipa)
		return "range: outside the realm's memory";
	if (r->ipa < floor)
		return "range: overlaps the one before it, or precedes it";
	return 0;
}

static bool range_holds(const struct layout_range *r, uint64_t ipa)
{
	return ipa >= r->ipa && ipa - r->ipa < r->size;
}

static bool tail_is_zero(const struct layout *l)
{
	for (uint32_t i = l->count; i < LAYOUT_MAX_RANGES; i++) {
		if (l->range[i].ipa || l->range[i].size)
			return false;
	}
	return !l->reserved;
}

const char *layout_check(const struct layout *l)
{
	bool entry = false, dtb = false;
	const char *fault = header_check(l);
	uint64_t floor = 0;

	for (uint32_t i = 0; !fault && i < l->count; i++) {
		const struct layout_range *r = &l->range[i];

		fault = range_check(r, floor, LAYOUT_RAM_BASE + l->ram_size);
		floor = (r->ipa + r->size + PAGE - 1) / PAGE * PAGE;
		entry |= range_holds(r, l->entry_ipa);
		dtb |= range_holds(r, l->dtb_ipa);
	}
	if (fault)
		return fault;
	if (!entry)
		return "entry_ipa: in no range";
	if (!dtb)
		return "dtb_ipa: in no range";
	if (!tail_is_zero(l))
		return "range: bytes after the last one are not zero";
	return 0;
}
