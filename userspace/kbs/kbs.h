/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kbs: the Request-Challenge-Attestation-Response handshake of Trustee (KBS API 0.4.0) and the
 * meaning of every answer. A state machine over bytes: no sockets, no files, no clock.
 *
 *	kbs_auth_body -> POST auth -> kbs_auth_answer -> kbs_challenge -> (token)
 *	-> kbs_attest_body -> POST attest -> kbs_attest_answer -> GET resource -> kbs_resource_answer
 */
#ifndef REALMKEY_KBS_H
#define REALMKEY_KBS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "jose/tee_key.h"

#define KBS_PROTOCOL_VERSION "0.4.0"
#define KBS_TOKEN_MAX ((size_t)256 << 10)

struct kbs {
	char nonce[257];		/* opaque text, never decoded */
	char hash[16];			/* "sha384" unless the KBS selected another */
};

#define KBS_INIT { 0 }

/* Append the body of POST auth. */
int kbs_auth_body(struct bytes *out, struct error *e);
/* Take the answer to POST auth: HTTP @status and body. */
int kbs_auth_answer(struct kbs *kbs, int status, const void *body, size_t len, struct error *e);

/* The 64-byte challenge for the RMM: H(canonical JSON of additional-evidence "", nonce,
 * tee-pubkey), zero-padded on the right. Append the canonical text to @runtime if not NULL. */
int kbs_challenge(const struct kbs *kbs, const struct tee_key *key, uint8_t challenge[64],
		  struct bytes *runtime, struct error *e);
/* Append the body of POST attest for the CCA token @token (at most 64 KiB). */
int kbs_attest_body(const struct kbs *kbs, const struct tee_key *key, const void *token,
		    size_t len, struct bytes *out, struct error *e);
/* Take the answer to POST attest; @ear receives the EAR in its compact form. */
int kbs_attest_answer(int status, const void *body, size_t len, struct bytes *ear,
		      struct error *e);

/* Check "repository/type/tag" (three segments, [A-Za-z0-9_-][A-Za-z0-9_.-]*); a leading "kbs:///"
 * is taken off. ERROR_USAGE says which segment and why. */
int kbs_resource_path(const char *text, char *path, size_t size, struct error *e);
/* Judge the answer to GET resource: 0 when the body is a JWE to be opened. 401 by the type suffix:
 * TokenNotFound/TokenVerifierError -> ERROR_ATTESTATION, transient (attest again helps);
 * PolicyDeny -> ERROR_POLICY; 404 or PluginInternalError -> ERROR_NOT_FOUND; ... */
int kbs_resource_answer(int status, const void *body, size_t len, const char *path,
			struct error *e);
/* The same for an administrator's request, @what names it. */
int kbs_admin_answer(int status, const void *body, size_t len, const char *what, struct error *e);

/* Check a KBS URL: https://, or http:// only when @insecure. A path prefix, query or user
 * information is refused. @out gets the URL without trailing '/'. ERROR_USAGE. */
int kbs_url(const char *text, int insecure, char *out, size_t size, struct error *e);

#endif
