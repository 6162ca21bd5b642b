// SPDX-License-Identifier: Apache-2.0
/* A real realmkey-policy: what it answers, what it may not do, and how one that goes wrong is cut off. */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "rego/process.h"
#include "rego/question.h"
#include "vector.h"

#define MEMORY	((size_t)64 << 20)
#define PATIENT 30000 /* ms, on a slow machine */
#define POLICY	"package policy\nimport rego.v1\n"

static struct rego_process process = REGO_PROCESS_INIT;

static int process_start(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	if (rego_start(&process, MEMORY, &e) == 0)
		return 0;
	print_error("%s\n", e.text);
	return -1;
}

static int process_stop(void **state)
{
	(void)state;
	rego_end(&process, NULL);
	return 0;
}

/* Asks the frame @question, which is consumed. */
static json_t *ask(struct bytes *question, int timeout, struct error *e)
{
	struct bytes text = BYTES_INIT;
	json_t *answer = NULL;

	if (rego_call(&process, question, timeout, &text, e) == 0)
		answer = rego_answer(text.data, text.len, e);
	bytes_free(&text);
	bytes_free(question);
	return answer;
}

static json_t *check(const char *policy, struct error *e)
{
	struct bytes text = BYTES_INIT, question = BYTES_INIT;

	bytes_set(&text, policy, strlen(policy));
	assert_int_equal(rego_ask_check(&text, &question, e), 0);
	bytes_free(&text);
	return ask(&question, PATIENT, e);
}

/* The value of @rule, which is NULL if the policy does not have it. The JSON texts may be NULL. */
static json_t *value_of(const struct bytes *policy, const char *rule, const char *input,
			const char *data, const char *references)
{
	json_t *i = input ? json_loads(input, JSON_DECODE_ANY, NULL) : NULL;
	json_t *d = data ? json_loads(data, 0, NULL) : NULL;
	json_t *r = references ? json_loads(references, 0, NULL) : NULL;
	struct bytes question = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *answer, *value;

	assert_int_equal(rego_ask_evaluate(policy, (const char *[]){ rule, NULL }, i, d, r,
					   &question, &e),
			 0);
	answer = ask(&question, PATIENT, &e);
	if (!answer)
		fail_msg("%s", e.text);
	value = json_incref(json_object_get(json_object_get(answer, "values"), rule));
	json_decref(answer);
	json_decref(i);
	json_decref(d);
	json_decref(r);
	return value;
}

static void expect_rule(const struct bytes *policy, const char *rule, const char *input,
			const char *data, const char *references, const char *expected)
{
	json_t *value = value_of(policy, rule, input, data, references);
	char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) :
			     NULL;

	if (!expected)
		assert_null(text);
	else if (!text || strcmp(text, expected))
		fail_msg("%s with %s is %s, expected %s", rule, input, text, expected);
	free(text);
	json_decref(value);
}

/* --- what it answers ------------------------------------------------------------------------- */

#define SUBMOD(status, level) \
	"{\"cpu0\": {\"ear.status\": \"" status "\", \"ear.veraison.annotated-evidence\": " \
	"{\"cca\": {\"level\": " level "}}}}"

static void resource_policy(void **state)
{
	static const struct {
		const char *input, *data, *allow;
	} cases[] = {
		{ "{}", "{\"plugin\": \"resource\", \"resource-path\": [\"public\", \"a\", \"b\"]}",
		  "true" },
		{ "{}", "{\"plugin\": \"other\", \"resource-path\": [\"public\", \"a\", \"b\"]}",
		  "false" },
		{ "{\"submods\": " SUBMOD("affirming", "2") "}",
		  "{\"plugin\": \"resource\", \"resource-path\": [\"r\", \"t\", \"first\"]}",
		  "true" },
		{ "{\"submods\": " SUBMOD("affirming", "2") "}",
		  "{\"plugin\": \"resource\", \"resource-path\": [\"r\", \"t\", \"second\"]}",
		  "false" },
		{ "{\"submods\": " SUBMOD("warning", "3") "}",
		  "{\"plugin\": \"resource\", \"resource-path\": [\"r\", \"t\", \"first\"]}",
		  "false" },
		{ "{\"submods\": {}}",
		  "{\"plugin\": \"resource\", \"resource-path\": [\"r\", \"t\", \"first\"]}",
		  "false" },
		{ "{}",
		  "{\"plugin\": \"resource\", \"resource-path\": [\"r\", \"versioned\", \"key-1\"],"
		  " \"query\": {\"version\": \"2\"}}",
		  "true" },
		{ "{}",
		  "{\"plugin\": \"resource\", \"resource-path\": [\"r\", \"versioned\", \"key-1\"],"
		  " \"query\": {}}",
		  "false" },
	};
	struct bytes policy = BYTES_INIT;

	(void)state;
	vector_read("policies/resource.rego", &policy);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_rule(&policy, REGO_ALLOW, cases[i].input, cases[i].data, NULL,
			    cases[i].allow);
	bytes_free(&policy);
}

