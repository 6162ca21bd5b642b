/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout page, in which the runner (tests/realm) describes the realm that it has loaded to the
 * test RMM. QEMU's loader puts it at LAYOUT_PA before the machine starts. All numbers are
 * little-endian.
 *
 * The page must be zero after the last range. Ranges are the loaded bytes of kernel, initrd and
 * device tree. They are page-aligned, ascending, and do not overlap when rounded up to whole pages.
 * The loader puts the bytes of IPA at IPA + LAYOUT_PA_OFFSET. Bytes between the end of a range and
 * the end of its page are measured as they lie in memory, where they are zero. Extensions are made
 * before the realm starts, as if firmware had made them; the first of index 0 ends them.
 */
#ifndef RMM_LAYOUT_H
#define RMM_LAYOUT_H

#include <stdint.h>

#define LAYOUT_PA	 0x130000000UL
#define LAYOUT_PA_OFFSET 0x140000000UL
#define LAYOUT_MAGIC	 0x3159414c4d4c4552UL /* "RELMLAY1" */
#define LAYOUT_VERSION	 3
#define LAYOUT_SIZE	 4096
#define LAYOUT_RAM_BASE	 0x40000000UL
#define LAYOUT_RAM_SIZE	 0x40000000UL /* the maximum and the default */
#define LAYOUT_RAM_STEP	 0x200000UL
#define LAYOUT_MAX_VCPUS 8
#define LAYOUT_IPA_BITS	 33

/* The RMM whose RIM this one computes. */
enum layout_flavour {
	LAYOUT_RMM_1_0,	  /* specification 1.0, as implemented by TF-RMM up to 0.8 */
	LAYOUT_TFRMM_0_9, /* TF-RMM 0.9 and later */
	LAYOUT_RMM_2_0,	  /* specification 2.0 */
	LAYOUT_FLAVOURS
};

/* "1.0", "tfrmm-0.9", "2.0", by enum layout_flavour */
extern const char *const layout_flavours[LAYOUT_FLAVOURS];

struct layout_range {
	uint64_t ipa;
	uint64_t size; /* bytes */
};

struct layout_extend {
	uint64_t index; /* 1 to 4 for REM0 to REM3 */
	uint8_t digest[64];
};

#define LAYOUT_MAX_EXTENDS 4
#define LAYOUT_MAX_RANGES  230

struct layout {
	uint64_t magic;
	uint32_t version;
	uint32_t hash_algo; /* with the numbers of RMI: 0 SHA-256, 1 SHA-512, 2 SHA-384 */
	uint32_t vcpus;	    /* 1 to LAYOUT_MAX_VCPUS */
	uint32_t count;	    /* of ranges */
	uint64_t entry_ipa; /* where REC 0 starts */
	uint64_t dtb_ipa;   /* its x0 */
	uint64_t ram_size;  /* bytes from LAYOUT_RAM_BASE: LAYOUT_RAM_STEP to LAYOUT_RAM_SIZE */
	uint32_t flavour;   /* enum layout_flavour */
	uint32_t quirks;    /* a set of enum quirk (quirk.h) */
	uint8_t rpv[64];    /* realm personalisation value */
	struct layout_extend extend[LAYOUT_MAX_EXTENDS];
	struct layout_range range[LAYOUT_MAX_RANGES];
	uint64_t reserved; /* zero */
};

_Static_assert(sizeof(struct layout) == LAYOUT_SIZE, "the layout page is one page");

/*
 * layout_check - check a layout page
 * @layout: LAYOUT_SIZE bytes, 8-byte aligned
 *
 * Returns NULL if every field is within its bounds, otherwise one line with the field and the
 * reason.
 */
const char *layout_check(const struct layout *layout);

#endif
