// SPDX-License-Identifier: Apache-2.0
#include "resource.h"

#include <string.h>

#include "jose/jwe.h"
#include "jose/jwt.h"
#include "storage.h"
#include "trusteed/attest/ear_issue.h"

/* Get the claims of the session's EAR or, without one, of the bearer token. The EAR is verified
 * each time. */
static int resource_claims(struct trustee *t, const struct request *request, struct jwt *jwt,
			   struct reply *reply)
{
	const struct kbs_session *session;
	const char *token = request_bearer(request);
	struct bytes ear = BYTES_INIT;
	struct error e = ERROR_INIT;
	int ret = -1;

	session = kbs_sessions_find(&t->sessions, request->session, request->monotonic);
	if (session) {
		reply_note(reply, "session %.8s", session->id);
		if (token_unpack(&session->ear, &ear, &e) < 0) {
			reply_fail(reply, REPLY_INTERNAL, &e);
			goto out;
		}
		token = bytes_text(&ear);
	}
	if (!token)
		reply_refuse(reply, REPLY_TOKEN_NOT_FOUND, NULL);
	else if (jwt_decode(token, strlen(token), jwt, &e) < 0 ||
		 ear_keys_verify(&t->ear_keys, jwt, request->now, &e) < 0 ||
		 jwt_check_times(jwt, request->now, JWT_LEEWAY, NULL, &e) < 0)
		reply_fail(reply, REPLY_TOKEN_VERIFIER, &e);
	else
		ret = 0;
out:
	bytes_free(&ear);
	return ret;
}

/* Encrypt the resource to @jwk, as the reply. Call this only after the policy allowed access: it
 * reveals whether the resource exists. */
static void resource_seal(struct trustee *t, const struct storage_name *name, const json_t *jwk,
			  struct reply *reply)
{
	struct bytes secret = BYTES_LOCKED_INIT;
	struct error e = ERROR_INIT;
	int found = store_read(&t->store, name->file, JWE_PLAINTEXT_MAX, &secret, &e);

	if (found < 0) {
		error_reclassify(&e, ERROR_ANY, ERROR_SYSTEM); /* the store is this machine's */
		reply_fail(reply, REPLY_INTERNAL, &e);
	} else if (found == 0) {
		reply_refuse(reply, REPLY_RESOURCE_NOT_FOUND, name->path);
	} else if (jwe_seal(jwk, secret.data, secret.len, NULL, &reply->body, &e) < 0) {
		reply_fail(reply, REPLY_JWE, &e);
	}
	bytes_free(&secret);
}

void resource_get(struct trustee *t, const struct request *request, const char *rest,
		  struct reply *reply)
{
	struct storage_name name;
	struct jwt jwt = JWT_INIT;
	struct error e = ERROR_INIT;
	const json_t *jwk;

	if (storage_name(rest, &name, reply) < 0)
		return;
	if (resource_claims(t, request, &jwt, reply) < 0)
		goto out;
	if (policy_check(t->policy, jwt.payload, &e) < 0) {
		if (e.kind == ERROR_SYSTEM) {
			reply_fail(reply, REPLY_INTERNAL, &e);
		} else {
			reply_refuse(reply, REPLY_POLICY_DENY, NULL);
			reply_note(reply, "(%s)", e.text);
		}
		goto out;
	}
	jwk = ear_issue_tee_pubkey(jwt.payload);
	if (jwk)
		resource_seal(t, &name, jwk, reply);
	else
		reply_refuse(reply, REPLY_TOKEN_VERIFIER, "no tee-pubkey");
out:
	jwt_free(&jwt);
}
