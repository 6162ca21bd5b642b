// SPDX-License-Identifier: Apache-2.0
/* Trust anchors: which are accepted, which are refused, and which of several decides on a token. */
#include "cca_test.h"

#include <sys/stat.h>

#define IDS \
	"\"implementation-id\": " \
	"\"202122232425262728292a2b2c2d2e2f303132333435363738393A3B3C3D3E3F\"," \
	"\"instance-id\": " \
	"\"01808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f\","
#define OTHER_IDS \
	"\"implementation-id\": " \
	"\"0021222324252627282f2a2b2c2d2e2f303132333435363738393a3b3c3d3e3f\"," \
	"\"instance-id\": " \
	"\"01808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f\","
#define P384(x, y) "\"kty\": \"EC\", \"crv\": \"P-384\", \"x\": \"" x "\", \"y\": \"" y "\""
/* cca-generated/cpak-p384.pub.jwk, the key that signed v01 */
#define CPAK \
	P384("cno5L4yIzLb47kDx72QrXUKiejFfH02-r9GFsB_DRTV_GdHbrwe0QgItNWzueKHW", \
	     "kWVv6rRXhd4Ku7d-3VCN4oi5tATJtbpf7huizNrMCsZJsoB_a-xZlflW6y_AfRb6")
/* cca-generated/other-p384.pub.jwk, another key */
#define OTHER \
	P384("lERXWpsYRSrqJvDv1U3Zz90eysq1cjt33BKdzuZaQqzgybi9JcmNUUHa5ajmab0p", \
	     "P8Khn9li-nJC1HtIndC5CmDJwzuEB7I6ONu2B9IhEuWRIi6ugNEQ3RtTHWFXsyFP")
#define P256 \
	"\"kty\": \"EC\", \"crv\": \"P-256\", " \
	"\"x\": \"rUZYgxj5o4RI7on3d8NQ_Z8Wj7AxSr07RlO9e7G2H28\", " \
	"\"y\": \"jtXZdgBd-DIL5apqpGXYljnwGqfHS-PkK6B7oSBs1Z4\""

static int text_add(struct cca_anchors *anchors, const char *text, struct error *e)
{
	*e = (struct error)ERROR_INIT;
	return cca_anchors_add(anchors, text, strlen(text), "x.json", e);
}

static void expect_refused(const char *text, const char *message)
{
	struct cca_anchors anchors = CCA_ANCHORS_INIT;
	struct error e;

	assert_int_equal(text_add(&anchors, "{" CPAK "}", &e), 0);
	if (text_add(&anchors, text, &e) == 0)
		fail_msg("%s was accepted", text);
	assert_int_equal(e.kind, ERROR_INPUT);
	if (!strstr(e.text, message))
		fail_msg("%s: \"%s\" does not contain \"%s\"", text, e.text, message);
	assert_int_equal(anchors.count, 1); /* the earlier anchor stays, and nothing is added */
	cca_anchors_free(&anchors);
}

static void test_refused(void **state)
{
	(void)state;
	expect_refused("", "x.json");
	expect_refused("[", "x.json");
	expect_refused("1", "x.json: not an object");
	expect_refused("[1]", "x.json[0]: not an object");
	expect_refused("{}", "x.json: kty");
	expect_refused("[{" CPAK "}, {\"kty\": \"EC\"}]", "x.json[1]: crv");
	expect_refused("[{\"pkey\": 3}]", "x.json[0]: pkey");
	expect_refused("{" CPAK ", \"d\": \"AA\"}", "private key");
	expect_refused("{\"implementation-id\": \"00\", " CPAK "}", "implementation-id: 1 bytes");
	expect_refused("{\"instance-id\": \"00\", " CPAK "}", "implementation-id: missing");
	expect_refused("{\"implementation-id\": 0, " CPAK "}", "implementation-id");
	expect_refused("{\"implementation-id\": \"zz\", " CPAK "}", "x.json: implementation-id");
	expect_refused("{\"revoked\": \"no\", " CPAK "}", "revoked");
	expect_refused("{\"realmkey-dev\": 0, " CPAK "}", "realmkey-dev");
	expect_refused("{" CPAK ", " CPAK "}", "x.json"); /* duplicate members */
	expect_refused("{\"kty\": \"EC\", \"crv\": \"P-224\", \"x\": \"AA\", \"y\": \"AA\"}",
		       "P-224");
	expect_refused("{\"kty\": \"EC\", \"crv\": \"secp256k1\", \"x\": \"AA\", \"y\": \"AA\"}",
		       "secp256k1");
	/* The x of one key with the y of another is not on the curve. */
	expect_refused(
		"[{" P384("cno5L4yIzLb47kDx72QrXUKiejFfH02-r9GFsB_DRTV_GdHbrwe0QgItNWzueKHW",
			  "P8Khn9li-nJC1HtIndC5CmDJwzuEB7I6ONu2B9IhEuWRIi6ugNEQ3RtTHWFXsyFP") "}]",
		"x.json[0]");
}

