// SPDX-License-Identifier: Apache-2.0
#include "rim.h"

#include <string.h>

const char *const rim_flavour_names[RIM_FLAVOURS] = { "1.0", "tfrmm-0.9", "2.0" };

/* What each flavour measures in addition to data and RECs. */
static const struct {
	bool params, ripas;
} measures[RIM_FLAVOURS] = {
	[RIM_RMM_1_0] = { true, true },
	[RIM_TFRMM_0_9] = { true, false },
	[RIM_RMM_2_0] = { false, false },
};

/* RmmMeasurementDescriptor{Data,Rec,Ripas} as words: type, size, RIM, then the fields of the
 * type. */
enum { STEP_DATA, STEP_REC, STEP_RIPAS };
enum { STEP_WORDS = 0x100 / 8, STEP_SIZE_AT = 1, STEP_RIM_AT = 2, STEP_BODY = 0x50 / 8 };

struct step {
	uint64_t word[STEP_WORDS];
};

#define PAGE_WORDS   (RIM_GRANULE / 8)
#define TABLE_BITS   9 /* bits of an IPA that one level of translation resolves */
#define PAGE_BITS    12
#define CONCATENATED 4 /* bits that concatenated tables at the start level can add */

/* Numbers are measured little-endian. */
static uint64_t le64(uint64_t n)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? n : __builtin_bswap64(n);
}

static void rim_hash(struct rim *rim, const void *data, size_t size, void *digest)
{
	if (rim->digest(rim->algo, data, size, digest) < 0)
		rim->failed = true;
}

/* Start a descriptor of @type with the RIM so far. */
static struct step step_start(const struct rim *rim, uint64_t type)
{
	struct step step;

	memset(&step, 0, sizeof(step));
	step.word[0] = le64(type);
	step.word[STEP_SIZE_AT] = le64(sizeof(step));
	memcpy(&step.word[STEP_RIM_AT], rim->value, sizeof(rim->value));
	return step;
}

static void step_end(struct rim *rim, const struct step *step)
{
	rim_hash(rim, step, sizeof(*step), rim->value);
}

void rim_create(struct rim *rim, enum rim_flavour flavour, enum hash_algorithm algo,
		rim_digest *digest, const struct rim_params *params)
{
	uint64_t page[PAGE_WORDS];

	memset(rim, 0, sizeof(*rim));
	rim->flavour = flavour;
	rim->algo = algo;
	rim->digest = digest;
	if (!measures[flavour].params)
		return;
	memset(page, 0, sizeof(page));
	page[0x00 / 8] = le64(params->flags);
	page[0x08 / 8] = le64(params->s2sz);
	page[0x10 / 8] = le64(params->sve_vl);
	page[0x18 / 8] = le64(params->num_bps);
	page[0x20 / 8] = le64(params->num_wps);
	page[0x28 / 8] = le64(params->pmu_num_ctrs);
	page[0x30 / 8] = le64(algo);
	rim_hash(rim, page, sizeof(page), rim->value);
}

void rim_ripas(struct rim *rim, uint64_t base, uint64_t top)
{
	struct step step = step_start(rim, STEP_RIPAS);

	if (!measures[rim->flavour].ripas)
		return;
	step.word[STEP_BODY] = le64(base);
	step.word[STEP_BODY + 1] = le64(top);
	step_end(rim, &step);
}

/* The largest block that an entry can map if the IPA width is @s2sz bits. */
static uint64_t block_largest(unsigned int s2sz)
{
	unsigned int bits = s2sz > PAGE_BITS ? s2sz - PAGE_BITS : 1;
	unsigned int levels = (bits + TABLE_BITS - 1) / TABLE_BITS;

	if (levels > 1 && bits - TABLE_BITS * (levels - 1) <= CONCATENATED)
		levels--;
	return (uint64_t)RIM_GRANULE << TABLE_BITS * (levels - 1);
}

void rim_ram(struct rim *rim, uint64_t base, uint64_t top, unsigned int s2sz)
{
	while (base < top) {
		uint64_t block = block_largest(s2sz);

		/* NOLINTNEXTLINE(*.DivideZero): at the latest a granule divides @base and fits */
		while (base % block || block > top - base)
			block >>= TABLE_BITS;
		rim_ripas(rim, base, base + block);
		base += block;
	}
}

void rim_data(struct rim *rim, uint64_t ipa, uint64_t flags, const void *granule)
{
	struct step step = step_start(rim, STEP_DATA);

	step.word[STEP_BODY] = le64(ipa);
	step.word[STEP_BODY + 1] = le64(flags);
	if (flags & RIM_MEASURED)
		rim_hash(rim, granule, RIM_GRANULE, &step.word[STEP_BODY + 2]);
	step_end(rim, &step);
}

void rim_rec(struct rim *rim, uint64_t flags, uint64_t pc, const uint64_t gprs[8])
{
	uint64_t page[PAGE_WORDS];
	struct step step = step_start(rim, STEP_REC);

	memset(page, 0, sizeof(page));
	page[0] = le64(flags);
	page[0x200 / 8] = le64(pc);
	for (unsigned int i = 0; i < 8; i++)
		page[0x300 / 8 + i] = le64(gprs[i]);
	rim_hash(rim, page, sizeof(page), &step.word[STEP_BODY]);
	step_end(rim, &step);
}

int rim_compute(struct rim *rim, const struct rim_realm *realm, rim_digest *digest,
		rim_granule *granule, void *context)
{
	const uint64_t gprs[8] = { realm->x0 };

	rim_create(rim, realm->flavour, realm->algo, digest, &realm->params);
	rim_ram(rim, realm->ram_base, realm->ram_base + realm->ram_size, realm->params.s2sz);
	for (size_t i = 0; i < realm->count; i++) {
		const struct rim_range *r = &realm->range[i];

		for (uint64_t ipa = r->ipa / RIM_GRANULE * RIM_GRANULE; ipa < r->ipa + r->size;
		     ipa += RIM_GRANULE)
			rim_data(rim, ipa, RIM_MEASURED, granule(context, ipa));
	}
	rim_rec(rim, RIM_RUNNABLE, realm->entry, gprs);
	return rim->failed ? -1 : 0;
}
