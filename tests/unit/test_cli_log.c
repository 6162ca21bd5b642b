// SPDX-License-Identifier: Apache-2.0
/* realmkey log: a saved log is compared with the registers in a token. */
#include "base/array.h"
#include "cli_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/realm.h"
#include "cca/cca_token.h"
#include "event/event_log.h"
#include "vector.h"

#define TOKEN "cca-generated/v01-907-2023-es384.cbor"

static char directory[] = "/tmp/test_cli_log.XXXXXX";
static char log_path[64], token_path[64];
static struct bytes token_raw, log_raw;
static struct cca_token token = CCA_TOKEN_INIT;

static void log_begin(void)
{
	struct error e = ERROR_INIT;

	bytes_clear(&log_raw);
	event_log_put_header(hash_by_number(HASH_SHA256), &log_raw);
	assert_int_equal(io_write_file(log_path, 0600, log_raw.data, log_raw.len, &e), 0);
}

static void log_append(const struct event_record *record)
{
	struct error e = ERROR_INIT;

	event_log_put(hash_by_number(HASH_SHA256), record, &log_raw);
	assert_int_equal(io_write_file(log_path, 0600, log_raw.data, log_raw.len, &e), 0);
}

/* Writes a log of base records with the token's registers, followed by @extra. */
static void log_write(const struct event_record *extra)
{
	assert_string_equal(token.realm.hash_algorithm, "sha-256");
	log_begin();
	for (uint32_t i = 1; i < REALM_REGISTERS; i++) {
		const struct event_record base = { .kind = EVENT_BASE,
						   .index = i,
						   .value = token.realm.rem[i - 1].data };

		log_append(&base);
	}
	if (extra)
		log_append(extra);
}

static int set_up(void **state)
{
	struct cca_verdict verdict;
	struct error e = ERROR_INIT;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(log_path, sizeof(log_path), "%s/log", directory);
	snprintf(token_path, sizeof(token_path), "%s/token", directory);
	vector_read(TOKEN, &token_raw);
	assert_int_equal(io_write_file(token_path, 0600, token_raw.data, token_raw.len, &e), 0);
	return cca_token_decode(token_raw.data, token_raw.len, &token, &verdict, &e);
}

static int tear_down(void **state)
{
	(void)state;
	unlink(log_path);
	unlink(token_path);
	rmdir(directory);
	cca_token_free(&token);
	bytes_free(&token_raw);
	bytes_free(&log_raw);
	cli_free();
	return 0;
}

static const struct event_record one_more = {
	.kind = EVENT_EXTENSION,
	.index = 2,
	.type = 13,
	.event = (const uint8_t *)"one more",
	.size = 8,
	.digest = (const uint8_t *)"dddddddddddddddddddddddddddddddd",
};

static void a_log_is_printed_outside_a_realm(void **state)
{
	(void)state;
	log_write(&one_more);
	CLI("log", log_path);
	cli_went_well();
	cli_printed("    0 REM0  base sha-256:");
	cli_printed("    4 REM1  EV_IPL sha-256:64646464");
	cli_printed(" \"one more\"\n");
}

static void a_log_that_fits_a_token(void **state)
{
	(void)state;
	log_write(NULL);
	CLI("log", "--replay", "--token", token_path, log_path);
	cli_went_well();
	cli_printed("REM3 fits, 0 extensions, 1 gap\n");
}

static void a_misfit_exits_with_7_and_names_the_record(void **state)
{
	(void)state;
	log_write(&one_more);
	assert_int_equal(CLI("log", "--replay", "--token", token_path, log_path), 7);
	cli_printed("REM0 fits, 0 extensions, 1 gap\n");
	cli_printed("REM1 does not fit, 1 extension, 1 gap; the log leads to sha-256:");
	cli_printed("record 4 does not fit: REM1 differs after this record and all later ones\n");
}

