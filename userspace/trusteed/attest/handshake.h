/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handshake: how a KBS reads and answers POST auth and POST attest (KBS API 0.4.0), and the
 * challenge that results. This file does no I/O.
 */
#ifndef TRUSTEED_HANDSHAKE_H
#define TRUSTEED_HANDSHAKE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/realm.h"

/* Check the body of POST auth: version, tee "cca", extra-params present. ERROR_PROTOCOL. */
int handshake_auth_parse(const void *body, size_t len, struct error *e);
/* The JSON of the answer. A new reference, or NULL out of memory. */
json_t *handshake_auth_answer(const char *nonce);

struct handshake_attest {
	json_t *body; /* owned; contains nonce and additional */
	const char *nonce;
	const char *additional; /* additional_evidence exactly as the client sent it */
	json_t *tee_pubkey;	/* owned; only the members that a KBS knows */
	struct bytes token;	/* the CCA token */
};

#define HANDSHAKE_ATTEST_INIT { 0 }

/*
 * Read the body of POST attest. An ERROR_PROTOCOL names the member that is wrong; a token over 64
 * KiB is an ERROR_ATTESTATION. Init-data and device evidence are refused. The caller releases
 * @attest in all cases.
 */
int handshake_attest_parse(const void *body, size_t len, struct handshake_attest *attest,
			   struct error *e);
void handshake_attest_free(struct handshake_attest *attest);

/* Make {"additional-evidence","nonce","tee-pubkey"}, which the challenge covers and the EAR
 * repeats. A new reference, or NULL out of memory. */
json_t *handshake_runtime_data(const struct handshake_attest *attest, struct error *e);
/* Set @challenge to SHA-384 of the canonical form of @runtime, with zeros after it. */
int handshake_challenge(const json_t *runtime, uint8_t challenge[REALM_CHALLENGE_SIZE],
			struct error *e);

#endif
