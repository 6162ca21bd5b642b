// SPDX-License-Identifier: Apache-2.0
/* Several files for one secret: copies, templates, and the copy for realmkey-local. */
#include "keeper_sinks.h"

static struct config_hook reload = { .action = CONFIG_RELOAD, .unit = (char *)"nginx.service" };
static struct config_allow allow = { .kind = CONFIG_PEER_UID, .name = (char *)"app" };

/* --- groups ---------------------------------------------------------------------------------- */

static void what_changes_together_is_a_group(void **state)
{
	(void)state;
	configs[0].file = (char *)"a/user";
	configs[2].file = (char *)"a/cert";
	begin();
	assert_int_equal(keeper.groups, 3);
	assert_int_equal(keeper.group[0].secret, 0);
	assert_int_equal(secrets[0].next, 2);
	assert_int_equal(secrets[2].next, GROUPS_END);
	assert_int_equal(keeper.units, 3);
	template_make("{{password}} {{json}}");
	begin();
	assert_int_equal(keeper.groups, 2);
	assert_int_equal(secrets[1].next, 3);
	template_make("{{json}} {{cert}} {{password}}");
	begin();
	assert_int_equal(keeper.groups, 1);
	key_only(1);
	template_make("{{json}} {{cert}}");
	begin();
	assert_int_equal(keeper.groups, 2);
	assert_int_equal(keeper.group[1].secret, 1);
	assert_int_equal(keeper.group[1].unit, GROUPS_END);
}

static void a_secret_is_in_each_of_its_files(void **state)
{
	(void)state;
	own_files();
	file_add("copy/cert", 2, NULL);
	secrets_next();
	pass();
	is(content("cert"), SECRET "0");
	is(content("copy/cert"), SECRET "0");
	assert_non_null(strstr(world.put, "copy/cert:440:11:21 |"));
	world.value[2] = 1;
	pass_when_due();
	is(world.put, "cert:400:10:20 |copy/cert:440:11:21 |");
	assert_int_equal(secrets[2].version, 2);
	strcpy(world.file[4].content, "changed by its owner");
	pass_when_due();
	is(world.put, "copy/cert:440:11:21 |");
}

static void a_copy_is_served(void **state)
{
	(void)state;
	configs[1].file = NULL;
	configs[1].allow = &allow;
	configs[1].allows = 1;
	begin();
	pass();
	is(content(".serve.password"), SECRET "0");
	assert_non_null(strstr(world.put, ".serve.password:400:"));
	assert_int_equal(world.touched, 1);
	assert_true(keeper_ready(&keeper));
	assert_non_null(strstr(bytes_text(&logged), "I password: delivered to realmkey-local\n"));
	secrets_next();
	assert_int_equal(secrets[1].state, STATUS_DELIVERED);
	assert_int_equal(secrets[1].due, now + 80 * MINUTES);
}

/* --- templates ------------------------------------------------------------------------------- */

static void a_template_changes_with_each_of_its_secrets(void **state)
{
	(void)state;
	configs[1].refresh = 0;
	template_make("u={{user}} p={{password}}");
	begin();
	pass();
	is(content(TEMPLATE), "u=" SECRET "0 p=" SECRET "0");
	world.value[0] = world.value[1] = 1;
	pass_when_due(); /* the password is not refreshed, and yet needed */
	is(world.asked, "0123");
	is(content(TEMPLATE), "u=" SECRET "1 p=" SECRET "1");
	pass_when_due();
	is(world.asked, "023");
	is(world.put, "");
}

static void a_template_waits_for_a_secret_that_was_never_delivered(void **state)
{
	(void)state;
	template_make("{{user}} {{json}}");
	error_set(&world.answer[3], ERROR_NOT_FOUND, "HTTP 404");
	begin();
	pass();
	is(content(TEMPLATE), "");
	is(content("user"), SECRET "0");
	assert_true(keeper_ready(&keeper)); /* json is optional */
	status_is("3 of 4 secrets delivered; without " TEMPLATE "; json: HTTP 404");
	pass_when_due();
	is(world.asked, "3");
	world.answer[3] = (struct error)ERROR_INIT;
	pass_when_due();
	is(world.asked, "30");
	is(content(TEMPLATE), SECRET "0 " SECRET "0");
	status_is("all 4 secrets delivered");
}

static void a_template_stays_if_one_of_its_secrets_cannot_be_confirmed(void **state)
{
	(void)state;
	template_make("{{user}} {{json}}");
	begin();
	pass();
	world.value[0] = 1;
	error_set_transient(&world.answer[3], ERROR_NETWORK, "HTTP 500");
	pass_when_due();
	is(content("user"), SECRET "1");
	is(content(TEMPLATE), SECRET "0 " SECRET "0");
	world.answer[3] = (struct error)ERROR_INIT;
	pass_when_due(); /* only json is due, but the template is not forgotten */
	is(world.asked, "30");
	is(content(TEMPLATE), SECRET "1 " SECRET "0");
	pass_when_due();
	is(world.put, "");
}

