// SPDX-License-Identifier: Apache-2.0
/* Several places for one secret: files, templates, a copy for realmkey-local, a kernel key, hooks; and what a next keeper
 * knows of them. */
#include <openssl/hmac.h>

#include "keeper_secrets.h"

#define TEMPLATE "app/env"

static struct config_hook reload = { .action = CONFIG_RELOAD, .unit = (char *)"nginx.service" };
static struct config_allow allow = { .kind = CONFIG_PEER_UID, .name = (char *)"app" };
static struct template template;
static char *names[] = { (char *)"user", (char *)"password", (char *)"cert", (char *)"json" };
static char *paths[] = { (char *)"user", (char *)"password", (char *)"cert", (char *)"json" };

static int name_find(void *context, const char *name, size_t len)
{
	(void)context;
	for (int i = 0; i < 4; i++)
		if (strlen(names[i]) == len && !memcmp(names[i], name, len))
			return i;
	return -1;
}

static void template_make(const char *text)
{
	struct error e = ERROR_INIT;

	template_free(&template);
	if (template_parse(&template, text, strlen(text), name_find, NULL, &e) < 0)
		fail_msg("%s", e.text);
}

static int setup(void **state)
{
	(void)state;
	secrets_make(names, paths, 100 * MINUTES);
	return 0;
}

static int teardown(void **state)
{
	template_free(&template);
	return secrets_free(state);
}

/* The configuration has been changed: begin with it. */
static void begin(void)
{
	own_files();
	if (template.count)
		file_add(TEMPLATE, CONFIG_NO_SECRET, &template);
	secrets_next();
	bytes_clear(&logged);
}

static void pass(void)
{
	world.asked[0] = world.put[0] = world.keys[0] = world.hooks[0] = '\0';
	keeper_run(&keeper, now);
	assert_null(keeper_age(&keeper, now));
	keeper_plan(&keeper, now, UINT32_MAX);
	keeper_publish(&keeper, now);
	for (int i = 0; i < 4; i++)
		assert_null(secrets[i].value.data);
}

static void pass_when_due(void)
{
	assert_true(keeper_next(&keeper) != RETRY_NEVER);
	now = keeper_next(&keeper);
	pass();
}

static void is(const char *has, const char *expected)
{
	assert_string_equal(has, expected);
}

static const char *content(const char *path)
{
	for (size_t i = 0; i < world.files; i++)
		if (!strcmp(world.file[i].name, path))
			return world.file[i].content;
	fail_msg("%s is not declared", path);
	return NULL;
}

static void status_is(const char *text)
{
	char status[256];

	keeper_status(&keeper, status, sizeof(status));
	assert_string_equal(status, text);
}

/* Secret number @i has a kernel key and no file. */
static void key_only(int i)
{
	configs[i].file = NULL;
	configs[i].key = CONFIG_KEY_LOGON;
	configs[i].key_name = (char *)"realmkey:x";
}

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

/* --- keys ------------------------------------------------------------------------------------ */

static void a_key_is_set_confirmed_and_replaced(void **state)
{
	(void)state;
	key_only(1);
	configs[2].key = CONFIG_KEY_USER;
	configs[2].key_name = (char *)"cert";
	begin();
	pass();
	is(world.keys, "set 1 " SECRET "0|set 2 " SECRET "0|");
	assert_non_null(strstr(bytes_text(&logged), "I password: delivered to realmkey:x\n"));
	assert_true(keeper_ready(&keeper));
	pass_when_due();
	is(world.keys, "confirm 1|confirm 2|");
	assert_int_equal(secrets[1].version, 1);
	world.value[1] = 1;
	pass_when_due();
	is(world.keys, "set 1 " SECRET "1|confirm 2|");
	assert_int_equal(secrets[1].version, 2);
	assert_int_equal(secrets[1].changed, now);
}

/* The files are delivered, and a next keeper connects, not too often. */
static void a_key_that_cannot_be_set_is_tried_again_by_the_next_keeper(void **state)
{
	int64_t last = 0;

	(void)state;
	configs[2].key = CONFIG_KEY_USER;
	configs[2].key_name = (char *)"cert";
	world.keys_away = true;
	begin();
	for (int i = 0; i < 4; i++) {
		assert_false(keeper_needs_keys(&keeper, now));
		pass();
		is(content("cert"), SECRET "0");
		assert_false(keeper_ready(&keeper));
		assert_int_equal(secrets[2].error.kind, ERROR_DELIVERY);
		is(secrets[2].error.text, "realmkey-keys: not reachable");
		assert_false(keeper_needs_keys(&keeper, now));
		assert_true(secrets[2].due - now > last);
		last = secrets[2].due - now;
		now = secrets[2].due;
		assert_true(keeper_needs_keys(&keeper, now));
		secrets_next();
	}
	world.keys_away = false;
	secrets_next();
	pass();
	is(world.keys, "set 2 " SECRET "0|");
	is(world.put, "");
	assert_true(keeper_ready(&keeper));
	assert_int_equal(secrets[2].version, 1);
}

static void a_connection_that_breaks_is_an_error_of_the_secret(void **state)
{
	(void)state;
	key_only(1);
	begin();
	pass();
	world.keys_die = true;
	world.value[1] = 1;
	pass_when_due();
	is(secrets[1].error.text, "kernel key realmkey:x: realmkey-keys: hung up");
	assert_int_equal(secrets[1].version, 1);
	now = secrets[1].due;
	assert_true(keeper_needs_keys(&keeper, now));
	world.keys_die = false;
	secrets_next();
	assert_true(keeper_ready(&keeper)); /* with the old value */
	pass();
	is(world.keys, "set 1 " SECRET "1|");
	assert_int_equal(secrets[1].version, 2);
}

