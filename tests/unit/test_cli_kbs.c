// SPDX-License-Identifier: Apache-2.0
/*
 * realmkey with trusteed, two programs on loopback. There is no realm here, so the test issues a
 * realm's EAR, with the key in trusteed's state directory.
 */
#include "base/array.h"
#include "cli_run.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/encode.h"
#include "trusteed/attest/ear_issue.h"
#include "vector.h"

#define TEE_KEY "own-vectors/tee-p256.pem"
#define RIM	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define SECRET	"line one\nzero \0 byte, no line feed at the end"
#define WAIT_MS 10000

static char url[64], state_dir[64], log_file[64], admin_token[96], tee_key[4096];
static pid_t trusteed;

/* --- trusteed --------------------------------------------------------------------------------- */

static void log_read(struct bytes *text)
{
	struct error e = ERROR_INIT;

	bytes_clear(text);
	assert_int_equal(io_read_file(log_file, (size_t)1 << 20, text, &e), 0);
}

/* Returns how many requests that begin with @request trusteed has logged. */
static unsigned int requests(const char *request)
{
	struct bytes text = BYTES_INIT;
	char wanted[256];
	unsigned int n = 0;

	snprintf(wanted, sizeof(wanted), "request %s", request);
	log_read(&text);
	for (const char *at = bytes_text(&text); (at = strstr(at, wanted)); at++)
		n++;
	bytes_free(&text);
	return n;
}

static bool url_find(void)
{
	struct bytes text = BYTES_INIT;
	const char *at;

	log_read(&text);
	at = strstr(bytes_text(&text), "http://");
	if (at && strchr(at, '\n'))
		snprintf(url, sizeof(url), "%.*s", (int)strcspn(at, "\n"), at);
	bytes_free(&text);
	return *url;
}

static _Noreturn void trusteed_run(void)
{
	FILE *log = freopen(log_file, "w", stderr);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (log)
		dup2(fileno(log), STDOUT_FILENO);
	execl(cli_program("trusteed/trusteed"), "trusteed", "--state", state_dir, "--listen",
	      "127.0.0.1:0", (char *)NULL);
	_exit(127);
}

static int set_up(void **state)
{
	const char *top = getenv("REALMKEY_VECTORS");

	(void)state;
	if (!mkdtemp(scratch_directory))
		return -1;
	snprintf(state_dir, sizeof(state_dir), "%s/state", scratch_directory);
	snprintf(log_file, sizeof(log_file), "%s/log", scratch_directory);
	snprintf(admin_token, sizeof(admin_token), "%s/admin-token", state_dir);
	snprintf(tee_key, sizeof(tee_key), "%s/" TEE_KEY, top ? top : "tests/vectors");
	scratch_write("log", "", 0);
	trusteed = fork();
	if (trusteed == 0)
		trusteed_run();
	for (int ms = 0; ms < WAIT_MS; ms += 20) {
		if (url_find())
			return 0;
		usleep(20000);
	}
	print_error("trusteed did not start to listen\n");
	return -1;
}

