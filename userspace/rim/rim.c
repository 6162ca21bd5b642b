// SPDX-License-Identifier: Apache-2.0
#include "rim.h"

#include <string.h>

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

static const char params_names[7][RIM_NAME] = { "flags",   "s2sz",	   "sve_vl",   "num_bps",
						"num_wps", "pmu_num_ctrs", "hash_algo" };
static const char ripas_names[2][RIM_NAME] = { "base", "top" };
static const char data_names[2][RIM_NAME] = { "ipa", "flags" };
static const char rec_names[10][RIM_NAME] = { "flags", "pc", "x0", "x1", "x2",
					      "x3",    "x4", "x5", "x6", "x7" };

static void step_trace(const struct rim *rim, struct rim_step step)
{
	if (rim->trace)
		rim->trace(rim->context, rim, &step);
}

void rim_create(struct rim *rim, const struct rim_params *params)
{
	uint64_t page[PAGE_WORDS];

	if (!measures[rim->flavour].params)
		return;
	memset(page, 0, sizeof(page));
	page[0x00 / 8] = le64(params->flags);
	page[0x08 / 8] = le64(params->s2sz);
	page[0x10 / 8] = le64(params->sve_vl);
	page[0x18 / 8] = le64(params->num_bps);
	page[0x20 / 8] = le64(params->num_wps);
	page[0x28 / 8] = le64(params->pmu_num_ctrs);
	page[0x30 / 8] = le64(rim->algo);
	rim_hash(rim, page, sizeof(page), rim->value);
	step_trace(rim, (struct rim_step){ "params", params_names, page, 7, NULL });
}

void rim_ripas(struct rim *rim, uint64_t base, uint64_t top)
{
	struct step step = step_start(rim, STEP_RIPAS);

	if (!measures[rim->flavour].ripas)
		return;
	step.word[STEP_BODY] = le64(base);
	step.word[STEP_BODY + 1] = le64(top);
	step_end(rim, &step);
	step_trace(rim, (struct rim_step){ "ripas", ripas_names, step.word + STEP_BODY, 2, NULL });
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
	step_trace(rim, (struct rim_step){ "data", data_names, step.word + STEP_BODY, 2,
					   step.word + STEP_BODY + 2 });
}

void rim_rec(struct rim *rim, uint64_t flags, uint64_t pc, const uint64_t gprs[8])
{
	uint64_t page[PAGE_WORDS], number[10] = { le64(flags), le64(pc) };
	struct step step = step_start(rim, STEP_REC);

	for (unsigned int i = 0; i < 8; i++)
		number[2 + i] = le64(gprs[i]);
	memset(page, 0, sizeof(page));
	page[0] = number[0];
	page[0x200 / 8] = number[1];
	memcpy(page + 0x300 / 8, number + 2, 8 * sizeof(*number));
	rim_hash(rim, page, sizeof(page), &step.word[STEP_BODY]);
	step_end(rim, &step);
	step_trace(rim, (struct rim_step){ "rec", rec_names, number, 10, step.word + STEP_BODY });
}
