/* SPDX-License-Identifier: Apache-2.0 */
/* encoding: what a template can make of a value: base64, base64url, hex, json, shell, uri, trim. */
#ifndef REALMKEY_TEMPLATE_ENCODING_H
#define REALMKEY_TEMPLATE_ENCODING_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

#define ENCODING_NAMES "base64, base64url, hex, json, shell, uri and trim"

/* The number of the encoding called @name, which is @len bytes long; -1: there is none. */
int encoding_find(const char *name, size_t len);
/* Append the encoding of @in to @out. An ERROR_INPUT says what the encoding does not allow, and quotes nothing. @out may
 * then have a part of it, and so it may if it has more than @max bytes: the caller must look. */
int encoding_apply(int encoding, const struct bytes *in, size_t max, struct bytes *out,
		   struct error *e);

#endif
