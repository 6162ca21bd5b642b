/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include "hash.h"

_Static_assert((int)LAYOUT_TFRMM_0_9 == RIM_TFRMM_0_9 && (int)LAYOUT_RMM_2_0 == RIM_RMM_2_0,
	       "both number the flavours alike");

static int digest(enum hash_algorithm algo, const void *data, size_t size, uint8_t *value)
{
	hash_bytes(algo, data, size, value);
	return 0;
}

void measure_layout(struct rim *rim, const struct layout *layout, void *(*page)(uint64_t ipa),
		    rim_trace *trace)
{
	static const struct rim_params params = { 0, LAYOUT_IPA_BITS, 0, 1, 1, 0 };
	const uint64_t gprs[8] = { layout->dtb_ipa };

	*rim = (struct rim){ .flavour = (enum rim_flavour)layout->flavour,
			     .algo = (enum hash_algorithm)layout->hash_algo,
			     .digest = digest,
			     .trace = trace };
	rim_create(rim, &params);
	rim_ram(rim, LAYOUT_RAM_BASE, LAYOUT_RAM_BASE + layout->ram_size, LAYOUT_IPA_BITS);
	for (uint32_t i = 0; i < layout->count; i++) {
		const struct layout_range *r = &layout->range[i];

		for (uint64_t ipa = r->ipa; ipa < r->ipa + r->size; ipa += RIM_GRANULE)
			rim_data(rim, ipa, RIM_MEASURED, page(ipa));
	}
	rim_rec(rim, RIM_RUNNABLE, layout->entry_ipa, gprs);
}
