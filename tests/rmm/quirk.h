/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where RMMs in the field differ from the specification, each by name (`--quirk NAME`), so that
 * clients can be tested against both. A set of them is the layout page's field `quirks`; none is
 * RMM 1.0 as specified, but for the rule of REMs, which is TF-RMM's unless QUIRK_REM_SPEC is set.
 */
#ifndef RMM_QUIRK_H
#define RMM_QUIRK_H

#include <stdint.h>

enum quirk {
	QUIRK_RSI_1_1		= 1 << 0,	/* RSI_VERSION takes 1.1 as well as 1.0 */
	QUIRK_FEATURE_DA	= 1 << 1,	/* RSI_FEATURES(0) tells of device assignment */
	QUIRK_READ_KEEPS	= 1 << 2,	/* READ leaves what lies between the digest and x8 */
	QUIRK_SHA384_AS_SHA512	= 1 << 3,	/* REALM_CONFIG of a SHA-384 realm: hash_algo 1 */
	QUIRK_GICV3_VTR		= 1 << 4,	/* REALM_CONFIG has RSI 1.1's gicv3_vtr at 0x18 */
	QUIRK_OVERSIZE_INPUT	= 1 << 5,	/* a token over 4096 bytes is ERROR_INPUT */
	QUIRK_PERM_VALUE	= 1 << 6,	/* MEM_GET_PERM_VALUE answers for plane 0 */
	QUIRK_REM_SPEC		= 1 << 7,	/* REM = H(64 bytes of REM || value filled to 64) */
	QUIRK_ALL		= (1 << 8) - 1,
};

struct quirk_name {
	const char *name;
	uint32_t bits;
	const char *text;	/* one line for a --help */
};

/* All names, the sets tfrmm-0.8 and tfrmm-head among them; ends with a null name. In quirk.c. */
extern const struct quirk_name quirk_names[];

/* quirk_find - the bits of @name, 0 if there is no such quirk. Not in rmm.elf. */
uint32_t quirk_find(const char *name);

#endif