/* Removes @path and its contents. */
static void tree_remove(const char *path)
{
	DIR *dir = opendir(path);
	char name[512];

	for (const struct dirent *entry; dir && (entry = readdir(dir));) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (unlink(name) < 0)
			tree_remove(name);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

static int tear_down(void **state)
{
	int status;

	(void)state;
	cli_free();
	kill(trusteed, SIGTERM);
	if (waitpid(trusteed, &status, 0) != trusteed || !WIFEXITED(status) || WEXITSTATUS(status))
		print_error("trusteed ended with wait status %#x\n", status);
	tree_remove(scratch_directory);
	return 0;
}

/* --- the operator ----------------------------------------------------------------------------- */

#define ADMIN(...) \
	CLI("admin", "--url", url, "--insecure", "--admin-token-file", admin_token, __VA_ARGS__)

static void policy(const char *option)
{
	ADMIN("set-resource-policy", option);
	cli_went_well();
}

static void secret_store(void)
{
	scratch_write("secret", SECRET, sizeof(SECRET) - 1);
	ADMIN("set-resource", "--path", "kbs:///db/pass/1", "--resource-file", scratch("secret"));
	cli_went_well();
	/* realmkey must not print the secret here, as other tools do */
	assert_null(memmem(cli.out.data, cli.out.len, "line one", 8));
}

/* Returns trusteed's reference value @name. */
static json_t *reference(const char *name)
{
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *all, *value;

	assert_int_equal(io_read_file(scratch("state/reference-values.json"), 65536, &text, &e), 0);
	all = json_parse(text.data, text.len, JSON_OPERATOR, "reference values", ERROR_INPUT, &e);
	value = json_incref(json_object_get(json_object_get(all, name), "value"));
	json_decref(all);
	bytes_free(&text);
	return value;
}

static void test_reference_values(void **state)
{
	static const struct {
		const char *word[6], *json; /* "?" stands for the name */
	} cases[] = {
		{ { "?", RIM }, "[\"" RIM "\"]" },
		{ { "--as-single-value", "?", "x" }, "\"x\"" },
		{ { "--as-integer", "--", "?", "-12" }, "[-12]" },
		{ { "?", "7", "--as-integer", "--as-single-value" }, "7" },
		{ { "?", "true", "--as-bool" }, "[true]" },
		{ { "--as-bool", "?", "--as-single-value", "false" }, "false" },
		{ { "?", "a", "b", "c" }, "[\"a\",\"b\",\"c\"]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *wanted = json_loads(cases[i].json, JSON_DECODE_ANY, NULL), *kept;
		const char *word[6] = { NULL };
		char name[16];

		snprintf(name, sizeof(name), "name-%zu", i);
		for (int k = 0; k < 6 && cases[i].word[k]; k++)
			word[k] = strcmp(cases[i].word[k], "?") ? cases[i].word[k] : name;
		ADMIN("set-reference-value", word[0], word[1], word[2], word[3], word[4], word[5]);
		assert_int_equal(cli.code, 0);
		assert_non_null(strstr(bytes_text(&cli.err), "no rule that reads this name"));
		kept = reference(name);
		assert_true(wanted && json_equal(kept, wanted));
		json_decref(kept);
		json_decref(wanted);
	}
}

static void test_operator_refused(void **state)
{
	(void)state;
	scratch_write("token", "nonsense\n", 9);
	CLI("admin", "set-resource-policy", "--allow-all", "--url", url, "--insecure",
	    "--admin-token-file", scratch("token"));
	cli_refused(8, "admin set-resource-policy", "token");
	CLI("admin", "set-resource-policy", "--allow-all", "--url", url, "--admin-token-file",
	    admin_token);
	cli_refused(2, "admin set-resource-policy", "--insecure");
	CLI("admin", "set-resource-policy", "--allow-all", "--url", url, "--insecure",
	    "--admin-token-file", scratch("none"));
	cli_refused(12, "admin set-resource-policy", "none");
	/* No policy, with an engine or without. */
	scratch_write("rego", "packag policy\n", 14);
	ADMIN("set-resource-policy", "--policy-file", scratch("rego"));
	cli_refused(12, "admin set-resource-policy", "Rego");
	ADMIN("set-resource", "--path", "a/b", "--resource-file", scratch("rego"));
	cli_refused(2, "admin set-resource", "a/b");
}

/* --- the realm's side ------------------------------------------------------------------------- */

/*
 * Writes an EAR for the TEE key of the vectors to "ear": executables @executables, issued @ago s
 * ago.
 */
static void ear_write(int executables, int64_t ago)
{
	struct verdict verdict = {
		.vector = {
			[EAR_INSTANCE_IDENTITY] = 2,
			[EAR_EXECUTABLES] = executables,
			[EAR_HARDWARE] = 2,
		},
		.set = { true, true, true, true, true, true, true, true },
	};
	struct ear_submod submod = { .name = "cpu0", .verdict = &verdict };
	struct tee_key signer = TEE_KEY_INIT, tee = TEE_KEY_INIT;
	struct ear_issuer issuer = EAR_ISSUER_INIT;
	struct bytes pem = BYTES_INIT, ear = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *evidence;

	assert_int_equal(io_read_file(scratch("state/ear-key.pem"), 4096, &pem, &e), 0);
	assert_int_equal(tee_key_from_pem(&signer, pem.data, pem.len, &e), 0);
	vector_read_key(TEE_KEY, &tee);
	evidence = json_pack("{s:{s:o}, s:{s:{s:s}}}", "runtime_data_claims", "tee-pubkey",
			     tee_key_jwk(&tee, &e), "cca", "realm", "cca-realm-initial-measurement",
			     RIM);
	assert_non_null(evidence);
	submod.evidence = evidence;
	assert_int_equal(ear_issuer_init(&issuer, signer.pkey, NULL, &e), 0);
	assert_int_equal(ear_issue(&issuer, &submod, 1, time(NULL) - ago, &ear, &e), 0);
	bytes_append_text(&ear, "\n");
	scratch_write("ear", ear.data, ear.len);
	json_decref(evidence);
	ear_issuer_free(&issuer);
	tee_key_free(&signer);
	tee_key_free(&tee);
	bytes_free(&pem);
	bytes_free(&ear);
}

#define GET(...) \
	CLI("get-resource", "--url", url, "--insecure", "--attestation-token", scratch("ear"), \
	    "--tee-key-file", tee_key, __VA_ARGS__)

static void test_get(void **state)
{
	struct bytes text = BYTES_INIT, wanted = BYTES_INIT;
	struct error e = ERROR_INIT;
	unsigned int before;
	struct stat st;

	(void)state;
	policy("--affirming");
	secret_store();
	ear_write(3, 0);
	before = requests("");
	GET("--path", "db/pass/1");
	cli_went_well();
	assert_memory_equal(cli.out.data, SECRET, sizeof(SECRET) - 1);
	assert_int_equal(cli.out.len, sizeof(SECRET) - 1);
	assert_int_equal(requests(""), before + 1);

	GET("--path", "kbs:///db/pass/1", "--base64");
	cli_went_well();
	encode_base64(ENCODE_BASE64, SECRET, sizeof(SECRET) - 1, &wanted);
	bytes_append_text(&wanted, "\n");
	assert_string_equal(bytes_text(&cli.out), bytes_text(&wanted));

	GET("--path", "db/pass/1", "--output", scratch("out"));
	cli_went_well();
	assert_int_equal(cli.out.len, 0);
	assert_int_equal(io_read_file(scratch("out"), 4096, &text, &e), 0);
	assert_true(bytes_equal(text.data, text.len, SECRET, sizeof(SECRET) - 1));
	assert_int_equal(stat(scratch("out"), &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	bytes_free(&text);
	bytes_free(&wanted);
}

/* A denial is explained from the given EAR, with a single request. */
static void test_denied(void **state)
{
	const char *said;
	unsigned int before;

	(void)state;
	policy("--affirming");
	secret_store();
	ear_write(33, 0);
	before = requests("");
	assert_int_equal(GET("--path", "db/pass/1"), 8);
	said = bytes_text(&cli.err);
	assert_int_equal(cli.out.len, 0);
	assert_non_null(strstr(said, "realmkey: get-resource: "));
	assert_non_null(strstr(said, "denied"));
	assert_non_null(strstr(said, "cpu0 executables is 33 [warning]: unrecognized run-time"));
	assert_non_null(
		strstr(said, "set-reference-value cca.realm.cca-realm-initial-measurement " RIM));
	assert_int_equal(requests(""), before + 1);
	policy("--deny-all");
	ear_write(3, 0);
	assert_int_equal(GET("--path", "db/pass/1"), 8);
	assert_non_null(strstr(bytes_text(&cli.err), "the resource policy itself"));
	policy("--allow-all");
	ear_write(33, 0);
	GET("--path", "db/pass/1");
	cli_went_well();
}

static void test_get_refused(void **state)
{
	unsigned int before;

	(void)state;
	policy("--affirming");
	secret_store();
	ear_write(3, 0);
	GET("--path", "db/pass/none");
	cli_refused(9, "get-resource", "db/pass/none");
	CLI("get-resource", "--url", url, "--insecure", "--path", "db/pass/1",
	    "--attestation-token", scratch("ear"), "--tee-key-file", scratch("state/ear-key.pem"));
	cli_refused(11, "get-resource", "db/pass/1"); /* another key than that in the EAR */

	/* The KBS refuses the EAR. Only the caller can replace it, so there is only one request. */
	ear_write(3, 3600);
	before = requests("");
	GET("--path", "db/pass/1");
	cli_refused(7, "get-resource", "EAR");
	assert_int_equal(requests(""), before + 1);
	scratch_write("ear", "\n", 1);
	GET("--path", "db/pass/1");
	cli_refused(12, "get-resource", "empty");
}

/* The log contains neither the secret nor the admin token. */
static void test_log_is_clean(void **state)
{
	struct bytes text = BYTES_INIT, token = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(io_read_file(admin_token, 65536, &token, &e), 0);
	log_read(&text);
	assert_true(text.len > 0);
	assert_null(strstr(bytes_text(&text), "line one"));
	assert_null(strstr(bytes_text(&text), bytes_text(&token)));
	bytes_free(&text);
	bytes_free(&token);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference_values),
		cmocka_unit_test(test_operator_refused),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_get_refused),
		cmocka_unit_test(test_log_is_clean),
	};

	/* A trusteed without an engine, which refuses policies of which it has no rules. */
	setenv("REALMKEY_POLICY", "/nonexistent", 1);
	return cmocka_run_group_tests_name("cli with a KBS", tests, set_up, tear_down);
}
