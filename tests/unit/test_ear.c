// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/array.h"
#include "ear/ear.h"
#include "jose/jwk.h"
#include "jose/jwt.h"
#include "vector.h"

#define NOW 1800000000LL

/* Makes all checks of a relying party. The key in the EAR's header is used only if @key is NULL. */
static int ear_judge(const struct bytes *text, EVP_PKEY *key, struct ear *ear, struct error *e)
{
	EVP_PKEY *own = NULL;
	struct jwt jwt = JWT_INIT;
	int ret = -1;

	if (jwt_decode(text->data, text->len, &jwt, e) < 0)
		goto out;
	if (!key) {
		own = jwk_public_key(json_object_get(jwt.header, "jwk"), "jwk", e);
		if (!own)
			goto out;
	}
	if (jwt_verify(&jwt, key ? key : own, e) == 0 &&
	    jwt_check_times(&jwt, NOW, 60, NULL, e) == 0)
		ret = ear_from_payload(jwt.payload, ear, e);
out:
	EVP_PKEY_free(own);
	jwt_free(&jwt);
	return ret;
}

static const struct {
	const char *file, *cause; /* NULL: accepted */
} expected[] = {
	{ "ok-affirming.jwt", NULL },
	{ "ok-header-jwk.jwt", NULL },
	{ "ok-warning.jwt", NULL },
	{ "ok-contraindicated-99.jwt", NULL },
	{ "bad-expired.jwt", "JWT: \"exp\" not satisfied: token is expired" },
	{ "bad-iat-future.jwt", "JWT: \"iat\" not satisfied: token is issued in the future" },
	{ "bad-wrong-key.jwt", "JWT: signature verification failure" },
	{ "bad-sig-flip.jwt", "JWT: signature verification failure" },
	{ "bad-alg-none.jwt", "JWT header: alg: 'none' with a key for ES256" },
	{ "bad-two-segments.jwt", "JWT: invalid number of segments" },
	{ "bad-missing-eat_profile.jwt", "EAR: missing mandatory 'eat_profile'" },
	{ "bad-missing-ear-verifier-id.jwt", "EAR: missing mandatory 'ear.verifier-id'" },
	{ "bad-missing-submods.jwt", "EAR: missing mandatory 'submods'" },
	{ "bad-missing-status.jwt", "EAR: missing mandatory 'CCA_REALM.ear.status'" },
	{ "bad-empty-submods.jwt", "EAR: missing mandatory 'submods' (at least one appraisal)" },
	{ "bad-status-name.jwt",
	  "EAR: invalid value for 'CCA_REALM.ear.status' (not the name of a trust tier)" },
	{ "bad-status-33.jwt",
	  "EAR: invalid value for 'CCA_REALM.ear.status' (not the number of a trust tier)" },
	{ "bad-profile.jwt", "EAR: invalid value for 'eat_profile' (tag:example.org,2020:other)" },
	{ "bad-raw-evidence-b64.jwt",
	  "EAR: invalid value for 'ear.raw-evidence' (base64url: not base64 at character 4)" },
	/* The names are valid, but it never expires. */
	{ "draft03-names.jwt", "JWT: \"exp\" not satisfied: missing" },
};

static EVP_PKEY *key_of(const char *name)
{
	struct error e = ERROR_INIT;
	json_t *jwk = vector_read_json(name);
	EVP_PKEY *key = jwk_public_key(jwk, name, &e);

	assert_non_null(key);
	json_decref(jwk);
	return key;
}

static void ear_read(const char *file, struct ear *ear)
{
	EVP_PKEY *key = key_of("generated-ear/pkey.json");
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	char name[128];

	snprintf(name, sizeof(name), "generated-ear/%s", file);
	vector_read(name, &text);
	if (ear_judge(&text, key, ear, &e) < 0)
		fail_msg("%s: %s", file, e.text);
	EVP_PKEY_free(key);
	bytes_free(&text);
}

