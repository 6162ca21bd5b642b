// SPDX-License-Identifier: Apache-2.0
#include "session.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cca/cca_token.h"
#include "jose/jwe.h"
#include "jose/jwt.h"
#include "kbs.h"

#define MARGIN_MS 60000		/* an EAR is not used in its last minute */
#define LIFETIME_MAX 86400	/* seconds; a longer one is a mistake or an attack */
#define LONG_PAST 1		/* on the boot clock; 0 means something else */
#define PATH_SIZE 256
#define TOKEN_TRIES 3	/* while somebody extends registers */

/*
 * How long the EAR lives, in ms: by its own two times, because the wall clock here is the host's. 0
 * when it does not say; -1 with @e when it is no JWT.
 */
static int64_t ear_lifetime(const struct bytes *ear, struct error *e)
{
	struct jwt jwt = JWT_INIT;
	int64_t seconds = 0;
	json_t *iat, *exp;

	if (jwt_decode(ear->data, ear->len, &jwt, e) < 0) {
		e->kind = ERROR_PROTOCOL;
		return error_add(e, "attest");
	}
	iat = json_object_get(jwt.payload, "iat");
	exp = json_object_get(jwt.payload, "exp");
	if (json_is_integer(iat) && json_is_integer(exp) && json_integer_value(iat) >= 0 &&
	    json_integer_value(exp) > json_integer_value(iat))
		seconds = json_integer_value(exp) - json_integer_value(iat);
	jwt_free(&jwt);
	return (seconds < LIFETIME_MAX ? seconds : LIFETIME_MAX) * 1000;
}

/* --- the handshake ---------------------------------------------------------------------------- */

static int call_body(struct session *s, enum message_type type, const struct bytes *body,
		     int *status, struct bytes *answer, struct error *e)
{
	struct message m = { .type = type, .count = 1, .field = { { body->data, body->len } } };

	return courier_call(&s->courier, &m, status, answer, e);
}

static int handshake_auth(struct session *s, struct kbs *kbs, struct error *e)
{
	struct bytes body = BYTES_INIT, answer = BYTES_INIT;
	int status, ret = -1;

	if (kbs_auth_body(&body, e) == 0 &&
	    call_body(s, MESSAGE_AUTH, &body, &status, &answer, e) == 0)
		ret = kbs_auth_answer(kbs, status, answer.data, answer.len, e);
	bytes_free(&body);
	bytes_free(&answer);
	return ret;
}

/* 1: @realm claims the registers as they are; 0: not that of *@index. */
static int registers_compare(struct rsi *rsi, const struct cca_realm *realm, unsigned int *index,
			     struct error *e)
{
	uint8_t value[RSI_DIGEST_MAX];
	size_t size;

	for (unsigned int i = 0; i < RSI_REGISTERS; i++) {
		const struct cbor_slice *claim = i ? &realm->rem[i - 1] : &realm->rim;

		if (rsi_measurement_get(rsi, i, value, &size, e) < 0)
			return -1;
		*index = i;
		if (!bytes_equal(value, size, claim->data, claim->len))
			return 0;
	}
	return 1;
}

/*
 * A verifier can judge all of a token but this: whether what the realm has measured into itself is
 * in it. Only the realm knows. What cannot be decoded is left to the verifier, who says why.
 */
static int token_compare(struct rsi *rsi, const struct bytes *raw, unsigned int *index,
			 struct error *e)
{
	struct cca_token token = CCA_TOKEN_INIT;
	struct error refused = ERROR_INIT;
	struct cca_verdict verdict;
	int ret = 1;

	if (cca_token_decode(raw->data, raw->len, &token, &verdict, &refused) == 0) {
		ret = registers_compare(rsi, &token.realm, index, e);
	} else if (verdict.cause == CCA_NO_VERDICT) {
		*e = refused;
		ret = -1;
	}
	cca_token_free(&token);
	return ret;
}

/* Registers may move after the token was made; those of the next one are not behind for that. */
static int token_make(struct session *s, struct rsi *rsi,
		      const uint8_t challenge[RSI_CHALLENGE_SIZE], struct error *e)
{
	static const char *const names[RSI_REGISTERS] = { "RIM", "REM0", "REM1", "REM2", "REM3" };
	unsigned int index;
	int current = 0;

	for (int i = 0; current == 0 && i < TOKEN_TRIES; i++) {
		bytes_clear(&s->token);
		if (rsi_token_get(rsi, challenge, &s->token, NULL, e) < 0)
			return -1;
		current = token_compare(rsi, &s->token, &index, e);
	}
	if (current == 0)
		return error_set_transient(e, ERROR_ATTESTATION, "this realm's token: %s in it is "
					   "not what the register holds: the token is stale",
					   names[index]);
	return current < 0 ? -1 : 0;
}

