/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cca_builder: CCA tokens for tests, valid or broken in one chosen way. Tag 399, the 2023 profiles,
 * ES384, a SHA-256 realm.
 */
#ifndef TESTS_CCA_BUILDER_H
#define TESTS_CCA_BUILDER_H

#include <openssl/evp.h>
#include <stdint.h>

#include "base/bytes.h"

enum cca_builder_fault {
	CCA_BUILDER_VALID,
	CCA_BUILDER_BAD_BINDING,	/* the platform names another RAK */
	CCA_BUILDER_BAD_PLATFORM,	/* a platform claim changed after signing */
	CCA_BUILDER_BAD_REALM,		/* a realm claim changed after signing */
	CCA_BUILDER_NOT_SECURED,	/* lifecycle 0x2000 */
	CCA_BUILDER_TRAILING,		/* a byte after the token */
};

/* P-384 keys. */
struct cca_builder {
	EVP_PKEY *cpak, *rak;
	enum cca_builder_fault fault;
};

/* What every token says: filled with this byte. */
#define CCA_BUILDER_IMPLEMENTATION 0x21
#define CCA_BUILDER_INSTANCE 0x81	/* after a first byte 0x01 */
#define CCA_BUILDER_RIM 0x52
#define CCA_BUILDER_REM 0x53		/* + the REM's index */
#define CCA_BUILDER_RPV 0x44

/* Append the token over @challenge; aborts when it cannot. */
void cca_builder_token(const struct cca_builder *builder, const uint8_t challenge[64],
		       struct bytes *out);

/* What every token says of register @index (0 RIM, 1 to 4 REM0 to REM3), into @value. Returns its size in bytes. */
size_t cca_builder_register(unsigned int index, uint8_t *value);

#endif
