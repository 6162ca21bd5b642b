/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include "hash.h"

_Static_assert((int)LAYOUT_TFRMM_0_9 == RIM_TFRMM_0_9 && (int)LAYOUT_RMM_2_0 == RIM_RMM_2_0,
	       "both number the flavours alike");
_Static_assert(sizeof(struct layout_range) == sizeof(struct rim_range), "both are base and size");

static int digest(enum hash_algorithm algo, const void *data, size_t size, uint8_t *value)
{
	hash_bytes(algo, data, size, value);
	return 0;
}

struct pages {
	void *(*page)(uint64_t ipa);
};

static const void *granule(void *context, uint64_t ipa)
{
	const struct pages *pages = context;

	return pages->page(ipa);
}

void measure_layout(struct rim *rim, const struct layout *layout, void *(*page)(uint64_t ipa))
{
	struct pages pages = { page };
	struct rim_realm realm = {
		.flavour = (enum rim_flavour)layout->flavour,
		.algo = (enum hash_algorithm)layout->hash_algo,
		.params = { .s2sz = LAYOUT_IPA_BITS, .num_bps = 1, .num_wps = 1 },
		.ram_base = LAYOUT_RAM_BASE,
		.ram_size = layout->ram_size,
		.range = (const struct rim_range *)layout->range,
		.count = layout->count,
		.entry = layout->entry_ipa,
		.x0 = layout->dtb_ipa,
	};

	rim_compute(rim, &realm, digest, granule, &pages);
}
