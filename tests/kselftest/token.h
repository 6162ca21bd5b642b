/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a token's claims by its structure; a search for the bytes could match anywhere. */
#ifndef TOKEN_H
#define TOKEN_H

#include <linux/cca_rsi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The pointers are into the token. @registers: RIM, then REM0..REM3, each of @digest_size bytes. */
struct token_claims {
	const uint8_t *challenge;
	const uint8_t *registers[5];
	size_t digest_size;
};

/*
 * Parses a CCA token (CBOR tag 399 or 907 with platform and realm token, each a COSE_Sign1; the
 * claims are the realm token's) or a token of the fake RSI. False, with a note, unless the @size
 * bytes are exactly one such token.
 */
bool token_parse(const uint8_t *token, size_t size, struct token_claims *claims);

/* Is it a whole token over @challenge? */
bool token_carries(const uint8_t *token, size_t size, const uint8_t *challenge);

/* Is it a whole token in which register @index has @value (of @digest_size bytes)? */
bool token_has_register(const uint8_t *token, size_t size, uint32_t index, const uint8_t *value,
			size_t digest_size);

/*
 * Does the platform's token name a software component of @type, with a version? Copies that to
 * @version, of @room bytes.
 */
bool token_component(const uint8_t *token, size_t size, const char *type, char *version,
		     size_t room);

#endif /* TOKEN_H */
