// SPDX-License-Identifier: Apache-2.0
/* The keeper's decisions, with secrets that the tests define. */
#include "base/array.h"
#include "keeper_secrets.h"

static int setup(void **state)
{
	static char *const names[] = { (char *)"zero", (char *)"one", (char *)"two",
				       (char *)"three" };

	(void)state;
	secrets_make(names, names, 0);
	return 0;
}

/* A pass, and the decision after it, with the longest waits. */
static void pass(void)
{
	keeper_run(&keeper, now);
	keeper_plan(&keeper, now, UINT32_MAX);
}

/* "realmkey refresh" */
static void pass_at_once(void)
{
	keeper_hurry(&keeper, -1, false);
	pass();
}

/* Remove secret number @i from the keyring. */
static void lose(int i)
{
	world.file[i].content[0] = '\0';
	secrets[i].state = STATUS_MISSING;
	secrets[i].due = 0;
	world.put[0] = '\0';
}

/* How long the keeper waits now. */
static int64_t wait_ms(void)
{
	int64_t next = keeper_next(&keeper);

	return next == RETRY_NEVER ? -1 : next - now;
}

/* Wait until the next secret is due. */
static void pass_when_due(void)
{
	assert_true(keeper_next(&keeper) != RETRY_NEVER);
	now = keeper_next(&keeper);
	pass();
}

static void status_is(const char *text)
{
	char status[256];

	keeper_status(&keeper, status, sizeof(status));
	assert_string_equal(status, text);
}

static void asked(const char *resources)
{
	assert_string_equal(world.asked, resources);
	world.asked[0] = '\0';
}

static void log_is(const char *text)
{
	assert_string_equal(bytes_text(&logged), text);
	assert_null(strstr(bytes_text(&logged), SECRET));
	bytes_clear(&logged);
}

static void a_pass_delivers_every_secret(void **state)
{
	(void)state;
	assert_false(keeper_ready(&keeper));
	status_is("0 of 4 secrets delivered; zero: ");
	pass_at_once();
	asked("0123");
	assert_string_equal(world.put,
			    "zero:400:10:20 |one:400:10:20 |two:400:10:20 |three:400:10:20 |");
	assert_true(keeper_ready(&keeper));
	assert_null(keeper_failure(&keeper));
	assert_int_equal(wait_ms(), -1);
	status_is("all 4 secrets delivered");
	log_is("I zero: delivered to zero\nI one: delivered to one\nI two: delivered to two\n"
	       "I three: delivered to three\n");
	pass();
	asked("");
	log_is("");
}

static void each_delivery_is_recorded_first_if_configured(void **state)
{
	(void)state;
	secrets_limit(1);
	pass_at_once();
	assert_string_equal(world.recorded, "");
	lose(0);
	settings.config.measure_register = 3;
	world.log_full = true;
	world.put[0] = '\0';
	pass_at_once();
	assert_string_equal(world.recorded, "3 r/t/0 a0");
	assert_string_equal(world.put, "");
	assert_int_equal(keeper_failure(&keeper)->kind, ERROR_DELIVERY);
	world.log_full = false;
	pass_at_once();
	assert_true(keeper_ready(&keeper));
}

static void a_delivered_secret_is_reported_as_unchanged(void **state)
{
	(void)state;
	strcpy(world.file[0].content, SECRET "0");
	secrets_limit(1);
	pass_at_once();
	assert_true(keeper_ready(&keeper));
	log_is("I zero: unchanged: zero\n");
}

static void nothing_to_deliver_is_ready_at_once(void **state)
{
	(void)state;
	secrets_limit(0);
	pass_at_once();
	assert_true(keeper_ready(&keeper));
	assert_int_equal(wait_ms(), -1);
	status_is("all 0 secrets delivered");
}

static void only_required_secrets_delay_readiness(void **state)
{
	(void)state;
	error_set(&world.answer[3], ERROR_NOT_FOUND, "resource r/t/3: not found");
	pass_at_once();
	assert_true(keeper_ready(&keeper));
	assert_null(keeper_failure(&keeper));
	assert_int_equal(wait_ms(), 999);
	status_is("3 of 4 secrets delivered; three: resource r/t/3: not found");
	assert_non_null(strstr(bytes_text(&logged), "W three: resource r/t/3: not found\n"));
}

static void the_first_required_failure_is_reported(void **state)
{
	(void)state;
	error_set(&world.answer[1], ERROR_POLICY, "denied");
	error_set_transient(&world.answer[2], ERROR_NETWORK, "no connection");
	pass_at_once();
	assert_false(keeper_ready(&keeper));
	assert_int_equal(keeper_failure(&keeper)->kind, ERROR_POLICY);
	assert_int_equal(error_exit_code(keeper_failure(&keeper)), 8);
	assert_int_equal(wait_ms(), 999);
	status_is("2 of 4 secrets delivered; one: denied");
	log_is("I zero: delivered to zero\n"
	       "E one: denied\nW Executables [warning]\nW advice: endorse the RIM\n"
	       "E two: no connection\n"
	       "I three: delivered to three\n");
}

