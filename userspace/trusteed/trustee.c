// SPDX-License-Identifier: Apache-2.0
#include "trustee.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kbs/kbs.h"
#include "jose/jwt.h"
#include "trusteed/store/admin_token.h"
#include "trusteed/store/ear_cert.h"
#include "trusteed/store/key_file.h"

#define FILE_MAX ((size_t)16 << 10)

/* Issue the admin token unless the one on disk is valid. */
static int trustee_admin(const struct store *store, EVP_PKEY *key, int64_t now, struct error *e)
{
	struct bytes token = BYTES_LOCKED_INIT;
	struct error why = ERROR_INIT;
	int ret = -1, found = store_read(store, "admin-token", FILE_MAX, &token, e);

	if (found < 0)
		goto out;
	if (found) {
		size_t line = strcspn(bytes_text(&token), "\r\n");

		ret = admin_token_check(key, bytes_text(&token), line, now, &why);
		if (ret == 0)
			goto out;
		if (why.kind == ERROR_SYSTEM) {
			*e = why;
			goto out;
		}
		/* A clock that is not set yet. A new token would be over when it is. */
		if (admin_token_ahead(key, bytes_text(&token), line, now)) {
			log_line(LOG_LEVEL_WARNING, "admin-token is kept, but was made later than "
						    "this machine's clock reads, which is wrong");
			ret = 0;
			goto out;
		}
	}
	log_line(LOG_LEVEL_INFO, "making admin-token%s%s",
		 found ? ": the old one is not valid: " : "", why.text);
	bytes_clear(&token);
	/* Write no newline, because some tools would put it into the header with the token. */
	ret = admin_token_issue(key, now, &token, e);
	if (ret == 0)
		ret = store_write(store, "admin-token", token.data, token.len, e);
out:
	bytes_free(&token);
	return ret;
}

/* Change the built-in policy, first on disk. */
static int trustee_write_policy(struct trustee *t, enum policy policy, struct error *e)
{
	struct bytes text = BYTES_INIT;
	int ret = -1;

	bytes_printf(&text, "%s\n", policy_name(policy));
	if (bytes_check(&text, e) == 0)
		ret = store_write(&t->store, "policy", text.data, text.len, e);
	if (ret == 0)
		t->policy = policy;
	bytes_free(&text);
	return ret;
}

static int trustee_policy(struct trustee *t, struct error *e)
{
	struct bytes name = BYTES_INIT;
	int ret = store_read(&t->store, "policy", FILE_MAX, &name, e);

	if (ret > 0) {
		ret = policy_from_name(bytes_text(&name), name.len, &t->policy, e);
		if (ret < 0)
			error_add(e, "%s", t->store.path);
	} else if (ret == 0) {
		ret = trustee_write_policy(t, POLICY_AFFIRMING, e);
	}
	bytes_free(&name);
	return ret;
}

static int trustee_reference(struct trustee *t, struct error *e)
{
	struct bytes text = BYTES_INIT;
	int ret = store_read(&t->store, "reference-values.json", REFERENCE_TEXT_MAX, &text, e);

	if (ret >= 0) {
		ret = reference_load(&t->reference, text.data, text.len, e);
		if (ret < 0)
			error_add(e, "%s/reference-values.json", t->store.path);
	}
	bytes_free(&text);
	return ret;
}

static int trustee_trust(struct trustee *t, const struct trustee_options *options, struct error *e)
{
	char *path;
	int ret = -1;

	if (options->anchors)
		return trust_open(&t->trust, options->anchors, options->development,
				  options->sample_cpak, e);
	path = store_path(&t->store, "anchors", e);
	if (path && store_make(&t->store, "anchors", e) == 0)
		ret = trust_open(&t->trust, path, options->development, options->sample_cpak, e);
	free(path);
	return ret;
}

/* Set @issuer to the key that signs, with its certificates @x5c. */
static int trustee_issuer(const struct trustee *t, json_t **x5c, struct ear_issuer *issuer,
			  struct error *e)
{
	EVP_PKEY *key = t->ear_keys.signer.pkey;

	if (t->ear_cert) {
		*x5c = ear_cert_read(t->ear_cert, key, e);
		if (!*x5c)
			return -1;
	}
	return ear_issuer_init(issuer, key, *x5c, e);
}

