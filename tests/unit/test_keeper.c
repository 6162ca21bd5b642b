// SPDX-License-Identifier: Apache-2.0
/* The keeper's decisions, with secrets that the tests define. */
#include "base/array.h"
#include "keeper_world.h"

static struct config_secret configs[4];
static struct keeper_secret secrets[4];

static int setup(void **state)
{
	static char *const names[] = { (char *)"zero", (char *)"one", (char *)"two",
				       (char *)"three" };
	static char *const resources[] = { (char *)"r/t/0", (char *)"r/t/1", (char *)"r/t/2",
					   (char *)"r/t/3" };

	(void)state;
	world_make();
	for (int i = 0; i < 4; i++) {
		configs[i] = (struct config_secret){ .name = names[i],
						     .resource = resources[i],
						     .file = names[i],
						     .mode = 0400,
						     .required = i != 3 };
		secrets[i] = (struct keeper_secret){ .config = &configs[i], .uid = 10, .gid = 20 };
	}
	keeper.config.secret = configs;
	keeper.config.count = 4;
	keeper.secret = secrets;
	keeper.session.courier.fd = 0;
	bytes_append_text(&keeper.session.ear, "e.a.r");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_free();
	return 0;
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
	keeper_run(&keeper, KEEPER_ALL);
	asked("0123");
	assert_string_equal(world.put,
			    "zero:400:10:20 one:400:10:20 two:400:10:20 three:400:10:20 ");
	assert_true(keeper_ready(&keeper));
	assert_null(keeper_failure(&keeper));
	assert_false(keeper_retry(&keeper));
	status_is("all 4 secrets delivered");
	log_is("I zero: delivered to zero\nI one: delivered to one\nI two: delivered to two\n"
	       "I three: delivered to three\n");
	keeper_run(&keeper, KEEPER_ALL);
	asked("");
	log_is("");
}

static void each_delivery_is_recorded_first_if_configured(void **state)
{
	(void)state;
	keeper.config.count = 1;
	keeper_run(&keeper, KEEPER_ALL);
	assert_string_equal(world.recorded, "");
	secrets[0].delivered = false;
	keeper.config.measure_register = 3;
	world.log_full = true;
	world.put[0] = '\0';
	keeper_run(&keeper, KEEPER_ALL);
	assert_string_equal(world.recorded, "3 r/t/0 a0");
	assert_string_equal(world.put, "");
	assert_int_equal(keeper_failure(&keeper)->kind, ERROR_DELIVERY);
	world.log_full = false;
	keeper_run(&keeper, KEEPER_ALL);
	assert_true(keeper_ready(&keeper));
}

static void a_delivered_secret_is_reported_as_unchanged(void **state)
{
	(void)state;
	world.unchanged = true;
	keeper.config.count = 1;
	keeper_run(&keeper, KEEPER_ALL);
	assert_true(keeper_ready(&keeper));
	log_is("I zero: unchanged: zero\n");
}

static void nothing_to_deliver_is_ready_at_once(void **state)
{
	(void)state;
	keeper.config.count = 0;
	keeper_run(&keeper, KEEPER_ALL);
	assert_true(keeper_ready(&keeper));
	assert_false(keeper_retry(&keeper));
	status_is("all 0 secrets delivered");
}

static void only_required_secrets_delay_readiness(void **state)
{
	(void)state;
	error_set(&world.answer[3], ERROR_NOT_FOUND, "resource r/t/3: not found");
	keeper_run(&keeper, KEEPER_ALL);
	assert_true(keeper_ready(&keeper));
	assert_null(keeper_failure(&keeper));
	assert_false(keeper_retry(&keeper));
	status_is("3 of 4 secrets delivered; three: resource r/t/3: not found");
	assert_non_null(strstr(bytes_text(&logged), "W three: resource r/t/3: not found\n"));
}

static void the_first_required_failure_is_reported(void **state)
{
	(void)state;
	error_set(&world.answer[1], ERROR_POLICY, "denied");
	error_set_transient(&world.answer[2], ERROR_NETWORK, "no connection");
	keeper_run(&keeper, KEEPER_ALL);
	assert_false(keeper_ready(&keeper));
	assert_int_equal(keeper_failure(&keeper)->kind, ERROR_POLICY);
	assert_int_equal(error_exit_code(keeper_failure(&keeper)), 8);
	assert_true(keeper_retry(&keeper));
	status_is("2 of 4 secrets delivered; one: denied");
	log_is("I zero: delivered to zero\n"
	       "E one: denied\nW Executables [warning]\nW advice: endorse the RIM\n"
	       "E two: no connection\n"
	       "I three: delivered to three\n");
}

