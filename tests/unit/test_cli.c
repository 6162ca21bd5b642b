// SPDX-License-Identifier: Apache-2.0
/* The program realmkey: arguments, output and exit codes that require neither a realm nor a KBS. */
#include "base/array.h"
#include "cli_run.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "http_server.h"
#include "jose/jwt.h"
#include "vector.h"

#define EAR	       "generated-ear/"
#define CCA	       "cca-generated/"
#define TEE_KEY	       "own-vectors/tee-p256.pem"
#define TOKEN_SIZE_MAX 65536

/* Returns the path of @name in tests/vectors, in one of four static buffers. */
static const char *vector(const char *name)
{
	static char path[4][4096];
	static unsigned int next;
	const char *top = getenv("REALMKEY_VECTORS");
	char *at = path[next++ % 4];

	snprintf(at, sizeof(path[0]), "%s/%s", top ? top : "tests/vectors", name);
	return at;
}

/* --- the command line ------------------------------------------------------------------------- */

static void test_help(void **state)
{
	/* clang-format off */
	static const char *const commands[][2] = {
		{ "attest", NULL }, { "get-resource", NULL }, { "verify", NULL }, { "token", NULL },
		{ "token", "get" }, { "token", "show" }, { "token", "verify" },
		{ "config", NULL }, { "measurements", NULL }, { "extend", NULL }, { "rim", NULL },
		{ "log", NULL }, { "watch", NULL },
		{ "admin", "set-resource" }, { "admin", "set-reference-value" },
		{ "admin", "set-resource-policy" },
	};
	/* clang-format on */

	(void)state;
	CLI("--help");
	cli_went_well();
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		cli_printed(commands[i][0]);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const char *word = commands[i][1] ? commands[i][1] : "--help";

		CLI(commands[i][0], word, "--help");
		cli_went_well();
		assert_int_equal(strncmp(bytes_text(&cli.out), "usage: realmkey ", 16), 0);
		cli_printed(commands[i][0]);
	}
	CLI("admin", "--help");
	cli_went_well();
	cli_printed("set-reference-value");
}

static void test_version(void **state)
{
	(void)state;
	CLI("--version");
	cli_went_well();
	assert_string_equal(bytes_text(&cli.out), "realmkey " REALMKEY_VERSION "\n");
	CLI("verify", "--version");
	cli_went_well();
	assert_string_equal(bytes_text(&cli.out), "realmkey " REALMKEY_VERSION "\n");
}

static void test_usage(void **state)
{
#define OPERATOR "--admin-token-file", "/dev/null", "--url", "https://h"
	static const struct {
		const char *word[12], *where, *why;
	} cases[] = {
		/* clang-format off */
		{ { "attest" }, "attest", "--url is required" },
		{ { "attest", "--url", "ftp://h" }, "attest", "URL" },
		{ { "attest", "--url", "http://127.0.0.1:1" }, "attest", "--insecure" },
		{ { "attest", "--url", "https://h", "--timeout", "0" }, "attest", "--timeout" },
		{ { "attest", "--nope" }, "attest", "--nope" },
		{ { "attest", "here" }, "attest", "here" },
		{ { "get-resource", "--url", "https://h" }, "get-resource", "--path is required" },
		{ { "get-resource", "--path", "a/b/c", "--url" }, "get-resource", "--url needs" },
		{ { "get-resource", "--path", "a/b/c", "--path", "a/b/c" }, "get-resource", "twice" },
		{ { "get-resource", "--path", "a/b/c", "--url", "https://h", "--attestation-token",
		    "ear" }, "get-resource", "--tee-key-file" },
		{ { "verify" }, "verify", "EAR" },
		{ { "verify", "a", "b" }, "verify", "'b'" },
		{ { "token", "show" }, "token show", "FILE" },
		{ { "token", "verify", "f" }, "token verify", "--anchors is required" },
		{ { "token", "--challenge", "0g" }, "token", "--challenge" },
		{ { "token", "--challenge", "000" }, "token", "--challenge" },
		{ { "extend", "0", "f" }, "extend", "INDEX" },
		{ { "extend", "5", "f" }, "extend", "INDEX" },
		{ { "extend", "1" }, "extend", "FILE" },
		{ { "extend", "1", "f", "--event-type=3" }, "extend", "EV_NO_ACTION" },
		{ { "extend", "1", "f", "--event-type=EV" }, "extend", "--event-type: 'EV' is neither" },
		{ { "log", "f", "--token", "t" }, "log", "--token requires --replay" },
		{ { "watch", "--count", "0" }, "watch", "--count" },
		{ { "rim", "--source", "smoke" }, "rim", "device" },
		{ { "admin", "set-resource" }, "admin set-resource", "--path" },
		{ { "admin", "set-reference-value", "name" }, "admin set-reference-value", "VALUE" },
		{ { "admin", OPERATOR, "set-reference-value", "n", "1x", "--as-integer" },
		  "admin set-reference-value", "integer" },
		{ { "admin", OPERATOR, "set-reference-value", "n", "yes", "--as-bool" },
		  "admin set-reference-value", "true" },
		{ { "admin", "set-reference-value", "n", "1", "--as-bool", "--as-integer" },
		  "admin set-reference-value", "exclude" },
		{ { "admin", "set-reference-value", OPERATOR, "\xff", "1" },
		  "admin set-reference-value", "NAME" },
		{ { "admin", "set-reference-value", OPERATOR, "n", "\xff" },
		  "admin set-reference-value", "VALUE" },
		{ { "admin", "set-resource", "--admin-token-file", "-", "--url", "https://h", "--path",
		    "a/b/c", "--resource-file", "-" }, "admin set-resource", "standard input" },
		{ { "admin", "set-resource-policy" }, "admin set-resource-policy", "--affirming" },
		{ { "admin", "set-resource-policy", "--affirming", "--deny-all" },
		  "admin set-resource-policy", "just one" },
		{ { "admin", "set-resource-policy", "--deny-all" }, "admin set-resource-policy",
		  "--admin-token-file is required" },
		/* clang-format on */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cli_run(NULL, 0, cases[i].word);
		cli_refused(2, cases[i].where, cases[i].why);
	}
#undef OPERATOR
}