static void each_file_has_the_verdict_of_the_table(void **state)
{
	EVP_PKEY *key = key_of("generated-ear/pkey.json");
	struct bytes text = BYTES_INIT;
	char name[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		struct ear ear = EAR_INIT;
		struct error e = ERROR_INIT;
		int ret;

		snprintf(name, sizeof(name), "generated-ear/%s", expected[i].file);
		vector_read(name, &text);
		ret = ear_judge(&text, key, &ear, &e);
		if (ret < 0 && (!expected[i].cause || strcmp(e.text, expected[i].cause) != 0))
			fail_msg("%s: '%s'", expected[i].file, e.text);
		assert_int_equal(ret, expected[i].cause ? -1 : 0);
		assert_int_equal(ear.count, expected[i].cause ? 0 : 2);
		ear_free(&ear);
	}
	EVP_PKEY_free(key);
	bytes_free(&text);
}

/* Returns 1 if EXPECTED.tsv lists @file as accepted, 0 if as refused. */
static int verdict_of_table(const char *file, const char *table)
{
	const char *at = strstr(table, file);
	const char *says = at ? strchr(at, '\t') : NULL;

	if (!says)
		fail_msg("%s is not in EXPECTED.tsv", file);
	return strncmp(says + 1, "accepted", 8) == 0;
}

