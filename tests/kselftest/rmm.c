// SPDX-License-Identifier: Apache-2.0
#include "rmm.h"
#include "device.h"
#include "module.h"
#include "tap.h"
#include "token.h"

#include <inttypes.h>
#include <stdio.h>

static const char *hash_name(uint32_t hash)
{
	static const char *const names[] = { "SHA-256", "SHA-512", "SHA-384" };

	return hash < sizeof(names) / sizeof(names[0]) ? names[hash] : "unknown hash";
}

/* Returns @value as text in @text, or "absent" if @bit is not set. */
static const char *field(const struct cca_rsi_config *config, uint32_t bit, uint64_t value,
			 char text[20])
{
	snprintf(text, 20, "%#" PRIx64, value);
	return config->present & bit ? text : "absent";
}

/*
 * RSI does not tell which program the RMM is. The platform's token does, if it lists the RMM among
 * the components.
 */
static const char *rmm_version(char *version, size_t room)
{
	static const uint8_t challenge[CHALLENGE_SIZE];
	static uint8_t token[TOKEN_ROOM];
	size_t size;

	if (module_is_fake())
		return "the fake one of the module's tests";
	if (device_token(challenge, token, &size) &&
	    token_component(token, size, "RMM", version, room))
		return version;
	return "unknown";
}

void rmm_note(void)
{
	char features[20], planes[20], vtr[20], ats[20], version[64];
	struct cca_rsi_config c;

	if (!device_config(&c))
		return;
	tap_note("RMM: RSI %u.%u to %u.%u offered, %u.%u used, features %s, auxiliary planes %s, "
		 "GICv3 VTR %s, ATS plane %s, %s, %u IPA bits, version %s",
		 c.abi_lower >> 16, c.abi_lower & 0xffff, c.abi_higher >> 16, c.abi_higher & 0xffff,
		 c.abi >> 16, c.abi & 0xffff,
		 field(&c, CCA_RSI_CONFIG_P_FEATURES, c.features, features),
		 field(&c, CCA_RSI_CONFIG_P_AUX_PLANES, c.aux_planes, planes),
		 field(&c, CCA_RSI_CONFIG_P_GICV3_VTR, c.gicv3_vtr, vtr),
		 field(&c, CCA_RSI_CONFIG_P_ATS_PLANE, c.ats_plane, ats), hash_name(c.hash_algo),
		 c.ipa_bits, rmm_version(version, sizeof(version)));
}