static void a_key_that_is_refused_is_tried_again(void **state)
{
	(void)state;
	key_only(1);
	world.keys_refuse = true;
	begin();
	pass();
	assert_int_equal(secrets[1].state, STATUS_MISSING);
	now = secrets[1].due;
	assert_false(keeper_needs_keys(&keeper, now));
	world.keys_refuse = false;
	pass();
	is(world.keys, "set 1 " SECRET "0|");
	assert_true(keeper_ready(&keeper));
}

/* It has expired while the KBS was away, or another process has removed it. */
static void a_key_that_is_gone_is_made_again(void **state)
{
	(void)state;
	key_only(1);
	begin();
	pass();
	world.key[1] = false;
	pass_when_due();
	is(world.keys, "set 1 " SECRET "0|");
	assert_true(keeper_ready(&keeper));
	assert_int_equal(secrets[1].version, 1);
}

/* --- another process ------------------------------------------------------------------------- */

static void a_next_keeper_knows_the_value_of_a_key(void **state)
{
	(void)state;
	key_only(1);
	configs[1].hook = &reload;
	configs[1].hooks = 1;
	begin();
	pass();
	is(world.hooks, "1");
	secrets_next();
	assert_true(keeper_ready(&keeper));
	assert_int_equal(secrets[1].success, now);
	pass_when_due();
	is(world.keys, "confirm 1|");
	is(world.hooks, "");
	world.key[1] = false; /* somebody has revoked it */
	secrets_next();
	assert_false(keeper_ready(&keeper));
	pass();
	is(world.keys, "set 1 " SECRET "0|");
}

static void without_digests_the_key_is_set_again(void **state)
{
	(void)state;
	key_only(1);
	begin();
	pass();
	bytes_set(&world.digests, "RKDIGST1 and then too little", 28);
	secrets_next();
	pass_when_due();
	is(world.keys, "set 1 " SECRET "0|");
	is(world.put, "");
}

static void the_digests_have_no_value_and_no_name(void **state)
{
	uint8_t digest[KEEPER_DIGEST_SIZE];

	(void)state;
	begin();
	pass();
	assert_int_equal(world.digests.len, 8 + 32 + 4 * 72);
	assert_null(memmem(world.digests.data, world.digests.len, SECRET, strlen(SECRET)));
	assert_null(memmem(world.digests.data, world.digests.len, "cert", 4));
	HMAC(EVP_sha256(), world.digests.data + 8, 32, (const uint8_t *)SECRET "0",
	     strlen(SECRET "0"), digest, NULL);
	assert_memory_equal(secrets[0].digest, digest, sizeof(digest));
	assert_non_null(memmem(world.digests.data, world.digests.len, digest, sizeof(digest)));
}

/* --- hooks ----------------------------------------------------------------------------------- */

static void hooks_follow_the_whole_pass(void **state)
{
	(void)state;
	configs[0].hook = configs[2].hook = &reload;
	configs[0].hooks = configs[2].hooks = 1;
	begin();
	pass();
	is(world.hooks, "02");
	pass_when_due();
	is(world.hooks, "");
	world.value[2] = world.value[1] = 1;
	pass_when_due();
	is(world.hooks, "2");
}

static void a_hook_that_fails_is_called_again(void **state)
{
	(void)state;
	configs[0].hook = &reload;
	configs[0].hooks = 1;
	world.hooks_refuse = true;
	begin();
	pass();
	world.hooks_refuse = false;
	pass_when_due();
	is(world.hooks, "0");
	world.hooks_refuse = true;
	world.value[0] = 1;
	for (int i = 0; i < 5; i++)
		pass_when_due();
	assert_non_null(strstr(bytes_text(&logged), "E user: hooks: realmkey-hooks: refused; not "
						    "tried again until the secret changes\n"));
	world.hooks_refuse = false;
	pass_when_due();
	is(world.hooks, "");
}

static void a_change_that_no_hook_heard_of_is_kept_for_the_next_keeper(void **state)
{
	(void)state;
	configs[0].hook = &reload;
	configs[0].hooks = 1;
	world.hooks_away = true;
	begin();
	pass();
	assert_true(keeper_ready(&keeper));
	pass_when_due();
	world.hooks_away = false;
	world.hooks_die = true;
	secrets_next();
	pass();
	assert_non_null(strstr(bytes_text(&logged), "E hooks: realmkey-hooks: hung up; "));
	world.hooks_die = false;
	secrets_next();
	pass();
	is(world.asked, "");
	is(world.hooks, "0");
	secrets_next();
	pass();
	is(world.hooks, "");
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
		TEST(a_key_is_set_confirmed_and_replaced),
		TEST(a_key_that_cannot_be_set_is_tried_again_by_the_next_keeper),
		TEST(a_connection_that_breaks_is_an_error_of_the_secret),
		TEST(a_key_that_is_refused_is_tried_again),
		TEST(a_key_that_is_gone_is_made_again),
		TEST(a_next_keeper_knows_the_value_of_a_key),
		TEST(without_digests_the_key_is_set_again),
		TEST(the_digests_have_no_value_and_no_name),
		TEST(hooks_follow_the_whole_pass),
		TEST(a_hook_that_fails_is_called_again),
		TEST(a_change_that_no_hook_heard_of_is_kept_for_the_next_keeper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