/* Without a command, or with an unknown command, the existing commands are listed. */
static void test_no_command(void **state)
{
	(void)state;
	assert_int_equal(cli_run(NULL, 0, (const char *const[]){ NULL }), 2);
	assert_int_equal(cli.out.len, 0);
	assert_non_null(strstr(bytes_text(&cli.err), "get-resource"));
	assert_int_equal(CLI("get"), 2);
	assert_int_equal(CLI("token", "get-it"), 2);
	assert_int_equal(CLI("admin", "delete"), 2);
	assert_int_equal(cli.out.len, 0);
}

static void test_no_realm(void **state)
{
	/* clang-format off */
	static const char *const words[][6] = {
		{ "rim" }, { "config" }, { "measurements", "--json" }, { "token" }, { "token", "get" },
		{ "extend", "1", "/dev/null" }, { "log" }, { "log", "--replay" }, { "watch" },
		{ "attest", "--url", "https://127.0.0.1:1" },
		{ "get-resource", "--url", "https://127.0.0.1:1", "--path", "a/b/c" },
	};
	/* clang-format on */

	(void)state;
#ifdef __aarch64__
	skip(); /* this machine may be a realm */
#endif
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		cli_run(NULL, 0, words[i]);
		cli_refused(4, i == 3 ? "token" : words[i][0], "not an Arm CCA realm");
	}
}

/* If the output cannot be written, the exit code must show it. */
static void test_full_output(void **state)
{
	char command[4200];

	(void)state;
	if (access("/dev/full", W_OK) < 0)
		skip();
	snprintf(command, sizeof(command), "exec %s token show %s >/dev/full 2>/dev/null",
		 cli_program("cli/realmkey"), vector(CCA "v01-907-2023-es384.cbor"));
	assert_int_equal(system(command), 1 << 8);
	snprintf(command, sizeof(command), "exec %s --help >/dev/full 2>/dev/null",
		 cli_program("cli/realmkey"));
	assert_int_equal(system(command), 1 << 8);
}

/* --- token ------------------------------------------------------------------------------------ */

/* @line: a line of EXPECTED.tsv: file, bytes, anchors, description, verdict. Returns whether
 * realmkey's verdict begins with the same word. For some causes the reference script has only the
 * beginning of our name. */
