// SPDX-License-Identifier: Apache-2.0
/* Kernel keys and hooks of secrets, and what a next keeper knows of them. */
#include <openssl/hmac.h>

#include "keeper_sinks.h"

static struct config_hook reload = { .action = CONFIG_RELOAD, .unit = (char *)"nginx.service" };

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
