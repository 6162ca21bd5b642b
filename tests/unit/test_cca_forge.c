// SPDX-License-Identifier: Apache-2.0
/* For each check of the verification, a token made by forge.c that fails only this check. */
#include "cca/cca_print.h"
#include "forge_judge.h"

/* A change to a valid token, and the expected verdict. */
struct change {
	char part; /* 'p' or 'r' */
	int64_t key;
	const char *hex; /* the claim's new value; NULL: the claim is removed */
	enum cca_cause cause;
	const char *word; /* contained in the detail */
};

/* clang-format off */
#define BYTES31 "581f" "00000000000000000000000000000000000000000000000000000000000000"
#define BYTES32 "5820" "0000000000000000000000000000000000000000000000000000000000000000"
#define UEID02 "5821" "020000000000000000000000000000000000000000000000000000000000000000"
#define BYTES48 "5830" "0000000000000000000000000000000000000000000000000000000000000000" \
	"00000000000000000000000000000000"
/* clang-format on */

static const struct change changes[] = {
	{ 'p', 265, NULL, CCA_E_PROFILE, "platform profile: missing" },
	{ 'p', 265, "01", CCA_E_PROFILE, "platform profile: is an integer" },
	{ 'p', 265, "60", CCA_E_PROFILE, "platform profile" },
	{ 'p', 265, "6161", CCA_E_PROFILE, "\"a\"" },
	{ 'p', 2396, NULL, CCA_E_CLAIM_MISSING, "platform implementation-id" },
	{ 'p', 2396, BYTES31, CCA_E_CLAIM_SIZE, "implementation-id: 31 bytes, must be 32" },
	{ 'p', 2396, "6161", CCA_E_CLAIM_TYPE, "implementation-id: is text" },
	{ 'p', 256, NULL, CCA_E_CLAIM_MISSING, "platform instance-id" },
	{ 'p', 256, BYTES32, CCA_E_CLAIM_SIZE, "instance-id: 32" },
	{ 'p', 256, UEID02, CCA_E_CLAIM_VALUE, "instance-id: first byte is 0x02" },
	{ 'p', 2401, NULL, CCA_E_CLAIM_MISSING, "config" },
	{ 'p', 2401, "40", CCA_OK, "" },
	{ 'p', 2395, NULL, CCA_E_CLAIM_MISSING, "lifecycle" },
	{ 'p', 2395, "1a00010000", CCA_E_CLAIM_VALUE, "lifecycle: 65536" },
	{ 'p', 2395, "1bffffffffffffffff", CCA_E_CLAIM_VALUE, "lifecycle: out of range" },
	{ 'p', 2395, "20", CCA_E_CLAIM_VALUE, "lifecycle: -1" },
	{ 'p', 2395, "f93c00", CCA_E_CLAIM_TYPE, "lifecycle: is a floating" },
	{ 'p', 2395, "193100", CCA_E_CLAIM_VALUE, "lifecycle: 0x3100" },
	{ 'p', 2395, "193042", CCA_OK, "" },
	{ 'p', 2395, "1a00003000", CCA_OK, "" }, /* not the shortest encoding */
	{ 'p', 2395, "194000", CCA_E_LIFECYCLE, "0x4000 (non-CCA-platform-RoT debug)" },
	{ 'p', 2395, "196001", CCA_E_LIFECYCLE, "0x6001 (decommissioned)" },
	{ 'p', 2399, "80", CCA_E_CLAIM_MISSING, "sw-components: empty" },
	{ 'p', 2399, "a0", CCA_E_CLAIM_TYPE, "sw-components: is a map" },
	{ 'p', 2399, "8101", CCA_E_CLAIM_TYPE, "sw-components[0]: is an integer" },
	{ 'p', 2399, "81a0", CCA_E_CLAIM_MISSING, "sw-components[0] measurement" },
	{ 'p', 2399, "81a102" BYTES32, CCA_E_CLAIM_MISSING, "sw-components[0] signer-id" },
	{ 'p', 2399, "81a202" BYTES32 "05" BYTES32, CCA_OK, "" },
	{ 'p', 2399, "82a202" BYTES32 "05" BYTES32 "a202" BYTES31 "05" BYTES32, CCA_E_CLAIM_SIZE,
	  "sw-components[1] measurement: 31 bytes, must be 32, 48 or 64" },
	{ 'p', 2399, "81a302" BYTES32 "05" BYTES32 "0100", CCA_E_CLAIM_TYPE, "[0] type" },
	{ 'p', 2399, "81a302" BYTES32 "05" BYTES32 "03f6", CCA_OK, "" },
	{ 'p', 2402, NULL, CCA_E_CLAIM_MISSING, "platform hash-algo-id" },
	{ 'p', 2402, "7061616161616161616161616161616161", CCA_E_CLAIM_SIZE,
	  "platform hash-algo-id: longer than 15" },
	{ 'p', 2400, "01", CCA_E_CLAIM_TYPE, "verification-service" },
	{ 'p', 2394, NULL, CCA_E_CLAIM_MISSING, "client-id" },
	{ 'p', 2394, "02", CCA_E_CLAIM_VALUE, "client-id: 2" },
	{ 'p', 2408, "01", CCA_OK, "" }, /* not a claim of these profiles */
	{ 'p', 9999, "a2010080f6", CCA_OK, "" },
	{ 'p', 9999, "a2010001f6", CCA_E_CLAIMS_CBOR, "platform claims: duplicate key" },
	{ 'p', 9999, "9f01ff", CCA_E_CLAIMS_CBOR, "platform claims: indefinite" },
	{ 'r', 265, "01", CCA_E_PROFILE, "realm profile" },
	{ 'r', 265, "60", CCA_E_PROFILE, "realm profile: unknown" },
	{ 'r', 10, NULL, CCA_E_CLAIM_MISSING, "realm challenge" },
	{ 'r', 10, BYTES48, CCA_E_CLAIM_SIZE, "realm challenge: 48 bytes, must be 64" },
	{ 'r', 10, "80", CCA_E_CLAIM_TYPE, "realm challenge: is an array" },
	{ 'r', 256, NULL, CCA_E_CLAIM_MISSING, "realm instance-id" },
	{ 'r', 256, UEID02, CCA_E_CLAIM_VALUE, "realm instance-id" },
	{ 'r', 44235, NULL, CCA_E_CLAIM_MISSING, "personalization-value" },
	{ 'r', 44235, BYTES48, CCA_E_CLAIM_SIZE, "personalization-value: 48" },
	{ 'r', 44236, "657368612d31", CCA_E_CLAIM_VALUE, "realm hash-algo-id: \"sha-1\"" },
	{ 'r', 44237, NULL, CCA_E_CLAIM_MISSING, "public-key" },
	{ 'r', 44237, "40", CCA_E_RAK, "truncated" },
	{ 'r', 44237, "4180", CCA_E_RAK, "not a map" },
	{ 'r', 44237, "41a0", CCA_E_RAK, "kty" },
	{ 'r', 44237, "43a10101", CCA_E_RAK, "kty" },
	{ 'r', 44237, "43a10102", CCA_E_RAK, "crv" },
	{ 'r', 44237, "45a201022008", CCA_E_RAK, "crv" },
	{ 'r', 44237, "45a201022002", CCA_E_RAK, "x is not 48" },
	{ 'r', 44237, "47a3010203262002", CCA_E_RAK, "alg is not that of curve P-384" },
	{ 'r', 44237, "46a20102200200", CCA_E_RAK, "trailing" },
	{ 'r', 44238, NULL, CCA_E_CLAIM_MISSING, "initial-measurement" },
	{ 'r', 44238, BYTES31, CCA_E_CLAIM_SIZE, "initial-measurement: 31" },
	{ 'r', 44238, BYTES32, CCA_E_CLAIM_SIZE, "is not that of hash-algo-id sha-384" },
	{ 'r', 44239, NULL, CCA_E_CLAIM_MISSING, "extensible-measurements" },
	{ 'r', 44239, "80", CCA_E_CLAIM_VALUE, "rem count is 0" },
	{ 'r', 44239, "85" BYTES48 BYTES48 BYTES48 BYTES48 BYTES48, CCA_E_CLAIM_VALUE,
	  "rem count is 5" },
	{ 'r', 44239, "84" BYTES48 BYTES48 BYTES48 "60", CCA_E_CLAIM_TYPE,
	  "extensible-measurements[3]: is text" },
	{ 'r', 44239, "84" BYTES48 BYTES48 BYTES32 BYTES48, CCA_E_CLAIM_SIZE,
	  "extensible-measurements[2]" },
	{ 'r', 44240, "01", CCA_E_CLAIM_TYPE, "public-key-hash-algo-id" },
	{ 'r', 44240, "677368612d333834", CCA_E_BINDING, "sha-384" },
	{ 'r', 44243, NULL, CCA_E_CLAIM_MISSING, "mec-policy" },
	{ 'r', 44243, "02", CCA_E_CLAIM_VALUE, "mec-policy: 2" },
	{ 'r', 44243, "20", CCA_E_CLAIM_VALUE, "mec-policy: -1" },
	{ 'r', 44243, "66736861726564", CCA_E_CLAIM_TYPE, "mec-policy: is text" },
	{ 'r', 44244, "66736861726564", CCA_OK, "" },
};

