// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "status_test.h"

#define SECRET_TEXT \
	"{\"name\":\"a\",\"file\":\"a\",\"resource\":\"a/b/c\",\"required\":true,\"success\":1," \
	"\"changed\":1,\"next\":0,\"version\":1,\"attempts\":1,\"failures\":0,\"failed\":0," \
	"\"failed-at\":0,\"state\":\"delivered\"}"
#define STATUS_HEAD \
	"{\"version\":1,\"now\":1,\"started\":1,\"ready\":true,\"ear-until\":0,\"passes\":1," \
	"\"failures\":{},\"secrets\":"
#define STATUS_TEXT STATUS_HEAD "[" SECRET_TEXT "]}"

static void text_equal(const char *a, const char *b)
{
	assert_int_equal(!a, !b);
	if (a)
		assert_string_equal(a, b);
}

static void test_round_trip(void **state)
{
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct status status;

	(void)state;
	bytes_append_text(&out, "before");
	assert_int_equal(status_encode(&world_status, &out, &e), 0);
	assert_memory_equal(out.data, "before{\"version\":1,", 19);
	assert_int_equal(out.data[out.len - 1], '\n');
	assert_int_equal(status_decode(out.data + 6, out.len - 6, &status, &e), 0);
	assert_int_equal(status.now, world_status.now);
	assert_int_equal(status.started, world_status.started);
	assert_true(status.ready);
	assert_string_equal(status.url, world_status.url);
	assert_int_equal(status.ear_until, world_status.ear_until);
	assert_int_equal(status.passes, world_status.passes);
	assert_memory_equal(status.failures, world_status.failures, sizeof(status.failures));
	assert_int_equal(status.count, 2);
	for (size_t i = 0; i < status.count; i++) {
		const struct status_secret *a = &status.secret[i], *b = &world_secret[i];

		text_equal(a->name, b->name);
		text_equal(a->file, b->file);
		text_equal(a->resource, b->resource);
		text_equal(a->key, b->key);
		assert_int_equal(a->incomplete, b->incomplete);
		text_equal(a->error, b->error);
		assert_int_equal(a->required, b->required);
		assert_int_equal(a->state, b->state);
		assert_int_equal(a->success, b->success);
		assert_int_equal(a->changed, b->changed);
		assert_int_equal(a->next, b->next);
		assert_int_equal(a->version, b->version);
		assert_int_equal(a->attempts, b->attempts);
		assert_int_equal(a->failures, b->failures);
		assert_int_equal(a->failed, b->failed);
		assert_int_equal(a->kind, b->kind);
		assert_int_equal(a->failed_at, b->failed_at);
	}
	assert_ptr_equal(status_find(&status, "tls"), &status.secret[1]);
	assert_null(status_find(&status, "tl"));
	status_free(&status);
	assert_null(status.secret);
	bytes_free(&out);
}

/* A status without secrets, URL and EAR: that of a keeper which has just started. */
static void test_empty(void **state)
{
	const struct status empty = STATUS_INIT;
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct status status;

	(void)state;
	assert_int_equal(status_encode(&empty, &out, &e), 0);
	assert_int_equal(status_decode(out.data, out.len, &status, &e), 0);
	assert_int_equal(status.count, 0);
	assert_null(status.url);
	assert_false(status.ready);
	status_free(&status);
	bytes_free(&out);
}

/* Text that is not printable is cleaned, so that every status can be published and read. */
/* A secret may have any number of files, also without one of its own. */
static void test_files(void **state)
{
	static const char *const lists[] = {
		"",
		"\"file\":\"a\",",
		"\"files\":[],",
		"\"files\":[\"b\",\"c/d\"],",
		"\"file\":\"a\",\"files\":[\"a\",\"b\"],",
	};
	static const char *const first[] = { NULL, "a", NULL, "b", "a" };
	static const size_t counts[] = { 0, 1, 0, 2, 2 };
	struct error e = ERROR_INIT;
	struct status status;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct bytes text = BYTES_INIT, out = BYTES_INIT;

		bytes_printf(&text, STATUS_HEAD "[{\"name\":\"a\",%s%s]}", lists[i],
			     strstr(SECRET_TEXT, "\"resource"));
		assert_int_equal(status_decode(text.data, text.len, &status, &e), 0);
		assert_int_equal(status.secret[0].file_count, counts[i]);
		text_equal(status_file(&status.secret[0]), first[i]);
		assert_int_equal(status_encode(&status, &out, &e), 0);
		assert_int_equal(!strstr(bytes_text(&out), "\"files\""), counts[i] < 2);
		status_free(&status);
		bytes_free(&text);
		bytes_free(&out);
	}
}

static void test_text_is_cleaned(void **state)
{
	struct status_secret secret = { .name = (char *)"n",
					.file = (char *)"d/\xff",
					.resource = (char *)"r",
					.error = (char *)"a\x1b[2J\nb" };
	const struct status from = { .secret = &secret, .count = 1 };
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct status status;

	(void)state;
	assert_int_equal(status_encode(&from, &out, &e), 0);
	assert_int_equal(status_decode(out.data, out.len, &status, &e), 0);
	assert_string_equal(status.secret[0].file, "d/?");
	assert_string_equal(status.secret[0].error, "a?[2J?b");
	status_free(&status);
	bytes_free(&out);
}

