/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handshake: the bodies of POST auth and POST attest (KBS API 0.4.0) as a KBS reads and writes
 * them, and the challenge they imply. Pure: bytes in, values out.
 */
#ifndef TRUSTEED_HANDSHAKE_H
#define TRUSTEED_HANDSHAKE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "cca/cca_token.h"

/* Check the body of POST auth: version, tee "cca", extra-params present. ERROR_PROTOCOL. */
int handshake_auth_parse(const void *body, size_t len, struct error *e);
/* The answer's JSON for @nonce; NULL when memory ran out. */
json_t *handshake_auth_answer(const char *nonce);

struct handshake_attest {
	json_t *body;			/* owned; nonce and additional borrow from it */
	const char *nonce;
	const char *additional;		/* additional_evidence exactly as sent */
	json_t *tee_pubkey;		/* owned; rebuilt from the members a KBS knows */
	struct bytes token;		/* the CCA token */
};

#define HANDSHAKE_ATTEST_INIT { 0 }

/*
 * Read the body of POST attest. ERROR_PROTOCOL names the member at fault; a token over 64 KiB is
 * an ERROR_ATTESTATION. Init-data and device evidence are refused. @attest must be released in both
 * cases.
 */
int handshake_attest_parse(const void *body, size_t len, struct handshake_attest *attest,
			   struct error *e);
void handshake_attest_free(struct handshake_attest *attest);

/* {"additional-evidence","nonce","tee-pubkey"}: what the challenge covers and the EAR repeats. New
 * reference, or NULL with ERROR_SYSTEM. */
json_t *handshake_runtime_data(const struct handshake_attest *attest, struct error *e);
/* SHA-384 of the canonical form of @runtime, zero-padded on the right to 64 bytes. */
int handshake_challenge(const json_t *runtime, uint8_t challenge[REALM_CHALLENGE_SIZE],
			struct error *e);

#endif