static void change_claim(struct forge *forge, const struct change *change)
{
	struct forge_part *part = change->part == 'p' ? &forge->platform : &forge->realm;

	if (change->hex)
		put_hex(forge_claim(part, change->key), change->hex);
	else
		forge_remove(part, change->key);
}

static void test_claims(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		struct forge forge;

		forge_setup(&forge, "P-384");
		change_claim(&forge, &changes[i]);
		forge_expect(&forge, changes[i].cause, changes[i].word);
		forge_teardown(&forge);
	}
}

/* Both ends of the range of each state. 0x30xx is secured; only 0x00xx to 0x60xx are defined. */
static void test_lifecycles(void **state)
{
	struct forge forge;

	(void)state;
	forge_setup(&forge, "P-256");
	for (unsigned int i = 0; i < 512; i++) {
		uint16_t lifecycle = (uint16_t)(i / 2 << 8 | (i % 2 ? 0xff : 0));
		bool defined = lifecycle >> 8 <= 0x60 && (lifecycle >> 8) % 0x10 == 0;
		enum cca_cause refused = defined ? CCA_E_LIFECYCLE : CCA_E_CLAIM_VALUE;

		bytes_free(&forge.platform.payload);
		bytes_free(&forge.realm.payload);
		put_uint(forge_claim(&forge.platform, 2395), lifecycle);
		forge_expect(&forge, lifecycle >> 8 == 0x30 ? CCA_OK : refused, "");
	}
	forge_teardown(&forge);
}

