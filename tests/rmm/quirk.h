/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways in which RMMs in the field differ from the specification, each with a name (`layout-page
 * --quirk NAME`), so that clients can be tested against both. The layout page has a set of them.
 * With the empty set the RMM is RMM 1.0 as specified, except that REMs follow TF-RMM's rule unless
 * QUIRK_REM_SPEC is set.
 */
#ifndef RMM_QUIRK_H
#define RMM_QUIRK_H

#include <stdint.h>

enum quirk {
	QUIRK_RSI_1_1 = 1 << 0,		 /* RSI_VERSION accepts 1.1 as well as 1.0 */
	QUIRK_FEATURE_DA = 1 << 1,	 /* RSI_FEATURES(0) reports device assignment */
	QUIRK_READ_KEEPS = 1 << 2,	 /* READ keeps registers between the digest and x8 */
	QUIRK_SHA384_AS_SHA512 = 1 << 3, /* REALM_CONFIG reports SHA-384 as hash_algo 1 */
	QUIRK_GICV3_VTR = 1 << 4,	 /* REALM_CONFIG has RSI 1.1's gicv3_vtr at 0x18 */
	QUIRK_OVERSIZE_INPUT = 1 << 5,	 /* a token over 4096 bytes is ERROR_INPUT */
	QUIRK_PERM_VALUE = 1 << 6,	 /* MEM_GET_PERM_VALUE answers for plane 0 */
	QUIRK_REM_SPEC = 1 << 7,	 /* REM = H(64 bytes of REM || value filled to 64) */
	QUIRK_RIM_STEPS = 1 << 8,	 /* print each step of the RIM on the console */
	QUIRK_ALL = (1 << 9) - 1,
};

struct quirk_name {
	const char *name;
	uint32_t bits;
	const char *text; /* one line for --help */
};

/* All names, including the sets tfrmm-0.8 and tfrmm-head. The last entry has a null name. */
extern const struct quirk_name quirk_names[];

/* quirk_find - returns the bits of @name, or 0 if it is unknown; not part of rmm.elf */
uint32_t quirk_find(const char *name);

#endif
