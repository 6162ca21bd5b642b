// SPDX-License-Identifier: Apache-2.0
/*
 * realmkey extend: what it measures, and what it prints. The realm is a fake source in this file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "cli/cli.h"
#include "rsi/rsi_source.h"

#define TEXT_MAX 65536

static struct {
	bool unreadable;
	int extended;
	unsigned int index;
	uint8_t digest[HASH_SIZE_MAX];
	uint32_t type;
	struct bytes event;
} realm;

static int realm_open(struct rsi *rsi, struct error *e)
{
	(void)rsi;
	(void)e;
	return 1;
}

static void realm_close(struct rsi *rsi)
{
	(void)rsi;
}

static int realm_config(struct rsi *rsi, struct rsi_config *config, struct error *e)
{
	(void)rsi;
	(void)e;
	*config = (struct rsi_config){ .hash = hash_by_number(HASH_SHA256), .event_max = 8 };
	return 0;
}

static int realm_measurement(struct rsi *rsi, unsigned int index, uint8_t value[HASH_SIZE_MAX],
			     size_t *size, struct error *e)
{
	(void)rsi;
	if (realm.unreadable)
		return error_set(e, ERROR_SYSTEM, "the RMM failed");
	memset(value, (int)index, SHA256_DIGEST_LENGTH);
	*size = SHA256_DIGEST_LENGTH;
	return 0;
}

static int realm_extend(struct rsi *rsi, unsigned int index, const void *digest, size_t size,
			const struct rsi_event *event, uint64_t *seq, struct error *e)
{
	(void)rsi;
	(void)e;
	realm.extended++;
	realm.index = index;
	realm.type = event->type;
	memcpy(realm.digest, digest, size);
	bytes_set(&realm.event, event->data, event->size);
	*seq = 4;
	return 0;
}

/* These replace the library's sources. */
const struct rsi_source rsi_source_device = {
	.name = "device",
	.open = realm_open,
	.close = realm_close,
	.config = realm_config,
	.measurement = realm_measurement,
	.extend = realm_extend,
};

const struct rsi_source rsi_source_netlink = { .name = "netlink" };

/* --- the command ------------------------------------------------------------------------------ */

static char path[] = "/tmp/test_cli_extend.XXXXXX"; /* a file that contains "abc" */
static char event_path[64];
static char out[TEXT_MAX + 1], err[TEXT_MAX + 1]; /* the output of the last run */

/* Replaces @fd by a file in memory. *@saved is a duplicate of the old @fd. */
static void divert(int fd, int *saved)
{
	int file = memfd_create("stream", MFD_CLOEXEC);

	*saved = dup(fd);
	assert_true(file >= 0 && *saved >= 0 && dup2(file, fd) == fd);
	close(file);
}

static void restore(int fd, int saved, char text[TEXT_MAX + 1])
{
	ssize_t n = pread(fd, text, TEXT_MAX, 0);

	dup2(saved, fd);
	close(saved);
	assert_true(n >= 0);
	text[n] = '\0';
}

static int run(const char *const *word)
{
	char *argv[16] = { (char *)"extend" };
	int argc = 1, saved[2], code;

	while ((argv[argc] = (char *)word[argc - 1]))
		argc++;
	fflush(stdout);
	divert(STDOUT_FILENO, &saved[0]);
	divert(STDERR_FILENO, &saved[1]);
	code = command_extend(argc, argv);
	restore(STDOUT_FILENO, saved[0], out);
	restore(STDERR_FILENO, saved[1], err);
	return code;
}

#define EXTEND(...) run((const char *const[]){ __VA_ARGS__, NULL })

static void event_write(const void *data, size_t len)
{
	struct error e = ERROR_INIT;

	assert_int_equal(io_write_file(event_path, 0600, data, len, &e), 0);
}

static int group_setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	snprintf(event_path, sizeof(event_path), "%s.event", path);
	return fd >= 0 && write(fd, "abc", 3) == 3 && close(fd) == 0 ? 0 : -1;
}

