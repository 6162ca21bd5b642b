/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handshake: how a KBS reads and answers POST auth and POST attest, in each version of the KBS API,
 * and the challenges that result. This file does no I/O.
 */
#ifndef TRUSTEED_HANDSHAKE_H
#define TRUSTEED_HANDSHAKE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/realm.h"
#include "trusteed/store/kbs_seal.h"

/* What a client says in POST auth. */
struct handshake_hello {
	enum kbs_version version;
	enum kbs_tee tee;
};

/* Read the body of POST auth: version, tee, extra-params. An ERROR_PROTOCOL also for a version that is
 * older than @least, and for a TEE other than cca and sample. The caller refuses sample evidence that
 * it does not accept, with handshake_tee_refuse(). */
int handshake_auth_parse(const void *body, size_t len, enum kbs_version least,
			 struct handshake_hello *hello, struct error *e);
/* Set the ERROR_PROTOCOL that refuses the TEE @name. Returns -1. */
int handshake_tee_refuse(const char *name, struct error *e);
/* The JSON of the answer, the same in all versions. A new reference, or NULL out of memory. */
json_t *handshake_auth_answer(const char *nonce);

struct handshake_attest {
	enum kbs_version version;
	char nonce[KBS_NONCE_SIZE];
	json_t *body;		/* owned; contains additional, init_data, and evidence */
	const char *additional; /* additional_evidence exactly as the client sent it; NULL before
				   0.4.0 */
	json_t *devices;	/* owned; device evidence by the name of its TEE, or NULL if none */
	const char *init_data;	/* TOML; NULL: none */
	json_t *tee_pubkey;	/* owned; only the members that a KBS knows */
	const json_t *evidence; /* primary evidence; of KBS_CCA without its token */
	struct bytes token;	/* the CCA token; only of KBS_CCA */
};

#define HANDSHAKE_ATTEST_INIT { 0 }

/*
 * Read the body of POST attest of @handshake, whose version and TEE say the form. An ERROR_PROTOCOL
 * names the member that is wrong; another nonce, or a token over 64 KiB, is an ERROR_ATTESTATION. The
 * only device whose evidence is accepted is sampledevice; whether it may be used, the caller decides.
 * The caller releases @attest in all cases.
 */
int handshake_attest_parse(const struct kbs_handshake *handshake, const void *body, size_t len,
			   struct handshake_attest *attest, struct error *e);
void handshake_attest_free(struct handshake_attest *attest);

/* Make {"additional-evidence","nonce","tee-pubkey"}, before 0.4.0 without its first member. The
 * challenge of the primary TEE covers it, and the EAR repeats it. A new reference, or NULL out of
 * memory. */
json_t *handshake_runtime_data(const struct handshake_attest *attest, struct error *e);
/* The same for a device: {"nonce","tee-pubkey"}. */
json_t *handshake_device_data(const struct handshake_attest *attest, struct error *e);
/* Set @challenge to SHA-384 of the canonical form of @runtime, with zeros after it. All versions hash
 * so: those before 0.4.0 sort the members as well. */
int handshake_challenge(const json_t *runtime, uint8_t challenge[REALM_CHALLENGE_SIZE],
			struct error *e);

#endif
