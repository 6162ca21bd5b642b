/* SPDX-License-Identifier: Apache-2.0 */
/* session_world: a fake KBS and a fake realm for the tests of sessions: this file defines the functions of courier.h
 * and rsi_*(). Include after cmocka.h. */
#ifndef REALMKEY_SESSION_WORLD_H
#define REALMKEY_SESSION_WORLD_H

#include <jansson.h>
#include <openssl/ec.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "base/clock.h"
#include "base/json.h"
#include "cca_builder.h"
#include "jose/jwe.h"
#include "jose/jwt.h"
#include "kbs/kbs.h"
#include "kbs/session.h"

#define REFUSAL(variant) \
	"{\"type\":\"https://github.com/confidential-containers/kbs/errors/" variant \
	"\",\"detail\":\"\"}"

/* The fake KBS, and what it has recorded. */
static struct {
	char calls[32];	    /* the requests: U auth, A attest, R resource */
	long iat, lifetime; /* of the EARs that it issues */
	bool without_exp, fractions;
	const char *refusal; /* body of the 401 for the next @refusals resources */
	int refusals;
	uint8_t jwe_digest[SESSION_DIGEST_SIZE]; /* of the last JWE */
	char bearer[64];			 /* the end of the last bearer, in its signature */
	json_t *jwk;				 /* the TEE key of the last attestation */
	EVP_PKEY *key;
	int ears; /* issued so far; makes each EAR different */
	const char *
		script; /* how each request fails: x no connection, b busy (503), d denied (401), . not at all */
	bool early, late; /* whether there was a key when auth was sent, and when its answer came */
} kbs;

static struct {
	uint8_t challenge[REALM_CHALLENGE_SIZE];
	bool closed;
	enum error_kind fails;	   /* how its tokens fail; ERROR_NONE: they do not */
	struct cca_builder signer; /* without keys, the token is the challenge */
	unsigned int moved;	   /* this register has another value than in the token */
	int moved_for;		   /* for how many tokens */
	int tokens;
} realm;

static inline void called(char letter)
{
	size_t n = strlen(kbs.calls);

	assert_true(n + 1 < sizeof(kbs.calls));
	kbs.calls[n] = letter;
	kbs.calls[n + 1] = '\0';
}

/* --- the KBS ---------------------------------------------------------------------------------- */

static inline void answer_text(struct bytes *body, const char *text)
{
	bytes_set(body, text, strlen(text));
}

/* The evidence is the challenge, which must be the digest of the rest of the body. */
static inline void check_binding(const json_t *body)
{
	const json_t *runtime = json_object_get(body, "runtime-data");
	const json_t *token = json_object_get(json_object_get(json_object_get(body, "tee-evidence"),
							      "primary_evidence"),
					      "token");
	json_t *bound = json_pack("{s:s, s:O, s:O}", "additional-evidence", "", "nonce",
				  json_object_get(runtime, "nonce"), "tee-pubkey",
				  json_object_get(runtime, "tee-pubkey"));
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	uint8_t digest[64] = { 0 };

	assert_int_equal(json_canonical(bound, &text, &e), 0);
	assert_int_equal(EVP_Q_digest(NULL, "SHA384", NULL, text.data, text.len, digest, NULL), 1);
	assert_int_equal(
		realm.signer.rak ? json_array_size(token) > 64 : json_array_size(token) == 64, 1);
	for (size_t i = 0; !realm.signer.rak && i < 64; i++)
		assert_int_equal(json_integer_value(json_array_get(token, i)), digest[i]);
	bytes_free(&text);
	json_decref(bound);
}

static inline void answer_attest(const struct message *m, struct bytes *answer)
{
	struct error e = ERROR_INIT;
	json_t *body = json_parse(m->field[0].data, m->field[0].len, JSON_OPERATOR, "attest",
				  ERROR_INPUT, &e);
	json_t *header = json_pack("{s:s}", "alg", "ES256"), *payload;
	struct bytes ear = BYTES_INIT;

	assert_non_null(body);
	check_binding(body);
	json_decref(kbs.jwk);
	kbs.jwk = json_deep_copy(
		json_object_get(json_object_get(body, "runtime-data"), "tee-pubkey"));
	payload = json_pack("{s:I, s:i}", "iat", (json_int_t)kbs.iat, "n", ++kbs.ears);
	if (!kbs.without_exp)
		json_object_set_new(payload, "exp", json_integer(kbs.iat + kbs.lifetime));
	if (kbs.fractions) {
		json_object_set_new(payload, "iat", json_real((double)kbs.iat + 0.25));
		json_object_set_new(payload, "exp",
				    json_real((double)(kbs.iat + kbs.lifetime) + 0.5));
	}
	assert_int_equal(jwt_sign(header, payload, kbs.key, &ear, &e), 0);
	bytes_clear(answer);
	bytes_printf(answer, "{\"token\":\"%s\"}", bytes_text(&ear));
	bytes_free(&ear);
	json_decref(header);
	json_decref(payload);
	json_decref(body);
}

