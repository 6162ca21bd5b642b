// SPDX-License-Identifier: Apache-2.0
/* Sessions with a fake KBS and a fake realm: this file defines the functions of courier.h and rsi_*(). */
#include <jansson.h>
#include <openssl/ec.h>
#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

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
	int ears;	  /* issued so far; makes each EAR different */
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

static void called(char letter)
{
	size_t n = strlen(kbs.calls);

	assert_true(n + 1 < sizeof(kbs.calls));
	kbs.calls[n] = letter;
	kbs.calls[n + 1] = '\0';
}

/* --- the KBS ---------------------------------------------------------------------------------- */

static void answer_text(struct bytes *body, const char *text)
{
	bytes_set(body, text, strlen(text));
}

/* The evidence is the challenge, which must be the digest of the rest of the body. */
static void check_binding(const json_t *body)
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

static void answer_attest(const struct message *m, struct bytes *answer)
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

static int answer_resource(const struct message *m, struct bytes *answer)
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
	(void)courier;
	(void)e;
	*status = 200;
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

/* --- tests ------------------------------------------------------------------------------------ */

static int setup(void **state)
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

static int teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(kbs.key);
	json_decref(kbs.jwk);
	kbs.key = NULL;
	kbs.jwk = NULL;
	return 0;
}

