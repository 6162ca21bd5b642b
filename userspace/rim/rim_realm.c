// SPDX-License-Identifier: Apache-2.0
#include "rim_realm.h"

const char *const rim_flavour_names[RIM_FLAVOURS] = { "1.0", "tfrmm-0.9", "2.0" };
const char *const rim_order_names[RIM_ORDERS] = { "ram-first", "per-file", "bss-only" };

/* @align is a power of two. */
static uint64_t align_down(uint64_t n, uint64_t align)
{
	return n & ~(align - 1);
}

static uint64_t align_up(uint64_t n, uint64_t align)
{
	return align_down(n + align - 1, align);
}

/* Measure the data of range @i, and its RIPAS if the order is not RIM_RAM_FIRST. */
static void range_measure(struct rim *rim, const struct rim_realm *realm, size_t i,
			  rim_granule *granule, void *context)
{
	const struct rim_range *r = &realm->range[i];
	uint64_t align = realm->align ? realm->align : RIM_GRANULE;
	uint64_t base = align_down(r->ipa, align), top = align_up(r->ipa + r->size, align);
	uint64_t end = top; /* of the memory */

	if (i == 0 && realm->memory > r->size)
		end = align_up(r->ipa + realm->memory, RIM_GRANULE);
	if (end < top)
		end = top;
	if (realm->order == RIM_PER_FILE)
		rim_ram(rim, base, end, realm->params.s2sz);
	for (uint64_t ipa = base; ipa < top; ipa += RIM_GRANULE)
		rim_data(rim, ipa, RIM_MEASURED, granule(context, ipa));
	if (realm->order == RIM_BSS_ONLY)
		rim_ram(rim, top, end, realm->params.s2sz);
}

int rim_compute(struct rim *rim, const struct rim_realm *realm, rim_digest *digest,
		rim_granule *granule, rim_trace *trace, void *context)
{
	const uint64_t gprs[8] = { realm->x0 };

	*rim = (struct rim){ .flavour = realm->flavour,
			     .algo = realm->algo,
			     .digest = digest,
			     .trace = trace,
			     .context = context };
	rim_create(rim, &realm->params);
	if (realm->order == RIM_RAM_FIRST)
		rim_ram(rim, realm->ram_base, realm->ram_base + realm->ram_size,
			realm->params.s2sz);
	for (size_t i = 0; i < realm->count; i++)
		range_measure(rim, realm, i, granule, context);
	rim_rec(rim, RIM_RUNNABLE, realm->entry, gprs);
	return rim->failed ? -1 : 0;
}