/* --- COSE */

static const struct {
	const char *header, *unprotected;
	enum cca_cause platform, realm;
	const char *word;
} headers[] = {
	{ "a1013822", "a1044101", CCA_OK, CCA_OK, "" },
	{ "a20138220401", "a0", CCA_OK, CCA_OK, "" },
	{ "a101390022", "a0", CCA_OK, CCA_OK, "" }, /* not the shortest encoding */
	{ "a0", "a0", CCA_E_ALG_PLATFORM, CCA_E_ALG_REALM, "no algorithm" },
	{ "a0", "a1013822", CCA_E_ALG_PLATFORM, CCA_E_ALG_REALM, "no algorithm" },
	{ "a10127", "a0", CCA_E_ALG_PLATFORM, CCA_E_ALG_REALM, "algorithm -8 is not" },
	{ "a10105", "a0", CCA_E_ALG_PLATFORM, CCA_E_ALG_REALM, "algorithm 5 is not" },
	{ "a100f6", "a0", CCA_E_ALG_PLATFORM, CCA_E_ALG_REALM, "no algorithm" },
	{ "a1013bffffffffffffffff", "a0", CCA_E_ALG_PLATFORM, CCA_E_ALG_REALM, "not accepted" },
	{ "a101654553333834", "a0", CCA_E_ALG_PLATFORM, CCA_E_ALG_REALM, "not accepted" },
	{ "a10126", "a0", CCA_E_SIG_PLATFORM, CCA_E_SIG_REALM, "says ES256 but the key is P-384" },
	{ "01", "a0", CCA_E_COSE, CCA_E_COSE, "not a map" },
	{ "a101382200", "a0", CCA_E_COSE, CCA_E_COSE, "trailing" },
	{ "a2013822013822", "a0", CCA_E_COSE, CCA_E_COSE, "duplicate" },
	{ "bf013822ff", "a0", CCA_E_COSE, CCA_E_COSE, "indefinite" },
	{ "a2013822028104", "a0", CCA_E_COSE, CCA_E_COSE, "critical" },
	{ "a1013822", "a10126", CCA_E_COSE, CCA_E_COSE, "both headers" },
	{ "a1013822", "80", CCA_E_COSE_ARRAY, CCA_E_COSE_ARRAY, "unprotected header" },
};

