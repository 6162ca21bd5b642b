// SPDX-License-Identifier: Apache-2.0
#include "session.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/realm.h"
#include "cca/cca_token.h"
#include "jose/jwe.h"
#include "jose/jwt.h"
#include "kbs.h"

#define MARGIN_MS    60000 /* an EAR is not used in its last minute */
#define LIFETIME_MAX 86400 /* seconds; a longer one is a mistake or an attack */
#define TOKEN_TRIES  3	   /* while other programs extend registers */

/*
 * Set *@ms to the lifetime of the EAR in milliseconds, or to 0 if the EAR does not state it. It is
 * the difference of the EAR's own two times, because the host controls the wall clock here.
 */
static int ear_lifetime(const struct bytes *ear, int64_t *ms, struct error *e)
{
	struct jwt jwt = JWT_INIT;
	double iat, exp, seconds = 0;

	if (jwt_decode(ear->data, ear->len, &jwt, e) < 0) {
		error_reclassify(e, ERROR_ANY, ERROR_PROTOCOL);
		return error_add(e, "attest");
	}
	if (json_date(json_object_get(jwt.payload, "iat"), &iat) && iat >= 0) {
		clock_learn(iat < 1e12 ? (int64_t)iat : 0);
		if (json_date(json_object_get(jwt.payload, "exp"), &exp) && exp > iat)
			seconds = exp - iat;
	}
	jwt_free(&jwt);
	*ms = (int64_t)((seconds < LIFETIME_MAX ? seconds : LIFETIME_MAX) * 1000);
	return 0;
}

/* Add to @e, after the KBS has refused a request, how long it asks to wait (Retry-After). */
static int session_refused(const struct session *s, struct error *e)
{
	e->wait = s->courier.wait;
	return e->wait ? error_append(e, "; the KBS asks to wait %u s", e->wait) : -1;
}

/* --- the handshake --------------------------------------------------------------------------- */

static int session_post(struct session *s, enum message_type type, const struct bytes *body,
			int *status, struct bytes *answer, struct error *e)
{
	struct message m = { .type = type, .count = 1, .field = { { body->data, body->len } } };

	return courier_call(&s->courier, &m, status, answer, e);
}

/* Make the key while the courier connects and the KBS answers. */
static int session_auth(struct session *s, struct kbs_challenge *challenge, struct error *e)
{
	struct bytes body = BYTES_INIT, answer = BYTES_INIT;
	struct error no_key = ERROR_INIT;
	int status, made = 0, ret;

	kbs_auth_body(&body);
	ret = bytes_check(&body, e);
	if (ret == 0) {
		const struct message m = { .type = MESSAGE_AUTH,
					   .count = 1,
					   .field = { { body.data, body.len } } };

		ret = courier_send(&s->courier, &m, e);
	}
	if (ret == 0) {
		if (!s->key.pkey)
			made = tee_key_generate(&s->key, &no_key);
		ret = courier_receive(&s->courier, &status, &answer, e);
	}
	if (ret == 0 && kbs_auth_answer(challenge, status, answer.data, answer.len, e) < 0)
		ret = session_refused(s, e);
	if (ret == 0 && made < 0) {
		*e = no_key;
		ret = -1;
	}
	bytes_free(&body);
	bytes_free(&answer);
	return ret;
}

/*
 * Compare the registers in the token @raw with those of the realm. Returns 1 if they are equal, or
 * returns 0 and sets *@index to the first that is not. A verifier cannot do this, because it does
 * not know what the realm measured. A token that cannot be decoded is left to the verifier, which
 * reports the cause.
 */
static int token_compare(struct rsi *rsi, const struct bytes *raw, unsigned int *index,
			 struct error *e)
{
	struct cca_token token = CCA_TOKEN_INIT;
	struct error refused = ERROR_INIT;
	uint8_t value[HASH_SIZE_MAX];
	struct cca_verdict verdict;
	int ret = 1;
	size_t size;

	if (cca_token_decode(raw->data, raw->len, &token, &verdict, &refused) < 0) {
		if (verdict.cause == CCA_NO_VERDICT) {
			*e = refused;
			ret = -1;
		}
		goto out;
	}
	for (unsigned int i = 0; ret == 1 && i < REALM_REGISTERS; i++) {
		const struct cbor_slice *claim = i ? &token.realm.rem[i - 1] : &token.realm.rim;

		*index = i;
		if (rsi_measurement_get(rsi, i, value, &size, e) < 0)
			ret = -1;
		else if (!bytes_equal(value, size, claim->data, claim->len))
			ret = 0;
	}
out:
	cca_token_free(&token);
	return ret;
}

static int session_sign(struct session *s, const struct kbs_challenge *challenge, struct error *e)
{
	uint8_t realm_challenge[REALM_CHALLENGE_SIZE];
	unsigned int index;
	int current = 0;

	if (kbs_realm_challenge(challenge, &s->key, realm_challenge, NULL, e) < 0)
		return -1;
	/* A register may have been extended after the token was signed; the next token contains
	 * that. */
	for (int i = 0; current == 0 && i < TOKEN_TRIES; i++) {
		bytes_clear(&s->token);
		current = rsi_token_get(s->rsi, realm_challenge, &s->token, NULL, e);
		if (current == 0)
			current = token_compare(s->rsi, &s->token, &index, e);
	}
	if (current == 0)
		return error_set_transient(e, ERROR_ATTESTATION,
					   "this realm's token: %s in it is "
					   "not what the register holds: the token is stale",
					   realm_register_name(index));
	if (current < 0 && e->kind == ERROR_SYSTEM)
		e->transient = true; /* a failure of the RMM or its signer may be temporary */
	return current < 0 ? -1 : 0;
}