#define GOOD_CCA \
	"{\"cca\": {\"realm\": {\"cca-realm-initial-measurement\": \"AAAA\", \"personalization\": " \
	"\"cmVhbG1rZXk=\"}, \"platform\": {\"version\": 5, \"cca-platform-sw-components\": " \
	"[{\"component-type\": \"firmware/bl2\"}]}, \"events\": [{\"type\": \"kernel\", \"digests\": " \
	"[\"00\", \"11\"]}], \"files\": [\"usr\", \"root\"], \"built\": \"2026-01-01T00:00:00Z\"}, " \
	"\"labels\": [\"b\", \"a\", \"\"]}"
#define GOOD_REFERENCES \
	"{\"rim\": [\"BBBB\", \"AAAA\"], \"kernel\": \"11\", \"platform_minimum\": 4}"

static void attestation_policy(void **state)
{
	struct bytes policy = BYTES_INIT;

	(void)state;
	vector_read("policies/attestation.rego", &policy);
	expect_rule(&policy, REGO_TRUST_CLAIMS, GOOD_CCA, NULL, GOOD_REFERENCES,
		    "{\"configuration\":2,\"executables\":3,\"file-system\":2,\"hardware\":2,"
		    "\"runtime-opaque\":2,\"storage-opaque\":0}");
	expect_rule(&policy, REGO_EXTENSIONS, GOOD_CCA, NULL, GOOD_REFERENCES,
		    "[{\"key\":70001,\"name\":\"x.labels\",\"value\":[\"A\",\"B\"]}]");
	/* A name without a value is null, which contains nothing, and is less than every number. */
	expect_rule(&policy, REGO_TRUST_CLAIMS, GOOD_CCA, NULL, NULL,
		    "{\"configuration\":2,\"executables\":33,\"file-system\":2,\"hardware\":2,"
		    "\"runtime-opaque\":2,\"storage-opaque\":0}");
	expect_rule(&policy, REGO_TRUST_CLAIMS, GOOD_CCA, NULL, "{\"platform_minimum\": 6}",
		    "{\"configuration\":2,\"executables\":33,\"file-system\":2,\"hardware\":32,"
		    "\"runtime-opaque\":2,\"storage-opaque\":0}");
	expect_rule(&policy, REGO_TRUST_CLAIMS, "{\"sample\": {\"launch_digest\": \"x\"}}", NULL,
		    "{\"launch_digest\": [\"x\"]}",
		    "{\"configuration\":36,\"executables\":2,\"file-system\":0,\"hardware\":97,"
		    "\"runtime-opaque\":0,\"storage-opaque\":0}");
	bytes_free(&policy);
}

static void expect_of(const char *text, const char *rule, const char *input, const char *expected)
{
	struct bytes policy = BYTES_INIT;

	bytes_set(&policy, text, strlen(text));
	expect_rule(&policy, rule, input, NULL, NULL, expected);
	bytes_free(&policy);
}

static void rules_without_a_value(void **state)
{
	(void)state;
	expect_of(POLICY "allow if input.a == 1\n", REGO_ALLOW, "{\"a\": 1}", "true");
	expect_of(POLICY "allow if input.a == 1\n", REGO_ALLOW, "{\"a\": 2}", "\"<undefined>\"");
	expect_of(POLICY "allow if input.a == 1\n", REGO_ALLOW, NULL, "\"<undefined>\"");
	expect_of(POLICY "other := 1\n", REGO_ALLOW, NULL, NULL);
	expect_of("package other\nallow := true\n", REGO_ALLOW, NULL, NULL);
}

/* What one evaluation was given must not be seen by the next one. */
static void evaluations_are_separate(void **state)
{
	struct bytes policy = BYTES_INIT;
	static const char text[] = POLICY
		"allow := [input, data.x, query_reference_value(\"r\")]\n";

	(void)state;
	bytes_set(&policy, text, strlen(text));
	expect_rule(&policy, REGO_ALLOW, "1", "{\"x\": 2}", "{\"r\": 3}", "[1,2,3]");
	expect_rule(&policy, REGO_ALLOW, "4", "{\"x\": 5}", NULL, "[4,5,null]");
	expect_rule(&policy, REGO_ALLOW, NULL, NULL, NULL, "\"<undefined>\"");
	bytes_free(&policy);
}