static void a_secret_that_cannot_be_put_is_missing(void **state)
{
	(void)state;
	strcpy(world.file[0].name, "full");
	pass_at_once();
	assert_int_equal(keeper_failure(&keeper)->kind, ERROR_DELIVERY);
	assert_int_equal(wait_ms(), 999);
	assert_non_null(strstr(bytes_text(&logged), "E zero: full: No space left on device\n"));
}

static void a_full_keyring_is_tried_again(void **state)
{
	(void)state;
	strcpy(world.file[1].name, "full");
	pass();
	asked("0123"); /* other secrets may have room */
	assert_true(secret_is_there(&secrets[2]) && secret_is_there(&secrets[3]));
	strcpy(world.file[1].name, "one");
	pass_when_due();
	asked("1");
	assert_true(keeper_ready(&keeper));
}

/* One failure of each kind, for one secret. All but the denial are tried again within a second. */
static void what_can_change_is_tried_again(void **state)
{
	static const struct {
		enum error_kind kind;
		const char *what;
	} failures[] = {
		{ ERROR_NETWORK, "HTTP 500" },	   { ERROR_PROTOCOL, "garbage" },
		{ ERROR_ATTESTATION, "HTTP 401" }, { ERROR_NOT_FOUND, "HTTP 404" },
		{ ERROR_INPUT, "HTTP 413" },	   { ERROR_TLS, "not yet valid" },
		{ ERROR_SYSTEM, "no memory" },
	};

	(void)state;
	secrets_limit(2);
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		lose(0);
		lose(1);
		pass_at_once();
		world.asked[0] = '\0';
		world.ear_kept = true;
		lose(0);
		lose(1);
		error_set(&world.answer[0], failures[i].kind, "%s", failures[i].what);
		pass_at_once();
		assert_int_equal(wait_ms(), 999);
		world.answer[0] = (struct error)ERROR_INIT;
		pass_when_due();
		assert_true(keeper_ready(&keeper));
		world.asked[0] = '\0';
	}
}

static void what_needs_a_person_is_not_tried_again(void **state)
{
	static const enum error_kind kinds[] = { ERROR_CONFIG, ERROR_USAGE, ERROR_NO_REALM,
						 ERROR_NO_DRIVER };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		error_set(&world.answer[0], kinds[i], "wrong");
		secrets_limit(1);
		pass_at_once();
		asked("0");
		assert_int_equal(wait_ms(), -1);
		now += 10000 * MINUTES;
		pass();
		asked("");
	}
	world.answer[0] = (struct error)ERROR_INIT;
	pass_at_once();
	assert_true(keeper_ready(&keeper));
}

/* Each secret has its own time. A failure of one changes nothing for the others. */
static void each_secret_is_tried_again_in_its_time(void **state)
{
	(void)state;
	error_set(&world.answer[0], ERROR_POLICY, "denied");
	error_set_transient(&world.answer[1], ERROR_NETWORK, "the KBS reports an internal error");
	error_set(&world.answer[3], ERROR_NOT_FOUND, "none");
	pass();
	asked("0123");
	pass_when_due();
	asked("13");
	assert_int_equal(wait_ms(), 1999);
	world.answer[3] = (struct error)ERROR_INIT;
	pass_when_due();
	asked("13");
	assert_int_equal(wait_ms(), 3999);
	world.answer[1] = (struct error)ERROR_INIT;
	pass_when_due();
	asked("1");
	now -= secret_is_there(&secrets[1]) ? 0 : MINUTES;
	assert_true(wait_ms() > 9 * MINUTES && wait_ms() <= 10 * MINUTES);
	pass_at_once();
	asked("0");
}

/* An operator who endorses a running realm is not inside of it. A denied EAR is denied until it expires. */
static void a_denial_is_tried_again_with_a_new_ear(void **state)
{
	(void)state;
	error_set(&world.answer[0], ERROR_POLICY, "denied");
	for (int i = 0; i < 3; i++) {
		pass();
		assert_int_equal(world.ear_len[0], i ? 0 : 5);
		asked(i ? "0" : "0123");
		assert_int_equal(wait_ms(), 10 * MINUTES - 1); /* does not double */
		now += 5 * MINUTES - 1;
		pass();
		asked("");
		keeper_plan(&keeper, now, 0);
		assert_int_equal(wait_ms(), 5 * MINUTES); /* an old decision stands */
		now = keeper_next(&keeper);
	}
	world.answer[0] = (struct error)ERROR_INIT;
	pass();
	assert_true(keeper_ready(&keeper));
	assert_int_equal(wait_ms(), -1);
}

static void after_a_denial_a_new_ear_is_used_on_request(void **state)
{
	(void)state;
	error_set(&world.answer[0], ERROR_POLICY, "denied");
	error_set_transient(&world.answer[1], ERROR_NETWORK, "the KBS reports an internal error");
	pass();
	assert_int_equal(world.ear_len[0], 5);
	asked("0123");
	pass_when_due();
	assert_int_equal(world.ear_len[0], 5); /* the EAR is good enough for the others */
	asked("1");
	pass_at_once();
	assert_int_equal(world.ear_len[0], 0);
	asked("01");
}