static void the_table_above_agrees_with_expected_tsv(void **state)
{
	struct bytes table = BYTES_INIT;
	size_t lines = 0;

	(void)state;
	vector_read("generated-ear/EXPECTED.tsv", &table);
	for (size_t i = 0; i < table.len; i++)
		lines += table.data[i] == '\n';
	assert_int_equal(lines - 1, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_int_equal(verdict_of_table(expected[i].file, bytes_text(&table)),
				 expected[i].cause ? 0 : 1);
	bytes_free(&table);
}

static void the_header_key_is_used_only_if_requested(void **state)
{
	EVP_PKEY *other = key_of("generated-ear/other-pkey.json");
	struct bytes text = BYTES_INIT;
	struct ear ear = EAR_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	vector_read("generated-ear/ok-header-jwk.jwt", &text);
	assert_int_equal(ear_judge(&text, NULL, &ear, &e), 0);
	assert_int_equal(ear_judge(&text, other, &ear, &e), -1);
	assert_string_equal(e.text, "JWT: signature verification failure");
	vector_read("generated-ear/bad-wrong-key.jwt", &text);
	assert_int_equal(ear_judge(&text, other, &ear, &e), 0);
	EVP_PKEY_free(other);
	ear_free(&ear);
	bytes_free(&text);
}

static void reads_the_names_of_the_draft(void **state)
{
	EVP_PKEY *key = key_of("generated-ear/pkey.json");
	struct bytes text = BYTES_INIT;
	struct jwt jwt = JWT_INIT;
	struct ear ear = EAR_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	vector_read("generated-ear/draft03-names.jwt", &text);
	assert_int_equal(jwt_decode(text.data, text.len, &jwt, &e), 0);
	assert_int_equal(jwt_verify(&jwt, key, &e), 0);
	assert_int_equal(ear_from_payload(jwt.payload, &ear, &e), 0);
	jwt_free(&jwt); /* the EAR must not refer to it */
	assert_string_equal(ear.profile, "tag:ietf.org,2026:rats/ear#03");
	assert_int_equal(ear.count, 1);
	assert_string_equal(ear.appraisal[0].name, "CCA Realm");
	assert_int_equal(ear.appraisal[0].status, EAR_AFFIRMING);
	assert_true(ear.appraisal[0].has_vector);
	assert_int_equal(ear.appraisal[0].vector[EAR_INSTANCE_IDENTITY], 2);
	assert_int_equal(ear.appraisal[0].vector[EAR_EXECUTABLES], 0);
	ear_free(&ear);
	EVP_PKEY_free(key);
	bytes_free(&text);
}

static void reads_the_sample_of_trustee(void **state)
{
	json_t *sample = vector_read_json("own-vectors/sample-ear.json");
	struct error e = ERROR_INIT;
	struct ear ear = EAR_INIT;

	(void)state;
	assert_int_equal(ear_from_payload(json_object_get(sample, "claims"), &ear, &e), 0);
	assert_string_equal(ear.profile, "tag:github.com,2024:confidential-containers/Trustee");
	assert_int_equal(ear.count, 1);
	assert_string_equal(ear.appraisal[0].name, "cpu0");
	assert_int_equal(ear.appraisal[0].status, EAR_AFFIRMING);
	assert_int_equal(ear.appraisal[0].vector[EAR_EXECUTABLES], 3);
	assert_non_null(json_object_get(ear.appraisal[0].evidence, "cca"));
	ear_free(&ear);
	json_decref(sample);
}

#define HEAD \
	"\"eat_profile\":\"tag:github.com,2023:veraison/ear\",\"iat\":1," \
	"\"ear.verifier-id\":{\"developer\":\"d\",\"build\":\"b\"}"
#define EAR_OF(appraisal) "{" HEAD ",\"submods\":{\"a\":" appraisal "}}"

static int ear_from_text(const char *text, struct ear *ear, struct error *e)
{
	json_t *payload = json_loads(text, 0, NULL);
	int ret;

	assert_non_null(payload);
	ret = ear_from_payload(payload, ear, e);
	json_decref(payload);
	return ret;
}

static void names_the_claim_at_fault(void **state)
{
	static const struct {
		const char *text, *cause;
	} cases[] = {
		{ "[]", "EAR: not an object" },
		{ "{\"eat_profile\":7}", "EAR: invalid value for 'eat_profile' (not a string)" },
		{ "{\"eat_profile\":\"tag:github.com,2023:veraison/ear\"}",
		  "EAR: missing mandatory 'iat'" },
		{ "{\"eat_profile\":\"tag:github.com,2023:veraison/ear\",\"iat\":\"x\"}",
		  "EAR: invalid value for 'iat' (not a number)" },
		{ "{\"eat_profile\":\"tag:github.com,2023:veraison/ear\",\"iat\":1,"
		  "\"ear.verifier-id\":{\"build\":\"b\"}}",
		  "EAR: missing mandatory 'ear.verifier-id.developer'" },
		{ "{" HEAD ",\"submods\":[]}", "EAR: invalid value for 'submods' (not an object)" },
		{ "{" HEAD ",\"ear.raw-evidence\":7,\"submods\":{}}",
		  "EAR: invalid value for 'ear.raw-evidence' (not a string)" },
		{ EAR_OF("7"), "EAR: invalid value for 'submods.a' (not an object)" },
		{ EAR_OF("{\"ear.status\":true}"),
		  "EAR: invalid value for 'a.ear.status' (not the number of a trust tier)" },
		{ EAR_OF("{\"ear.status\":2,\"ear.trustworthiness-vector\":[]}"),
		  "EAR: invalid value for 'a.ear.trustworthiness-vector' (not an object)" },
		{ EAR_OF("{\"ear.status\":2,\"ear.trustworthiness-vector\":{\"hardware\":128}}"),
		  "EAR: invalid value for 'a.ear.trustworthiness-vector.hardware' "
		  "(not -128 to 127)" },
		{ EAR_OF("{\"ear.status\":2,\"ear.trustworthiness-vector\":{\"hardware\":2.0}}"),
		  "EAR: invalid value for 'a.ear.trustworthiness-vector.hardware' "
		  "(not -128 to 127)" },
		{ EAR_OF("{\"ear.status\":2,\"ear.trustworthiness-vector\":{\"hardwear\":2}}"),
		  "EAR: unexpected 'a.ear.trustworthiness-vector.hardwear'" },
		{ EAR_OF("{\"ear.status\":2,\"ear.trustworthiness-vector\":{\"hardware\":32}}"),
		  "EAR: invalid value for 'a.ear.status' (affirming, but its vector is warning)" },
		{ EAR_OF("{\"ear.status\":0,\"ear.trustworthiness-vector\":{\"hardware\":-97}}"),
		  "EAR: invalid value for 'a.ear.status' "
		  "(none, but its vector is contraindicated)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;
		struct ear ear = EAR_INIT;

		assert_int_equal(ear_from_text(cases[i].text, &ear, &e), -1);
		assert_int_equal(e.kind, ERROR_ATTESTATION);
		assert_string_equal(e.text, cases[i].cause);
		assert_null(ear.payload);
	}
}

static void accepts_numbers_and_aliases(void **state)
{
	struct error e = ERROR_INIT;
	struct ear ear = EAR_INIT;

	(void)state;
	assert_int_equal(
		ear_from_text(
			EAR_OF("{\"ear.status\":96,\"ear.trustworthiness-vector\":{\"executables\":"
			       "\"unrecognized_rt\",\"hardware\":\"crypto_failed\",\"configuration\":-128,"
			       "\"file-system\":\"no_claim\"}}"),
			&ear, &e),
		0);
	assert_int_equal(ear.appraisal[0].status, EAR_CONTRAINDICATED);
	assert_int_equal(ear.appraisal[0].vector[EAR_EXECUTABLES], 33);
	assert_int_equal(ear.appraisal[0].vector[EAR_HARDWARE], 99);
	assert_int_equal(ear.appraisal[0].vector[EAR_CONFIGURATION], -128);
	assert_int_equal(
		ear_from_text(
			EAR_OF("{\"ear.status\":\"warning\",\"ear.trustworthiness-vector\":{\"hardware\":"
			       "\"unrecognized_rt\"}}"),
			&ear, &e),
		-1); /* the alias of another claim */
	ear_free(&ear);
}

static void too_many_appraisals_are_refused(void **state)
{
	json_t *payload = json_loads("{" HEAD ",\"submods\":{}}", 0, NULL);
	json_t *submods = json_object_get(payload, "submods");
	struct error e = ERROR_INIT;
	struct ear ear = EAR_INIT;
	char name[16];

	(void)state;
	for (int i = 0; i <= EAR_APPRAISALS_MAX; i++) {
		snprintf(name, sizeof(name), "cpu%d", i);
		json_object_set_new(submods, name, json_pack("{s:s}", "ear.status", "none"));
		assert_int_equal(ear_from_payload(payload, &ear, &e),
				 i < EAR_APPRAISALS_MAX ? 0 : -1);
	}
	assert_string_equal(e.text, "EAR: invalid value for 'submods' (too many appraisals)");
	json_decref(payload);
}

static void tiers_have_the_bounds_of_ar4si(void **state)
{
	static const struct {
		int from, to;
		enum ear_tier tier;
	} ranges[] = {
		{ -128, -97, EAR_CONTRAINDICATED }, { -96, -33, EAR_WARNING },
		{ -32, -2, EAR_AFFIRMING },	    { -1, 1, EAR_NONE },
		{ 2, 31, EAR_AFFIRMING },	    { 32, 95, EAR_WARNING },
		{ 96, 127, EAR_CONTRAINDICATED },
	};
	int vector[EAR_CLAIMS] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		for (int value = ranges[i].from; value <= ranges[i].to; value++)
			assert_int_equal(ear_claim_tier(value), ranges[i].tier);
	assert_int_equal(ear_vector_tier(vector), EAR_NONE);
	vector[EAR_HARDWARE] = 1;
	assert_int_equal(ear_vector_tier(vector), EAR_NONE);
	vector[EAR_SOURCED_DATA] = 2;
	assert_int_equal(ear_vector_tier(vector), EAR_AFFIRMING);
	vector[EAR_INSTANCE_IDENTITY] = 97;
	vector[EAR_EXECUTABLES] = 33;
	assert_int_equal(ear_vector_tier(vector), EAR_CONTRAINDICATED);
}

static void assert_printed(const char *file, const char *text)
{
	struct bytes out = BYTES_INIT;
	struct ear ear = EAR_INIT;

	ear_read(file, &ear);
	ear_print_vectors(&ear, &out);
	assert_string_equal(bytes_text(&out), text);
	ear_free(&ear);
	bytes_free(&out);
}

#define REALM_AFFIRMING \
	"submod(CCA_REALM):\n" \
	"Instance Identity [affirming]: recognized and not compromised\n" \
	"Configuration [none]: no claim being made\n" \
	"Executables [affirming]: recognized and approved boot- and run-time\n" \
	"File System [none]: no claim being made\n" \
	"Hardware [none]: no claim being made\n" \
	"Runtime Opaque [none]: no claim being made\n" \
	"Storage Opaque [none]: no claim being made\n" \
	"Sourced Data [none]: no claim being made\n" \
	"\n"

static void prints_the_words_of_ar4si(void **state)
{
	(void)state;
	assert_printed("ok-warning.jwt",
		       "[trustworthiness vectors]\n"
		       "submod(CCA_SSD_PLATFORM):\n"
		       "Instance Identity [affirming]: recognized and not compromised\n"
		       "Configuration [warning]: known vulnerabilities\n"
		       "Executables [warning]: unrecognized run-time\n"
		       "File System [none]: no claim being made\n"
		       "Hardware [affirming]: genuine\n"
		       "Runtime Opaque [affirming]: memory encryption\n"
		       "Storage Opaque [affirming]: encrypted secrets with HW-backed keys\n"
		       "Sourced Data [none]: no claim being made\n"
		       "\n" REALM_AFFIRMING);
}

static void prints_contraindicated_claims(void **state)
{
	struct bytes out = BYTES_INIT;
	struct ear ear = EAR_INIT;
	const char *at;
	int lines = 0;

	(void)state;
	ear_read("ok-contraindicated-99.jwt", &ear);
	ear_print_vectors(&ear, &out);
	at = bytes_text(&out);
	while ((at = strstr(at, " [contraindicated]: cryptographic validation failed\n"))) {
		at++;
		lines++;
	}
	assert_int_equal(lines, 16);
	ear_free(&ear);
	bytes_free(&out);
}

static void a_hostile_name_cannot_forge_a_line(void **state)
{
	json_t *payload = json_loads("{" HEAD ",\"submods\":{\"a\\n\\u001b[2J):\\nExecutables\":"
				     "{\"ear.status\":\"none\"}}}",
				     0, NULL);
	struct bytes out = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct ear ear = EAR_INIT;

	(void)state;
	assert_int_equal(ear_from_payload(payload, &ear, &e), 0);
	ear_print_vectors(&ear, &out);
	assert_string_equal(bytes_text(&out), "[trustworthiness vectors]\n"
					      "submod(a??[2J):?Executables):\nnot present\n\n");
	ear_free(&ear);
	json_decref(payload);
	bytes_free(&out);
}

static void every_code_point_has_a_text(void **state)
{
	static const struct {
		enum ear_claim claim;
		int value;
		const char *text;
	} cases[] = {
		{ EAR_INSTANCE_IDENTITY, -1, "verifier malfunction" },
		{ EAR_SOURCED_DATA, 0, "no claim being made" },
		{ EAR_HARDWARE, 1, "unexpected evidence" },
		{ EAR_FILE_SYSTEM, 99, "cryptographic validation failed" },
		{ EAR_INSTANCE_IDENTITY, 2, "recognized and not compromised" },
		{ EAR_INSTANCE_IDENTITY, 96, "recognized but not trustworthy" },
		{ EAR_INSTANCE_IDENTITY, 97, "not recognized" },
		{ EAR_CONFIGURATION, 2, "all recognized and approved" },
		{ EAR_CONFIGURATION, 3, "no known vulnerabilities" },
		{ EAR_CONFIGURATION, 32, "known vulnerabilities" },
		{ EAR_CONFIGURATION, 36, "security-relevant settings not visible" },
		{ EAR_CONFIGURATION, 96, "unacceptable security vulnerabilities" },
		{ EAR_EXECUTABLES, 2, "recognized and approved boot- and run-time" },
		{ EAR_EXECUTABLES, 3, "recognized and approved boot-time" },
		{ EAR_EXECUTABLES, 32, "recognized but known bugs or vulnerabilities" },
		{ EAR_EXECUTABLES, 33, "unrecognized run-time" },
		{ EAR_EXECUTABLES, 96, "contraindicated run-time" },
		{ EAR_FILE_SYSTEM, 2, "all recognized and approved" },
		{ EAR_FILE_SYSTEM, 32, "unrecognized item(s) found" },
		{ EAR_FILE_SYSTEM, 96, "contraindicated item(s) found" },
		{ EAR_HARDWARE, 2, "genuine" },
		{ EAR_HARDWARE, 32, "genuine but known bugs or vulnerabilities" },
		{ EAR_HARDWARE, 96, "genuine but contraindicated" },
		{ EAR_HARDWARE, 97, "unrecognized" },
		{ EAR_RUNTIME_OPAQUE, 2, "memory encryption" },
		{ EAR_RUNTIME_OPAQUE, 32, "memory isolation" },
		{ EAR_RUNTIME_OPAQUE, 96, "visible" },
		{ EAR_STORAGE_OPAQUE, 2, "encrypted secrets with HW-backed keys" },
		{ EAR_STORAGE_OPAQUE, 32, "encrypted secrets with non HW-backed keys" },
		{ EAR_STORAGE_OPAQUE, 96, "unencrypted secrets" },
		{ EAR_SOURCED_DATA, 2, "from attesters in the affirming tier" },
		{ EAR_SOURCED_DATA, 32,
		  "from unattested sources or attesters in the warning tier" },
		{ EAR_SOURCED_DATA, 96, "from attesters in the contraindicated tier" },
		{ EAR_HARDWARE, 36, "unknown code-point 36" },
		{ EAR_EXECUTABLES, -128, "unknown code-point -128" },
	};
	char buffer[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(ear_claim_text(cases[i].claim, cases[i].value, buffer,
						   sizeof(buffer)),
				    cases[i].text);
}

static void an_appraisal_is_written_and_read_again(void **state)
{
	int vector[EAR_CLAIMS] = { [EAR_INSTANCE_IDENTITY] = 2, [EAR_EXECUTABLES] = 33 };
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct ear ear = EAR_INIT;
	json_t *appraisal = ear_appraisal_json(vector, NULL, &e);
	json_t *payload;

	(void)state;
	assert_non_null(appraisal);
	assert_int_equal(json_compact(appraisal, &text, &e), 0);
	assert_string_equal(bytes_text(&text),
			    "{\"ear.status\":\"warning\",\"ear.trustworthiness-vector\":"
			    "{\"instance-identity\":2,\"configuration\":0,\"executables\":33,"
			    "\"file-system\":0,\"hardware\":0,\"runtime-opaque\":0,"
			    "\"storage-opaque\":0,\"sourced-data\":0}}");
	payload = json_loads("{" HEAD ",\"submods\":{}}", 0, NULL);
	json_object_set_new(json_object_get(payload, "submods"), "cpu0", appraisal);
	assert_int_equal(ear_from_payload(payload, &ear, &e), 0);
	assert_int_equal(ear.appraisal[0].status, EAR_WARNING);
	assert_memory_equal(ear.appraisal[0].vector, vector, sizeof(vector));
	ear_free(&ear);
	json_decref(payload);
	bytes_free(&text);
}

/* Reads the example claims of the arc tool. */
static void reads_the_claims_of_arc(void **state)
{
	static const char *const files[] = {
		"ear-claims.json",
		"ear-claims-tv-ok.json",
		"ear-claims-extension-ok.json",
		"ear-claims-key-attestation-ok.json",
	};
	char name[128], path[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct bytes text = BYTES_INIT;
		struct error e = ERROR_INIT;
		struct ear ear = EAR_INIT;

		snprintf(name, sizeof(name), "data/cca/ear-arc/%s", files[i]);
		foreign_path(name, "own-vectors/ear-claims.json", path, sizeof(path));
		assert_int_equal(io_read_file(path, VECTOR_MAX, &text, &e), 0);
		if (ear_from_text(bytes_text(&text), &ear, &e) < 0)
			fail_msg("%s: %s", files[i], e.text);
		assert_int_equal(ear.count, 1);
		ear_free(&ear);
		bytes_free(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_file_has_the_verdict_of_the_table),
		cmocka_unit_test(the_table_above_agrees_with_expected_tsv),
		cmocka_unit_test(the_header_key_is_used_only_if_requested),
		cmocka_unit_test(reads_the_names_of_the_draft),
		cmocka_unit_test(reads_the_sample_of_trustee),
		cmocka_unit_test(names_the_claim_at_fault),
		cmocka_unit_test(accepts_numbers_and_aliases),
		cmocka_unit_test(too_many_appraisals_are_refused),
		cmocka_unit_test(tiers_have_the_bounds_of_ar4si),
		cmocka_unit_test(prints_the_words_of_ar4si),
		cmocka_unit_test(prints_contraindicated_claims),
		cmocka_unit_test(a_hostile_name_cannot_forge_a_line),
		cmocka_unit_test(every_code_point_has_a_text),
		cmocka_unit_test(an_appraisal_is_written_and_read_again),
		cmocka_unit_test(reads_the_claims_of_arc),
	};

	return cmocka_run_group_tests_name("ear", tests, NULL, NULL);
}
