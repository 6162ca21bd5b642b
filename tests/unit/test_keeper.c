// SPDX-License-Identifier: Apache-2.0
/* The keeper's decisions. The KBS, the realm, the keyring and the courier are functions of this file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "keeper.h"
#include "log.h"
#include "record.h"

#define SECRET "sesame"

/* What the parts outside of the keeper do, and what they saw. */
static struct {
	struct error answer[8];		/* to the resources r/t/0, r/t/1, ...; no error: SECRET */
	int dies_at;			/* the resource at whose request the courier dies, or -1 */
	char asked[32];			/* the resources' numbers, in order */
	size_t ear_len[8];		/* of the session, at each request */
	char put[64];			/* "file:mode:uid:gid " of each */
	bool unchanged;
	bool no_realm, no_keyring, no_courier;
	char calls[32];			/* R realm, K keyring, C courier */
	char recorded[32];		/* the last one: register, resource, JWE's digest */
	bool log_full;
	struct bytes ca;		/* what the courier was started with */
	bool ca_given;
} world;

static struct bytes logged = BYTES_INIT;
static struct keeper keeper = KEEPER_INIT;
static struct error error;
static char directory[] = "/tmp/test_keeper.XXXXXX";

static void called(char *list, size_t size, char c)
{
	size_t len = strlen(list);

	assert_true(len + 1 < size);
	list[len] = c;
	list[len + 1] = '\0';
}

/* --- the parts outside ------------------------------------------------------------------------ */

int session_get(struct session *s, const char *path, struct bytes *secret, struct error *e)
{
	int number = path[strlen(path) - 1] - '0';

	assert_true(secret->locked);
	world.ear_len[strlen(world.asked)] = s->ear.len;
	called(world.asked, sizeof(world.asked), path[strlen(path) - 1]);
	if (number == world.dies_at) {
		s->courier.fd = -1;
		return error_set(e, ERROR_PROTOCOL, "courier: hung up");
	}
	*e = world.answer[number];
	if (e->kind != ERROR_NONE)
		return -1;
	memset(s->jwe_digest, 0xa0 + number, sizeof(s->jwe_digest));
	return bytes_append_text(secret, SECRET);
}

int session_attest(struct session *s, struct error *e)
{
	(void)s;
	(void)e;
	fail_msg("not the keeper's to call");
	return -1;
}

int session_explain(const struct bytes *ear, const struct bytes *token, struct bytes *out,
		    struct error *e)
{
	(void)ear;
	(void)token;
	(void)e;
	return bytes_append_text(out, "Executables [warning]\ncure: endorse the RIM\n");
}

void session_close(struct session *s)
{
	bytes_free(&s->ear);
	*s = (struct session)SESSION_INIT;
}

int sink_tmpfs_open(struct sink_tmpfs *sink, const char *path, struct error *e)
{
	assert_string_equal(path, "/keyring");
	called(world.calls, sizeof(world.calls), 'K');
	if (world.no_keyring)
		return error_set(e, ERROR_DELIVERY, "no keyring");
	sink->dir = 0;
	return 0;
}

int sink_tmpfs_put(struct sink_tmpfs *sink, const char *file, mode_t mode, uid_t uid, gid_t gid,
		   const void *data, size_t len, struct error *e)
{
	size_t used = strlen(world.put);

	(void)sink;
	assert_int_equal(len, strlen(SECRET));
	assert_memory_equal(data, SECRET, len);
	if (!strcmp(file, "full"))
		return error_set(e, ERROR_DELIVERY, "full: No space left on device");
	snprintf(world.put + used, sizeof(world.put) - used, "%s:%o:%u:%u ", file, mode, uid, gid);
	return world.unchanged;
}

void sink_tmpfs_close(struct sink_tmpfs *sink)
{
	sink->dir = -1;
}

const char *const *rsi_sources(void)
{
	static const char *const names[] = { "device", NULL };

	return names;
}

struct rsi *rsi_open(const char *source, struct error *e)
{
	(void)source;
	called(world.calls, sizeof(world.calls), 'R');
	if (!world.no_realm)
		return (struct rsi *)&world;
	error_set(e, ERROR_NO_REALM, "no realm");
	return NULL;
}

int record_delivery(const char *source, unsigned int index, const char *resource,
		    const uint8_t jwe_digest[SESSION_DIGEST_SIZE], struct error *e)
{
	assert_null(source);
	snprintf(world.recorded, sizeof(world.recorded), "%u %s %02x", index, resource, jwe_digest[0]);
	return world.log_full ? error_set(e, ERROR_DELIVERY, "the log is full") : 0;
}

void rsi_close(struct rsi *rsi)
{
	assert_true(!rsi || rsi == (struct rsi *)&world);
}

