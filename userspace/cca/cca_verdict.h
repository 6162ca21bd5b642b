/* SPDX-License-Identifier: Apache-2.0 */
/* cca_verdict: how the files behind cca_token.h state what they found. */
#ifndef REALMKEY_CCA_VERDICT_H
#define REALMKEY_CCA_VERDICT_H

#include "cca_token.h"

/* No cause yet, no detail, no warning. */
void cca_verdict_clear(struct cca_verdict *verdict);
/* Set cause and detail and return -1. What is not printable ASCII in the detail becomes '?'. */
int cca_verdict_set(struct cca_verdict *verdict, enum cca_cause cause, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void cca_verdict_warn(struct cca_verdict *verdict, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