static inline int answer_resource(const struct message *m, struct bytes *answer)
{
	struct error e = ERROR_INIT;
	const char *bearer = (const char *)m->field[1].data;
	size_t skip = m->field[1].len > 20 ? m->field[1].len - 20 : 0;

	snprintf(kbs.bearer, sizeof(kbs.bearer), "%.*s", (int)(m->field[1].len - skip),
		 bearer + skip);
	if (kbs.refusals > 0) {
		kbs.refusals--;
		answer_text(answer, kbs.refusal);
		return 401;
	}
	bytes_clear(answer);
	assert_int_equal(jwe_seal(kbs.jwk, "sesame", 6, NULL, answer, &e), 0);
	SHA256(answer->data, answer->len, kbs.jwe_digest);
	return 200;
}

int courier_call(struct courier *courier, const struct message *m, int *status, struct bytes *body,
		 struct error *e)
{
	const size_t before = strlen(kbs.calls);
	const char fault = kbs.script && before < strlen(kbs.script) ? kbs.script[before] : '.';

	courier->failed = fault == 'x' || fault == 'b';
	*status = fault == 'b' ? 503 : fault == 'd' ? 401 : 200;
	if (fault != '.') {
		called(m->type == MESSAGE_AUTH ? 'U' : m->type == MESSAGE_ATTEST ? 'A' : 'R');
		answer_text(body, "");
		return fault == 'x' ? error_set_transient(e, ERROR_NETWORK, "no connection") : 0;
	}
	switch (m->type) {
	case MESSAGE_AUTH:
		called('U');
		answer_text(body, "{\"nonce\":\"AAAA\",\"extra-params\":\"\"}");
		return 0;
	case MESSAGE_ATTEST:
		called('A');
		answer_attest(m, body);
		return 0;
	case MESSAGE_RESOURCE:
		called('R');
		*status = answer_resource(m, body);
		return 0;
	default:
		fail_msg("unexpected message of type %d", (int)m->type);
		return -1;
	}
}

/* The courier is the first member of its session. */
int courier_send(struct courier *courier, const struct message *m, struct error *e)
{
	(void)e;
	assert_int_equal(m->type, MESSAGE_AUTH);
	kbs.early = ((struct session *)courier)->key.pkey;
	return 0;
}

int courier_receive(struct courier *courier, int *status, struct bytes *body, struct error *e)
{
	const struct message m = { .type = MESSAGE_AUTH };

	kbs.late = ((struct session *)courier)->key.pkey;
	return courier_call(courier, &m, status, body, e);
}

void courier_stop(struct courier *courier)
{
	courier->fd = -1;
}

/* A session with this realm. */
#define SESSION { .courier = COURIER_INIT, .rsi = (struct rsi *)&realm }

/* --- the realm -------------------------------------------------------------------------------- */

void rsi_close(struct rsi *rsi)
{
	realm.closed = rsi;
}

int rsi_token_get(struct rsi *rsi, const uint8_t challenge[REALM_CHALLENGE_SIZE],
		  struct bytes *token, uint64_t *records, struct error *e)
{
	(void)rsi;
	assert_null(records);
	realm.tokens++;
	if (realm.fails != ERROR_NONE)
		return error_set(e, realm.fails, "token");
	memcpy(realm.challenge, challenge, REALM_CHALLENGE_SIZE);
	if (realm.signer.rak)
		cca_builder_token(&realm.signer, challenge, token);
	else
		bytes_append(token, challenge, REALM_CHALLENGE_SIZE);
	return 0;
}

int rsi_measurement_get(struct rsi *rsi, unsigned int index, uint8_t value[HASH_SIZE_MAX],
			size_t *size, struct error *e)
{
	(void)rsi;
	(void)e;
	*size = cca_builder_register(index, value);
	if (index == realm.moved && realm.tokens <= realm.moved_for)
		value[31] ^= 1;
	return 0;
}

/* --- each test --------------------------------------------------------------------------------- */

static inline int setup(void **state)
{
	(void)state;
	EVP_PKEY_free(kbs.key);
	json_decref(kbs.jwk);
	memset(&kbs, 0, sizeof(kbs));
	memset(&realm, 0, sizeof(realm));
	kbs.key = EVP_EC_gen("P-256");
	kbs.iat = 1700000000;
	kbs.lifetime = 300;
	return kbs.key ? 0 : -1;
}

static inline int teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(kbs.key);
	json_decref(kbs.jwk);
	kbs.key = NULL;
	kbs.jwk = NULL;
	return 0;
}

#endif
