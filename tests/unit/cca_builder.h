/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cca_builder: makes CCA tokens for tests, valid or with one fault. They have tag 399, the 2023
 * profiles, ES384, and a SHA-256 realm.
 */
#ifndef TESTS_CCA_BUILDER_H
#define TESTS_CCA_BUILDER_H

#include <openssl/evp.h>
#include <stdint.h>

#include "base/bytes.h"

enum cca_builder_fault {
	CCA_BUILDER_VALID,
	CCA_BUILDER_BAD_BINDING,  /* the platform is bound to another RAK */
	CCA_BUILDER_BAD_PLATFORM, /* a platform claim was changed after signing */
	CCA_BUILDER_BAD_REALM,	  /* a realm claim was changed after signing */
	CCA_BUILDER_NOT_SECURED,  /* lifecycle 0x2000 */
	CCA_BUILDER_TRAILING,	  /* a byte after the token */
};

/* Both keys are P-384. */
struct cca_builder {
	EVP_PKEY *cpak, *rak;
	enum cca_builder_fault fault;
	const uint8_t *rpv; /* 64 bytes; NULL: CCA_BUILDER_RPV */
};

/* The bytes that fill the claims of every token. */
#define CCA_BUILDER_IMPLEMENTATION 0x21
#define CCA_BUILDER_INSTANCE	   0x81 /* after a first byte 0x01 */
#define CCA_BUILDER_RIM		   0x52
#define CCA_BUILDER_REM		   0x53 /* plus the REM's index */
#define CCA_BUILDER_RPV		   0x44

/* Append the token over @challenge; aborts on failure. */
void cca_builder_token(const struct cca_builder *builder, const uint8_t challenge[64],
		       struct bytes *out);

/* Set @value to register @index (0 RIM, 1 to 4 REM0 to REM3) of every token. Returns its bytes. */
size_t cca_builder_register(unsigned int index, uint8_t *value);

#endif