static void a_longer_log_gets_advice_how_to_compare_it(void **state)
{
	(void)state;
	log_write(&one_more);
	assert_int_equal(CLI("log", "--replay", "--token", token_path, log_path), 7);
	assert_string_equal(
		bytes_text(&cli.err),
		"realmkey: log: the token fits the first 4 of 5 records: if the log has "
		"grown since, use --records 4\n");
	CLI("log", "--replay", "--token", token_path, "--records", "4", log_path);
	cli_went_well();
	cli_printed("REM3 fits, 0 extensions, 1 gap\n");
	CLI("log", "--replay", "--token", token_path, "--records", "6", log_path);
	cli_refused(12, "log", "--records 6: the log has 5");
}

/* The same if the register's last record has only a value. */
static void a_much_longer_log_gets_that_advice(void **state)
{
	const struct event_record more[] = {
		one_more,
		one_more,
		{ .kind = EVENT_FOREIGN, .index = 2, .value = one_more.digest },
		one_more,
	};

	(void)state;
	log_write(&more[0]);
	for (size_t i = 1; i < ARRAY_SIZE(more); i++)
		log_append(&more[i]);
	assert_int_equal(CLI("log", "--replay", "--token", token_path, log_path), 7);
	assert_non_null(strstr(bytes_text(&cli.err), "the first 4 of 8 records"));
}

static void another_log_gets_no_advice(void **state)
{
	const struct event_record other = { .kind = EVENT_BASE,
					    .index = 2,
					    .value = one_more.digest };
	const struct event_record note = { .kind = EVENT_NOTE,
					   .index = 0,
					   .type = 3,
					   .event = (const uint8_t *)"",
					   .digest = one_more.digest };

	(void)state;
	log_begin();
	log_append(&other);
	log_append(&note);
	assert_int_equal(CLI("log", "--replay", "--token", token_path, log_path), 7);
	assert_int_equal(cli.err.len, 0);
}

static void only_the_first_records(void **state)
{
	(void)state;
	log_write(&one_more);
	CLI("log", "--records", "2", log_path);
	cli_went_well();
	cli_printed("    1 REM1  base");
	assert_null(strstr(bytes_text(&cli.out), "REM2"));
}

static void json(void **state)
{
	struct error e = ERROR_INIT;
	json_t *value, *replay;

	(void)state;
	log_write(&one_more);
	assert_int_equal(CLI("log", "--json", "--replay", "--token", token_path, log_path), 7);
	value = json_parse(cli.out.data, cli.out.len, JSON_OPERATOR, "log", ERROR_INPUT, &e);
	assert_non_null(value);
	assert_int_equal(json_array_size(json_object_get(value, "records")), 5);
	replay = json_object_get(value, "replay");
	assert_true(json_is_false(json_object_get(replay, "fits")));
	assert_int_equal(json_integer_value(json_object_get(replay, "first-misfit")), 4);
	assert_int_equal(json_array_size(json_object_get(replay, "registers")), 4);
	json_decref(value);
}

static void other_files_are_refused(void **state)
{
	(void)state;
	CLI("log", token_path);
	cli_refused(12, "log", "event log: header: ");
	log_write(NULL);
	CLI("log", "--replay", "--token", log_path, log_path);
	cli_refused(12, "log", "E_");
	CLI("log", "/nonexistent");
	cli_refused(12, "log", "/nonexistent: No such file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_is_printed_outside_a_realm),
		cmocka_unit_test(a_log_that_fits_a_token),
		cmocka_unit_test(a_misfit_exits_with_7_and_names_the_record),
		cmocka_unit_test(a_longer_log_gets_advice_how_to_compare_it),
		cmocka_unit_test(a_much_longer_log_gets_that_advice),
		cmocka_unit_test(another_log_gets_no_advice),
		cmocka_unit_test(only_the_first_records),
		cmocka_unit_test(json),
		cmocka_unit_test(other_files_are_refused),
	};

	return cmocka_run_group_tests_name("cli_log", tests, set_up, tear_down);
}
