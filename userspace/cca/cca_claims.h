/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cca_claims: the claims of platform and realm tokens, by table.
 *
 * Steps 6 and 7 of the verification: the profile first, then each claim that it wants.
 */
#ifndef REALMKEY_CCA_CLAIMS_H
#define REALMKEY_CCA_CLAIMS_H

#include "cbor_tree.h"
#include "cca_token.h"

/* Claim 265 of the map @claims into platform->profile, realm->profile: E_PROFILE. */
int cca_platform_profile(struct cca_platform *platform, const struct cbor_node *claims,
			 struct cca_verdict *verdict);
int cca_realm_profile(struct cca_realm *realm, const struct cbor_node *claims,
		      struct cca_verdict *verdict);

/* Every other claim that the profile knows: E_CLAIM_MISSING, _TYPE, _SIZE, _VALUE. */
int cca_platform_claims(struct cca_platform *platform, const struct cbor_node *claims,
			struct cca_verdict *verdict);
int cca_realm_claims(struct cca_realm *realm, const struct cbor_node *claims,
		     struct cca_verdict *verdict);

/* Bytes of a hash by its name in a token ("sha-256" ...) and OpenSSL's name for it in *@openssl
 * (may be NULL); 0 when it is not one of the three that RMM knows. */
size_t cca_hash_size(const char *name, const char **openssl);

/* "secured" and so on; NULL for a value that the specification does not define. */
const char *cca_lifecycle_name(uint16_t lifecycle);

#endif