/* The RMM, or who signs for it, may do better another time. */
static int handshake_token(struct session *s, const struct kbs *kbs, struct error *e)
{
	uint8_t challenge[RSI_CHALLENGE_SIZE];
	struct rsi *rsi;
	int ret = -1;

	if (kbs_challenge(kbs, &s->key, challenge, NULL, e) < 0)
		return -1;
	rsi = rsi_open(s->source, e);
	if (rsi && token_make(s, rsi, challenge, e) == 0)
		ret = 0;
	else if (rsi && e->kind == ERROR_SYSTEM)
		e->transient = true;
	rsi_close(rsi);
	return ret;
}

static int handshake_attest(struct session *s, const struct kbs *kbs, struct error *e)
{
	struct bytes body = BYTES_INIT, answer = BYTES_INIT;
	int64_t begun = clock_boot_ms(), lifetime;
	int status, ret = -1;

	if (kbs_attest_body(kbs, &s->key, s->token.data, s->token.len, &body, e) < 0 ||
	    call_body(s, MESSAGE_ATTEST, &body, &status, &answer, e) < 0 ||
	    kbs_attest_answer(status, answer.data, answer.len, &s->ear, e) < 0)
		goto out;
	lifetime = ear_lifetime(&s->ear, e);
	if (lifetime < 0)
		goto out;
	s->ear_until = lifetime > MARGIN_MS ? begun + lifetime - MARGIN_MS : LONG_PAST;
	log_line(LOG_LEVEL_DEBUG, "attested; the EAR lives for %lld s", (long long)lifetime / 1000);
	ret = 0;
out:
	if (ret < 0)
		bytes_clear(&s->ear);
	bytes_free(&body);
	bytes_free(&answer);
	return ret;
}

int session_attest(struct session *s, struct error *e)
{
	struct kbs kbs = KBS_INIT;

	bytes_clear(&s->ear);
	if (!s->key.pkey && tee_key_generate(&s->key, e) < 0)
		return -1;
	if (handshake_auth(s, &kbs, e) < 0 || handshake_token(s, &kbs, e) < 0)
		return -1;
	return handshake_attest(s, &kbs, e);
}

/* --- a resource ------------------------------------------------------------------------------- */

/* Digest the ciphertext, for who wants to tell later what was opened. */
static int answer_open(struct session *s, const struct bytes *answer, const char *path,
		       struct bytes *secret, struct error *e)
{
	if (EVP_Digest(answer->data, answer->len, s->jwe_digest, NULL, EVP_sha256(), NULL) != 1)
		return error_set(e, ERROR_SYSTEM, "resource %s: digest", path);
	if (jwe_open(&s->key, answer->data, answer->len, secret, e) < 0)
		return error_add(e, "resource %s", path);
	return 0;
}

static int resource_get(struct session *s, const char *path, struct bytes *secret,
			struct error *e)
{
	struct message m = { .type = MESSAGE_RESOURCE, .count = 2, .field = {
		{ (const uint8_t *)path, strlen(path) }, { s->ear.data, s->ear.len } } };
	struct bytes answer = BYTES_INIT;
	int status, ret = -1;

	if (courier_call(&s->courier, &m, &status, &answer, e) == 0 &&
	    kbs_resource_answer(status, answer.data, answer.len, path, e) == 0)
		ret = answer_open(s, &answer, path, secret, e);
	bytes_free(&answer);
	return ret;
}

static bool ear_given(const struct session *s)
{
	return s->ear.len && s->ear_until == 0;
}

static bool ear_usable(const struct session *s)
{
	return ear_given(s) || (s->ear.len && clock_boot_ms() < s->ear_until);
}

/* The KBS forgot a session, or changed its key: a new EAR can help, anything else cannot. */
static bool worth_attesting(const struct session *s, const struct error *e)
{
	return e->kind == ERROR_ATTESTATION && e->transient && !ear_given(s);
}

int session_get(struct session *s, const char *path, struct bytes *secret, struct error *e)
{
	char checked[PATH_SIZE];
	bool reused = ear_usable(s);

	if (kbs_resource_path(path, checked, sizeof(checked), e) < 0)
		return -1;
	if (!reused && session_attest(s, e) < 0)
		return -1;
	if (resource_get(s, checked, secret, e) == 0)
		return 0;
	if (!reused || !worth_attesting(s, e))
		return -1;
	log_line(LOG_LEVEL_INFO, "%s; attesting again", e->text);
	if (session_attest(s, e) < 0)
		return -1;
	return resource_get(s, checked, secret, e);
}

void session_close(struct session *s)
{
	courier_stop(&s->courier);
	tee_key_free(&s->key);
	bytes_free(&s->ear);
	bytes_free(&s->token);
	*s = (struct session)SESSION_INIT;
}
