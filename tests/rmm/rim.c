/* SPDX-License-Identifier: Apache-2.0 */
#include "rim.h"

#include "mem.h"

/* The measurement descriptors of RMM 1.0: RmmMeasurementDescriptor{Data,Rec,Ripas}. */
enum { STEP_DATA, STEP_REC, STEP_RIPAS };

struct step {
	uint64_t type;		/* one byte and seven of padding */
	uint64_t size;
	uint8_t rim[64];
	union {
		struct {
			uint64_t base, top;
		} ripas;
		struct {
			uint64_t ipa, flags;
			uint8_t content[64];
		} data;
		uint8_t rec[64];
		uint8_t pad[0x100 - 0x50];
	};
};

_Static_assert(sizeof(struct step) == 0x100, "a measurement descriptor has 256 bytes");

#define RIPAS_ENTRY	(2UL << 20)	/* a level 2 entry: what the bench's tables start from */
#define BENCH_IPA_BITS	33

static struct step step_start(const struct rim *rim, uint64_t type)
{
	struct step step;

	memset(&step, 0, sizeof(step));
	step.type = type;
	step.size = sizeof(step);
	memcpy(step.rim, rim->value, sizeof(step.rim));
	return step;
}

static void step_end(struct rim *rim, const struct step *step)
{
	hash_bytes(rim->algo, step, sizeof(*step), rim->value);
}

void rim_realm(struct rim *rim, enum hash_algo algo, const struct rim_params *params)
{
	uint64_t page[RIM_GRANULE / 8];

	memset(page, 0, sizeof(page));
	page[0x00 / 8] = params->flags;
	page[0x08 / 8] = params->s2sz;
	page[0x10 / 8] = params->sve_vl;
	page[0x18 / 8] = params->num_bps;
	page[0x20 / 8] = params->num_wps;
	page[0x28 / 8] = params->pmu_num_ctrs;
	page[0x30 / 8] = algo;
	memset(rim, 0, sizeof(*rim));
	rim->algo = algo;
	hash_bytes(algo, page, sizeof(page), rim->value);
}

void rim_ripas(struct rim *rim, uint64_t base, uint64_t top)
{
	struct step step = step_start(rim, STEP_RIPAS);

	step.ripas.base = base;
	step.ripas.top = top;
	step_end(rim, &step);
}

void rim_data(struct rim *rim, uint64_t ipa, uint64_t flags, const void *granule)
{
	struct step step = step_start(rim, STEP_DATA);

	step.data.ipa = ipa;
	step.data.flags = flags;
	if (flags & RIM_MEASURED)
		hash_bytes(rim->algo, granule, RIM_GRANULE, step.data.content);
	step_end(rim, &step);
}

void rim_rec(struct rim *rim, uint64_t flags, uint64_t pc, const uint64_t gprs[8])
{
	uint64_t page[RIM_GRANULE / 8];
	struct step step = step_start(rim, STEP_REC);

	memset(page, 0, sizeof(page));
	page[0] = flags;
	page[0x200 / 8] = pc;
	memcpy(&page[0x300 / 8], gprs, 8 * sizeof(*gprs));
	hash_bytes(rim->algo, page, sizeof(page), step.rec);
	step_end(rim, &step);
}

void rim_layout(struct rim *rim, const struct layout *layout, void *(*granule)(uint64_t ipa))
{
	static const struct rim_params params = { .s2sz = BENCH_IPA_BITS, .num_bps = 1, .num_wps = 1 };
	const uint64_t gprs[8] = { layout->dtb_ipa }, ram_end = LAYOUT_RAM_BASE + layout->ram_size;

	rim_realm(rim, (enum hash_algo)layout->hash_algo, &params);
	for (uint64_t ipa = LAYOUT_RAM_BASE; ipa < ram_end; ipa += RIPAS_ENTRY)
		rim_ripas(rim, ipa, ipa + RIPAS_ENTRY);
	for (uint32_t i = 0; i < layout->count; i++) {
		const struct layout_range *r = &layout->range[i];

		for (uint64_t at = 0; at < r->size; at += RIM_GRANULE)
			rim_data(rim, r->ipa + at, RIM_MEASURED, granule(r->ipa + at));
	}
	rim_rec(rim, RIM_RUNNABLE, layout->entry_ipa, gprs);
}
