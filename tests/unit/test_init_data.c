// SPDX-License-Identifier: Apache-2.0
/* What the owner of a realm bound to it at its launch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "appraisal/appraisal.h"
#include "appraisal/init_data.h"
#include "base/array.h"
#include "base/json.h"
#include "vector.h"

static const char toml[] =
	"version = \"0.1.0\"\nalgorithm = \"sha512\"\n[data]\n\"aa.toml\" = \"x = 1\"\n";

static void digest(const EVP_MD *md, uint8_t rpv[EVP_MAX_MD_SIZE])
{
	memset(rpv, 0, EVP_MAX_MD_SIZE);
	assert_int_equal(EVP_Digest(toml, strlen(toml), rpv, NULL, md, NULL), 1);
}

static void must_differ(const char *text, size_t len, const uint8_t *rpv, size_t size)
{
	struct error e = ERROR_INIT;

	assert_int_equal(init_data_check(text, len, rpv, size, &e), -1);
	assert_int_equal(e.kind, ERROR_ATTESTATION);
	assert_string_equal(e.text, "init-data: its SHA-512 is not the personalization value (RPV) "
				    "with which the realm was launched");
}

static void bound_by_sha512_only(void **state)
{
	uint8_t rpv[EVP_MAX_MD_SIZE];
	struct error e = ERROR_INIT;

	(void)state;
	digest(EVP_sha512(), rpv);
	assert_int_equal(init_data_check(toml, strlen(toml), rpv, 64, &e), 0);
	must_differ(toml, strlen(toml) - 1, rpv, 64);
	must_differ("", 0, rpv, 64);
	for (size_t i = 0; i < 64; i++) {
		rpv[i] ^= 1;
		must_differ(toml, strlen(toml), rpv, 64);
		rpv[i] ^= 1;
	}
	must_differ(toml, strlen(toml), rpv, 63);
	/* Shorter hashes with zeros behind them, as a realm with such a value has them. */
	digest(EVP_sha384(), rpv);
	must_differ(toml, strlen(toml), rpv, 64);
	must_differ(toml, strlen(toml), rpv, 48);
	digest(EVP_sha256(), rpv);
	must_differ(toml, strlen(toml), rpv, 64);
}

static void refused_before_it_is_hashed(void **state)
{
	static char text[INIT_DATA_MAX + 1];
	uint8_t rpv[64] = { 0 };
	struct error e = ERROR_INIT;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(init_data_check(text, sizeof(text), rpv, 64, &e), -1);
	assert_string_equal(e.text, "init-data: more than 131072 bytes");
	must_differ(text, INIT_DATA_MAX, rpv, 64);
	text[7] = '\0';
	assert_int_equal(init_data_check(text, 8, rpv, 64, &e), -1);
	assert_string_equal(e.text, "init-data: it has a NUL, so it is not TOML");
}

static void claims_of_the_answer(void **state)
{
	static const struct {
		const char *answer, *text; /* NULL: accepted */
	} cases[] = {
		{ "{\"version\":\"0.1.0\",\"algorithm\":\"sha512\",\"claims\":{\"aa.toml\":{\"x\":1}}}",
		  NULL },
		{ "{\"version\":\"0.2.0\",\"algorithm\":\"sha512\",\"claims\":{}}",
		  "init-data: its version is '0.2.0', not '0.1.0'" },
		{ "{\"version\":\"0.1.0\",\"algorithm\":\"sha384\",\"claims\":{}}",
		  "init-data: its algorithm is 'sha384', not 'sha512'" },
		{ "{\"version\":\"0.1.0\",\"claims\":{}}", "init-data: algorithm: missing" },
		{ "{\"version\":\"0.1.0\",\"algorithm\":\"sha512\",\"claims\":[]}",
		  "init-data: claims: not an object" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *answer = json_loads(cases[i].answer, 0, NULL), *claims;
		struct error e = ERROR_INIT;

		assert_non_null(answer);
		claims = init_data_claims(answer, &e);
		assert_int_equal(claims != NULL, cases[i].text == NULL);
		if (cases[i].text) {
			assert_int_equal(e.kind, ERROR_ATTESTATION);
			assert_string_equal(e.text, cases[i].text);
		} else {
			assert_non_null(json_object_get(claims, "aa.toml"));
		}
		json_decref(answer);
	}
}

/* The claims that policies read: the same as Trustee's, with null or with those of the init-data. */
static void evidence_with_and_without(void **state)
{
	json_t *expected = vector_read_json("own-vectors/cca-policy-input.json");
	json_t *runtime = json_object_get(expected, "runtime_data_claims");
	json_t *claims = json_pack("{s:{s:i}}", "aa.toml", "x", 1), *evidence;
	struct cca_token token = CCA_TOKEN_INIT;
	struct error e = ERROR_INIT;
	struct cca_verdict verdict;
	struct bytes cbor = BYTES_INIT;

	(void)state;
	vector_read("cca-generated/v01-907-2023-es384.cbor", &cbor);
	assert_int_equal(cca_token_decode(cbor.data, cbor.len, &token, &verdict, &e), 0);
	evidence = appraisal_evidence(&token, runtime, NULL, &e);
	assert_true(json_is_null(json_object_get(evidence, "init_data_claims")));
	assert_int_equal(json_object_size(evidence), json_object_size(expected));
	json_decref(evidence);
	evidence = appraisal_evidence(&token, runtime, claims, &e);
	assert_ptr_equal(json_object_get(evidence, "init_data_claims"), claims);
	json_decref(evidence);
	json_decref(claims);
	json_decref(expected);
	cca_token_free(&token);
	bytes_free(&cbor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bound_by_sha512_only),
		cmocka_unit_test(refused_before_it_is_hashed),
		cmocka_unit_test(claims_of_the_answer),
		cmocka_unit_test(evidence_with_and_without),
	};

	return cmocka_run_group_tests_name("init_data", tests, NULL, NULL);
}