static void expect_secret(struct session *s)
{
	struct bytes secret = BYTES_LOCKED_INIT;
	struct error e = ERROR_INIT;

	bytes_lock_optional(true);
	if (session_get(s, "a/b/c", &secret, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(bytes_text(&secret), "sesame");
	assert_memory_equal(s->jwe_digest, kbs.jwe_digest, sizeof(s->jwe_digest));
	bytes_free(&secret);
}

static void expect_refusal(struct session *s, enum error_kind kind)
{
	struct bytes secret = BYTES_LOCKED_INIT;
	struct error e = ERROR_INIT;

	assert_int_equal(session_get(s, "a/b/c", &secret, &e), -1);
	if (e.kind != kind)
		fail_msg("kind %d: %s", (int)e.kind, e.text);
	assert_int_equal(secret.len, 0);
	bytes_free(&secret);
}

static void test_three_requests_and_then_one(void **state)
{
	struct session s = SESSION;

	(void)state;
	expect_secret(&s);
	assert_string_equal(kbs.calls, "UAR");
	expect_secret(&s);
	expect_secret(&s);
	assert_string_equal(kbs.calls, "UARRR");
	assert_non_null(strstr(bytes_text(&s.ear), kbs.bearer));
	assert_int_equal(s.token.len, 64);
	assert_memory_equal(s.token.data, realm.challenge, 64);
	assert_false(realm.closed); /* it is used again, and cannot be opened later */
	session_close(&s);
	assert_true(realm.closed);
}

/* The KBS can answer while the key is made. */
static void test_key_is_made_while_auth_is_answered(void **state)
{
	struct session s = SESSION;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(session_attest(&s, &e), 0);
	assert_false(kbs.early);
	assert_true(kbs.late);
	assert_int_equal(session_attest(&s, &e), 0); /* it has a key */
	assert_true(kbs.early);
	session_close(&s);
}

/* The wall clock in the EAR may differ from ours, which the host can set. */
static void test_lifetime_by_the_boot_clock(void **state)
{
	struct session s = SESSION;
	int64_t left;

	(void)state;
	kbs.iat = 86400; /* 1970 */
	expect_secret(&s);
	left = s.ear_until - clock_boot_ms();
	assert_true(left > 230000 && left <= 240000); /* 300 s minus one minute */
	expect_secret(&s);
	assert_string_equal(kbs.calls, "UARR");
	s.ear_until = clock_boot_ms() - 1;
	expect_secret(&s);
	assert_string_equal(kbs.calls, "UARRUAR");
	session_close(&s);
}

static void test_short_or_unknown_lifetime_is_used_once(void **state)
{
	struct session s = SESSION;

	(void)state;
	kbs.lifetime = 60;
	expect_secret(&s);
	expect_secret(&s);
	assert_string_equal(kbs.calls, "UARUAR");
	kbs.without_exp = true;
	expect_secret(&s);
	expect_secret(&s);
	assert_string_equal(kbs.calls, "UARUARUARUAR");
	session_close(&s);
}

/* RFC 7519 section 2: a NumericDate may have a fraction. */
static void test_lifetime_with_fractions(void **state)
{
	struct session s = SESSION;
	int64_t left;

	(void)state;
	kbs.fractions = true;
	for (int i = 0; i < 5; i++)
		expect_secret(&s);
	assert_string_equal(kbs.calls, "UARRRRR");
	left = s.ear_until - clock_boot_ms();
	assert_true(left > 230000 && left <= 240250);
	session_close(&s);
}

static void test_long_lifetime_becomes_a_day(void **state)
{
	struct session s = SESSION;

	(void)state;
	kbs.lifetime = 1L << 60;
	expect_secret(&s);
	assert_true(s.ear_until - clock_boot_ms() <= 86400000);
	session_close(&s);
}

static void test_denial_is_not_retried(void **state)
{
	struct session s = SESSION;

	(void)state;
	kbs.refusal = REFUSAL("PolicyDeny");
	kbs.refusals = 2;
	expect_refusal(&s, ERROR_POLICY);
	assert_string_equal(kbs.calls, "UAR");
	expect_refusal(&s, ERROR_POLICY);
	assert_string_equal(kbs.calls, "UARR");
	expect_secret(&s);
	session_close(&s);
}

static void test_missing_is_not_retried(void **state)
{
	struct session s = SESSION;

	(void)state;
	kbs.refusal = REFUSAL("PluginInternalError");
	kbs.refusals = 2;
	expect_refusal(&s, ERROR_NOT_FOUND);
	expect_refusal(&s, ERROR_NOT_FOUND);
	assert_string_equal(kbs.calls, "UARR");
	session_close(&s);
}

static void test_forgotten_ear_is_renewed_once(void **state)
{
	static const char *const refusals[] = { REFUSAL("TokenNotFound"),
						REFUSAL("TokenVerifierError") };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct session s = SESSION;

		expect_secret(&s);
		kbs.calls[0] = '\0';
		kbs.refusal = refusals[i];
		kbs.refusals = 1;
		expect_secret(&s);
		assert_string_equal(kbs.calls, "RUAR");
		kbs.calls[0] = '\0';
		kbs.refusals = 9;
		expect_refusal(&s, ERROR_ATTESTATION);
		assert_string_equal(kbs.calls, "RUAR");
		session_close(&s);
		kbs.refusals = 0;
	}
}

/* If the KBS refuses its own new EAR, another one would not be accepted either. */
static void test_refused_new_ear(void **state)
{
	struct session s = SESSION;

	(void)state;
	kbs.refusal = REFUSAL("TokenVerifierError");
	kbs.refusals = 1;
	expect_refusal(&s, ERROR_ATTESTATION);
	assert_string_equal(kbs.calls, "UAR");
	session_close(&s);
}

/* With an EAR and its key from the caller there is one request, and they are never replaced. */
static void test_given_ear(void **state)
{
	struct session first = SESSION, second = SESSION;
	struct bytes pem = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(session_attest(&first, &e), 0);
	assert_int_equal(tee_key_to_pem(&first.key, &pem, &e), 0);
	assert_int_equal(tee_key_from_pem(&second.key, pem.data, pem.len, &e), 0);
	bytes_set(&second.ear, first.ear.data, first.ear.len);
	second.ear_given = true;
	kbs.calls[0] = '\0';
	expect_secret(&second);
	assert_string_equal(kbs.calls, "R");
	kbs.refusal = REFUSAL("TokenVerifierError");
	kbs.refusals = 1;
	expect_refusal(&second, ERROR_ATTESTATION);
	assert_string_equal(kbs.calls, "RR");
	bytes_free(&pem);
	session_close(&first);
	session_close(&second);
}

static void test_given_key_is_used(void **state)
{
	struct session s = SESSION;
	struct error e = ERROR_INIT;
	json_t *jwk;

	(void)state;
	assert_int_equal(tee_key_generate(&s.key, &e), 0);
	expect_secret(&s);
	jwk = tee_key_jwk(&s.key, &e);
	assert_true(json_equal(jwk, kbs.jwk));
	json_decref(jwk);
	session_close(&s);
}

static void test_bad_path_makes_no_request(void **state)
{
	struct bytes secret = BYTES_LOCKED_INIT;
	struct session s = SESSION;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(session_get(&s, "a/b", &secret, &e), -1);
	assert_int_equal(e.kind, ERROR_USAGE);
	assert_string_equal(kbs.calls, "");
	session_close(&s);
}

static void realm_signs(void)
{
	realm.signer.cpak = EVP_EC_gen("P-384");
	realm.signer.rak = EVP_EC_gen("P-384");
	assert_non_null(realm.signer.cpak);
	assert_non_null(realm.signer.rak);
}

static void realm_ends(struct session *s)
{
	EVP_PKEY_free(realm.signer.cpak);
	EVP_PKEY_free(realm.signer.rak);
	session_close(s);
}

/* The token must contain the present registers. Only the realm itself can check this. */
static void test_stale_token_is_refused(void **state)
{
	struct session s = SESSION;
	struct error e = ERROR_INIT;

	(void)state;
	realm_signs();
	expect_secret(&s);
	assert_string_equal(kbs.calls, "UAR");
	realm.moved_for = 1000;
	for (unsigned int i = 0; i < REALM_REGISTERS; i++) {
		static const char *const names[] = { "RIM", "REM0", "REM1", "REM2", "REM3" };

		realm.moved = i;
		realm.tokens = 0;
		kbs.calls[0] = '\0';
		assert_int_equal(session_attest(&s, &e), -1);
		assert_string_equal(kbs.calls, "U");
		assert_int_equal(realm.tokens, 3);
		assert_int_equal(e.kind, ERROR_ATTESTATION);
		assert_true(e.transient);
		assert_int_equal(strncmp(e.text, "this realm's token: ", 20), 0);
		assert_int_equal(strncmp(e.text + 20, names[i], strlen(names[i])), 0);
		assert_int_equal(s.ear.len, 0);
	}
	realm_ends(&s);
}

static void test_register_extended_meanwhile(void **state)
{
	struct session s = SESSION;

	(void)state;
	realm_signs();
	realm.moved = 3;
	realm.moved_for = 1;
	expect_secret(&s);
	assert_int_equal(realm.tokens, 2);
	assert_string_equal(kbs.calls, "UAR");
	realm_ends(&s);
}

/* An expired EAR is not used again. A failure of the RMM may be temporary. */
static void test_realm_without_a_token(void **state)
{
	struct session s = SESSION;
	struct error e = ERROR_INIT;

	(void)state;
	expect_secret(&s);
	s.ear_until = clock_boot_ms() - 1;
	realm.fails = ERROR_SYSTEM;
	assert_int_equal(session_attest(&s, &e), -1);
	assert_true(e.transient);
	assert_int_equal(s.ear.len, 0);
	realm.fails = ERROR_NO_DRIVER;
	assert_int_equal(session_attest(&s, &e), -1);
	assert_false(e.transient);
	realm.fails = ERROR_NONE;
	expect_secret(&s);
	session_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_three_requests_and_then_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_key_is_made_while_auth_is_answered, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_lifetime_by_the_boot_clock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_short_or_unknown_lifetime_is_used_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_lifetime_with_fractions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_lifetime_becomes_a_day, setup, teardown),
		cmocka_unit_test_setup_teardown(test_denial_is_not_retried, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing_is_not_retried, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forgotten_ear_is_renewed_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_refused_new_ear, setup, teardown),
		cmocka_unit_test_setup_teardown(test_given_ear, setup, teardown),
		cmocka_unit_test_setup_teardown(test_given_key_is_used, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_path_makes_no_request, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stale_token_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_register_extended_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_realm_without_a_token, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
