// SPDX-License-Identifier: Apache-2.0
#include "admin.h"

#include <stdio.h>
#include <string.h>

#include "appraisal/appraisal.h"
#include "base/encode.h"

#define HOST_MAX 255 /* of a name in DNS */

void admin_reference_list(struct trustee *t, const struct request *request, const char *rest,
			  struct reply *reply)
{
	(void)request;
	(void)rest;
	reply_json(reply, json_incref(reference_values(&t->reference)));
}

void admin_reference_get(struct trustee *t, const struct request *request, const char *rest,
			 struct reply *reply)
{
	json_t *value = reference_value(&t->reference, rest);
	struct error e = ERROR_INIT;

	(void)request;
	if (!value) {
		error_set(&e, ERROR_NOT_FOUND,
			  "Failed to get reference_values: No reference value "
			  "found for the given id: %.256s",
			  rest);
		reply_fail(reply, REPLY_RVPS, &e);
	} else {
		reply_json(reply, json_incref(value));
	}
}

void admin_reference_set(struct trustee *t, const struct request *request, const char *rest,
			 struct reply *reply)
{
	bool rego = json_object_size(t->policies.kind[POLICIES_ATTESTATION]) > 0;
	struct reference next = REFERENCE_INIT;
	struct error e = ERROR_INIT;
	json_t *before = NULL, *record;
	const char *name;
	bool changed = false;

	(void)rest;
	if (reference_apply(&t->reference, request->body, request->len, request->now, &next, &e) <
	    0) {
		reply_fail(reply, REPLY_RVPS, &e);
		goto out;
	}
	before = json_incref(t->reference.records);
	if (trustee_set_reference(t, &next, &e) < 0) {
		reply_fail(reply, REPLY_RVPS, &e);
		goto out;
	}
	/* The log must show which reference values changed. */
	json_object_foreach(t->reference.records, name, record) {
		if (json_object_get(before, name) == record)
			continue;
		changed = true;
		reply_note(reply, "endorsed %s", name);
		/* What a policy in Rego reads is not known. */
		if (!rego && !appraisal_reads(name)) {
			reply_note(reply, "(WARNING: no rule reads it)");
			reply->warning = true;
		}
	}
	if (!changed) {
		reply_note(reply, "(WARNING: it endorses nothing)");
		reply->warning = true;
	}
out:
	json_decref(before);
	reference_free(&next);
}

static void admin_ear_key(struct trustee *t, int64_t now, bool withdraw, struct reply *reply)
{
	struct error e = ERROR_INIT;

	if (trustee_rotate(t, withdraw, now, &e) < 0) {
		reply_fail(reply, REPLY_EAR_KEY, &e);
		return;
	}
	reply_note(reply, "new EAR key %s%s", t->ear_keys.key[0].kid,
		   withdraw ? ", and no earlier one" : "");
	reply_json(reply, json_pack("{s:s}", "kid", t->ear_keys.key[0].kid));
}

void admin_ear_key_rotate(struct trustee *t, const struct request *request, const char *rest,
			  struct reply *reply)
{
	(void)rest;
	admin_ear_key(t, request->now, false, reply);
}

void admin_ear_key_withdraw(struct trustee *t, const struct request *request, const char *rest,
			    struct reply *reply)
{
	(void)rest;
	admin_ear_key(t, request->now, true, reply);
}

void admin_jwks_get(struct trustee *t, const struct request *request, const char *rest,
		    struct reply *reply)
{
	struct error e = ERROR_INIT;

	(void)rest;
	reply_json(reply, ear_keys_set(&t->ear_keys, t->x5c, request->now, &e));
}

/* Whether a URL of the server can be made of the header @host. */
static bool admin_host(const char *host)
{
	return host && *host && strlen(host) <= HOST_MAX &&
	       !host[strspn(host, ENCODE_ALPHANUMERIC "-._:[]")];
}

/* OpenID Connect Discovery 1.0, as far as a Trustee reads it when its `trusted_jwk_sets` has the URL of this
 * server: `jwks_uri`, under the name by which the client calls it. */
void admin_openid_get(struct trustee *t, const struct request *request, const char *rest,
		      struct reply *reply)
{
	char issuer[HOST_MAX + sizeof("https://")];

	(void)t;
	(void)rest;
	if (!admin_host(request->host)) {
		reply_refuse(reply, REPLY_REQUEST_PATH, "the request has no usable Host header");
		return;
	}
	snprintf(issuer, sizeof(issuer), "http%s://%.*s", request->secure ? "s" : "", HOST_MAX,
		 request->host);
	reply_json(reply, json_pack("{s:s, s:s+, s:[s]}", "issuer", issuer, "jwks_uri", issuer,
				    "/jwks", "id_token_signing_alg_values_supported", "ES256"));
}