int courier_start(struct courier *courier, const char *program,
		  const struct courier_target *target, struct error *e)
{
	assert_string_equal(program, "/courier");
	assert_string_equal(target->url, "https://kbs");
	called(world.calls, sizeof(world.calls), 'C');
	world.ca_given = target->ca;
	bytes_set(&world.ca, target->ca, target->ca ? target->ca_len : 0);
	if (world.no_courier)
		return error_set(e, ERROR_SYSTEM, "no courier");
	courier->fd = 0;
	return 0;
}

static void log_keep(enum log_level level, const char *line)
{
	static const char letter[] = { 'E', 'W', 'I', 'D' };

	bytes_printf(&logged, "%c %s\n", letter[level], line);
}

/* --- a keeper made by hand -------------------------------------------------------------------- */

static struct config_secret configs[4];
static struct keeper_secret secrets[4];

static int setup(void **state)
{
	static char *const names[] = { (char *)"zero", (char *)"one", (char *)"two", (char *)"three" };
	static char *const resources[] = { (char *)"r/t/0", (char *)"r/t/1", (char *)"r/t/2",
					   (char *)"r/t/3" };

	(void)state;
	memset(&world, 0, sizeof(world));
	world.dies_at = -1;
	keeper = (struct keeper)KEEPER_INIT;
	error = (struct error)ERROR_INIT;
	for (int i = 0; i < 4; i++) {
		configs[i] = (struct config_secret){ .name = names[i], .resource = resources[i],
						     .file = names[i], .mode = 0400,
						     .required = i != 3 };
		secrets[i] = (struct keeper_secret){ .config = &configs[i], .uid = 10, .gid = 20 };
	}
	keeper.config.secret = configs;
	keeper.config.count = 4;
	keeper.secret = secrets;
	keeper.session.courier.fd = 0;
	bytes_append_text(&keeper.session.ear, "e.a.r");
	bytes_clear(&logged);
	log_set(log_keep);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_set(NULL);
	bytes_free(&logged);
	bytes_free(&keeper.session.ear);
	bytes_free(&world.ca);
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
	assert_string_equal(world.put, "zero:400:10:20 one:400:10:20 two:400:10:20 three:400:10:20 ");
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

static void each_delivery_is_recorded_first_if_the_log_is_wanted(void **state)
{
	(void)state;
	keeper.config.count = 1;
	keeper_run(&keeper, KEEPER_ALL);
	assert_string_equal(world.recorded, "");
	secrets[0].delivered = false;
	keeper.config.log_extend = 3;
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

static void what_is_there_already_is_said_to_be_unchanged(void **state)
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

static void only_required_secrets_hold_readiness_up(void **state)
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

static void the_first_required_failure_counts(void **state)
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
	       "E one: denied\nW Executables [warning]\nW cure: endorse the RIM\n"
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

static void time_mends_only_what_is_transient(void **state)
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

/* An EAR that was denied once is denied until it expires, whatever was endorsed since. */
static void who_was_denied_shows_a_new_ear_when_asked_to(void **state)
{
	(void)state;
	error_set(&world.answer[0], ERROR_POLICY, "denied");
	error_set_transient(&world.answer[1], ERROR_NETWORK, "no connection");
	keeper_run(&keeper, KEEPER_ALL);
	assert_int_equal(world.ear_len[0], 5);
	asked("0123");
	keeper_run(&keeper, KEEPER_TRANSIENT);
	assert_int_equal(world.ear_len[0], 5);	/* it does for the others */
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

/* Nothing can be got any more, and nothing that is missing may look as if it were not. */
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
	assert_string_equal(keeper_failure(&keeper)->text, "the courier is gone");
	assert_false(keeper_retry(&keeper));
	status_is("0 of 4 secrets delivered; zero: courier: hung up");
	log_is("W zero: courier: hung up\n");
}

static void a_status_that_does_not_fit_is_cut(void **state)
{
	char status[16];

	(void)state;
	keeper_status(&keeper, status, sizeof(status));
	assert_string_equal(status, "0 of 4 secrets ");
}

/* --- configuration ---------------------------------------------------------------------------- */

#define CONF "[kbs]\nurl = https://kbs\n"

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

/* Read a configuration, in whose text '@' stands for the directory. */
static int configure(const char *text)
{
	struct bytes whole = BYTES_INIT;

	for (; *text; text++)
		assert_int_equal(*text == '@' ? bytes_append_text(&whole, directory) :
						bytes_append(&whole, text, 1), 0);
	file_write("conf", bytes_text(&whole));
	bytes_free(&whole);
	keeper_stop(&keeper);
	error = (struct error)ERROR_INIT;
	return keeper_configure(&keeper, path_of("conf"), &error);
}

static void configure_refused(const char *text, const char *reason)
{
	assert_int_equal(configure(text), -1);
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_memory_equal(error.text, directory, strlen(directory));
	assert_string_equal(error.text + strlen(directory), reason);
}

/* Without the secrets made by hand, which are not the heap's. */
static int setup_files(void **state)
{
	setup(state);
	keeper.config = (struct config)CONFIG_INIT;
	keeper.secret = NULL;
	return 0;
}

static int teardown_files(void **state)
{
	unlink(path_of("conf"));
	unlink(path_of("ca.pem"));
	keeper_stop(&keeper);
	return teardown(state);
}

static void owners_are_resolved(void **state)
{
	(void)state;
	if (configure(CONF "[secret a]\nresource = r/t/a\nowner = root\ngroup = 7\n"
		      "[secret b]\nresource = r/t/b\nowner = 1000\n"))
		fail_msg("%s", error.text);
	assert_int_equal(keeper.secret[0].uid, 0);
	assert_int_equal(keeper.secret[0].gid, 7);
	assert_int_equal(keeper.secret[1].uid, 1000);
	assert_int_equal(keeper.secret[1].gid, 0);
	assert_ptr_equal(keeper.secret[1].config, &keeper.config.secret[1]);
	assert_false(keeper_ready(&keeper));
}

static void what_is_wrong_with_a_configuration_is_told(void **state)
{
	(void)state;
	configure_refused(CONF "[secret a]\nresource = r/t/a\nowner = no-such-user\n",
			  "/conf:3: [secret a] owner: no user 'no-such-user'");
	configure_refused(CONF "[secret a]\nresource = r/t/a\ngroup = 4294967295\n",
			  "/conf:3: [secret a] group: no group '4294967295'");
	configure_refused(CONF "colour = blue\n", "/conf:3: [kbs] colour: unknown key");
	assert_int_equal(configure("\n" CONF "ca = @/none.pem\n"), -1);
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "/conf:2: [kbs] ca: "));
	assert_non_null(strstr(error.text, "/none.pem: No such file or directory"));
	unlink(path_of("conf"));
	assert_int_equal(keeper_configure(&keeper, path_of("conf"), &error), -1);
	assert_non_null(strstr(error.text, "/conf: No such file or directory"));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_int_equal(keeper_configure(&keeper, directory, &error), -1);
	assert_non_null(strstr(error.text, ": Is a directory"));
	assert_int_equal(error.kind, ERROR_CONFIG);
}