static void a_template_that_cannot_be_made_is_an_error_of_its_secret(void **state)
{
	(void)state;
	configs[2].file = (char *)"app/cert"; /* so that the template is not in the last unit */
	template_make("{{user}} {{json:/port}}");
	world.json = "{\"port\": 1}";
	begin();
	pass();
	is(content(TEMPLATE), SECRET "0 1");
	world.json = "{\"host\": 1}";
	world.value[0] = 1;
	bytes_clear(&logged);
	pass_when_due();
	is(content(TEMPLATE), SECRET "0 1");
	is(content("user"), SECRET "1");
	is(content("json"), "{\"host\": 1}");
	assert_int_equal(secrets[3].version, 2);
	assert_int_equal(secrets[3].error.kind, ERROR_INPUT);
	assert_non_null(strstr(secrets[3].error.text, TEMPLATE ": "));
	assert_null(strstr(bytes_text(&logged), SECRET));
	assert_int_equal(secrets[0].error.kind, ERROR_NONE);
	pass_when_due();
	is(world.asked, "302");
	assert_int_equal(secrets[3].error.kind, ERROR_INPUT);
	world.json = "{\"port\": 2}";
	pass_when_due();
	is(content(TEMPLATE), SECRET "1 2");
	assert_int_equal(secrets[3].error.kind, ERROR_NONE);
}

static void a_template_alone_holds_its_secrets(void **state)
{
	(void)state;
	configs[0].file = configs[3].file = NULL;
	configs[3].required = true;
	template_make("{{user}} {{json}}");
	error_set(&world.answer[3], ERROR_NOT_FOUND, "HTTP 404");
	begin();
	pass();
	assert_int_equal(secrets[0].state, STATUS_MISSING);
	is(secrets[0].error.text, "waits for json, because they change together: HTTP 404");
	world.answer[3] = (struct error)ERROR_INIT;
	pass_when_due();
	is(content(TEMPLATE), SECRET "0 " SECRET "0");
	assert_true(keeper_ready(&keeper));
	secrets_next();
	assert_true(keeper_ready(&keeper));
	assert_int_equal(secrets[0].due, now + 80 * MINUTES);
	pass_when_due();
	is(world.asked, "12");
	pass_when_due();
	is(world.asked, "03");
	is(world.put, "");
}

/* By the next keeper, which has another template, and its old values. */
static void another_template_is_written_at_once(void **state)
{
	(void)state;
	configs[0].hook = &reload;
	configs[0].hooks = 1;
	template_make("{{user}}");
	begin();
	pass();
	is(world.hooks, "0");
	secrets_next();
	pass();
	is(world.asked, "");
	template_make("user={{user}}");
	begin();
	pass();
	is(world.asked, "0");
	is(world.put, TEMPLATE ":440:11:21 |");
	is(world.hooks, "0");
	assert_int_equal(secrets[0].version, 1);
}

static void a_new_file_is_due_at_once(void **state)
{
	(void)state;
	begin();
	pass();
	own_files();
	file_add("copy", 2, NULL);
	secrets_next();
	assert_false(keeper_ready(&keeper));
	pass();
	is(world.asked, "2");
	assert_true(keeper_ready(&keeper));
}

static void each_file_of_a_stale_secret_is_removed(void **state)
{
	(void)state;
	key_only(1);
	configs[0].stale_after = configs[1].stale_after = 200 * MINUTES;
	configs[0].on_stale = configs[1].on_stale = CONFIG_STALE_REMOVE;
	template_make("{{user}} {{cert}}");
	begin();
	pass();
	error_set(&world.answer[0], ERROR_NOT_FOUND, "HTTP 404");
	error_set(&world.answer[1], ERROR_NOT_FOUND, "HTTP 404");
	while (secrets[0].state == STATUS_DELIVERED)
		pass_when_due();
	is(content("user"), "");
	is(content(TEMPLATE), "");
	is(content("cert"), SECRET "0");
	is(world.keys, "remove 1|");
	assert_int_equal(secrets[1].state, STATUS_REMOVED);
	world.answer[0] = world.answer[1] = (struct error)ERROR_INIT;
	pass_when_due();
	is(content("user"), SECRET "0");
	is(content(TEMPLATE), SECRET "0 " SECRET "0");
	is(world.keys, "set 1 " SECRET "0|");
	assert_true(keeper_ready(&keeper));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_changes_together_is_a_group),
		TEST(a_secret_is_in_each_of_its_files),
		TEST(a_copy_is_served),
		TEST(a_template_changes_with_each_of_its_secrets),
		TEST(a_template_waits_for_a_secret_that_was_never_delivered),
		TEST(a_template_stays_if_one_of_its_secrets_cannot_be_confirmed),
		TEST(a_template_that_cannot_be_made_is_an_error_of_its_secret),
		TEST(a_template_alone_holds_its_secrets),
		TEST(another_template_is_written_at_once),
		TEST(a_new_file_is_due_at_once),
		TEST(each_file_of_a_stale_secret_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
