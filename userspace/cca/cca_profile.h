/* SPDX-License-Identifier: Apache-2.0 */
/* cca_profile: the known profiles of platform and realm tokens, as tables. */
#ifndef REALMKEY_CCA_PROFILE_H
#define REALMKEY_CCA_PROFILE_H

#include "cca_token.h"

/* Bits, so that a claim can name the generations that define it. */
enum cca_generation {
	CCA_LEGACY = 1,	    /* before RMM 1.0 */
	CCA_2023 = 2,	    /* RMM 1.0 */
	CCA_2024_DRAFT = 4, /* RMM 1.1 alphas */
	CCA_2024 = 8,	    /* RMM 2.0 betas */
	CCA_2026 = 16,	    /* draft-ffm-rats-cca-token-04 */
	CCA_ANY = 31,
};

struct cca_profile {
	const char *text; /* claim 265; "" when it is absent */
	enum cca_generation generation;
};

/* The profile with this name, or NULL. Static. */
const struct cca_profile *cca_profile_platform(const char *text);
const struct cca_profile *cca_profile_realm(const char *text);

/* Warn in @verdict if no specification lists the token's two profiles as a pair. This is not a
 * failure, because there are such tokens: TF-RMM makes them with the platform token that it
 * contains. */
void cca_profile_judge_pair(const struct cca_token *token, struct cca_verdict *verdict);

#endif
