// SPDX-License-Identifier: Apache-2.0
/* Sessions with a fake KBS and a fake realm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "session_world.h"

/* --- tests ------------------------------------------------------------------------------------ */

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
