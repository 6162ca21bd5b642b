/* SPDX-License-Identifier: Apache-2.0 */
/* cca_claims: the claims of platform and realm tokens as tables, checks 6 and 7 of
 * cca_token_decode(). */
#ifndef REALMKEY_CCA_CLAIMS_H
#define REALMKEY_CCA_CLAIMS_H

#include "cbor_tree.h"
#include "cca_token.h"

/* Read claim 265 of the map @claims into the member profile. Returns 0, or -1 with E_PROFILE in
 * @verdict. */
int cca_platform_profile(struct cca_platform *platform, const struct cbor_node *claims,
			 struct cca_verdict *verdict);
int cca_realm_profile(struct cca_realm *realm, const struct cbor_node *claims,
		      struct cca_verdict *verdict);

/* Read every other claim that the profile defines. Returns 0, or -1 with E_CLAIM_MISSING,
 * E_CLAIM_TYPE, E_CLAIM_SIZE or E_CLAIM_VALUE in @verdict. */
int cca_platform_claims(struct cca_platform *platform, const struct cbor_node *claims,
			struct cca_verdict *verdict);
int cca_realm_claims(struct cca_realm *realm, const struct cbor_node *claims,
		     struct cca_verdict *verdict);

/* The name of a platform's life cycle state, "secured" for one; NULL if it is not defined.
 * Static. */
const char *cca_lifecycle_name(uint16_t lifecycle);

#endif