static void policies_are_checked(void **state)
{
	static const struct {
		const char *policy, *error;
	} cases[] = {
		{ "package policy\nallow := \n", "line 3, column 1: expecting expression" },
		{ "package policy\n  allow { x",
		  "line 2, column 9: `if` keyword is required before rule body" },
		{ "hello", "line 1, column 1: expecting `package` Missing package declaration." },
		{ "package policy\nallow if { x == 1 }\n",
		  "line 2, column 12: use of undefined variable `x` is unsafe" },
		{ "", "line 1, column 1: expecting `package` Missing package declaration." },
	};
	struct error e = ERROR_INIT;
	json_t *answer;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error mistake = ERROR_INIT;

		assert_null(check(cases[i].policy, &mistake));
		assert_int_equal(mistake.kind, ERROR_INPUT);
		assert_string_equal(mistake.text, cases[i].error);
	}
	answer = check("package a.b\ntrust_claims := {}\nother := 1\n", &e);
	assert_non_null(answer);
	assert_string_equal(json_string_value(json_object_get(answer, "package")), "a.b");
	assert_int_equal(json_array_size(json_object_get(answer, "rules")), 1);
	assert_string_equal(json_string_value(json_array_get(json_object_get(answer, "rules"), 0)),
			    "data.a.b.trust_claims");
	json_decref(answer);
}

static void reference_values_have_one_name(void **state)
{
	struct bytes question = BYTES_INIT, policy = BYTES_INIT;
	static const char text[] = POLICY "allow := query_reference_value(1)\n";
	struct error e = ERROR_INIT;

	(void)state;
	bytes_set(&policy, text, strlen(text));
	assert_int_equal(rego_ask_evaluate(&policy, (const char *[]){ REGO_ALLOW, NULL }, NULL,
					   NULL, NULL, &question, &e),
			 0);
	assert_null(ask(&question, PATIENT, &e));
	assert_int_equal(e.kind, ERROR_INPUT);
	assert_string_equal(e.text,
			    "line 3, column 31: query_reference_value() accepts one string");
	bytes_free(&policy);
}

/* A value that is too long to be sent, and policies that are kept for the next time, leave the memory to others. */
static void memory_is_given_back(void **state)
{
	static const char big[] = POLICY
		"n := numbers.range(1, 450)\n"
		"allow := [\"0123456789012345678901234567890123456789\" | some x in n; some y in n]\n";
	static const char small[] = POLICY
		"allow if count(numbers.range(1, 2000000)) == 2000000 # %d\n%s";

	(void)state;
	for (int i = 0; i < 28; i++) {
		struct bytes question = BYTES_INIT, policy = BYTES_INIT, filler = BYTES_INIT;
		struct error e = ERROR_INIT;
		json_t *answer;

		for (int rule = 0; rule < 1000; rule++)
			bytes_printf(&filler, "r%d := [%d]\n", rule, i);
		if (i % 2)
			bytes_set(&policy, big, strlen(big));
		else
			bytes_printf(&policy, small, i, bytes_text(&filler));
		assert_int_equal(rego_ask_evaluate(&policy, (const char *[]){ REGO_ALLOW, NULL },
						   NULL, NULL, NULL, &question, &e),
				 0);
		answer = ask(&question, PATIENT, &e);
		if (i % 2)
			assert_string_equal(e.text, "the policy's values are too long");
		else if (!answer)
			fail_msg("%d: %s", i, e.text);
		json_decref(answer);
		bytes_free(&filler);
		bytes_free(&policy);
	}
}

/* What a policy cannot do, because the engine has no such functions. */
static void functions_that_are_not_there(void **state)
{
	static const char *const calls[] = {
		"http.send({\"method\": \"get\", \"url\": \"http://127.0.0.1/\"})",
		"opa.runtime()",
		"net.lookup_ip_addr(\"localhost\")",
		"io.jwt.decode(\"a.b.c\")",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct bytes question = BYTES_INIT, policy = BYTES_INIT;
		struct error e = ERROR_INIT;

		bytes_printf(&policy, POLICY "allow := %s\n", calls[i]);
		assert_int_equal(rego_ask_evaluate(&policy, (const char *[]){ REGO_ALLOW, NULL },
						   NULL, NULL, NULL, &question, &e),
				 0);
		assert_null(ask(&question, PATIENT, &e));
		assert_int_equal(e.kind, ERROR_INPUT);
		assert_non_null(strstr(e.text, "line 3, column "));
		bytes_free(&policy);
	}
}

