// SPDX-License-Identifier: Apache-2.0
/* The keeper's configuration from files, and the order of its start. */
#include "keeper_world.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"

static struct settings settings = SETTINGS_INIT;
static struct error error;
static char directory[] = "/tmp/test_keeper.XXXXXX";

#define CONF	"[kbs]\nurl = https://kbs\n"
#define SECTION "[secret a]\nresource = r/t/a\n"

static const char *path_of(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void file_write(const char *name, const char *text)
{
	assert_int_equal(io_write_file(path_of(name), 0600, text, strlen(text), &error), 0);
}

/* The keeper refers to the path, so it is in a buffer of its own. */
static const char *conf_path(void)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/conf", directory);
	return path;
}

/* Reads the configuration @text, in which '@' stands for the directory. */
static int configure(const char *text)
{
	struct bytes whole = BYTES_INIT;

	for (; *text; text++)
		bytes_append_text(&whole, *text == '@' ? directory : (char[]){ *text, '\0' });
	file_write("conf", bytes_text(&whole));
	bytes_free(&whole);
	keeper_stop(&keeper);
	settings_free(&settings);
	error = (struct error)ERROR_INIT;
	return settings_read(&settings, conf_path(), NULL, NULL, &error);
}

static int start(void)
{
	keeper_stop(&keeper);
	return keeper_start(&keeper, &settings, "/courier", "/keyring", 1, &error);
}

static int setup(void **state)
{
	(void)state;
	world_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path_of("conf"));
	unlink(path_of("ca.pem"));
	keeper_stop(&keeper);
	settings_free(&settings);
	world_free();
	return 0;
}

static void the_courier_gets_the_ca(void **state)
{
	(void)state;
	file_write("ca.pem", "certificates");
	assert_int_equal(configure(CONF "ca = @/ca.pem\n" SECTION), 0);
	assert_int_equal(start(), 0);
	assert_string_equal(bytes_text(&world.ca), "certificates");
	assert_string_equal(world.calls, "RKC");
	assert_int_equal(configure(CONF SECTION), 0);
	assert_int_equal(start(), 0);
	assert_false(world.ca_given);
}

/* Only the courier parses the file. */
static void a_ca_file_without_certificates_is_a_configuration_error(void **state)
{
	char text[256];

	(void)state;
	file_write("ca.pem", "rubbish");
	error_set(&world.courier, ERROR_INPUT, "CA: no certificate");
	assert_int_equal(configure(CONF "ca = @/ca.pem\n" SECTION), 0);
	assert_int_equal(start(), -1);
	assert_int_equal(error.kind, ERROR_CONFIG);
	snprintf(text, sizeof(text), "%s:3: [kbs] ca: %s: CA: no certificate", conf_path(),
		 path_of("ca.pem"));
	assert_string_equal(error.text, text);
}

static void start_stops_at_the_first_failure(void **state)
{
	(void)state;
	assert_int_equal(configure(CONF SECTION), 0);
	world.no_realm = true;
	assert_int_equal(start(), -1);
	assert_int_equal(error.kind, ERROR_NO_REALM);
	assert_string_equal(world.calls, "R");
	world.no_realm = false;
	world.no_keyring = true;
	assert_int_equal(start(), -1);
	assert_int_equal(error.kind, ERROR_DELIVERY);
	assert_string_equal(world.calls, "RRK");
	world.no_keyring = false;
	error_set(&world.courier, ERROR_SYSTEM, "no courier");
	assert_int_equal(start(), -1);
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_true(keeper_lost(&keeper));
}

/* It would need to keep another capability, and sendmsg(). */
static void netlink_is_refused(void **state)
{
	char text[160];

	(void)state;
	world.source = "netlink";
	assert_int_equal(configure(CONF "source = device\n" SECTION), 0);
	assert_int_equal(start(), -1);
	assert_int_equal(error.kind, ERROR_CONFIG);
	snprintf(text, sizeof(text),
		 "%s:3: [kbs] source: realmkeyd reads the realm through its "
		 "device only",
		 conf_path());
	assert_string_equal(error.text, text);
	assert_int_equal(configure(CONF SECTION), 0);
	assert_int_equal(start(), -1);
	assert_int_equal(error.kind, ERROR_NO_DRIVER);
	assert_string_equal(world.calls, "RR");
}

static int group_setup(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int group_teardown(void **state)
{
	(void)state;
	return rmdir(directory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_courier_gets_the_ca),
		TEST(a_ca_file_without_certificates_is_a_configuration_error),
		TEST(start_stops_at_the_first_failure),
		TEST(netlink_is_refused),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
