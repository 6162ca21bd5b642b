/* SPDX-License-Identifier: Apache-2.0 */
/* cca_verify: the signatures of a CCA token, and what they are worth for given trust anchors. */
#ifndef REALMKEY_CCA_VERIFY_H
#define REALMKEY_CCA_VERIFY_H

#include <stdint.h>

#include "base/error.h"
#include "cca_anchors.h"
#include "cca_token.h"
#include "cca_verdict.h"

/* Verify a decoded @token: checks 8 to 14, trust anchor, signatures, binding, freshness, life
 * cycle. @challenge, REALM_CHALLENGE_SIZE bytes, may be NULL: freshness is then not judged. *@used
 * (may be NULL) is set to the anchor that signed, borrowed from @anchors, or to NULL if the token
 * is not accepted. Returns 0 or -1, with @verdict and @e as cca_token_decode() sets them. */
int cca_token_verify(const struct cca_token *token, const struct cca_anchors *anchors,
		     const uint8_t *challenge, struct cca_verdict *verdict,
		     const struct cca_anchor **used, struct error *e);

#endif
