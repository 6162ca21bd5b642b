/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cca_verdict: the outcome of decoding or verifying a CCA token. Verification is a fixed order of
 * checks, and the first that fails gives the verdict its name.
 *
 * A verdict is not a struct error, because it is a result: programs report it by its name, as
 * E_BINDING, and an accepted token may have a warning. A failure of this machine (no memory) is a
 * struct error and never a verdict.
 */
#ifndef REALMKEY_CCA_VERDICT_H
#define REALMKEY_CCA_VERDICT_H

#include "base/error.h"

enum cca_cause {
	CCA_NO_VERDICT, /* not judged yet, or this machine failed */
	CCA_OK,
	CCA_E_SIZE, /* over CCA_TOKEN_MAX */
	CCA_E_CBOR,
	CCA_E_TOP_TAG,
	CCA_E_TOP_TYPE,
	CCA_E_MISSING_PLATFORM_TOKEN,
	CCA_E_MISSING_REALM_TOKEN,
	CCA_E_TOP_VALUE_TYPE,
	CCA_E_CMW_RECORD,
	CCA_E_COSE,
	CCA_E_COSE_TAG,
	CCA_E_COSE_ARRAY,
	CCA_E_COSE_DETACHED,
	CCA_E_CLAIMS_CBOR,
	CCA_E_CLAIMS_TYPE,
	CCA_E_PROFILE,
	CCA_E_CLAIM_MISSING,
	CCA_E_CLAIM_TYPE,
	CCA_E_CLAIM_SIZE,
	CCA_E_CLAIM_VALUE,
	CCA_E_NO_TRUST_ANCHOR,
	CCA_E_TRUST_ANCHOR_REVOKED,
	CCA_E_ALG_PLATFORM,
	CCA_E_SIG_PLATFORM,
	CCA_E_RAK,
	CCA_E_ALG_REALM,
	CCA_E_SIG_REALM,
	CCA_E_BINDING,
	CCA_E_FRESHNESS,
	CCA_E_LIFECYCLE,
	CCA_CAUSES
};

/* "E_BINDING" and the like, "OK" for CCA_OK. Static. */
const char *cca_cause_name(enum cca_cause cause);

struct cca_verdict {
	enum cca_cause cause;
	char detail[256];  /* names the claim or field; "" for CCA_OK; printable ASCII */
	char warning[256]; /* about a token that is accepted; "" for none; printable ASCII */
};

#define CCA_VERDICT_INIT { 0 }

/* The rest is for the files of this folder. */

/* Set cause and detail. Returns -1. Characters that are not printable ASCII become '?'. */
int cca_verdict_set(struct cca_verdict *verdict, enum cca_cause cause, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Set the cause, with the text of @e as detail, unless @e is a failure of this machine
 * (ERROR_SYSTEM): then there is no verdict. Returns -1. */
int cca_verdict_set_error(struct cca_verdict *verdict, enum cca_cause cause, const struct error *e);
void cca_verdict_warn(struct cca_verdict *verdict, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* State the outcome of all checks: CCA_OK if @ret is 0. If the token was refused, @e becomes an
 * ERROR_ATTESTATION "CAUSE: detail"; if there is no verdict, @e stays as it is. Returns @ret. */
int cca_verdict_conclude(struct cca_verdict *verdict, int ret, struct error *e);

#endif
