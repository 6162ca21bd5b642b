/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init_data: what the owner of a realm bound to it at its launch: a TOML text, whose hash is the
 * realm's personalization value (RPV). This file does no I/O; realmkey-policy reads the TOML.
 */
#ifndef REALMKEY_INIT_DATA_H
#define REALMKEY_INIT_DATA_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/realm.h"

#define INIT_DATA_MAX ((size_t)128 << 10)

/* Check that @text, of @len bytes, is bound to the realm with the value @rpv of @rpv_len bytes: it
 * must be their SHA-512. Trustee compares all 64 bytes of the RPV without padding, so that a shorter
 * hash cannot match. Call this before anything reads the text. ERROR_ATTESTATION. */
int init_data_check(const char *text, size_t len, const uint8_t *rpv, size_t rpv_len,
		    struct error *e);
/* The claims of @answer (see rego/question.h), a borrowed reference. ERROR_ATTESTATION unless version
 * and algorithm are "0.1.0" and "sha512". */
json_t *init_data_claims(json_t *answer, struct error *e);

#endif