static void an_ear_that_was_not_denied_is_kept(void **state)
{
	(void)state;
	error_set_transient(&world.answer[1], ERROR_NETWORK, "the KBS reports an internal error");
	pass();
	asked("0123");
	pass_at_once();
	assert_int_equal(world.ear_len[0], 5);
	asked("1");
}

/* No more secrets can be requested, and none of the missing ones may look delivered. */
static void a_courier_that_dies_ends_the_pass(void **state)
{
	(void)state;
	configs[0].required = false;
	world.dies_at = 0;
	pass_at_once();
	asked("0");
	assert_true(keeper_lost(&keeper));
	assert_false(keeper_ready(&keeper));
	assert_int_equal(error_exit_code(keeper_failure(&keeper)), 11);
	assert_string_equal(keeper_failure(&keeper)->text, "courier: hung up");
	status_is("0 of 4 secrets delivered; zero: courier: hung up");
	log_is("W zero: courier: hung up\n");
}

/* If the realm as a whole is refused, or the KBS cannot be reached, the other secrets are not
 * requested, and all of them are tried again together. */
static void a_failure_of_the_handshake_applies_to_all_secrets(void **state)
{
	static const enum error_kind kinds[] = { ERROR_ATTESTATION, ERROR_TLS,	   ERROR_NO_DRIVER,
						 ERROR_SYSTEM,	    ERROR_NETWORK, ERROR_PROTOCOL };

	(void)state;
	world.ear_lost = true;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		error_set(&world.answer[1], kinds[i], "refused");
		pass_at_once();
		asked(i ? "1" : "01"); /* the first is already delivered */
		assert_int_equal(secrets[3].error.kind, kinds[i]);
		assert_string_equal(secrets[3].error.text, "refused");
		assert_int_equal(secrets[3].due, secrets[1].due);
		bytes_clear(&logged);
	}
	for (int i = 1; i < 4; i++) {
		pass_when_due();
		asked("1");
		assert_int_equal(wait_ms(), (1000 << i) - 1);
	}
	world.ear_lost = false; /* so only this resource was refused */
	pass_when_due();
	asked("123");
	assert_int_equal(keeper_failure(&keeper)->kind, ERROR_PROTOCOL);
	assert_true(secret_is_there(&secrets[2]) && secret_is_there(&secrets[3]));
}

/* Otherwise one resource behind a faulty part of the KBS would stop all others. */
static void a_wrong_answer_of_one_resource_does_not_stop_the_others(void **state)
{
	static const enum error_kind kinds[] = { ERROR_NETWORK,	  ERROR_PROTOCOL, ERROR_ATTESTATION,
						 ERROR_NOT_FOUND, ERROR_POLICY,	  ERROR_INPUT,
						 ERROR_SYSTEM,	  ERROR_DELIVERY };

	(void)state;
	world.ear_kept = true;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (int k = 0; k < 4; k++)
			lose(k);
		error_set(&world.answer[0], kinds[i], "wrong");
		pass_at_once();
		asked("0123");
		world.put[0] = '\0';
		assert_true(secret_is_there(&secrets[1]) && secret_is_there(&secrets[2]) &&
			    secret_is_there(&secrets[3]));
	}
}

static void a_denial_is_explained_once(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		error_set(&world.answer[i], ERROR_POLICY, "denied");
	pass_at_once();
	log_is("E zero: denied\nW Executables [warning]\nW advice: endorse the RIM\n"
	       "E one: denied\nE two: denied\nI three: delivered to three\n");
}

static void a_status_that_is_too_long_is_cut(void **state)
{
	char status[16];

	(void)state;
	keeper_status(&keeper, status, sizeof(status));
	assert_string_equal(status, "0 of 4 secrets ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, secrets_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pass_delivers_every_secret),
		TEST(each_delivery_is_recorded_first_if_configured),
		TEST(a_delivered_secret_is_reported_as_unchanged),
		TEST(nothing_to_deliver_is_ready_at_once),
		TEST(only_required_secrets_delay_readiness),
		TEST(the_first_required_failure_is_reported),
		TEST(a_secret_that_cannot_be_put_is_missing),
		TEST(a_full_keyring_is_tried_again),
		TEST(what_can_change_is_tried_again),
		TEST(what_needs_a_person_is_not_tried_again),
		TEST(each_secret_is_tried_again_in_its_time),
		TEST(a_denial_is_tried_again_with_a_new_ear),
		TEST(after_a_denial_a_new_ear_is_used_on_request),
		TEST(an_ear_that_was_not_denied_is_kept),
		TEST(a_courier_that_dies_ends_the_pass),
		TEST(a_failure_of_the_handshake_applies_to_all_secrets),
		TEST(a_wrong_answer_of_one_resource_does_not_stop_the_others),
		TEST(a_denial_is_explained_once),
		TEST(a_status_that_is_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
