/* SPDX-License-Identifier: Apache-2.0 */
/* rim_realm: all steps of the measurement of a realm, in the order in which its VMM causes them. This
 * file does no I/O. */
#ifndef REALMKEY_RIM_REALM_H
#define REALMKEY_RIM_REALM_H

#include "rim.h"

extern const char *const rim_flavour_names[RIM_FLAVOURS]; /* "1.0", "tfrmm-0.9", "2.0" */

/* Of what memory a VMM sets the RIPAS, and when. */
enum rim_order {
	RIM_RAM_FIRST, /* of all RAM, before anything is loaded */
	RIM_PER_FILE,  /* of the memory of each range, before the range is loaded */
	RIM_BSS_ONLY,  /* of the memory of the kernel after its end, once the kernel is loaded */
	RIM_ORDERS
};

extern const char *const rim_order_names[RIM_ORDERS]; /* "ram-first", "per-file", "bss-only" */

/* Loaded bytes; the rest of their first and last granule is zero. */
struct rim_range {
	uint64_t ipa, size;
};

/* A realm with one range of RAM, of which only REC 0 is runnable. */
struct rim_realm {
	enum rim_flavour flavour;
	enum hash_algorithm algo;
	struct rim_params params;
	enum rim_order order;
	uint64_t ram_base, ram_size;   /* aligned to RIM_GRANULE */
	const struct rim_range *range; /* ascending; no two have a block of @align in common */
	size_t count;
	uint64_t memory;    /* bytes that the first range, the kernel, uses from its start */
	uint64_t align;	    /* a power of two: ranges are loaded in blocks of it; 0: RIM_GRANULE */
	uint64_t entry, x0; /* of REC 0; x1 to x7 are zero */
};

/* rim_granule - returns the granule at @ipa for rim_data(); it is valid until the next call */
typedef const void *rim_granule(void *context, uint64_t ipa);

/*
 * rim_compute - compute the RIM of @realm: parameters, RIPAS and ranges in @realm->order, REC 0
 * @trace: or NULL
 * @context: for @granule and @trace
 *
 * Returns 0 with the RIM in @rim->value, or -1 if @digest failed.
 */
int rim_compute(struct rim *rim, const struct rim_realm *realm, rim_digest *digest,
		rim_granule *granule, rim_trace *trace, void *context);

#endif
