/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corim: reference values in a CoRIM (draft-ietf-rats-corim), named as Trustee's RVPS names them:
 * vendor and model of the environment, key, name and serial number of the measurement, as far as
 * they are there, and then "digests" or "raw_bytes", joined by '/'. This file does no I/O.
 *
 * If the profile is that of Arm CCA realms (draft-ydb-rats-cca-endorsements), the initial
 * measurements are also collected in the reference value that endorses realms. Trustee does not do
 * that.
 */
#ifndef REALMKEY_CORIM_H
#define REALMKEY_CORIM_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

/* Read @len bytes of CBOR: an unsigned CoRIM, which may be in tags 500 to 502. Returns {name: value},
 * a new reference: a list of digests in hexadecimal, or a text of raw bytes in hexadecimal; of two
 * measurements with the same name, the last one counts. Other kinds of tags, triples and values are
 * passed over. NULL with an ERROR_INPUT that names the place, also if there are no values at all. */
json_t *corim_values(const void *data, size_t len, struct error *e);

#endif