static void the_courier_gets_the_ca(void **state)
{
	(void)state;
	file_write("ca.pem", "certificates");
	assert_int_equal(configure(CONF "ca = @/ca.pem\n"), 0);
	assert_int_equal(keeper_start(&keeper, "/courier", "/keyring", &error), 0);
	assert_string_equal(bytes_text(&world.ca), "certificates");
	assert_string_equal(world.calls, "RKC");
	assert_int_equal(configure(CONF), 0);
	assert_int_equal(keeper_start(&keeper, "/courier", "/keyring", &error), 0);
	assert_false(world.ca_given);
}

/* The courier would take the system's certificates in its place. */
static void an_empty_ca_file_is_refused(void **state)
{
	(void)state;
	file_write("ca.pem", "");
	assert_int_equal(configure(CONF "ca = @/ca.pem\n"), -1);
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "/conf:1: [kbs] ca: "));
	assert_non_null(strstr(error.text, "/ca.pem: is empty"));
}

static void start_goes_no_further_than_it_can(void **state)
{
	(void)state;
	assert_int_equal(configure(CONF), 0);
	world.no_realm = true;
	assert_int_equal(keeper_start(&keeper, "/courier", "/keyring", &error), -1);
	assert_int_equal(error.kind, ERROR_NO_REALM);
	assert_string_equal(world.calls, "R");
	world.no_realm = false;
	world.no_keyring = true;
	assert_int_equal(keeper_start(&keeper, "/courier", "/keyring", &error), -1);
	assert_int_equal(error.kind, ERROR_DELIVERY);
	assert_string_equal(world.calls, "RRK");
	world.no_keyring = false;
	world.no_courier = true;
	assert_int_equal(keeper_start(&keeper, "/courier", "/keyring", &error), -1);
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_true(keeper_lost(&keeper));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_FILES(name) cmocka_unit_test_setup_teardown(name, setup_files, teardown_files)

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pass_delivers_every_secret),
		TEST(each_delivery_is_recorded_first_if_the_log_is_wanted),
		TEST(what_is_there_already_is_said_to_be_unchanged),
		TEST(nothing_to_deliver_is_ready_at_once),
		TEST(only_required_secrets_hold_readiness_up),
		TEST(the_first_required_failure_counts),
		TEST(a_secret_that_cannot_be_put_is_missing),
		TEST(time_mends_only_what_is_transient),
		TEST(who_was_denied_shows_a_new_ear_when_asked_to),
		TEST(an_ear_that_was_not_denied_is_kept),
		TEST(a_courier_that_dies_ends_the_pass),
		TEST(a_status_that_does_not_fit_is_cut),
		TEST_FILES(owners_are_resolved),
		TEST_FILES(what_is_wrong_with_a_configuration_is_told),
		TEST_FILES(the_courier_gets_the_ca),
		TEST_FILES(an_empty_ca_file_is_refused),
		TEST_FILES(start_goes_no_further_than_it_can),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