static void init_data(void **state)
{
	static const char text[] =
		"version = \"0.1.0\"\nalgorithm = \"sha-384\"\n[data]\n"
		"\"aa.toml\" = '''\n[token_configs]\nurl = \"u\"\n'''\n"
		"\"cdh.toml\" = 'no toml'\n"
		"\"policy.rego\" = '''\npackage agent_policy\npolicy_data := {\"a\": [1]}\n'''\n"
		"\"other\" = \"text\"\n";
	struct bytes question = BYTES_INIT;
	struct error e = ERROR_INIT;
	json_t *answer;
	char *dump;

	(void)state;
	assert_int_equal(rego_ask_init_data(text, &question, &e), 0);
	answer = ask(&question, PATIENT, &e);
	assert_non_null(answer);
	dump = json_dumps(answer, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(dump,
			    "{\"algorithm\":\"sha-384\",\"claims\":{\"aa.toml\":{\"token_configs\":"
			    "{\"url\":\"u\"}},\"agent_policy_claims\":{\"a\":[1]},\"cdh.toml\":"
			    "\"no toml\",\"other\":\"text\"},\"version\":\"0.1.0\"}");
	free(dump);
	json_decref(answer);

	assert_int_equal(rego_ask_init_data("version = \"1\"\nalgorithm = = 1\n", &question, &e),
			 0);
	assert_null(ask(&question, PATIENT, &e));
	assert_int_equal(e.kind, ERROR_INPUT);
	assert_non_null(strstr(e.text, "line 2, column 13: "));
}

/* --- what is cut off ------------------------------------------------------------------------- */

/* Evaluate a policy that must be cut off, then start another process. */
static void expect_cut_off(const char *rule, int timeout, const char *cause)
{
	struct bytes question = BYTES_INIT, policy = BYTES_INIT;
	struct error e = ERROR_INIT;

	bytes_printf(&policy, POLICY "%s\n", rule);
	assert_int_equal(rego_ask_evaluate(&policy, (const char *[]){ REGO_ALLOW, NULL }, NULL,
					   NULL, NULL, &question, &e),
			 0);
	assert_null(ask(&question, timeout, &e));
	assert_string_equal(e.text, cause);
	assert_int_equal(e.kind, ERROR_POLICY);
	assert_int_equal(process.pid, 0);
	assert_int_equal(process.fd, -1);
	bytes_free(&policy);
	assert_int_equal(process_start(NULL), 0);
}

static void policy_that_loops(void **state)
{
	const int64_t began = clock_boot_ms();

	(void)state;
	expect_cut_off("allow if { some x in numbers.range(1, 100000); some y in "
		       "numbers.range(1, 100000); x * y == -1 }",
		       500, "the policy took longer than it may");
	assert_true(clock_boot_ms() - began < PATIENT);
}

static void policy_that_allocates(void **state)
{
	static const char *const rules[] = {
		"allow := count(numbers.range(1, 1000000000000))",
		"allow := count([[x, y] | some x in numbers.range(1, 10000); some y in "
		"numbers.range(1, 10000)])",
		"allow if { a := concat(\"\", [\"aaaaaaaaaa\" | some x in numbers.range(1, 10000)]); "
		"count(replace(a, \"a\", a)) == 1 }",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		expect_cut_off(
			rules[i], PATIENT,
			"realmkey-policy ended: the policy needed more memory than it may use");
}

static void policy_that_recurses(void **state)
{
	(void)state;
	expect_cut_off("f(x) := f(x + 1)\nallow if f(1)", PATIENT,
		       "realmkey-policy ended: the policy was nested too deeply");
}

static void garbage(void **state)
{
	static const struct {
		const char *frame;
		size_t len;
		const char *error; /* NULL: answered, with an error */
	} cases[] = {
		{ "\0\0\0\0", 4, NULL },
		{ "\2\0\0\0{}", 6, NULL },
		{ "\4\0\0\0null", 8, NULL },
		{ "\2\0\0\0\xff\xfe", 6, NULL },
		{ "\22\0\0\0{\"kind\": \"check\"} ", 22, NULL },
		{ "\xff\xff\xff\xff", 4,
		  "realmkey-policy ended: it received a malformed question" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytes frame = BYTES_INIT;
		struct error e = ERROR_INIT;

		bytes_set(&frame, cases[i].frame, cases[i].len);
		assert_null(ask(&frame, PATIENT, &e));
		assert_int_equal(e.kind, cases[i].error ? ERROR_POLICY : ERROR_INPUT);
		if (cases[i].error)
			assert_string_equal(e.text, cases[i].error);
	}
	assert_int_equal(process_start(NULL), 0);
}

/* --- what it is ------------------------------------------------------------------------------ */

/* A number in /proc/PID/status or /proc/PID/limits. */
static void expect_line(const char *file, const char *start)
{
	char path[64], line[256];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)process.pid, file);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		found |= !strncmp(line, start, strlen(start));
	fclose(f);
	if (!found)
		fail_msg("no line of %s begins with '%s'", path, start);
}

static void process_is_confined(void **state)
{
	struct error e = ERROR_INIT;
	char path[64];
	size_t n = 0;
	DIR *dir;

	(void)state;
	/* Once it answers, it is confined. */
	json_decref(check("package policy\n", &e));
	expect_line("status", "Seccomp:\t2");
	expect_line("status", "NoNewPrivs:\t1");
	expect_line("status", "CapPrm:\t0000000000000000");
	expect_line("status", "Threads:\t1");
	expect_line("limits", "Max open files            0                    0 ");
	expect_line("limits", "Max file size             0                    0 ");
	expect_line("limits", "Max core file size        0                    0 ");
	/* Its environment and its descriptors: the socket, and /dev/null twice. */
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)process.pid);
	dir = opendir(path);
	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	assert_int_equal(n, 2 + 3);
	if (geteuid() == 0)
		expect_line("status", "Uid:\t65534\t65534\t65534");
}