static int session_submit(struct session *s, const struct kbs_challenge *challenge, struct error *e)
{
	int64_t begun = clock_boot_ms(), lifetime = 0;
	struct bytes body = BYTES_INIT, answer = BYTES_INIT;
	int status, ret = -1;

	if (kbs_attest_body(challenge, &s->key, s->token.data, s->token.len, &body, e) == 0 &&
	    session_post(s, MESSAGE_ATTEST, &body, &status, &answer, e) == 0) {
		ret = kbs_attest_answer(status, answer.data, answer.len, &s->ear, e);
		ret = ret < 0 ? session_refused(s, e) : ear_lifetime(&s->ear, &lifetime, e);
	}
	if (ret == 0)
		log_line(LOG_LEVEL_DEBUG, "attested; the EAR expires in %lld s",
			 (long long)lifetime / 1000);
	else
		bytes_clear(&s->ear);
	/* An EAR whose lifetime is unknown or short is used for one request only. */
	s->ear_until = begun + (lifetime > MARGIN_MS ? lifetime - MARGIN_MS : 0);
	bytes_free(&body);
	bytes_free(&answer);
	return ret;
}

/* Whether another KBS may be better. The courier avoids this one from now on. */
static bool failed_there(const struct session *s, const struct error *e)
{
	return s->courier.failed && s->courier.servers > 1 && s->courier.fd >= 0 && !e->memory;
}

static int session_handshake(struct session *s, struct error *e)
{
	struct kbs_challenge challenge = KBS_CHALLENGE_INIT;

	s->courier.failed = false;
	if (session_auth(s, &challenge, e) < 0 || session_sign(s, &challenge, e) < 0)
		return -1;
	return session_submit(s, &challenge, e);
}

/* After the time of one request no further KBS is tried; the caller's next try goes on with them. */
int session_attest(struct session *s, struct error *e)
{
	const int64_t end = clock_boot_ms() + (int64_t)s->courier.patience * 1000;
	int ret;

	bytes_clear(&s->ear);
	s->ear_given = false;
	ret = session_handshake(s, e);
	for (size_t tries = 1;
	     ret < 0 && tries < s->courier.servers && failed_there(s, e) && clock_boot_ms() < end;
	     tries++) {
		log_line(LOG_LEVEL_WARNING, "%s; trying the next KBS", e->text);
		*e = (struct error)ERROR_INIT;
		ret = session_handshake(s, e);
	}
	return ret;
}

/* --- a resource ------------------------------------------------------------------------------ */

static int session_fetch(struct session *s, const char *path, struct bytes *secret, struct error *e)
{
	struct message m = { .type = MESSAGE_RESOURCE,
			     .count = 2,
			     .field = { { (const uint8_t *)path, strlen(path) },
					{ s->ear.data, s->ear.len } } };
	struct bytes answer = BYTES_INIT;
	int status, ret = -1;

	if (courier_call(&s->courier, &m, &status, &answer, e) < 0)
		goto out;
	if (kbs_resource_answer(status, answer.data, answer.len, path, e) < 0) {
		session_refused(s, e);
		goto out;
	}
	/* The caller may record which ciphertext was opened. */
	crypto_begin();
	if (EVP_Digest(answer.data, answer.len, s->jwe_digest, NULL, EVP_sha256(), NULL) != 1)
		crypto_error(e, ERROR_SYSTEM, "resource %s: libcrypto cannot compute SHA-256",
			     path);
	else if (jwe_open(&s->key, answer.data, answer.len, secret, e) < 0)
		error_add(e, "resource %s", path);
	else
		ret = 0;
out:
	bytes_free(&answer);
	return ret;
}

int session_get(struct session *s, const char *path, struct bytes *secret, struct error *e)
{
	bool reused = s->ear.len && (s->ear_given || clock_boot_ms() < s->ear_until);
	char checked[KBS_REQUEST_SIZE];

	if (kbs_resource_request(path, checked, sizeof(checked), e) < 0)
		return -1;
	if (!reused && session_attest(s, e) < 0)
		return -1;
	if (session_fetch(s, checked, secret, e) == 0)
		return 0;
	/* A new EAR helps only if another KBS makes it, or if this one dropped its session, or changed its key,
	 * since the old one. An EAR that the caller gave is not shown to another KBS. */
	if (s->ear_given ||
	    !(failed_there(s, e) || (reused && e->kind == ERROR_ATTESTATION && e->transient)))
		return -1;
	log_line(LOG_LEVEL_INFO, "%s; attesting again", e->text);
	*e = (struct error)ERROR_INIT;
	if (session_attest(s, e) < 0)
		return -1;
	return session_fetch(s, checked, secret, e);
}

void session_close(struct session *s)
{
	courier_stop(&s->courier);
	rsi_close(s->rsi);
	tee_key_free(&s->key);
	bytes_free(&s->ear);
	bytes_free(&s->token);
	*s = (struct session)SESSION_INIT;
}
