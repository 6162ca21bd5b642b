/* SPDX-License-Identifier: Apache-2.0 */
/* cca_print: a CCA token for people and for programs. */
#ifndef REALMKEY_CCA_PRINT_H
#define REALMKEY_CCA_PRINT_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/error.h"
#include "cca_token.h"

/* The claims as JSON, binary ones as hexadecimal text. A new reference, or NULL out of memory. */
json_t *cca_token_json(const struct cca_token *token, struct error *e);
/* Append the claims as lines of text. */
void cca_token_print(const struct cca_token *token, struct bytes *out);

#endif
