// SPDX-License-Identifier: Apache-2.0
#include "cca_profile.h"

#include <string.h>

#include "base/array.h"

/* Draft 04 adds suffixes; only ";delegated" means the same as a profile without a suffix. */
static const struct cca_profile platform_profiles[] = {
	{ "http://arm.com/CCA-SSD/1.0.0", CCA_LEGACY },
	{ "tag:arm.com,2023:cca_platform#1.0.0", CCA_2023 },
	{ "tag:arm.com,2024:cca_platform#1.1.0", CCA_2024_DRAFT },
	{ "tag:arm.com,2024:cca_platform#2.0.0", CCA_2024 },
	{ "tag:arm.com,2026:cca_platform#2.0.0", CCA_2026 },
	{ "tag:arm.com,2026:cca_platform#2.0.0;delegated", CCA_2026 },
	{ "tag:arm.com,2026:cca_platform#2.1.0", CCA_2026 },
	{ "tag:arm.com,2026:cca_platform#2.1.0;delegated", CCA_2026 },
};

static const struct cca_profile realm_profiles[] = {
	{ "", CCA_LEGACY },
	{ "tag:arm.com,2023:realm#1.0.0", CCA_2023 },
	{ "tag:arm.com,2024:realm#2.0.0", CCA_2024 },
	{ "tag:arm.com,2026:realm#2.0.0", CCA_2026 },
	{ "tag:arm.com,2026:realm#2.0.0;delegated", CCA_2026 },
};

static const struct cca_profile *profile_find(const struct cca_profile *table, size_t count,
					      const char *text)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(table[i].text, text) == 0)
			return &table[i];
	}
	return NULL;
}

const struct cca_profile *cca_profile_platform(const char *text)
{
	return profile_find(platform_profiles, ARRAY_SIZE(platform_profiles), text);
}

const struct cca_profile *cca_profile_realm(const char *text)
{
	return profile_find(realm_profiles, ARRAY_SIZE(realm_profiles), text);
}

/* The specifications list exactly those pairs whose profiles are of one generation. */
void cca_profile_judge_pair(const struct cca_token *token, struct cca_verdict *verdict)
{
	const char *platform = token->platform.profile, *realm = token->realm.profile;
	const struct cca_profile *p = cca_profile_platform(platform);
	const struct cca_profile *r = cca_profile_realm(realm);

	if (!p || !r || p->generation == r->generation)
		return;
	cca_verdict_warn(verdict,
			 "no specification pairs platform profile %s with realm profile "
			 "%s",
			 platform, *realm ? realm : "(none)");
}