/* The samples of another project include a key that is not on its curve. */
static void test_foreign_off_curve(void **state)
{
	struct cca_anchors anchors = CCA_ANCHORS_INIT;
	struct error e = ERROR_INIT;
	char path[512], *name;
	bool foreign;

	(void)state;
	foreign_path("data/cca/rust-ccatoken/ta-02-bad.json", "own-vectors/anchor-off-curve.json",
		     path, sizeof(path));
	assert_int_equal(anchors_load(&anchors, path, &e), -1);
	assert_int_equal(e.kind, ERROR_INPUT);
	name = strrchr(path, '/') + 1;
	assert_non_null(strstr(e.text, name));
	assert_memory_equal(strstr(e.text, name) + strlen(name), "[0]", 3);
	assert_int_equal(anchors.count, 0);
	cca_anchors_free(&anchors);
	foreign = foreign_path("data/cca/rust-ccatoken/ta.json", "cca-generated/ta-p384.json", path,
			       sizeof(path));
	anchors_read(path, &anchors);
	assert_int_equal(anchors.anchor[0].instance_id[1], foreign ? 0xaa : 0x80);
	cca_anchors_free(&anchors);
}

static void test_read(void **state)
{
	struct cca_anchors anchors = CCA_ANCHORS_INIT;
	struct error e;

	(void)state;
	assert_int_equal(text_add(&anchors, "[]", &e), 0);
	assert_int_equal(text_add(&anchors, "{" CPAK ", \"alg\": \"ES384\"}", &e), 0);
	assert_int_equal(text_add(&anchors, "{" IDS P256 ", \"revoked\": true}", &e), 0);
	assert_int_equal(text_add(&anchors,
				  "[{\"pkey\": {" OTHER "}, " IDS
				  "\"realmkey-dev\": true}, {\"pkey\": {" CPAK "}}]",
				  &e),
			 0);
	assert_int_equal(anchors.count, 4);
	assert_false(anchors.anchor[0].has_ids || anchors.anchor[0].revoked ||
		     anchors.anchor[0].development);
	assert_true(anchors.anchor[1].has_ids && anchors.anchor[1].revoked);
	assert_int_equal(anchors.anchor[1].implementation_id[31], 0x3f);
	assert_int_equal(anchors.anchor[1].instance_id[0], 0x01);
	assert_true(anchors.anchor[2].has_ids && anchors.anchor[2].development);
	assert_string_equal(anchors.anchor[2].name, "x.json");
	cca_anchors_free(&anchors);
	assert_int_equal(anchors.count, 0);
}

static void file_write(const char *directory, const char *name, const char *text)
{
	char path[512];
	struct error e = ERROR_INIT;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_int_equal(io_write_file(path, 0600, text, strlen(text), &e), 0);
}

