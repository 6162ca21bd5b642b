/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rim: the realm initial measurement (RMM specification, "Realm Initial Measurement"), one step for
 * each RMI call that makes the realm.
 *
 * Pure, and freestanding but for memcpy() and memset(): the test RMM measures with this file at EL2,
 * and `realmkey rim` predicts with it. Addresses are IPAs.
 */
#ifndef REALMKEY_RIM_H
#define REALMKEY_RIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RIM_MAX		64	/* bytes of the longest digest */
#define RIM_GRANULE	4096
#define RIM_MEASURED	1	/* flags of RMI_DATA_CREATE: measure the content */
#define RIM_RUNNABLE	1	/* flags of RMI_REC_CREATE */

/* Numbered as RMI and RSI number them. */
enum rim_algo { RIM_SHA256, RIM_SHA512, RIM_SHA384, RIM_ALGOS };

enum rim_flavour {
	RIM_RMM_1_0,	/* specification 1.0, TF-RMM up to 0.8: parameters, RIPAS, data, RECs */
	RIM_TFRMM_0_9,	/* TF-RMM 0.9 and later: RIPAS is no longer measured */
	RIM_RMM_2_0,	/* specification 2.0: parameters are not either, RIM starts from zero */
	RIM_FLAVOURS
};

extern const char *const rim_flavour_names[RIM_FLAVOURS];	/* "1.0", "tfrmm-0.9", "2.0" */
extern const char *const rim_algo_names[RIM_ALGOS];		/* "sha256", "sha512", "sha384" */

/* rim_size - length of a digest of @algo in bytes: 32, 64 or 48 */
size_t rim_size(enum rim_algo algo);

/*
 * What hashes: puts rim_size(@algo) bytes at @digest, which may overlap @data; @data is 8-byte
 * aligned. Returns 0, or -1 when it cannot; the measurement has then failed.
 */
typedef int rim_digest(enum rim_algo algo, const void *data, size_t size, uint8_t *digest);

struct rim {
	enum rim_algo algo;
	enum rim_flavour flavour;
	rim_digest *digest;
	bool failed;				/* @digest did, once; @value is then nothing */
	_Alignas(8) uint8_t value[RIM_MAX];	/* zero after rim_size(algo) bytes */
};

/* What RmiRealmParams contributes, as RMI encodes it; all else in it is measured as zero. */
struct rim_params {
	uint64_t flags;
	uint8_t s2sz;		/* IPA width in bits */
	uint8_t sve_vl;
	uint8_t num_bps;	/* breakpoints, less one; likewise watchpoints */
	uint8_t num_wps;
	uint8_t pmu_num_ctrs;
};

/* rim_create - RMI_REALM_CREATE: start @rim */
void rim_create(struct rim *rim, enum rim_flavour flavour, enum rim_algo algo, rim_digest *digest,
		const struct rim_params *params);

/* rim_ripas - RMI_RTT_INIT_RIPAS of one translation table entry, which maps @base to @top */
void rim_ripas(struct rim *rim, uint64_t base, uint64_t top);

/*
 * rim_ram - rim_ripas() of each entry of [@base, @top), both aligned to RIM_GRANULE, where the
 * tables are as KVM makes them for @s2sz bits: the largest blocks that fit, start level concatenated
 */
void rim_ram(struct rim *rim, uint64_t base, uint64_t top, unsigned int s2sz);

/*
 * rim_data - RMI_DATA_CREATE of one granule, or RTT_DATA_MAP_INIT, which measures alike
 * @granule: RIM_GRANULE bytes, 8-byte aligned; only looked at when @flags have RIM_MEASURED
 */
void rim_data(struct rim *rim, uint64_t ipa, uint64_t flags, const void *granule);

/* rim_rec - RMI_REC_CREATE; callers leave out RECs that are not runnable */
void rim_rec(struct rim *rim, uint64_t flags, uint64_t pc, const uint64_t gprs[8]);

/* Loaded bytes; the rest of their first and last granule is zero. */
struct rim_range {
	uint64_t ipa, size;
};

/* A realm with one piece of RAM, of which only REC 0 is runnable. */
struct rim_realm {
	enum rim_flavour flavour;
	enum rim_algo algo;
	struct rim_params params;
	uint64_t ram_base, ram_size;	/* aligned to RIM_GRANULE */
	const struct rim_range *range;	/* ascending, no two in one granule */
	size_t count;
	uint64_t entry, x0;		/* of REC 0; x1 to x7 are zero */
};

/* rim_granule - the granule at @ipa, as rim_data() wants it; valid until the next call */
typedef const void *rim_granule(void *context, uint64_t ipa);

/*
 * rim_compute - the RIM of @realm into @rim, in KVM's order: parameters, RAM, ranges, REC 0
 *
 * Returns 0, or -1 when @digest failed.
 */
int rim_compute(struct rim *rim, const struct rim_realm *realm, rim_digest *digest,
		rim_granule *granule, void *context);

#endif
