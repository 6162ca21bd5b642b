/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The realm initial measurement by RMM 1.0, as TF-RMM up to v0.8.0 computes it: one step for each
 * RMI call that makes the realm. Pure; addresses are IPAs, numbers are put little-endian.
 */
#ifndef RMM_RIM_H
#define RMM_RIM_H

#include "hash.h"
#include "layout.h"

#define RIM_GRANULE	4096
#define RIM_MEASURED	1	/* flags of RMI_DATA_CREATE: measure the content */
#define RIM_RUNNABLE	1	/* flags of RMI_REC_CREATE */

struct rim {
	enum hash_algo algo;
	_Alignas(8) uint8_t value[HASH_MAX];	/* zero after hash_size(algo) bytes */
};

/* What RmiRealmParams contributes; all else in it is measured as zero. */
struct rim_params {
	uint64_t flags;
	uint8_t s2sz;
	uint8_t sve_vl;
	uint8_t num_bps;
	uint8_t num_wps;
	uint8_t pmu_num_ctrs;
};

/* rim_realm - RMI_REALM_CREATE: start @rim */
void rim_realm(struct rim *rim, enum hash_algo algo, const struct rim_params *params);

/* rim_ripas - RMI_RTT_INIT_RIPAS of one translation table entry, which maps @base to @top */
void rim_ripas(struct rim *rim, uint64_t base, uint64_t top);

/* rim_data - RMI_DATA_CREATE of one granule; @granule (8-byte aligned) counts if RIM_MEASURED */
void rim_data(struct rim *rim, uint64_t ipa, uint64_t flags, const void *granule);

/* rim_rec - RMI_REC_CREATE; callers leave out RECs that are not runnable */
void rim_rec(struct rim *rim, uint64_t flags, uint64_t pc, const uint64_t gprs[8]);

/*
 * rim_layout - the RIM of a bench realm, in KVM's order: parameters, RAM, ranges, REC 0
 * @granule: gives the RIM_GRANULE bytes at a page-aligned IPA of a range, 8-byte aligned
 */
void rim_layout(struct rim *rim, const struct layout *layout, void *(*granule)(uint64_t ipa));

#endif
