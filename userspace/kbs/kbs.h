/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kbs: the handshake of Trustee's Key Broker Service (Request, Challenge, Attestation, Response;
 * KBS API 0.4.0), and the meaning of each answer. These are functions over bytes: they use no
 * sockets, no files and no clock.
 *
 *	kbs_auth_body -> POST auth -> kbs_auth_answer -> kbs_realm_challenge -> (token)
 *	-> kbs_attest_body -> POST attest -> kbs_attest_answer
 *	-> GET resource -> kbs_resource_answer
 *
 * An answer that is not a success becomes an error. Its kind says what was refused, and its text
 * has the KBS's own words. It is transient if the same request can succeed later or after a new
 * attestation.
 */
#ifndef REALMKEY_KBS_H
#define REALMKEY_KBS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/realm.h"
#include "jose/tee_key.h"

#define KBS_PROTOCOL_VERSION "0.4.0"
#define KBS_RESOURCE_SIZE    256		 /* bytes of the name of a resource, with a NUL */
#define KBS_REQUEST_SIZE     512		 /* the same with a query */
#define KBS_TOKEN_MAX	     ((size_t)256 << 10) /* bytes of an EAR */

/* What the KBS sent in answer to POST auth. */
struct kbs_challenge {
	char nonce[257];  /* text, never decoded */
	const char *hash; /* the algorithm, as the KBS protocol names it: "sha384"; static */
};

#define KBS_CHALLENGE_INIT { .hash = "sha384" }

/* Append the body of POST auth to @out. */
void kbs_auth_body(struct bytes *out);
/* Read the answer to POST auth, HTTP @status and @len bytes of @body, into @challenge. */
int kbs_auth_answer(struct kbs_challenge *challenge, int status, const void *body, size_t len,
		    struct error *e);

/* The challenge for the RMM: the hash of the canonical JSON of additional-evidence "", nonce and
 * tee-pubkey, with zeros after it. The canonical JSON is appended to @runtime if that is not
 * NULL. */
int kbs_realm_challenge(const struct kbs_challenge *challenge, const struct tee_key *key,
			uint8_t realm_challenge[REALM_CHALLENGE_SIZE], struct bytes *runtime,
			struct error *e);
/* Append the body of POST attest to @out, for the CCA token of @len bytes (at most 64 KiB). */
int kbs_attest_body(const struct kbs_challenge *challenge, const struct tee_key *key,
		    const void *token, size_t len, struct bytes *out, struct error *e);
/* Read the answer to POST attest; append the EAR in its compact form to @ear. */
int kbs_attest_answer(int status, const void *body, size_t len, struct bytes *ear, struct error *e);

/* Check a resource name "repository/type/tag": three segments of [A-Za-z0-9_-][A-Za-z0-9_.-]*,
 * after an optional "kbs:///". @path, of @size bytes, receives it without that prefix. ERROR_USAGE
 * says which segment is wrong, and why. */
int kbs_resource_path(const char *text, char *path, size_t size, struct error *e);
/* The same for what is to be got: "?NAME=VALUE&..." may follow, which a KBS gives to its policy and its store of
 * resources, for example as version. Names and values are of [A-Za-z0-9_.~-] and %XX without control characters. @size
 * is KBS_REQUEST_SIZE or more. */
int kbs_resource_request(const char *text, char *path, size_t size, struct error *e);
/* Read the answer to GET resource for @path: 0 if the body is a JWE to be opened. ERROR_ATTESTATION
 * if the KBS requires a new EAR, ERROR_POLICY if its policy denies, ERROR_NOT_FOUND, and others. */
int kbs_resource_answer(int status, const void *body, size_t len, const char *path,
			struct error *e);
/* The same for a request of an administrator; @what names the request. */
int kbs_admin_answer(int status, const void *body, size_t len, const char *what, struct error *e);

#endif