static bool token_as_expected(char *line, const char *challenge)
{
	char *field[5] = { NULL }, *save = NULL, file[128], anchors[128];
	size_t count = 0;
	bool good;

	for (char *at = strtok_r(line, "\t", &save); at && count < 5;
	     at = strtok_r(NULL, "\t", &save))
		field[count++] = at;
	assert_int_equal(count, 5);
	snprintf(file, sizeof(file), CCA "%s", field[0]);
	snprintf(anchors, sizeof(anchors), CCA "%s.json",
		 strcmp(field[2], "-") != 0 ? field[2] : "ta-p384");
	good = !strncmp(field[4], "OK", 2);
	field[4][strcspn(field[4], ": ")] = '\0';
	CLI("token", "verify", vector(file), "--anchors", vector(anchors), "--challenge",
	    challenge);
	if (cli.code == (good ? 0 : 7) && !cli.err.len &&
	    !strncmp(bytes_text(&cli.out), field[4], strlen(field[4])))
		return true;
	print_message("# %s: expected %s: %d %s%s\n", field[0], field[4], cli.code,
		      bytes_text(&cli.out), bytes_text(&cli.err));
	return false;
}

static void test_token_verdicts(void **state)
{
	struct bytes table = BYTES_INIT, challenge = BYTES_INIT;
	char *line, *save = NULL;
	unsigned int judged = 0, wrong = 0;
	uint8_t raw[64];

	(void)state;
	for (unsigned int i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)i;
	encode_hex(raw, sizeof(raw), &challenge);
	vector_read(CCA "EXPECTED.tsv", &table);
	strtok_r((char *)table.data, "\n", &save);
	while ((line = strtok_r(NULL, "\n", &save))) {
		wrong += !token_as_expected(line, bytes_text(&challenge));
		judged++;
	}
	assert_true(judged > 40);
	assert_int_equal(wrong, 0);
	bytes_free(&table);
	bytes_free(&challenge);
}

static void test_token_verify_forms(void **state)
{
	const char *file = vector(CCA "v01-907-2023-es384.cbor");
	const char *jwk = vector(CCA "cpak-p384.pub.jwk");
	struct error e = ERROR_INIT;
	json_t *value;

	(void)state;
	CLI("token", "verify", file, "--anchors", jwk);
	cli_went_well();
	cli_printed("freshness not judged");
	CLI("token", "verify", "--json", "--anchors", jwk, "--challenge", "00", file);
	assert_int_equal(cli.code, 7);
	value = json_parse(cli.out.data, cli.out.len, JSON_OPERATOR, "output", ERROR_INPUT, &e);
	assert_string_equal(json_string_value(json_object_get(value, "verdict")), "E_FRESHNESS");
	json_decref(value);
	CLI("token", "verify", file, "--anchors", vector(CCA "none"));
	cli_refused(12, "token verify", "none");
	CLI("token", "verify", file, "--anchors", vector(CCA "EXPECTED.tsv"));
	cli_refused(12, "token verify", "EXPECTED.tsv");
	CLI("token", "verify", vector(CCA "none"), "--anchors", jwk);
	cli_refused(12, "token verify", "none");
}

static void test_token_size(void **state)
{
	static uint8_t big[TOKEN_SIZE_MAX + 1];
	static const char *const show[] = { "token", "show", "-", NULL };
	const char *const verify[] = {
		"token", "verify", "-", "--anchors", vector(CCA "cpak-p384.pub.jwk"), NULL,
	};

	(void)state;
	cli_run(big, sizeof(big), show);
	cli_refused(12, "token show", "65536");
	cli_run(big, sizeof(big), verify);
	cli_refused(12, "token verify", "65536");
	cli_run(big, sizeof(big) - 1, verify);
	assert_int_equal(cli.code, 7);
	cli_printed("E_");
}

static void test_token_show(void **state)
{
	struct error e = ERROR_INIT;
	json_t *value;

	(void)state;
	CLI("token", "show", vector(CCA "v01-907-2023-es384.cbor"));
	cli_went_well();
	CLI("token", "show", "--json", vector(CCA "v01-907-2023-es384.cbor"));
	cli_went_well();
	value = json_parse(cli.out.data, cli.out.len, JSON_OPERATOR, "output", ERROR_INPUT, &e);
	assert_true(json_is_object(value));
	json_decref(value);
	CLI("token", "show", vector(CCA "garbage.cbor"));
	assert_int_equal(cli.out.len, 0);
	assert_non_null(strstr(bytes_text(&cli.err), "E_"));
	assert_int_not_equal(cli.code, 0);
}

/* --- servers that are not a KBS --------------------------------------------------------------- */

/*
 * Runs get-resource for @path from @url with an EAR and a key; @ca: trusted certificates, or NULL.
 */