static void test_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(headers); i++) {
		struct forge forge;
		struct forge_part *part = i % 2 ? &forge.realm : &forge.platform;

		forge_setup(&forge, "P-384");
		put_hex(&part->header, headers[i / 2].header);
		put_hex(&part->unprotected, headers[i / 2].unprotected);
		forge_expect(&forge, i % 2 ? headers[i / 2].realm : headers[i / 2].platform,
			     headers[i / 2].word);
		forge_teardown(&forge);
	}
}

static const struct {
	const char *sign1;
	enum cca_cause cause;
} sign1s[] = {
	{ "00", CCA_E_COSE_TAG },
	{ "8440a041a040", CCA_E_COSE_TAG },
	{ "d18440a041a040", CCA_E_COSE_TAG },
	{ "d28440a041a0", CCA_E_COSE },
	{ "d28440a041a04000", CCA_E_COSE },
	{ "d28440bfff41a040", CCA_E_COSE },
	{ "d28440a2010001f641a040", CCA_E_COSE },
	{ "d2a0", CCA_E_COSE_ARRAY },
	{ "d2d28440a041a040", CCA_E_COSE_ARRAY },
	{ "d28340a041a0", CCA_E_COSE_ARRAY },
	{ "d28540a041a04040", CCA_E_COSE_ARRAY },
	{ "d28400a041a040", CCA_E_COSE_ARRAY },
	{ "d28440a0a040", CCA_E_COSE_ARRAY },
	{ "d28440a06040", CCA_E_COSE_ARRAY },
	{ "d28440a041a0f6", CCA_E_COSE_ARRAY },
	{ "d28440a0f640", CCA_E_COSE_DETACHED },
	{ "d28440a04040", CCA_E_CLAIMS_CBOR },
	{ "d28440a0418040", CCA_E_CLAIMS_TYPE },
	{ "d28440a045a20a000a0040", CCA_E_CLAIMS_CBOR },
	{ "d28440a042a00040", CCA_E_CLAIMS_CBOR },
	{ "d28440a041a140", CCA_E_CLAIMS_CBOR },
};

static void test_sign1(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(sign1s); i++) {
		struct forge forge;

		forge_setup(&forge, "P-384");
		put_hex(i % 2 ? &forge.realm.sign1 : &forge.platform.sign1, sign1s[i / 2].sign1);
		forge_expect(&forge, sign1s[i / 2].cause, i % 2 ? "realm" : "platform");
		forge_teardown(&forge);
	}
}

/* --- the collection */