static void a_secret_that_cannot_be_put_is_missing(void **state)
{
	(void)state;
	configs[0].file = (char *)"full";
	keeper_run(&keeper, KEEPER_ALL);
	assert_int_equal(keeper_failure(&keeper)->kind, ERROR_DELIVERY);
	assert_false(keeper_retry(&keeper));
	assert_non_null(strstr(bytes_text(&logged), "E zero: full: No space left on device\n"));
}

static void only_transient_failures_are_retried(void **state)
{
	(void)state;
	error_set(&world.answer[0], ERROR_POLICY, "denied");
	error_set_transient(&world.answer[1], ERROR_NETWORK, "no connection");
	error_set(&world.answer[3], ERROR_NOT_FOUND, "none");
	keeper_run(&keeper, KEEPER_ALL);
	asked("0123");
	keeper_run(&keeper, KEEPER_TRANSIENT);
	asked("1");
	world.answer[1] = (struct error)ERROR_INIT;
	keeper_run(&keeper, KEEPER_TRANSIENT);
	asked("1");
	assert_false(keeper_retry(&keeper));
	keeper_run(&keeper, KEEPER_TRANSIENT);
	asked("");
	keeper_run(&keeper, KEEPER_ALL);
	asked("03");
}

/* A denied EAR is denied until it expires, even if the realm has been endorsed in the meantime. */
static void after_a_denial_a_new_ear_is_used_on_request(void **state)
{
	(void)state;
	error_set(&world.answer[0], ERROR_POLICY, "denied");
	error_set_transient(&world.answer[1], ERROR_NETWORK, "no connection");
	keeper_run(&keeper, KEEPER_ALL);
	assert_int_equal(world.ear_len[0], 5);
	asked("0123");
	keeper_run(&keeper, KEEPER_TRANSIENT);
	assert_int_equal(world.ear_len[0], 5); /* the EAR is good enough for the others */
	asked("1");
	keeper_run(&keeper, KEEPER_ALL);
	assert_int_equal(world.ear_len[0], 0);
	asked("01");
}

static void an_ear_that_was_not_denied_is_kept(void **state)
{
	(void)state;
	error_set_transient(&world.answer[1], ERROR_NETWORK, "no connection");
	keeper_run(&keeper, KEEPER_ALL);
	asked("0123");
	keeper_run(&keeper, KEEPER_ALL);
	assert_int_equal(world.ear_len[0], 5);
	asked("1");
}

/* No more secrets can be requested, and none of the missing ones may look delivered. */
static void a_courier_that_dies_ends_the_pass(void **state)
{
	(void)state;
	configs[0].required = false;
	world.dies_at = 0;
	keeper_run(&keeper, KEEPER_ALL);
	asked("0");
	assert_true(keeper_lost(&keeper));
	assert_false(keeper_ready(&keeper));
	assert_int_equal(error_exit_code(keeper_failure(&keeper)), 11);
	assert_string_equal(keeper_failure(&keeper)->text, "courier: hung up");
	assert_false(keeper_retry(&keeper));
	status_is("0 of 4 secrets delivered; zero: courier: hung up");
	log_is("W zero: courier: hung up\n");
}

/* If the realm as a whole is refused, the other secrets are not requested. */
static void a_refusal_of_the_realm_applies_to_all_secrets(void **state)
{
	static const enum error_kind kinds[] = { ERROR_ATTESTATION, ERROR_TLS, ERROR_NO_DRIVER,
						 ERROR_SYSTEM };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		error_set(&world.answer[1], kinds[i], "refused");
		keeper_run(&keeper, KEEPER_ALL);
		asked(i ? "1" : "01"); /* the first is already delivered */
		assert_int_equal(secrets[3].error.kind, kinds[i]);
		assert_string_equal(secrets[3].error.text, "refused");
		bytes_clear(&logged);
	}
	error_set_transient(&world.answer[1], ERROR_ATTESTATION, "refused, for now");
	keeper_run(&keeper, KEEPER_ALL);
	keeper_run(&keeper, KEEPER_TRANSIENT);
	asked("11");
	assert_true(keeper_retry(&keeper));
	world.ear_kept = true; /* so only this resource was refused */
	keeper_run(&keeper, KEEPER_TRANSIENT);
	asked("123");
	assert_int_equal(keeper_failure(&keeper)->kind, ERROR_ATTESTATION);
	assert_true(secrets[2].delivered && secrets[3].delivered);
}

static void a_denial_is_explained_once(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		error_set(&world.answer[i], ERROR_POLICY, "denied");
	keeper_run(&keeper, KEEPER_ALL);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		TEST(only_transient_failures_are_retried),
		TEST(after_a_denial_a_new_ear_is_used_on_request),
		TEST(an_ear_that_was_not_denied_is_kept),
		TEST(a_courier_that_dies_ends_the_pass),
		TEST(a_refusal_of_the_realm_applies_to_all_secrets),
		TEST(a_denial_is_explained_once),
		TEST(a_status_that_is_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
