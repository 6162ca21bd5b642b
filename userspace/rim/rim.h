/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rim: the realm initial measurement (RMM specification, "Realm Initial Measurement"), one step for
 * each RMI call that makes the realm. rim_realm.h has the steps of a whole realm.
 *
 * This file does no I/O and requires only memcpy() and memset(), because the test RMM measures with
 * it at EL2. `realmkey rim` predicts with it. Addresses are IPAs.
 */
#ifndef REALMKEY_RIM_H
#define REALMKEY_RIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

#define RIM_GRANULE  4096
#define RIM_MEASURED 1 /* flags of RMI_DATA_CREATE: measure the content */
#define RIM_RUNNABLE 1 /* flags of RMI_REC_CREATE */

enum rim_flavour {
	RIM_RMM_1_0,   /* specification 1.0, TF-RMM up to 0.8: parameters, RIPAS, data, RECs */
	RIM_TFRMM_0_9, /* TF-RMM 0.9 and later: RIPAS is no longer measured */
	RIM_RMM_2_0,   /* specification 2.0: parameters are not either, RIM starts from zero */
	RIM_FLAVOURS
};

/*
 * rim_digest - the caller's hash function: write the digest of @size bytes at @data to @digest
 * @data: 8-byte aligned
 * @digest: may overlap @data
 *
 * Returns 0, or -1 if that failed; the measurement has then failed, too.
 */
typedef int rim_digest(enum hash_algorithm algo, const void *data, size_t size, uint8_t *digest);

#define RIM_NAME 13 /* bytes of the longest name of a number, with its NUL */

/* One step of the measurement, for the log of a caller. */
struct rim_step {
	const char *what;	      /* "params", "ripas", "data" or "rec" */
	const char (*name)[RIM_NAME]; /* of @count numbers, as RMI calls them */
	const uint64_t *number;	      /* little-endian, as they are measured */
	size_t count;
	const void *content; /* digest of the page of data or of the REC's parameters, or NULL */
};

struct rim;

/* rim_trace - the caller's function that is called after each step, which @rim->value includes */
typedef void rim_trace(void *context, const struct rim *rim, const struct rim_step *step);

struct rim {
	enum hash_algorithm algo;
	enum rim_flavour flavour;
	rim_digest *digest;
	rim_trace *trace;			  /* or NULL */
	void *context;				  /* for @trace */
	bool failed;				  /* @digest failed; @value is meaningless */
	_Alignas(8) uint8_t value[HASH_SIZE_MAX]; /* zeros after the digest */
};

/* The members of RmiRealmParams that are measured, as RMI encodes them; the others count as
 * zero. */
struct rim_params {
	uint64_t flags;
	uint8_t s2sz; /* IPA width in bits */
	uint8_t sve_vl;
	uint8_t num_bps; /* breakpoints minus one; num_wps the same for watchpoints */
	uint8_t num_wps;
	uint8_t pmu_num_ctrs;
};

/*
 * rim_create - RMI_REALM_CREATE: start the measurement @rim
 *
 * The caller has set @rim->flavour, @rim->algo, @rim->digest, @rim->trace and @rim->context, and
 * everything else in @rim to zero.
 */
void rim_create(struct rim *rim, const struct rim_params *params);

/* rim_ripas - RMI_RTT_INIT_RIPAS of one translation table entry, which maps [@base, @top) */
void rim_ripas(struct rim *rim, uint64_t base, uint64_t top);

/*
 * rim_ram - rim_ripas() of each entry that maps [@base, @top), both aligned to RIM_GRANULE
 *
 * The translation tables are those of KVM for an IPA width of @s2sz bits: the largest blocks that
 * fit, and concatenated tables at the start level.
 */
void rim_ram(struct rim *rim, uint64_t base, uint64_t top, unsigned int s2sz);

/*
 * rim_data - RMI_DATA_CREATE of one granule, or RTT_DATA_MAP_INIT, which measures the same
 * @granule: RIM_GRANULE bytes, 8-byte aligned; only read if @flags contains RIM_MEASURED
 */
void rim_data(struct rim *rim, uint64_t ipa, uint64_t flags, const void *granule);

/* rim_rec - RMI_REC_CREATE; do not call it for RECs that are not runnable */
void rim_rec(struct rim *rim, uint64_t flags, uint64_t pc, const uint64_t gprs[8]);

#endif
