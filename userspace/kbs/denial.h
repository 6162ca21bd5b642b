/* SPDX-License-Identifier: Apache-2.0 */
/* denial: why a KBS denies a resource, from what the client has itself: the EAR and the token. */
#ifndef REALMKEY_DENIAL_H
#define REALMKEY_DENIAL_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"

/* How the client reaches its KBS, for the command that an operator is advised to run. */
struct denial_kbs {
	const char *url, *ca; /* @ca: NULL if not given */
	bool insecure;
	unsigned int timeout; /* seconds; 0: not given */
};

/*
 * Append lines to @out that name each claim of the EAR that is not affirming, and what an operator
 * can do about it; for a RIM without reference value, that is the value and the command that sets
 * it, quoted for a shell. @ear is a compact JWT. @token, the CCA token, may be NULL or empty; then
 * the RIM is read from the EAR. An EAR that cannot be read is an ERROR_ATTESTATION or ERROR_INPUT.
 */
int denial_explain(const struct bytes *ear, const struct bytes *token, const struct denial_kbs *kbs,
		   struct bytes *out, struct error *e);

#endif