static const struct {
	const char *top, *realm, *platform, *rest; /* the bytes around the two byte strings */
	enum cca_cause cause;
} tops[] = {
	{ "d9038ba2", "19acd182190107", "19acca82190107", "", CCA_OK },
	{ "d9018fa2", "19acd1", "19acca", "", CCA_OK },
	{ "da0000038bb802", "1a0000acd1821a00000107", "19acca9802190107", "", CCA_OK },
	{ "d9038ba2", "19acd182190107", "19acca83190107", "04", CCA_OK },
	{ "d9038ba3", "19acd182190107", "19acca82190107", "19acdb82190259a0", CCA_OK },
	{ "d9038ba3", "19acd182190107", "19acca82190107", "2000", CCA_OK },
	{ "d90190a2", "19acd182190107", "19acca82190107", "", CCA_E_TOP_TAG },
	{ "d2a2", "19acd182190107", "19acca82190107", "", CCA_E_TOP_TAG },
	{ "d9018fd9018fa2", "19acd1", "19acca", "", CCA_E_TOP_TYPE },
	{ "d9018f84", "19acd1", "19acca", "", CCA_E_TOP_TYPE },
	{ "d9018fa3", "19acd1", "19acca", "19acd200", CCA_E_TOP_TYPE },
	{ "d9018fa3", "19acd1", "19acca", "616100", CCA_E_TOP_TYPE },
	{ "d9038ba3", "19acd182190107", "19acca82190107", "616100", CCA_E_TOP_TYPE },
	{ "d9018fa3", "19acd1", "19acca", "19acca40", CCA_E_CBOR },
	{ "d9018fa2", "19acd1", "19acca", "00", CCA_E_CBOR },
	{ "d9018fa2", "19acd282190107", "19acca", "", CCA_E_TOP_TYPE },
	{ "d9038ba2", "19acd282190107", "19acca82190107", "", CCA_E_MISSING_REALM_TOKEN },
	{ "d9038ba2", "19acd182190107", "19accb82190107", "", CCA_E_MISSING_PLATFORM_TOKEN },
	{ "d9018fa2", "19acd182190107", "19acca", "", CCA_E_TOP_VALUE_TYPE },
	{ "d9038ba2", "19acd1", "19acca82190107", "", CCA_E_CMW_RECORD },
	{ "d9038ba2", "19acd181", "19acca82190107", "", CCA_E_CMW_RECORD },
	{ "d9038ba2", "19acd182190107", "19acca84190107", "0405", CCA_E_CMW_RECORD },
	{ "d9038ba2", "19acd182190107", "19acca83190107", "40", CCA_E_CMW_RECORD },
	{ "d9038ba2", "19acd182190106", "19acca82190107", "", CCA_E_CMW_RECORD },
	{ "d9038ba2", "19acd1826161", "19acca82190107", "", CCA_E_CMW_RECORD },
};

static void test_collection(void **state)
{
	struct bytes platform = BYTES_INIT, realm = BYTES_INIT, raw = BYTES_INIT;
	struct forge forge;

	(void)state;
	forge_setup(&forge, "P-256");
	forge_bind(&forge);
	forge_inner(&forge.platform, &platform);
	forge_inner(&forge.realm, &realm);
	for (size_t i = 0; i < ARRAY_SIZE(tops); i++) {
		struct cca_token token = CCA_TOKEN_INIT;
		struct cca_verdict verdict;

		bytes_clear(&raw);
		put_hex(&raw, tops[i].top);
		put_hex(&raw, tops[i].realm);
		put_bytes(&raw, realm.data, realm.len);
		put_hex(&raw, tops[i].platform);
		put_bytes(&raw, platform.data, platform.len);
		put_hex(&raw, tops[i].rest);
		token_judge(raw.data, raw.len, &forge.anchors, challenge_from(0), &token, &verdict);
		verdict_expect(&verdict, tops[i].cause, "");
		cca_token_free(&token);
	}
	bytes_free(&platform);
	bytes_free(&realm);
	bytes_free(&raw);
	forge_teardown(&forge);
}

/* --- order, bounds, hostile text */

/* Steps are in order: no later step for the platform before an earlier step for the realm. */
static void test_order(void **state)
{
	struct forge forge;

	(void)state;
	forge_setup(&forge, "P-384");
	put_uint(forge_claim(&forge.platform, 2395), 0x2000); /* step 14 */
	forge_expect(&forge, CCA_E_LIFECYCLE, "");
	bytes_free(&forge.realm.payload);
	put_fill(forge_claim(&forge.realm, 10), 0, 64); /* 13 */
	forge_expect(&forge, CCA_E_FRESHNESS, "");
	bytes_free(&forge.platform.payload);
	forge.binding_key = 0;
	put_fill(forge_claim(&forge.platform, 10), 0, 32); /* 12 */
	forge_expect(&forge, CCA_E_BINDING, "");
	bytes_free(&forge.realm.header);
	put_hex(&forge.realm.header, "a0"); /* 11 */
	forge_expect(&forge, CCA_E_ALG_REALM, "");
	bytes_free(&forge.realm.payload);
	put_hex(forge_claim(&forge.realm, 44237), "41a0"); /* 10 */
	forge_expect(&forge, CCA_E_RAK, "");
	bytes_free(&forge.platform.header);
	put_hex(&forge.platform.header, "a0"); /* 9 */
	forge_expect(&forge, CCA_E_ALG_PLATFORM, "");
	forge.anchors.anchor[0].has_ids = true; /* 8 */
	forge_expect(&forge, CCA_E_NO_TRUST_ANCHOR, "");
	bytes_free(&forge.platform.payload);
	forge_remove(&forge.platform, 2401); /* 7 */
	forge_expect(&forge, CCA_E_CLAIM_MISSING, "");
	bytes_free(&forge.realm.payload);
	put_hex(forge_claim(&forge.realm, 265), "60"); /* 6 */
	forge_expect(&forge, CCA_E_PROFILE, "");
	bytes_free(&forge.realm.payload);
	put_hex(&forge.realm.payload, "80"); /* 5 */
	forge_expect(&forge, CCA_E_CLAIMS_TYPE, "");
	put_hex(&forge.realm.sign1, "00"); /* 4 */
	forge_expect(&forge, CCA_E_COSE_TAG, "");
	forge_teardown(&forge);
}