static void get(const char *url, const char *path, const char *ca)
{
	/* clang-format off */
	const char *const word[] = {
		"get-resource", "--url", url, "--path", path, "--attestation-token",
		vector(EAR "ok-affirming.jwt"), "--tee-key-file", vector(TEE_KEY), "--timeout", "1",
		ca ? "--ca" : "--insecure", ca, NULL,
	};
	/* clang-format on */

	cli_run(NULL, 0, word);
}

static void test_tls(void **state)
{
	struct bytes pem = BYTES_INIT, other = BYTES_INIT;
	SSL_CTX *tls = http_server_tls("IP:127.0.0.1", &pem);
	SSL_CTX *tls_other = http_server_tls("IP:127.0.0.1", &other);
	struct http_server server;

	(void)state;
	http_server_start(&server, tls);
	scratch_write("ca", pem.data, pem.len);
	scratch_write("other-ca", other.data, other.len);
	scratch_write("empty", "", 0);
	get(server.url, "a/b/c", scratch("other-ca"));
	cli_refused(6, "get-resource", "certificate");
	get(server.url, "a/b/c", NULL); /* --insecure only allows http:// */
	cli_refused(6, "get-resource", "certificate");
	get(server.url, "a/b/c", scratch("empty"));
	cli_refused(12, "get-resource", "empty");
	get(server.url, "a/b/c", vector(EAR "pkey.json"));
	cli_refused(12, "get-resource", "certificate");
	get(server.url, "a/b/c", scratch("ca"));
	cli_refused(11, "get-resource", "a/b/c");
	http_server_stop(&server);
	SSL_CTX_free(tls);
	SSL_CTX_free(tls_other);
	bytes_free(&pem);
	bytes_free(&other);
}

static void test_bad_answers(void **state)
{
	struct http_server server;

	(void)state;
	http_server_start(&server, NULL);
	get(server.url, "a/b/c", scratch("ca"));
	cli_refused(2, "get-resource", "--insecure");
	get(server.url, "a/b", NULL);
	cli_refused(2, "get-resource", "a/b");
	get(server.url, "a/b/c", NULL); /* the answer is not a JWE */
	cli_refused(11, "get-resource", "a/b/c");
	get(server.url, "a/status418/c", NULL);
	cli_refused(11, "get-resource", "418");
	get(server.url, "a/redirect/c", NULL);
	cli_refused(11, "get-resource", "302");
	get(server.url, "a/slow/c", NULL);
	cli_refused(5, "get-resource", server.url);
	get(server.url, "a/silent/c", NULL);
	cli_refused(5, "get-resource", server.url);
	http_server_stop(&server);
	get(server.url, "a/b/c", NULL);
	cli_refused(5, "get-resource", server.url);
}

/* After a failure there is no output file. */
static void test_output_whole(void **state)
{
	struct http_server server;

	(void)state;
	http_server_start(&server, NULL);
	CLI("get-resource", "--url", server.url, "--insecure", "--path", "a/b/c", "--output",
	    scratch("secret"), "--attestation-token", vector(EAR "ok-affirming.jwt"),
	    "--tee-key-file", vector(TEE_KEY));
	cli_refused(11, "get-resource", "a/b/c");
	assert_int_equal(access(scratch("secret"), F_OK), -1);
	http_server_stop(&server);
}

static void test_tee_key(void **state)
{
	static const struct {
		const char *file, *why;
	} cases[] = {
		{ EAR "none", "none" },
		{ EAR "pkey.json", "PEM" },
		{ EAR "EXPECTED.tsv", "PEM" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLI("attest", "--url", "https://127.0.0.1:1", "--tee-key-file",
		    vector(cases[i].file));
		cli_refused(12, "attest", cases[i].why);
	}
}

static int tear_down(void **state)
{
	static const char *const files[] = { "ca", "other-ca", "empty", NULL };

	(void)state;
	return scratch_remove(files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_no_command),
		cmocka_unit_test(test_no_realm),
		cmocka_unit_test(test_full_output),
		cmocka_unit_test(test_token_verdicts),
		cmocka_unit_test(test_token_verify_forms),
		cmocka_unit_test(test_token_size),
		cmocka_unit_test(test_token_show),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_output_whole),
		cmocka_unit_test(test_tee_key),
	};

	return cmocka_run_group_tests_name("cli", tests, scratch_make, tear_down);
}