static void directory_remove(const char *directory, const char *const *names, size_t count)
{
	char path[512];

	for (size_t i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	rmdir(directory);
}

static void test_directory_of_anchors(void **state)
{
	static const char *const names[] = { "b.jwk", "a.json", "README", ".c.jwk", "d.jwk" };
	char directory[] = "/tmp/anchors-XXXXXX";
	struct cca_anchors anchors = CCA_ANCHORS_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_int_equal(anchors_load(&anchors, directory, &e), 0);
	assert_int_equal(anchors.count, 0);
	file_write(directory, names[0], "{" CPAK "}");
	file_write(directory, names[1], "[{\"pkey\": {" OTHER "}}]");
	file_write(directory, names[2], "not JSON");
	file_write(directory, names[3], "not JSON");
	assert_int_equal(anchors_load(&anchors, directory, &e), 0);
	assert_int_equal(anchors.count, 2);
	assert_non_null(strstr(anchors.anchor[0].name, "/a.json"));
	file_write(directory, names[4], "not JSON");
	assert_int_equal(anchors_load(&anchors, directory, &e), -1);
	assert_non_null(strstr(e.text, "/d.jwk"));
	directory_remove(directory, names, ARRAY_SIZE(names));
	cca_anchors_free(&anchors);
	e = (struct error)ERROR_INIT;
	assert_int_equal(anchors_load(&anchors, directory, &e), -1);
	assert_non_null(strstr(e.text, directory));
	cca_anchors_free(&anchors);
}

/* --- the anchor that decides on v01, whose CPAK is the key CPAK */

static void expect_verdict(const char *store, enum cca_cause cause, const char *word,
			   int used_index)
{
	struct cca_anchors anchors = CCA_ANCHORS_INIT;
	struct cca_token token = CCA_TOKEN_INIT;
	const struct cca_anchor *used = (const void *)&token;
	struct bytes data = BYTES_INIT;
	struct cca_verdict verdict;
	struct error e = ERROR_INIT;

	vector_read("cca-generated/v01-907-2023-es384.cbor", &data);
	if (text_add(&anchors, store, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(cca_token_decode(data.data, data.len, &token, &verdict, &e), 0);
	cca_token_verify(&token, &anchors, challenge_from(0), &verdict, &used, &e);
	verdict_expect(&verdict, cause, word);
	if (cause == CCA_OK)
		assert_ptr_equal(used, &anchors.anchor[used_index]);
	else
		assert_null(used);
	cca_token_free(&token);
	cca_anchors_free(&anchors);
	bytes_free(&data);
}

static void test_candidates(void **state)
{
	(void)state;
	expect_verdict("[]", CCA_E_NO_TRUST_ANCHOR, "", 0);
	expect_verdict("[{" CPAK "}]", CCA_OK, "", 0);
	expect_verdict("[{" IDS CPAK "}]", CCA_OK, "", 0);
	expect_verdict("[{" OTHER_IDS CPAK "}]", CCA_E_NO_TRUST_ANCHOR, "none of 1", 0);
	expect_verdict("[{" OTHER "}]", CCA_E_SIG_PLATFORM, "bad signature", 0);
	expect_verdict("[{" P256 "}]", CCA_E_SIG_PLATFORM, "the key is P-256", 0);
	/* Any one of several anchors may match. */
	expect_verdict("[{" P256 "}, {" OTHER "}, {" OTHER_IDS CPAK "}, {" IDS CPAK "}]", CCA_OK,
		       "", 3);
	expect_verdict("[{" IDS OTHER "}, {" CPAK "}]", CCA_OK, "", 1);
}

static void test_revoked(void **state)
{
	(void)state;
	/*
	 * A platform is revoked by its name, with any key, even if another anchor trusts that key.
	 */
	expect_verdict("[{" IDS CPAK ", \"revoked\": true}]", CCA_E_TRUST_ANCHOR_REVOKED, "", 0);
	expect_verdict("[{" CPAK "}, {" IDS OTHER ", \"revoked\": true}]",
		       CCA_E_TRUST_ANCHOR_REVOKED, "x.json", 0);
	/* A key is revoked. */
	expect_verdict("[{" CPAK "}, {" CPAK ", \"revoked\": true}]", CCA_E_TRUST_ANCHOR_REVOKED,
		       "x.json", 0);
	expect_verdict("[{" CPAK ", \"revoked\": true}]", CCA_E_TRUST_ANCHOR_REVOKED, "", 0);
	/* Another platform or another key is revoked. */
	expect_verdict("[{" OTHER_IDS CPAK ", \"revoked\": true}, {" CPAK "}]", CCA_OK, "", 1);
	expect_verdict("[{" OTHER ", \"revoked\": true}, {" CPAK "}]", CCA_OK, "", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_foreign_off_curve),
		cmocka_unit_test(test_read),	   cmocka_unit_test(test_directory_of_anchors),
		cmocka_unit_test(test_candidates), cmocka_unit_test(test_revoked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