int trustee_open(struct trustee *t, const struct trustee_options *options, int64_t now,
		 struct error *e)
{
	t->ear_cert = options->ear_cert;
	if (store_open(&t->store, options->state, e) < 0 ||
	    ear_keys_load(&t->ear_keys, &t->store, now, e) < 0 ||
	    trustee_issuer(t, &t->x5c, &t->issuer, e) < 0 ||
	    key_file_open(&t->store, "admin-key.pem", &t->admin_key, e) < 0 ||
	    trustee_admin(&t->store, t->admin_key.pkey, now, e) < 0 ||
	    admins_load(&t->admins, &t->store, t->admin_key.pkey, e) < 0 ||
	    trustee_policy(t, e) < 0 || policies_load(&t->policies, &t->store, e) < 0 ||
	    trustee_reference(t, e) < 0)
		return error_reclassify(e, ERROR_INPUT, ERROR_CONFIG);
	if (trustee_trust(t, options, e) < 0)
		return -1;
	t->max_token_age = options->max_token_age;
	t->recheck = options->recheck;
	t->sample_evidence = options->sample_evidence;
	t->least = options->least;
	if (options->sessions)
		t->sessions.max = options->sessions;
	return kbs_seal_init(&t->seal, e);
}

void trustee_close(struct trustee *t)
{
	kbs_sessions_free(&t->sessions);
	kbs_seal_free(&t->seal);
	trust_close(&t->trust);
	reference_free(&t->reference);
	admins_free(&t->admins);
	tee_key_free(&t->admin_key);
	ear_issuer_free(&t->issuer);
	json_decref(t->x5c);
	ear_keys_free(&t->ear_keys);
	policies_free(&t->policies);
	store_close(&t->store);
}

int trustee_reload(struct trustee *t, int (*also)(void *context, struct error *e), void *context,
		   struct error *e)
{
	struct admins admins = ADMINS_INIT;
	struct ear_issuer issuer = EAR_ISSUER_INIT;
	json_t *x5c = NULL;

	if (admins_load(&admins, &t->store, t->admin_key.pkey, e) < 0 ||
	    trustee_issuer(t, &x5c, &issuer, e) < 0 || trust_check(&t->trust, e) < 0 ||
	    (also && also(context, e) < 0)) {
		admins_free(&admins);
		ear_issuer_free(&issuer);
		json_decref(x5c);
		return -1;
	}
	admins_free(&t->admins);
	ear_issuer_free(&t->issuer);
	json_decref(t->x5c);
	t->admins = admins;
	t->issuer = issuer;
	t->x5c = x5c;
	trust_expire(&t->trust);
	return 0;
}

/* When the last EAR of a key that signs until @now has expired, for a client whose clock differs. */
static int64_t trustee_ear_end(int64_t now)
{
	return now + EAR_ISSUE_SECONDS + JWT_LEEWAY;
}

int trustee_rotate(struct trustee *t, bool withdraw, int64_t now, struct error *e)
{
	struct ear_keys next = EAR_KEYS_INIT;
	struct ear_issuer issuer = EAR_ISSUER_INIT;

	/* Verifiers that know the key by its certificate would refuse EARs of another one. */
	if (t->ear_cert)
		return error_set(
			e, ERROR_INPUT,
			"the EAR key is that of the certificate of --ear-cert: to change both, "
			"replace ear-key.pem and that file, and restart trusteed");
	if (ear_keys_next(withdraw ? NULL : &t->ear_keys, now, trustee_ear_end(now), &next, e) <
		    0 ||
	    ear_issuer_init(&issuer, next.signer.pkey, NULL, e) < 0 ||
	    ear_keys_save(&next, &t->store, e) < 0) {
		ear_issuer_free(&issuer);
		ear_keys_free(&next);
		return -1;
	}
	ear_issuer_free(&t->issuer);
	ear_keys_free(&t->ear_keys);
	t->issuer = issuer;
	t->ear_keys = next;
	return 0;
}

int trustee_set_policy(struct trustee *t, enum policy policy, struct error *e)
{
	if (trustee_write_policy(t, policy, e) < 0)
		return -1;
	return policies_set(&t->policies, &t->store, POLICIES_RESOURCE, POLICIES_RESOURCE_ALL, NULL,
			    e);
}

int trustee_set_policy_rego(struct trustee *t, const struct bytes *text, struct error *e)
{
	if (policies_set(&t->policies, &t->store, POLICIES_RESOURCE, POLICIES_RESOURCE_ALL, text,
			 e) < 0)
		return -1;
	return trustee_write_policy(t, POLICY_DENY_ALL, e);
}

int trustee_set_reference(struct trustee *t, struct reference *next, struct error *e)
{
	struct bytes text = BYTES_INIT;
	int ret = -1;

	if (reference_text(next, &text, e) == 0)
		ret = store_write(&t->store, "reference-values.json", text.data, text.len, e);
	if (ret == 0) {
		reference_free(&t->reference);
		t->reference = *next;
		*next = (struct reference)REFERENCE_INIT;
	}
	bytes_free(&text);
	return ret;
}