static void refused(const char *text, size_t len, const char *error)
{
	struct error e = ERROR_INIT;
	struct status status;

	assert_int_equal(status_decode(text, len, &status, &e), -1);
	assert_int_equal(e.kind, ERROR_INPUT);
	assert_string_equal(e.text, error);
	assert_null(status.secret);
	assert_int_equal(status.count, 0);
}

/* STATUS_TEXT in which @from is replaced with @to. */
static void replaced(const char *from, const char *to, char text[2048])
{
	const char *at = strstr(STATUS_TEXT, from);

	assert_non_null(at);
	snprintf(text, 2048, "%.*s%s%s", (int)(at - STATUS_TEXT), STATUS_TEXT, to,
		 at + strlen(from));
}

static void test_hostile_members(void **state)
{
	static const struct {
		const char *from, *to, *error;
	} cases[] = {
		{ "\"version\":1", "\"version\":2",
		  "status: version: is missing, or that of another realmkeyd" },
		{ "\"version\":1", "\"version\":\"1\"",
		  "status: version: is missing, or that of another realmkeyd" },
		{ "\"now\":1", "\"now\":-1", "status: now: out of range" },
		{ "\"now\":1", "\"now\":1.5", "status: now: not an integer" },
		{ "\"now\":1", "\"new\":1", "status: now: missing" },
		{ "\"ready\":true", "\"ready\":1", "status: ready: not a boolean" },
		{ "\"failures\":{}", "\"failures\":[]", "status: failures: not an object" },
		{ "\"failures\":{}", "\"failures\":{\"tls\":-1}",
		  "status: failures: tls: out of range" },
		{ "[{", "[1,{", "status: secrets[0]: not an object" },
		{ SECRET_TEXT, SECRET_TEXT "," SECRET_TEXT,
		  "status: secrets[1]: name: occurs twice" },
		{ "\"name\":\"a\"", "\"name\":\"\"", "status: secrets[0]: name: is empty" },
		{ "\"name\":\"a\"", "\"name\":1", "status: secrets[0]: name: not a string" },
		{ "\"name\":\"a\"", "\"name\":\"a\\u001b\"",
		  "status: secrets[0]: name: not printable text" },
		{ "\"name\":\"a\"", "\"name\":\"\\u202e\"",
		  "status: secrets[0]: name: not printable text" },
		{ "\"file\":\"a\"", "\"file\":\"/etc/shadow\"",
		  "status: secrets[0]: file: not a path in the keyring" },
		{ "\"file\":\"a\"", "\"file\":\"a/../../x\"",
		  "status: secrets[0]: file: not a path in the keyring" },
		{ "\"file\":\"a\"", "\"file\":\".control\"",
		  "status: secrets[0]: file: not a path in the keyring" },
		{ "\"file\":\"a\"", "\"file\":\"a//b\"",
		  "status: secrets[0]: file: not a path in the keyring" },
		{ "\"file\":\"a\"", "\"file\":\"\"",
		  "status: secrets[0]: file: not a path in the keyring" },
		{ "\"file\":\"a\"", "\"files\":\"a\"", "status: secrets[0]: files: not an array" },
		{ "\"file\":\"a\"", "\"file\":\"a\",\"files\":[\"b\"]",
		  "status: secrets[0]: files: lacks the member file" },
		{ "\"file\":\"a\"", "\"files\":[\"a\",1]",
		  "status: secrets[0]: files: not a string" },
		{ "\"file\":\"a\"", "\"files\":[\"a\",\".serve.a\"]",
		  "status: secrets[0]: files: not a path in the keyring" },
		{ "\"next\":0", "\"next\":0,\"incomplete\":1",
		  "status: secrets[0]: incomplete: not a boolean" },
		{ "\"file\":\"a\"", "\"key\":1", "status: secrets[0]: key: not a string" },
		{ "\"now\":1", "\"now\":1,\"configuration\":\"abc\"",
		  "status: configuration: not a digest" },
		{ "\"failed\":0", "\"failed\":4294967296",
		  "status: secrets[0]: failed: out of range" },
		{ "\"version\":1,\"attempts\"", "\"version\":-1,\"attempts\"",
		  "status: secrets[0]: version: out of range" },
		{ "\"state\":\"delivered\"", "\"state\":\"gone\"",
		  "status: secrets[0]: state: missing or unknown" },
		{ "\"state\":\"delivered\"", "\"state\":\"stale\",\"kind\":\"x\"",
		  "status: secrets[0]: kind: unknown" },
		{ "\"state\":\"delivered\"", "\"state\":\"stale\",\"kind\":5",
		  "status: secrets[0]: kind: unknown" },
		{ "\"state\":\"delivered\"", "\"state\":\"stale\",\"error\":null",
		  "status: secrets[0]: error: not a string" },
	};
	char text[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		replaced(cases[i].from, cases[i].to, text);
		refused(text, strlen(text), cases[i].error);
	}
	refused("[]", 2, "status: version: is missing, or that of another realmkeyd");
	refused(STATUS_HEAD "{}}", strlen(STATUS_HEAD "{}}"), "status: secrets: not an array");
}