static void components_put(struct forge *forge, unsigned int count)
{
	struct bytes *components = forge_claim(&forge->platform, 2399);

	put_array(components, count);
	for (unsigned int i = 0; i < count; i++)
		put_hex(components, "a202" BYTES32 "05" BYTES32);
}

static void test_bounds(void **state)
{
	struct forge forge;

	(void)state;
	forge_setup(&forge, "P-256");
	components_put(&forge, CCA_COMPONENTS_MAX);
	put_fill(forge_claim(&forge.platform, 2401), 0, 50000);
	forge_expect(&forge, CCA_OK, "");
	bytes_free(&forge.platform.payload);
	components_put(&forge, CCA_COMPONENTS_MAX + 1);
	forge_expect(&forge, CCA_E_CLAIM_VALUE, "sw-components: more than 64");
	bytes_free(&forge.platform.payload);
	components_put(&forge, 1);
	put_array(forge_claim(&forge.platform, 9999), 5000);
	for (int i = 0; i < 5000; i++)
		put_uint(&forge.platform.claims.claim[forge.platform.claims.count - 1].value, 0);
	forge_expect(&forge, CCA_E_CLAIMS_CBOR, "more than 4096 items");
	bytes_free(&forge.platform.payload);
	put_fill(forge_claim(&forge.platform, 9999), 0, CCA_TOKEN_MAX - 100);
	forge_expect(&forge, CCA_E_SIZE, "");
	forge_teardown(&forge);
}

/* Text in terminals and logs is printable ASCII, and different texts stay different. */
static void test_hostile_text(void **state)
{
	struct cca_token token = CCA_TOKEN_INIT;
	struct bytes raw = BYTES_INIT;
	struct error e = ERROR_INIT;
	struct cca_verdict verdict;
	struct forge forge;
	json_t *json;

	(void)state;
	forge_setup(&forge, "P-256");
	put_hex(forge_claim(&forge.platform, 2399),
		"81a402" BYTES32 "05" BYTES32 "01651b5b324a0004645c780aff");
	put_text(forge_claim(&forge.platform, 2400), "http://x/\r\nSet-Cookie: a");
	forge_make(&forge, &raw);
	assert_int_equal(cca_token_decode(raw.data, raw.len, &token, &verdict, &e), 0);
	assert_string_equal(token.platform.component[0].type, "\\x1b[2J\\x00");
	assert_string_equal(token.platform.component[0].version, "\\\\x\\x0a\\xff");
	assert_string_equal(token.platform.verification_service,
			    "http://x/\\x0d\\x0aSet-Cookie: a");
	json = cca_token_json(&token, &e);
	assert_non_null(json);
	json_decref(json);
	cca_token_free(&token);
	bytes_free(&raw);
	forge_teardown(&forge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claims),	   cmocka_unit_test(test_lifecycles),
		cmocka_unit_test(test_headers),	   cmocka_unit_test(test_sign1),
		cmocka_unit_test(test_collection), cmocka_unit_test(test_order),
		cmocka_unit_test(test_bounds),	   cmocka_unit_test(test_hostile_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
