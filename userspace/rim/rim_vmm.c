// SPDX-License-Identifier: Apache-2.0
#include "rim_vmm.h"

#include <inttypes.h>
#include <string.h>

#include "base/array.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

#define IMAGE_MAGIC 0x644d5241 /* "ARM\x64" */

const char *const rim_file_names[RIM_FILES] = { "kernel", "initrd", "dtb" };

/* --- the kernel's header ---------------------------------------------------------------------- */

static uint64_t word_at(const uint8_t *header, size_t at, size_t size)
{
	uint64_t n = 0;

	while (size--)
		n = n << 8 | header[at + size];
	return n;
}

int rim_image_parse(struct rim_image *image, const uint8_t *header, uint64_t size, struct error *e)
{
	if (size < RIM_IMAGE_HEADER || word_at(header, 56, 4) != IMAGE_MAGIC)
		return error_set(e, ERROR_INPUT,
				 "not an arm64 Image (a compressed one must be unpacked first)");
	image->size = size;
	image->text_offset = word_at(header, 8, 8);
	image->memory = word_at(header, 16, 8);
	if (!image->memory)
		return error_set(e, ERROR_INPUT, "image_size is 0: an Image older than Linux 3.17");
	if (image->memory < size)
		image->memory = size;
	return 0;
}

/* --- the VMMs --------------------------------------------------------------------------------- */

static uint64_t align_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

#define BENCH_RAM   (1 * GIB)
#define KVMTOOL_RAM (2 * GIB)
#define QEMU_RAM    (1 * GIB)

static unsigned int bench_s2sz(uint64_t ram_size)
{
	(void)ram_size;
	return 33;
}

/* tests/realm/realm */
static void bench_place(struct rim_range range[RIM_FILES], const struct rim_image *image,
			uint64_t ram_size, uint64_t initrd)
{
	(void)image;
	(void)ram_size;
	range[RIM_KERNEL].ipa = BENCH_RAM + 2 * MIB;
	range[RIM_INITRD].ipa = initrd ? initrd : BENCH_RAM + 128 * MIB;
	range[RIM_DTB].ipa = BENCH_RAM + 254 * MIB;
}

/* The RAM, and one more bit for the unprotected half; at least 33 bits. */
static unsigned int kvmtool_s2sz(uint64_t ram_size)
{
	unsigned int bits = 32;

	while ((KVMTOOL_RAM + ram_size - 1) >> bits)
		bits++;
	return bits + 1;
}

static void kvmtool_place(struct rim_range range[RIM_FILES], const struct rim_image *image,
			  uint64_t ram_size, uint64_t initrd)
{
	const uint64_t size = range[RIM_DTB].size, align = 4;
	uint64_t limit = KVMTOOL_RAM + least(ram_size, 256 * MIB);

	range[RIM_KERNEL].ipa = KVMTOOL_RAM + image->text_offset;
	range[RIM_DTB].ipa = align_up(limit - 2 * MIB - size, 2 * MIB);
	if (!initrd)
		initrd = align_up(range[RIM_DTB].ipa - range[RIM_INITRD].size - align, align);
	range[RIM_INITRD].ipa = initrd;
}

/* The high PCIe window, and the unprotected half. */
static unsigned int qemu_s2sz(uint64_t ram_size)
{
	(void)ram_size;
	return 41;
}

static void qemu_place(struct rim_range range[RIM_FILES], const struct rim_image *image,
		       uint64_t ram_size, uint64_t initrd)
{
	uint64_t lowest = QEMU_RAM + least(ram_size / 2, 128 * MIB);
	uint64_t kernel_end = QEMU_RAM + image->text_offset + image->memory;

	if (!initrd)
		initrd = align_up(lowest > kernel_end ? lowest : kernel_end, 4096);
	range[RIM_KERNEL].ipa = QEMU_RAM + image->text_offset;
	range[RIM_INITRD].ipa = initrd;
	range[RIM_DTB].ipa = align_up(range[RIM_INITRD].ipa + range[RIM_INITRD].size, 2 * MIB);
}

/* The same as in tests/rmm/measure.c. */
static const struct rim_params bench_params = { .s2sz = 33, .num_bps = 1, .num_wps = 1 };

/* What all branches of kvmtool have in common. */
#define KVMTOOL \
	.ram_base = KVMTOOL_RAM, .ram_step = 2 * MIB, .ram_max = 1024 * GIB, .cpus_max = 512, \
	.algo = HASH_SHA256, .dtb_size = MIB / 16, .s2sz = kvmtool_s2sz, .place = kvmtool_place