static void program_that_is_not_there(void **state)
{
	struct rego_process other = REGO_PROCESS_INIT;
	const char *program = getenv("REALMKEY_POLICY");
	struct error e = ERROR_INIT;

	(void)state;
	assert_true(rego_available());
	setenv("REALMKEY_POLICY", "/nonexistent/policy", 1);
	assert_false(rego_available());
	assert_int_equal(rego_start(&other, MEMORY, &e), -1);
	assert_int_equal(e.kind, ERROR_CONFIG);
	assert_string_equal(e.text, "/nonexistent/policy: No such file or directory");
	assert_int_equal(other.pid, 0);
	rego_end(&other, &e);
	/* A program that ends at once. */
	setenv("REALMKEY_POLICY", "/bin/true", 1);
	assert_int_equal(rego_start(&other, MEMORY, &e), 0);
	e = (struct error)ERROR_INIT;
	{
		struct bytes question = BYTES_INIT, answer = BYTES_INIT;

		assert_int_equal(rego_ask_init_data("", &question, &e), 0);
		assert_int_equal(rego_call(&other, &question, PATIENT, &answer, &e), -1);
		bytes_free(&question);
		bytes_free(&answer);
	}
	assert_int_equal(e.kind, ERROR_SYSTEM);
	assert_string_equal(e.text, "realmkey-policy ended with status 0");
	setenv("REALMKEY_POLICY", program, 1);
}

static void process_that_was_killed(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	kill(process.pid, SIGKILL);
	assert_null(check("package policy\n", &e));
	assert_int_equal(e.kind, ERROR_SYSTEM);
	assert_string_equal(e.text, "realmkey-policy ended: SIGKILL");
	assert_null(check("package policy\n", &e));
	assert_string_equal(e.text, "realmkey-policy: not running");
	assert_int_equal(process_start(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resource_policy),
		cmocka_unit_test(attestation_policy),
		cmocka_unit_test(rules_without_a_value),
		cmocka_unit_test(evaluations_are_separate),
		cmocka_unit_test(policies_are_checked),
		cmocka_unit_test(reference_values_have_one_name),
		cmocka_unit_test(memory_is_given_back),
		cmocka_unit_test(functions_that_are_not_there),
		cmocka_unit_test(init_data),
		cmocka_unit_test(policy_that_loops),
		cmocka_unit_test(policy_that_allocates),
		cmocka_unit_test(policy_that_recurses),
		cmocka_unit_test(garbage),
		cmocka_unit_test(process_is_confined),
		cmocka_unit_test(program_that_is_not_there),
		cmocka_unit_test(process_that_was_killed),
	};

	if (!rego_available()) {
		print_message(
			"1..0 # SKIP this build has no realmkey-policy: no cargo, or no crates (tools/crates)\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, process_start, process_stop);
}
