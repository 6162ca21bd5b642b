/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corim: reference values in a CoRIM (draft-ietf-rats-corim), named as Trustee's RVPS names them: vendor, model, key and
 * so on, joined by '/', with "digests" or "raw_bytes" at the end. This file does no I/O.
 */
#ifndef REALMKEY_CORIM_H
#define REALMKEY_CORIM_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

/* Read @len bytes of CBOR: an unsigned CoRIM, perhaps in tags 500 to 502. Returns {name: value}, a new
 * reference: a list of digests in hexadecimal, or a text; or NULL with an ERROR_INPUT that names the place. */
json_t *corim_values(const void *data, size_t len, struct error *e);

#endif