static const struct rim_vmm vmms[] = {
	{ .name = "bench",
	  .ram_base = BENCH_RAM,
	  .ram_step = 2 * MIB,
	  .ram_max = GIB,
	  .cpus_max = 8,
	  .algo = HASH_SHA256,
	  .cpus_edit = true,
	  .cmdline_append = true,
	  .align = RIM_GRANULE,
	  .params = &bench_params,
	  .s2sz = bench_s2sz,
	  .place = bench_place },
	/* Its realm.c sets the RIPAS of kvm->ram_size bytes; it aligns files to SZ_4K. */
	{ .name = "kvmtool", KVMTOOL, .align = RIM_GRANULE },
	/* The same, but it aligns files to SZ_64K, for hosts with large pages. */
	{ .name = "kvmtool-64k", KVMTOOL, .align = MIB / 16 },
	/* RMM 1.0-eac5: it sets the RIPAS from file_end to mem_end. */
	{ .name = "kvmtool-eac5", KVMTOOL, .align = RIM_GRANULE, .order = RIM_BSS_ONLY },
	/* The first patches (January 2023): realm_populate() begins with the RIPAS of its range. */
	{ .name = "kvmtool-2023", KVMTOOL, .align = RIM_GRANULE, .order = RIM_PER_FILE },
	{ .name = "qemu",
	  .ram_base = QEMU_RAM,
	  .ram_step = MIB,
	  .ram_max = 255 * GIB,
	  .cpus_max = 512,
	  .algo = HASH_SHA512,
	  .align = RIM_GRANULE,
	  .s2sz = qemu_s2sz,
	  .place = qemu_place },
};

const struct rim_vmm *rim_vmm_find(const char *name, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(vmms); i++) {
		if (!strcmp(vmms[i].name, name))
			return &vmms[i];
	}
	error_set(e, ERROR_USAGE, "--vmm: no '%s'; there are %s", name, vmms[0].name);
	for (size_t i = 1; i < ARRAY_SIZE(vmms); i++)
		error_append(e, ", %s", vmms[i].name);
	return NULL;
}

/* @memory: bytes that must be free from r->ipa on */
static int range_check(const struct rim_vmm *vmm, int which, const struct rim_range *r,
		       uint64_t memory, uint64_t floor, uint64_t end, struct error *e)
{
	const char *name = rim_file_names[which];

	if (r->ipa / vmm->align * vmm->align < floor)
		return error_set(e, ERROR_INPUT,
				 "%s: %s puts it at 0x%" PRIx64
				 ", where the file before it ends only at 0x%" PRIx64,
				 name, vmm->name, r->ipa, floor);
	if (r->ipa < end && memory <= end - r->ipa)
		return 0;
	return error_set(e, ERROR_INPUT,
			 "%s: %" PRIu64 " bytes at 0x%" PRIx64 " do not end before 0x%" PRIx64
			 ", where RAM does",
			 name, memory, r->ipa, end);
}

int rim_vmm_place(const struct rim_vmm *vmm, struct rim_range range[RIM_FILES],
		  const struct rim_image *image, uint64_t ram_size, uint64_t initrd,
		  struct error *e)
{
	const uint64_t end = vmm->ram_base + ram_size;
	uint64_t floor = vmm->ram_base;

	if (!ram_size || ram_size > vmm->ram_max || ram_size % vmm->ram_step)
		return error_set(e, ERROR_INPUT,
				 "RAM of %" PRIu64 " bytes: %s has up to %" PRIu64
				 " MiB in steps of %" PRIu64,
				 ram_size, vmm->name, vmm->ram_max / MIB, vmm->ram_step / MIB);
	if (vmm->params == NULL && image->text_offset)
		return error_set(e, ERROR_INPUT,
				 "kernel: its text_offset is 0x%" PRIx64
				 ", and it is not known where %s starts it",
				 image->text_offset, vmm->name);
	/* Refuse files so large that the sums below would overflow. */
	for (int i = 0; i < RIM_FILES; i++) {
		if (range[i].size > ram_size || image->memory > ram_size)
			return error_set(e, ERROR_INPUT, "%s: larger than the realm's RAM",
					 rim_file_names[range[i].size > ram_size ? i : RIM_KERNEL]);
	}
	vmm->place(range, image, ram_size, initrd);
	for (int i = 0; i < RIM_FILES; i++) {
		uint64_t memory = i == RIM_KERNEL ? image->memory : range[i].size;

		if (!range[i].size)
			continue;
		if (range_check(vmm, i, &range[i], memory, floor, end, e) < 0)
			return -1;
		floor = align_up(range[i].ipa + memory, vmm->align);
	}
	return 0;
}
