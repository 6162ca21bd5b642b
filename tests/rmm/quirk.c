// SPDX-License-Identifier: Apache-2.0
/* The names of the quirks, for programs on the host. */
#include "quirk.h"

#include <stddef.h>
#include <string.h>

#define TFRMM \
	(QUIRK_READ_KEEPS | QUIRK_SHA384_AS_SHA512 | QUIRK_GICV3_VTR | QUIRK_OVERSIZE_INPUT | \
	 QUIRK_PERM_VALUE)

const struct quirk_name quirk_names[] = {
	{ "rsi-1.1", QUIRK_RSI_1_1, "RSI_VERSION accepts 1.1 as well as 1.0" },
	{ "feature-da", QUIRK_FEATURE_DA, "RSI_FEATURES(0) reports device assignment" },
	{ "read-keeps", QUIRK_READ_KEEPS,
	  "MEASUREMENT_READ keeps registers between the digest and x8" },
	{ "sha384-as-sha512", QUIRK_SHA384_AS_SHA512, "REALM_CONFIG reports SHA-384 as SHA-512" },
	{ "gicv3-vtr", QUIRK_GICV3_VTR, "REALM_CONFIG reports gicv3_vtr in any version of RSI" },
	{ "oversize-input", QUIRK_OVERSIZE_INPUT, "a token over 4096 bytes is ERROR_INPUT" },
	{ "perm-value", QUIRK_PERM_VALUE, "MEM_GET_PERM_VALUE answers without planes" },
	{ "rem-spec", QUIRK_REM_SPEC, "REMs follow the specification's rule instead of TF-RMM's" },
	{ "rim-steps", QUIRK_RIM_STEPS, "the console has each step of the RIM" },
	{ "tfrmm-0.8", TFRMM, "all of TF-RMM v0.8.0" },
	{ "tfrmm-head", TFRMM | QUIRK_RSI_1_1 | QUIRK_FEATURE_DA, "all of TF-RMM after v0.9.0" },
	{ NULL, 0, NULL },
};

uint32_t quirk_find(const char *name)
{
	const struct quirk_name *q = quirk_names;

	while (q->name && strcmp(q->name, name))
		q++;
	return q->bits;
}