/* Members that this version does not know are ignored, everywhere. */
static void test_unknown_members(void **state)
{
	static const char *const places[] = { "\"now\":1", "\"name\":\"a\"" };
	struct error e = ERROR_INIT;
	struct status status;
	char text[2048], with[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(with, sizeof(with), "\"later\":[{}],%s", places[i]);
		replaced(places[i], with, text);
		assert_int_equal(status_decode(text, strlen(text), &status, &e), 0);
		assert_int_equal(status.count, 1);
		status_free(&status);
	}
	replaced("\"failures\":{}", "\"failures\":{\"later\":\"x\",\"tls\":4}", text);
	assert_int_equal(status_decode(text, strlen(text), &status, &e), 0);
	assert_int_equal(status.failures[ERROR_TLS], 4);
	status_free(&status);
}

/* Each prefix is refused, and each place accepts a flipped bit or refuses it, without a fault. */
static void test_damaged(void **state)
{
	char text[] = STATUS_TEXT;
	struct error e = ERROR_INIT;
	struct status status;

	(void)state;
	for (size_t len = 0; len < strlen(text); len++) {
		assert_int_equal(status_decode(text, len, &status, &e), -1);
		assert_int_equal(e.kind, ERROR_INPUT);
	}
	for (size_t i = 0; i < 8 * strlen(text); i++) {
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
		if (status_decode(text, strlen(text), &status, &e) < 0)
			assert_int_equal(e.kind, ERROR_INPUT);
		status_free(&status);
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
	}
}

static void test_limits(void **state)
{
	static const char *const count[] = { "", "," };
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct status status;

	(void)state;
	for (size_t many = STATUS_SECRETS_MAX; many <= STATUS_SECRETS_MAX + 1; many++) {
		bytes_clear(&text);
		bytes_append_text(&text, STATUS_HEAD "[");
		for (size_t i = 0; i < many; i++)
			bytes_printf(&text, "%s{\"name\":\"%zu\"%s", count[i > 0], i,
				     strstr(SECRET_TEXT, ",\"file"));
		bytes_append_text(&text, "]}");
		if (many == STATUS_SECRETS_MAX) {
			assert_int_equal(status_decode(text.data, text.len, &status, &e), 0);
			assert_int_equal(status.count, STATUS_SECRETS_MAX);
			status_free(&status);
		} else {
			refused(bytes_text(&text), text.len, "status: secrets: more than 1024");
		}
	}
	assert_int_equal(bytes_resize(&text, STATUS_MAX + 1, &e), 0);
	refused(bytes_text(&text), text.len, "status: more than 2097152 bytes");
	bytes_free(&text);
}

/* The largest configuration, with the longest errors, fits into the file. */
static void test_largest(void **state)
{
	static char error[ERROR_TEXT_MAX], file[256];
	static char *const paths[] = { file, file };
	struct bytes out = BYTES_INIT;
	struct status_secret *secret = calloc(256, sizeof(*secret));
	const struct status status = { .secret = secret, .count = 256 };
	struct error e = ERROR_INIT;

	(void)state;
	assert_non_null(secret);
	memset(error, '"', sizeof(error) - 1);
	memset(file, '\\', sizeof(file) - 1);
	for (size_t i = 0; i < 256; i++)
		secret[i] = (struct status_secret){
			.name = file,
			.file = file,
			.resource = file,
			.key = file,
			.files = (char **)paths,
			.file_count = 2,
			.required = true,
			.state = STATUS_STALE,
			.success = INT64_MAX,
			.changed = INT64_MAX,
			.next = INT64_MAX,
			.version = UINT64_MAX,
			.attempts = UINT64_MAX,
			.failures = UINT64_MAX,
			.failed = UINT32_MAX,
			.kind = ERROR_ATTESTATION,
			.failed_at = INT64_MAX,
			.error = error,
		};
	assert_int_equal(status_encode(&status, &out, &e), 0);
	assert_true(out.len <= STATUS_MAX);
	bytes_free(&out);
	free(secret);
}

static void test_words(void **state)
{
	(void)state;
	for (int i = 0; i < (int)STATUS_STATES; i++)
		assert_string_not_equal(status_state_name((enum status_state)i), "unknown");
	for (int i = 0; i < (int)STATUS_KINDS; i++) {
		assert_string_not_equal(status_kind_name((enum error_kind)i), "unknown");
		for (int k = 0; k < i; k++)
			assert_string_not_equal(status_kind_name((enum error_kind)i),
						status_kind_name((enum error_kind)k));
	}
	assert_string_equal(status_state_name((enum status_state)99), "unknown");
	assert_string_equal(status_kind_name((enum error_kind)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),	cmocka_unit_test(test_empty),
		cmocka_unit_test(test_files),		cmocka_unit_test(test_text_is_cleaned),
		cmocka_unit_test(test_hostile_members), cmocka_unit_test(test_unknown_members),
		cmocka_unit_test(test_damaged),		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_largest),		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