static int group_teardown(void **state)
{
	(void)state;
	return unlink(path) | unlink(event_path);
}

static int teardown(void **state)
{
	(void)state;
	bytes_free(&realm.event);
	memset(&realm, 0, sizeof(realm));
	return 0;
}

#define DIGEST "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void prints_register_digest_and_value(void **state)
{
	(void)state;
	assert_int_equal(EXTEND("2", path), 0);
	assert_string_equal(err, "");
	assert_string_equal(out,
			    "REM1 extended with sha-256:" DIGEST "\nrecord 4\nnow "
			    "0202020202020202020202020202020202020202020202020202020202020202\n");
	assert_int_equal(realm.index, 2);
	assert_int_equal(realm.digest[0], 0xba);
}

/* An extension cannot be undone. If this failed, a script would extend a second time. */
static void an_unreadable_register_is_not_an_error(void **state)
{
	(void)state;
	realm.unreadable = true;
	assert_int_equal(EXTEND("2", path), 0);
	assert_string_equal(out, "REM1 extended with sha-256:" DIGEST "\nrecord 4\n");
	assert_string_equal(err, "realmkey: extend: REM1 was extended, but cannot be read: the RMM "
				 "failed\n");
	assert_int_equal(realm.extended, 1);
}

/* The event of EV_EVENT_TAG would have to be a TCG_PCClientTaggedEvent. */
static void a_text_is_not_a_tagged_event(void **state)
{
	(void)state;
	assert_int_equal(EXTEND("1", path, "--event", "workload"), 0);
	assert_int_equal(realm.type, 13);
	assert_string_equal(bytes_text(&realm.event), "workload");
	assert_int_equal(EXTEND("1", path), 0);
	assert_int_equal(realm.type, 13);
	assert_int_equal(realm.event.len, 0);
	assert_int_equal(EXTEND("1", path, "--event-type", "EV_EVENT_TAG"), 0);
	assert_int_equal(realm.type, 6);
}

static void an_event_may_be_any_bytes(void **state)
{
	static const uint8_t bytes[] = { 0, 0xff, '\n', 0 };

	(void)state;
	event_write(bytes, sizeof(bytes));
	assert_int_equal(EXTEND("1", path, "--event-file", event_path), 0);
	assert_int_equal(realm.event.len, sizeof(bytes));
	assert_memory_equal(realm.event.data, bytes, sizeof(bytes));
}

/* The source sets the bound, here 8 bytes. */
static void a_long_event_is_refused(void **state)
{
	(void)state;
	event_write("123456789", 8);
	assert_int_equal(EXTEND("1", path, "--event-file", event_path), 0);
	event_write("123456789", 9);
	assert_int_equal(EXTEND("1", path, "--event-file", event_path), 12);
	assert_non_null(strstr(err, "--event-file: "));
	assert_non_null(strstr(err, ": more than 8 bytes\n"));
	assert_int_equal(EXTEND("1", path, "--event", "123456789"), 2);
	assert_string_equal(err, "realmkey: extend: --event: 9 bytes, more than 8\n");
	assert_int_equal(EXTEND("1", path, "--event-file", "/nonexistent"), 12);
	assert_int_equal(realm.extended, 1);
}

static void only_one_event_is_accepted(void **state)
{
	(void)state;
	assert_int_equal(EXTEND("1", path, "--event-file", event_path, "--event", "x"), 2);
	assert_int_equal(EXTEND("1", "-", "--event-file", "-"), 2);
	assert_string_equal(err, "realmkey: extend: FILE and --event-file cannot both be standard "
				 "input\n");
	assert_int_equal(realm.extended, 0);
}

#define TEST(function) cmocka_unit_test_teardown(function, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(prints_register_digest_and_value),
		TEST(an_unreadable_register_is_not_an_error),
		TEST(a_text_is_not_a_tagged_event),
		TEST(an_event_may_be_any_bytes),
		TEST(a_long_event_is_refused),
		TEST(only_one_event_is_accepted),
	};

	return cmocka_run_group_tests_name("cli_extend", tests, group_setup, group_teardown);
}
